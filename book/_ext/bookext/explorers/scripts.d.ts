// What the explorers' scripts offer one another, through `window.cnnref`. `make lint` holds the
// scripts in book/_static to it; no page loads this file.

/** A window sliding along one axis; every number counts positions. */
interface SlidingWindow {
  kernel: number;
  stride: number;
  left: number;
  right: number;
  dilation: number;
}

/** Sliding windows, as cnnref/windows.py has them. What cannot be computed throws a `Refusal`. */
interface Windows {
  /** Positions from the first tap to the last, both counted. */
  span(window: SlidingWindow): number;
  /** How many windows fit; a remainder of the division is dropped, as torch drops it. */
  outputSize(n: number, window: SlidingWindow): number;
  /** The length of a transposed convolution's output. */
  transposedSize(n: number, window: SlidingWindow, extra?: number): number;
  /** The window with as many outputs as strides fit; the odd position goes to the right. */
  same(kernel: number, stride: number, dilation: number, size: number): SlidingWindow;
  /** The positions that output i looks at; those outside 0 .. n - 1 are padding. */
  taps(i: number, window: SlidingWindow): number[];
  /** How many padded positions come after the last window. */
  unused(n: number, window: SlidingWindow): number;
  /** How many of the first windows (of all that fit, if no number is given) look at each entry. */
  visits(n: number, window: SlidingWindow, windows?: number): number[];
}

// --- drawing -----------------------------------------------------------------------------------

/** Attributes by name, or, after `on`, what to do on an event; false and undefined are left out. */
type Attributes = Record<string, unknown>;
type Child = string | Node;
type Children = (Child | Child[])[];

/** Elements, symbols and cells. */
interface Drawing {
  /** The side of a cell, in the units of a picture. */
  CELL: number;
  html<K extends keyof HTMLElementTagNameMap>(
    tag: K, attributes?: Attributes, ...children: Children
  ): HTMLElementTagNameMap[K];
  svg<K extends keyof SVGElementTagNameMap>(
    tag: K, attributes?: Attributes, ...children: Children
  ): SVGElementTagNameMap[K];
  /** Another value of an attribute, unless it has it. */
  change(node: Element, name: string, value: string | number): void;
  /** A symbol as the book sets it: P_L becomes an italic P with a small L below. */
  symbol(text: string): HTMLElement;
  subscript(number: number): string;
  /** At most three decimals, a real minus sign, and no negative zero. */
  show(number: number): string;
  /** The same with at most two decimals. */
  brief(number: number): string;
  /** A whole number, its thousands between commas. */
  whole(number: number): string;
  /** 1 row, 2 rows. */
  count(number: number, noun: string): string;
  /** a, b and c. */
  list(words: (string | number)[]): string;
  /** Whole numbers, both ends counted. */
  range(first: number, last: number): number[];
  /** Numbers from 0 to 1 that only look random, and are the same each time. */
  random(seed: number): Generator<number, never>;
  /** Positions from 0, listed as a reader counts them, from 1. */
  from1(positions: number[]): string;
  /** One entry of an array; its kind is its class, and an idle one is crossed out. */
  cell(x: number, y: number, kind: string, text?: string | number): SVGGElement;
  /** Another text in a cell. */
  write(node: SVGGElement, text: string | number): SVGGElement;
  /** How strong the colour of a number is, in per cent; at most 45, so that it can be read. */
  shareOf(value: number, largest: number): number;
  /**
   * A number in a cell with its sign and size as colour: orange below zero, purple above, and the
   * stronger, the nearer it is to the largest.
   */
  writeNumber(node: SVGGElement, value: number, largest: number, text?: string): SVGGElement;
  /** A drawing so many cells wide. It shrinks to its box until a cell is `least` pixels wide. */
  picture(
    columns: number, height: number, least: number, label: string, ...content: Children
  ): SVGSVGElement;
  caption(y: number, text: string): SVGTextElement;
  /** A line that stands back until its stop comes. */
  faint(d: string, kind?: string): SVGPathElement;
  /** Move a part by so many cells; it glides there, where motion is welcome. */
  slide(node: SVGElement, columns: number, rows?: number): void;
  /** Bring a part of a wide drawing to the middle of its box, without scrolling the page. */
  centre(stage: HTMLElement, part: Element): void;
  /** What comes after it waits until a browser has done what a reader is waiting for. */
  nextTask(): Promise<void>;
  /** The same in a task of its own, not in the frame that tells of a move; of several, the last. */
  inTask<Given extends unknown[]>(act: (...given: Given) => void): (...given: Given) => void;
}

