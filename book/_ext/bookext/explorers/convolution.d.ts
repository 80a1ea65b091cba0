// What the scripts of the explorer of convolution arithmetic offer one another. No page loads this file.

/** One axis as its controls have it: input, kernel, stride, padding, dilation, output padding. */
interface AxisSetting { n: number; k: number; s: number; l: number; r: number; d: number; q: number }
type AxisNumber = keyof AxisSetting;

/** The windows of one axis. The long line is the input of a convolution, the output of a transposed one. */
interface WindowAxis {
  window: SlidingWindow;
  setting: AxisSetting;
  n: number;
  q: number;
  long: number;
  short: number;
  /** The first and the last position that is drawn, padding or cut included. */
  first: number;
  last: number;
  /** By how many positions the window can slide. */
  room: number;
  unused: number;
  /** How many windows look at each position of the long line. */
  visits: number[];
  /** The positions of each window. */
  taps: number[][];
  /** What its controls' names end with. */
  suffix?: string;
}

/** What one tap adds to an output. */
interface TapTerm { inside: boolean; value: number; weight: number; product: number; total: number }

interface ConvolutionModel extends Model {
  axes: WindowAxis[];
  isTransposed: boolean;
  counts: boolean;
  /** Row and column of a stop, or its only place. */
  placeOf(at: number): number[];
  /** The window's positions along each axis. */
  tapsOf(at: number): number[][];
  x: number[];
  w: number[];
  out: number[];
  termsOf(at: number): TapTerm[];
  /** The outputs of a transposed convolution when the windows up to this one have been added. */
  pastedBy(at: number): number[];
  /** The largest of each kind, whose colour is the strongest. */
  most: { x: number; product: number; out: number };
  summary: string;
}

/** What the controls hold; those of a second axis end with a 2. */
type ConvolutionValues = Record<string, number | undefined>
  & { operation?: unknown; axes?: unknown; counts?: unknown };

interface Convolution {
  axisOf(setting: AxisSetting, isTransposed: boolean): WindowAxis;
  /** How far one number of a setting can go down and up before there is no picture. */
  ends(setting: AxisSetting, name: AxisNumber, limits: number[], isTransposed: boolean): number[];
  /** The windows that look at a position, each with the tap that meets it. */
  readers(axis: Pick<WindowAxis, "taps">, position: number): { window: number; tap: number }[];
  /** What one window adds up, tap by tap. Sizes of the input, and positions, along each axis. */
  terms(x: number[], w: number[], sizes: number[], places: number[][]): TapTerm[];
  /** What so many first windows of a transposed convolution have added to its outputs. */
  pasted(
    x: number[], w: number[], axes: Pick<WindowAxis, "long" | "window" | "taps">[], count: number,
  ): number[];
  inputsOf(sizes: number[]): number[];
  weightsOf(sizes: number[]): number[];
  model(values: ConvolutionValues): ConvolutionModel;
}

/** The picture, and the parts of it that a stop changes. */
type DrawnConvolution = ConvolutionModel & {
  /** By position, or by row and column. */
  longCells: Map<number | string, SVGGElement>;
  shortCells: SVGGElement[];
  products: SVGGElement[];
  totals: SVGGElement[];
  sliding: SVGElement[];
  held: Grip;
  /** The lines from an entry that is pressed. */
  feeding?: SVGElement;
};

/** Cells in a group, by key; at the next showing those of the same kind stay. */
interface Board {
  node: SVGGElement;
  /** Keys, places, kinds and texts; these are written into new cells only. */
  show(
    wanted: [key: number | string, x: number, y: number, kind: string, text: string][],
  ): Map<number | string, SVGGElement>;
}

/** One grid of a picture of two axes: its cells, and what lies above them. */
interface ConvolutionGrid {
  box: HTMLElement;
  cells: Board;
  over: SVGGElement;
  lay(columns: number, height: number, summary: string): void;
}
/** The grids of two axes, which are built once, and what is pressed in them. */
interface ConvolutionSheet {
  isTransposed: boolean;
  /** Of the short line's grid. */
  columns: number;
  long: ConvolutionGrid;
  short: ConvolutionGrid;
  products: ConvolutionGrid;
  longRow: Grip;
  shortRow: Grip;
  /** The entry at a place, if there is one. */
  longAt(point: { x: number; y: number }): number | undefined;
  /** Tell whom an entry feeds. */
  ask(at: number | undefined): void;
}
type GridParts = Parts & { sheet?: ConvolutionSheet };

/** What the pictures of one and of two axes share. */
interface ConvolutionParts {
  hint(isTransposed: boolean, axes: number): HTMLElement;
  /** Make a drawing so many cells wide; it shrinks to its box until a cell is `least` pixels wide. */
  layOut(drawing: SVGSVGElement, columns: number, height: number, least: number, label: string): void;
  board(): Board;
  kindOf(model: ConvolutionModel, inside: boolean, visits: number): string;
  /** A bar with room around it for a finger. */
  bar(x: number, y: number, length: number, along?: "x" | "y", around?: number): SVGElement[];
  /** A grip for one number of an axis, which grows by so many cells in a direction. */
  gripOf(
    parts: Parts, model: ConvolutionModel, axis: WindowAxis, name: "k" | "d" | "l" | "r", label: string,
    grows: number, along: "x" | "y", ...shapes: SVGElement[]
  ): Grip;
  /** The grip of the dilation, as a dot; none where there is one tap. */
  spread(
    parts: Parts, model: ConvolutionModel, axis: WindowAxis, label: string, x: number, y: number, along?: "x" | "y",
  ): Grip[];
  /** The frame to draw in: as wanted, or, while a grip is held, as it was. */
  frameOf<Frame>(parts: Parts, key: string, wanted: Frame): Frame;
  /** Have the entries of some windows, and those of some places, stand out. */
  light(model: DrawnConvolution, lit: number[], keys: (number | string)[]): void;
  /** Rows and columns of a noun in words, counted from 1. */
  inRows(noun: string, places: number[][]): string;
  feedsInWords(model: ConvolutionModel, place: number[]): string;
  /**
   * Say whom an entry of the long line feeds, and have them stand out; these windows are returned.
   * `at` is the entry's number, and `place` its row and column, or its only place.
   */
  feed(parts: Parts, model: DrawnConvolution, row: Grip, at: number, place: number[]): number[];
}
