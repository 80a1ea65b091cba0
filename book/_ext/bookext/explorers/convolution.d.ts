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

/** What the pictures of one and of two axes share. */
interface ConvolutionParts {
  hint(model: ConvolutionModel): HTMLElement;
  drawing(columns: number, height: number, least: number, label: string, ...content: Children): SVGSVGElement;
  /** Parts that a screen reader passes over. */
  unseen(...content: Children): SVGGElement;
  kindOf(inside: boolean, visits: number, isTransposed: boolean): string;
  /** A bar with room around it for a finger. */
  bar(x: number, y: number, length: number, along?: "x" | "y", around?: number): SVGElement[];
  /** A grip for one number of an axis, which grows by so many cells in a direction. */
  gripOf(
    parts: Parts, model: ConvolutionModel, axis: WindowAxis, name: "k" | "d" | "l" | "r", label: string,
    grows: number, along: "x" | "y", ...shapes: SVGElement[]
  ): Grip;
  /** The frame to draw in: as wanted, or, while a grip is held, as it was. */
  frameOf<Frame>(parts: Parts, key: string, wanted: Frame): Frame;
  /** Have the entries of some windows, and those of some places, stand out. */
  light(model: DrawnConvolution, lit: number[], keys: (number | string)[]): void;
}