// --- series --------------------------------------------------------------------------------------

/** One place of a curve over several seeds. */
interface Spread { mean: number; least: number; most: number }
/** Colour, dash and marker of a curve, by number. */
interface Look { hue: number; dash: number; marker: number }
/** An axis: its interval, its ticks, and where a value stands on it, 0 at the bottom, 1 on top. */
interface Axis { low: number; high: number; height(value: number): number; marks: number[] }

/** Series of several seeds, and axes for them. */
interface Series {
  /** Mean, least and most over the seeds, at each place of their series. */
  overSeeds(series: number[][]): Spread[];
  /** Multiples of 1, 2 or 5 times a power of ten in an interval, at most so many. */
  ticks(low: number, high: number, most: number): number[];
  /** The same on a logarithmic axis. */
  logTicks(low: number, high: number, most: number): number[];
  /** A value as a reader is told it: a share in per cent, a loss with three digits. */
  told(value: number, measure: string): string;
  /** The look of a curve by its number, as the library's figures have it. */
  look(index: number): Look;
  axis(least: number, most: number, isLog: boolean): Axis;
}

// --- the network -------------------------------------------------------------------------------

/** A point on the pad, or in a picture; x to the right, y down. */
type Point = [number, number];
/** A picture of 28 by 28 numbers, row by row, from 0, paper, to 1, ink. */
type Ink = Float64Array<ArrayBuffer>;
/** A drawing's picture, the pixels a step of the pad is long, and where the pad's corner went. */
interface Prepared { ink: Ink; scale: number; moved: number[] }

/** Drawings, and the pictures that become of them. */
interface Strokes {
  PAD: number;
  SIDE: number;
  /** Strokes from their text, "50,18 36,24; 56,16"; or a refusal. */
  parse(text: string): Point[][];
  text(strokes: Point[][]): string;
  /** Clockwise about the middle of the pad. */
  turned(strokes: Point[][], degrees: number): Point[][];
  /** Ink of strokes that are given in pixels. */
  raster(strokes: Point[][], radius: number): Ink;
  /** Scaled and centred as MNIST's were; `pen` is as wide as the pad's units say. */
  prepared(strokes: Point[][], pen: number): Prepared;
  shifted(ink: Ink, right: number, down: number): Ink;
  noisy(ink: Ink, percent: number): Ink;
  covered(ink: Ink, row: number, column: number, size: number): Ink;
}

/** A layer of the network: so many maps of side by side units; a fully-connected one has a side of 1. */
interface NetworkLayer {
  name: string;
  kind?: "conv" | "pool" | "full";
  maps: number;
  side: number;
  /** The layer that it reads; the picture reads none. */
  from?: NetworkLayer;
  relu?: boolean;
}
/** Weights of a layer, row by row, and a bias for each row. */
interface NetworkWeights { weight: Float64Array; bias: number[] }
/** The network after so many steps of training, and how it did on the test set. */
type Moment = { step: number; loss: number; accuracy: number } & Record<string, NetworkWeights>;
interface Network { moments: Moment[]; layers: Record<string, NetworkLayer>; digits: string[] }
/** Numbers by layer: sums before the activation, values after it; and the ten probabilities. */
interface Seen {
  sums: Record<string, Float64Array>;
  values: Record<string, Float64Array>;
  chances: number[];
}
/** One of the products that a unit adds up. */
interface Term { index: number; input: number; weight: number; product: number }

