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

/** What stands out at a stop, or of what is pressed: windows, and entries of the long line by their keys. */
interface ConvolutionSight {
  windows: number[];
  keys: (number | string)[];
  /** The numbers of a stop: the products, and their running totals. */
  terms?: { product: number; total: number }[];
  /** What a transposed convolution has added up so far, row by row. */
  pasted?: number[];
}

/** The picture, and what a stop changes of it. */
type DrawnConvolution = ConvolutionModel & {
  see(sight: ConvolutionSight): void;
  /** Where a window's entry of the short line stands. */
  place(at: number): Element;
  sliding: SVGElement[];
  held: Grip;
  /** The lines from an entry that is pressed. */
  feeding?: SVGElement;
};

/** One entry on a canvas; its colour is that of its value's sign, so strong in per cent. */
interface PaintedCell {
  x: number; y: number; kind: string; text: string; value: number; share: number; lit: boolean;
}
/** Left, top, width and height. */
type ViewBox = [number, number, number, number];
type PaintedBoard = HTMLCanvasElement & {
  /**
   * Show other cells; the view is what its box shows, and cells may lie beyond. Where it is known how many
   * pixels a unit has, that is done a little later, in a task of its own.
   */
  show(cells: PaintedCell[], view: ViewBox, scale: number): void;
  /** Paint them in the next frame. */
  paint(): void;
  /** Those that are shown, for the tests. */
  cells(): PaintedCell[];
};
interface ConvolutionCells {
  /** Its name begins what a screen reader is told of it. */
  board(name: string): PaintedBoard;
  painted(x: number, y: number, kind: string, text?: string | number): PaintedCell;
  number(cell: PaintedCell, value: number, largest: number): PaintedCell;
}

/** One grid of a picture of two axes: its cells, and what lies above them. */
interface ConvolutionGrid {
  box: HTMLElement;
  board: PaintedBoard;
  over: SVGSVGElement;
  lay(cells: PaintedCell[], view: ViewBox, summary: string, isHeld: boolean): void;
}
/** The grids of two axes, which are built once. */
interface ConvolutionSheet { isTransposed: boolean; long: ConvolutionGrid; short: ConvolutionGrid; products: ConvolutionGrid }
type GridParts = Parts & { sheet?: ConvolutionSheet };

/** What the pictures of one and of two axes share. */
interface ConvolutionParts {
  hint(isTransposed: boolean, axes: number): HTMLElement;
  kindOf(model: ConvolutionModel, inside: boolean, visits: number): string;
  /** A grip for one number of an axis, which grows by so many cells in a direction. */
  gripOf(
    parts: Parts, model: ConvolutionModel, axis: WindowAxis, name: "k" | "d" | "l" | "r", label: string,
    grows: number, along: "x" | "y", ...shapes: SVGElement[]
  ): Grip;
  /** The grip of the dilation, as a dot; none where there is one tap. */
  spread(
    parts: Parts, model: ConvolutionModel, axis: WindowAxis, label: string, x: number, y: number, along?: "x" | "y",
  ): Grip[];
  /** Rows and columns of a noun in words, counted from 1. */
  inRows(noun: string, places: number[][]): string;
  feedsInWords(model: ConvolutionModel, place: number[]): string;
  /**
   * Say whom an entry of the long line feeds, and have them stand out; these windows are returned.
   * `at` is the entry's number, and `place` its row and column, or its only place.
   */
  feed(parts: Parts, model: DrawnConvolution, row: Grip, at: number, place: number[]): number[];
}
