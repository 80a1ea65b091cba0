// What the scripts of the explorer of a network offer one another. No page loads this file.

/** What a page may ask for besides the pad, its picture and the answer; `layers` is the least. */
type NetworkShows = "everything" | "layers" | "sums" | "shifts";

/** A drawing on the pad, and how it becomes a picture. */
interface NetworkDrawn {
  /** In the pad's units, from 0 to 100. */
  strokes: Point[][];
  /** Degrees, clockwise. */
  turn: number;
  /** The width of the pen, in the pad's units. */
  pen: number;
  /** In per cent. */
  noise: number;
  /** Pixels to the right. */
  x: number;
}

/** What the controls hold. */
interface NetworkValues extends NetworkDrawn {
  /** "0" to "9", or "own". */
  digit: string;
  /** What is shown on the picture. */
  why: "sees" | "gradient" | "occlusion";
  /** As a reader types it; empty where the digit that is read is meant. */
  unit: string;
  /** Silenced maps, as a reader types them. */
  silent: string;
}

/** A unit, by its layer and its place among the layer's numbers. */
interface NetworkUnit { name: string; index: number }

/** The picture of 28 by 28 pixels: as prepared, with the noise, and with the shift too. */
interface NetworkPicture { prepared: Prepared; still: Ink; ink: Ink }

interface NetworkModel extends Model, Omit<NetworkValues, "unit">, NetworkPicture, Pick<Network, "layers" | "moments"> {
  shows: NetworkShows;
  /** Maps, each as "conv1 3". */
  silenced: string[];
  /** The unit that was asked for. */
  chosen?: NetworkUnit;
  /** The layers by moment of training, as far as they were asked for; kept while the drawing is. */
  seen: Seen[];
  at(moment: number): Seen;
  /** The unit that one looks into. */
  unit(moment: number): NetworkUnit;
}

interface NetworkState {
  /** The network, unpacked when it is first asked for. */
  netOf(): Network;
  pictureOf(drawn: NetworkDrawn): NetworkPicture;
  /** The digit with the largest of ten probabilities. */
  bestOf(chances: number[]): number;
  answerOf(seen: Pick<Seen, "chances">): string;
  model(values: NetworkValues, shows: NetworkShows): NetworkModel;
  words(model: NetworkModel, moment: number): string;
}

// --- pictures ------------------------------------------------------------------------------------

/** Maps of side by side units in rows of so many columns, with so many units between them. */
interface MapGrid { maps: number; side: number; columns: number; gap: number }
/** The picture of maps: one pixel of the canvas a unit, and above it what is marked. */
interface NetworkMaps { canvas: HTMLCanvasElement; over: SVGSVGElement; box: HTMLElement; grid: MapGrid }
/** The pad, which draws strokes with a pen so many of its units wide. */
interface NetworkPad { box: HTMLElement; draw(strokes: Point[][], width: number): void }
/** What the pad tells: a stroke begins, has one more point, is done. */
interface PadTold { start(): void; grow(stroke: Point[]): void; finish(stroke: Point[]): void }
/** A bar for each of the ten probabilities; the digit that is chosen has a frame. */
interface NetworkBars { box: HTMLElement; draw(chances: number[], chosen?: number): void }
/** Shares from 0 to 1 over the same stops, and a cursor at one of them, counted from 0. */
interface NetworkCurve { drawing: SVGSVGElement; draw(series: number[][], at: number): void }
/** One unit's sum: the products, the bias, what it adds up to, and that after the activation. */
interface UnitSum {
  layer: NetworkLayer;
  /** What the numbers of an input's name are. */
  place: string;
  terms: Term[];
  bias: number;
  sum: number;
  value: number;
  /** Those of all ten digits, where the unit is one of them: softmax makes probabilities of them. */
  scores?: number[];
  /** The name of an input, by its index in the layer below. */
  nameOf(index: number): string;
  go(index: number): void;
}

interface NetworkView {
  /** Red, green and blue, from 0 to 255. */
  INK: number[];
  POSITIVE: number[];
  /** Column and row of a unit in the picture of its maps. */
  placeOf(grid: MapGrid, index: number): Point;
  /** A number of the size `high` has the full colour; `under` has as many numbers, from 0 to 1. */
  paint(
    maps: NetworkMaps, values: Float64Array, high: number, positive?: number[], under?: Float64Array,
  ): void;
  /** A frame, in units of the maps. */
  framed(x: number, y: number, width: number, height: number, kind?: string): SVGRectElement[];
  /** Maps by the name of their layer; where units can be pressed, it is told which was. */
  maps(
    name: string, size: { maps: number; side: number }, label: string, on?: (index: number) => void,
  ): NetworkMaps;
  pad(told: PadTold): NetworkPad;
  bars(label: string, on: (digit: number) => void): NetworkBars;
  sumTable(unit: UnitSum): HTMLElement;
  /** The kinds of its lines, and what stands below its start, its middle and its end. */
  curve(label: string, lines: string[], ends: (string | number)[], on: (at: number) => void): NetworkCurve;
}

/** The boxes, which are built once, what is drawn, and what runs. */
type NetworkParts = Parts & {
  pen: NetworkPad;
  /** By layer, as far as the page asks for it and the last left out, and the kernels of the first. */
  boxes: Record<string, NetworkMaps>;
  ends: NetworkBars;
  learning: NetworkCurve;
  shifts: NetworkCurve;
  answer: HTMLElement;
  title: HTMLElement;
  sums: HTMLElement;
  back: HTMLButtonElement;
  silence: HTMLButtonElement;
  captions: HTMLElement[];
  shown: NetworkModel;
  moment: number;
  /** The strokes to which one more is added. */
  drawn: Point[][];
  /** The same with the stroke that grows. */
  growing?: Point[][];
  /** The frame in which that is drawn. */
  frame?: number;
  /** The layers that are painted, and those that the curves are about. */
  painted?: Seen;
  curved?: Seen;
  /** Timers of what takes many passes. */
  occluding?: number;
  curving?: number;
};

/** What takes many passes, and what a page asks for. */
interface NetworkPasses {
  /** Layers, other parts of the picture, and groups of controls, by what a page asks for. */
  PARTS: Record<NetworkShows, string[]>;
  /** The layers that are shown as maps. */
  MAPPED: string[];
  /** Pixels that the drawing can be shifted to each side. */
  REACH: number;
  /** On the picture: the drawing as it is, or what of it the unit's sum is due to. */
  explain(parts: NetworkParts, model: NetworkModel, at: number): void;
  /** The curves over moments and shifts. */
  curves(parts: NetworkParts, model: NetworkModel, at: number): void;
}

interface NetworkDrawing {
  draw(parts: NetworkParts, model: NetworkModel): void;
  step(parts: NetworkParts, model: NetworkModel, at: number): void;
}