/** A small CNN, forwards and backwards. A unit is a layer's name and an index into its numbers. */
interface NetworkArithmetic {
  ORDER: string[];
  /** What the script of weights holds, as numbers. */
  unpack(packed: any): Network;
  forward(network: Network, moment: Moment, ink: Float64Array, silenced?: string[]): Seen;
  /** Every input of a unit with its weight, and the bias. */
  terms(network: Network, moment: Moment, seen: Seen, name: string, index: number): { terms: Term[]; bias: number };
  /** Rows and columns of the picture that a unit sees, first and last. */
  field(network: Network, name: string, index: number): { top: number; left: number; bottom: number; right: number };
  /** From a unit to the picture, each time to the input that counted for most. */
  trail(network: Network, moment: Moment, seen: Seen, name: string, index: number): { name: string; index: number }[];
  /** The gradient of a unit's sum with respect to every number below it, by layer. */
  backward(network: Network, moment: Moment, seen: Seen, name: string, index: number): Record<string, Float64Array>;
  softmax(logits: ArrayLike<number>): number[];
}

/** Names of units and maps. Those that a reader types count from 1, but a score is its digit's. */
interface NetworkUnits {
  /** "conv3 5 4 7" as a unit, or a refusal. */
  unitOf(text: string, layers: Network["layers"]): { name: string; index: number };
  /** Map, row and column, from 0. */
  partsOf(layer: NetworkLayer, index: number): [number, number, number];
  textOf(layer: NetworkLayer, index: number): string;
  /** As a sentence names it. */
  wordsOf(layer: NetworkLayer, index: number): string;
  /** As a table names it, under the head that `placeIn` gives. */
  shortOf(layer: NetworkLayer, index: number): string;
  placeIn(layer: NetworkLayer): string;
  /** "conv1 3, conv3 5" as ["conv1 3", "conv3 5"], or a refusal. */
  silencedOf(text: string, layers: Network["layers"]): string[];
}

// --- an explorer ---------------------------------------------------------------------------------

/** What controls hold, as text; the setting in an address is the same. */
type Texts = Record<string, string>;
/** New contents of controls, from a picture, a button or another control. */
type Setting = Record<string, string | number | (string | number)[] | undefined>;

/** What can be set. */
interface ControlSpec {
  name: string;
  kind: "number" | "list" | "range" | "check" | "choice" | "choices" | "select";
  label: string;
  /** Set in italics after the label; what follows an underscore is lowered. */
  symbol?: string;
  hint?: string;
  min?: number;
  max?: number;
  /** What the number of a range is followed by. */
  unit?: string;
  /** The least and most entries of a list. */
  least?: number;
  most?: number;
  /** Rows of a list that is written over several lines. */
  rows?: number;
  options?: Record<string, string>;
  /** Another control with whose preset this one starts, where it has none of its own. */
  like?: string;
  /** What it starts with, where neither has a preset. */
  start?: Setting[string];
  /** Follows from others, and is not in the link. */
  derived?: boolean;
  /** Reads a list otherwise than as numbers. */
  parse?(text: string): unknown;
}

/** A button that sets controls. */
interface Action<Values> {
  label: string;
  act(values: Values): Setting;
}

interface Group<Values> {
  name: string;
  legend: string | ((texts: Texts) => string);
  controls: ControlSpec[];
  actions?: Action<Values>[];
  /** Before the picture, or after the player; all other groups are folded below. */
  front?: boolean | "below";
}

/** The boxes of one explorer on a page, and what a picture may ask of it. */
interface Parts {
  /** The box of the picture; the other two are in the fold. */
  stage: HTMLElement;
  formula: HTMLElement;
  below: HTMLElement;
  /** Set controls, and go to a stop. If that is one control, others follow it as if a reader had set it. */
  choose(setting: Setting, at?: number): void;
  /** Say what is pointed at, until called without words; `live` as of a live region. */
  preview(words?: string, live?: string): void;
  /** Go to a stop. */
  go(at: number): void;
  /** The reader holds a grip of the picture. */
  held: boolean;
  /** The entry that the reader has pressed, until it is let go. */
  seen?: number;
}

/** What is to be drawn: the number of stops, what one is called, and all else. */
interface Model { steps: number; stop: string }

/** One kind of explorer, as `define` gets it. */
interface Definition<Shown extends Model, Values, Data = null> {
  groups: Group<Values>[];
  /** Names of controls and groups that mean nothing in this setting. */
  hidden(texts: Texts, data: Data): string[];
  /** The control to be corrected, by the field of a refusal. */
  blame: Record<string, string>;
  /** What is to be drawn; or a refusal, whose field `blame` translates. */
  model(values: Values, data: Data): Shown;
  /** The picture, and one stop of it. */
  draw(parts: Parts, model: Shown, values: Values): void;
  step(parts: Parts, model: Shown, at: number): void;
  /** What there is to see at a stop. */
  words(model: Shown, at: number): string;
  /** Instead of the longest words of all stops, where it would take long to find them. */
  longest?(model: Shown): string;
  /** Controls that follow the one that was changed, and the stop to go to. */
  adapt?(texts: Texts, changed?: string): Setting & { at?: number };
  /** The number of the first stop, where it is not 1. */
  first?: number;
  /** The setting in a few words, which stand on the fold. */
  line?(model: Shown): string;
  /** What is to be loaded before it is made. */
  ready?(data: Data): Promise<unknown>;
  /** The picture depends on the width of its box, and not on the values. */
  fluid?: boolean;
}

// --- dragging ------------------------------------------------------------------------------------

/** A part of a picture that one takes hold of: a slider of whole steps. */
interface GripSpec {
  /** Among the grips of one picture. */
  name: string;
  /** What it sets, for those who do not see it. */
  label?: string;
  value: number;
  min: number;
  max: number;
  /** The value in words. */
  text?: string;
  /** More classes. */
  kind?: string;
  /** The element that it is, where it is none of a drawing. */
  html?: keyof HTMLElementTagNameMap;
  /** The direction in which it is dragged. */
  along?: "x" | "y";
  /**
   * By how much one drags it for 1, in units of the drawing (of an HTML element, in pixels);
   * negative where it grows to the left or upwards.
   */
  per?: number | ((node: Element) => number);
  /** Instead of `per`: the value of a place that is pressed, for a row of parts. */
  at?(point: { x: number; y: number }): number | undefined;
  /** It is dragged to a place rather than pressed there. */
  follows?: boolean;
  /** What a press without a move does, at a place of its drawing, or the key Enter, at none. */
  press?(point?: { x: number; y: number }): void;
  /** Its values are places in so many columns, row by row; the arrow keys go up and down them. */
  columns?: number;
  /** It is no stop for the keyboard, because another control does the same. */
  quiet?: boolean;
  change(value: number): void;
}
type Grip = Element & { grip: GripSpec };

interface Hold {
  /**
   * A grip that looks like its shapes. It is drawn anew whenever its value has changed; what is held
   * is known by its name.
   */
  grip(spec: GripSpec, ...shapes: Children): Grip;
  /** The shapes of one: a bar with room around it for a finger. */
  bar(x: number, y: number, length: number, along?: "x" | "y", around?: number): SVGElement[];
  /**
   * Have a picture tell where it is pressed, at once, and drawn over, in a task of its own: as shares of its
   * width and height.
   */
  pressable(node: HTMLElement | SVGElement, told: (across: number, down: number) => void): void;
  /** The value of a grip whose picture has not been drawn anew. */
  moveGrip(node: Grip, value: number, text?: string, max?: number): void;
  /** Have the grips of a stage answer to a mouse, a finger and keys; it is told when one is held. */
  holdable(stage: HTMLElement, told: (held: boolean) => void): void;
  /** Run what draws a picture anew; the grip that had the focus has it again. */
  keepingFocus(stage: HTMLElement, draw: () => void): void;
  /** The frame to draw in: as wanted, or, while a grip is held, as it was. */
  frameOf<Frame>(parts: Parts, key: string, wanted: Frame): Frame;
}

// --- controls, the player and the tour -----------------------------------------------------------

/** One control on the page. */
interface ControlBox {
  spec: ControlSpec;
  /** The label, the inputs, and a place for the mistake. */
  box: HTMLElement;
  /** What it holds as text; anything that a setting has can be written. */
  get text(): string;
  set text(value: unknown);
  /** What it holds, as its kind of value; or a refusal. */
  read(): unknown;
  /** Tell a mistake, or none. */
  blame(message: string): void;
}

interface Controls {
  Control: new (id: string, spec: ControlSpec, changed: () => void) => ControlBox;
  /** What can be set to a whole number of an interval. */
  number(name: string, label: string, letter: string, min: number, max: number): ControlSpec;
  /** A whole number of an interval, or a refusal. */
  parseInteger(text: string, least: number, most: number): number;
  /** Numbers between spaces, commas or semicolons: so many, none beyond ±largest; or a refusal. */
  parseNumbers(text: string, least: number, most: number, largest?: number): number[];
}

/** One question of a tour, and the setting that asks it. */
interface TourStep { ask: string; query: string }

interface Player {
  at: number;
  steps: number;
  /** It is running. */
  timer: number | undefined;
  box: HTMLElement;
  label: HTMLElement;
  scrub: HTMLInputElement;
  go(at: number): void;
  stop(): void;
}

interface Tour {
  steps: TourStep[];
  box: HTMLElement;
  find(query: string): number;
  mark(at: number): void;
}

interface Explorers {
  define<Shown extends Model, Values, Data = null>(
    name: string,
    definition: Definition<Shown, Values, Data>
      | ((preset: Setting, data: Data) => Definition<Shown, Values, Data>),
  ): void;
}

/** What cannot be computed, told in words, with the field that is to blame. */
interface Refusal extends Error {
  field: string;
  /** Of a stack of layers, counted from 1. */
  layer?: number;
}

interface Window {
  cnnref: {
    Refusal: new (field: string, message: string) => Refusal;
    /** What it gives, or nothing where it refuses. */
    attempt<Given>(act: () => Given): Given | undefined;
    windows: Windows;
    drawing: Drawing;
    series: Series;
    hold: Hold;
    controls: Controls;
    player: {
      Player: new (id: string, moved: (at: number) => void) => Player;
      Tour: new (steps: TourStep[], begin: (i: number) => void) => Tour;
    };
    strokes: Strokes;
    network: NetworkArithmetic;
    networkUnits: NetworkUnits;
    networkState: NetworkState;
    networkView: NetworkView;
    networkPasses: NetworkPasses;
    networkDrawing: NetworkDrawing;
    /** The weights as their script holds them, and when it has loaded. */
    networkWeights: { digits: string[]; [packed: string]: any };
    networkReady?: Promise<unknown>;
    Explorer: new (
      root: HTMLElement, definition: Definition<any, any, any>, preset: Setting, given: { data: unknown; tour: TourStep[] },
    ) => { begin(): void };
    explorer: Explorers;
    photograph: Photograph;
    stack: Stack;
    stackWords: StackWords;
    stackDrawing: StackDrawing;
    matrix: Matrix;
    matrixTable: { drawTable(parts: MatrixParts, model: DrawnMatrix, look: MatrixLook): HTMLElement };
    pooling: Pooling;
    curves: Curves;
    /** The arithmetic of a kind of explorer, to be replayed by the tests. */
    [kind: string]: any;
  };
}
