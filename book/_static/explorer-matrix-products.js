// @ts-check
// Convolution as a matrix, the arithmetic: the same numbers once by a sliding window and once by a
// matrix, forward and backward, by separate functions; and the words for them.

/**
 * An input joined to an output by a tap, and the stop at which their product counts.
 * @typedef {{ i: number, position: number, tap: number, stop: number }} Wire
 */
/**
 * The vectors and the window, the matrix as taps from 1 and as weights, the result by the sliding
 * route, and whether the matrix gives the same.
 * @typedef {Model & {
 *   view: "forward" | "input" | "kernel", x: number[], w: number[], g: number[],
 *   window: SlidingWindow, n: number, table: number[][], matrix: number[][], result: number[],
 *   agree: boolean, wires: Wire[],
 * }} MatrixModel
 */
/**
 * @typedef {{ view: MatrixModel["view"], x: number[], w: number[], g: number[], s: number, d: number,
 *   l: number, r: number }} MatrixValues
 */
/**
 * What the pictures and the explorer use of this file.
 * @typedef {{
 *   transpose(matrix: number[][]): number[][],
 *   model(values: MatrixValues): MatrixModel,
 *   entry(letter: string, i: number): string,
 *   resultName(model: MatrixModel, i: number): string,
 *   product(model: MatrixModel, wire: Wire): [string, number][],
 *   words(model: MatrixModel, at: number): string,
 *   ends(model: MatrixModel, end: "position" | "i" | "tap", at: number): string,
 *   [other: string]: Function,
 * }} Matrix
 */
(() => {
  "use strict";
  const { Refusal, windows } = window.cnnref;
  const { subscript, show, list, range } = window.cnnref.drawing;

  /** @param {number[]} values */
  const sum = (values) => values.reduce((total, value) => total + value, 0);

  // --- arithmetic ----------------------------------------------------------------------------------

  /** @param {string} field @param {number[]} values @param {number} length @param {string} what */
  function fits(field, values, length, what) {
    if (values.length !== length) {
      throw new Refusal(field, `must hold ${length} numbers, one for each ${what}, not ${values.length}`);
    }
  }

  /**
   * Which tap, counted from 1, joins each output (row) to each input (column); 0 where none does.
   * @param {number} n @param {SlidingWindow} window
   */
  function tapTable(n, window) {
    return range(0, windows.outputSize(n, window) - 1).map((i) => {
      /** @type {number[]} */
      const row = Array(n).fill(0);
      windows.taps(i, window).forEach((position, tap) => {
        if (position in row) row[position] = tap + 1;
      });
      return row;
    });
  }

  /** @param {number[]} w @param {number} n @param {SlidingWindow} window */
  function matrixOf(w, n, window) {
    fits("w", w, window.kernel, "tap");
    return tapTable(n, window).map((row) => row.map((tap) => (tap ? w[tap - 1] : 0)));
  }

  /** @param {number[][]} matrix */
  const transpose = (matrix) => matrix[0].map((_, column) => matrix.map((row) => row[column]));
  /** @param {number[][]} matrix @param {number[]} vector */
  const multiply = (matrix, vector) =>
    matrix.map((row) => sum(row.map((entry, column) => entry * vector[column])));

  // The sliding routes go through the windows and never see the matrix.
  /** @param {number[]} x @param {number[]} w @param {SlidingWindow} window */
  function convolve(x, w, window) {
    fits("w", w, window.kernel, "tap");
    return range(0, windows.outputSize(x.length, window) - 1).map((i) =>
      sum(windows.taps(i, window).map((position, tap) => w[tap] * (x[position] ?? 0))));
  }

  /** @param {number[]} g @param {number[]} w @param {number} n @param {SlidingWindow} window */
  function inputGradient(g, w, n, window) {
    fits("w", w, window.kernel, "tap");
    fits("g", g, windows.outputSize(n, window), "output");
    /** @type {number[]} */
    const result = Array(n).fill(0);
    g.forEach((slope, i) => windows.taps(i, window).forEach((position, tap) => {
      if (position in result) result[position] += w[tap] * slope;
    }));
    return result;
  }

  /** @param {number[]} g @param {number[]} x @param {SlidingWindow} window */
  function kernelGradient(g, x, window) {
    fits("g", g, windows.outputSize(x.length, window), "output");
    /** @type {number[]} */
    const result = Array(window.kernel).fill(0);
    g.forEach((slope, i) => windows.taps(i, window).forEach((position, tap) => {
      result[tap] += slope * (x[position] ?? 0);
    }));
    return result;
  }

  /**
   * The kernel's gradient from the matrix: all products g_i x_k, added up where the weight is tied.
   * @param {number[]} g @param {number[]} x @param {number[][]} table @param {number} kernel
   */
  function tiedSums(g, x, table, kernel) {
    return range(1, kernel).map((tap) => sum(table.flatMap((row, i) =>
      row.map((entry, k) => (entry === tap ? g[i] * x[k] : 0)))));
  }

  // --- what is on show -----------------------------------------------------------------------------

  /** @param {MatrixValues} values @returns {MatrixModel} */
  function model({ view, x, w, g, s, d, l, r }) {
    const window = { kernel: w.length, stride: s, left: l, right: r, dilation: d };
    const n = x.length;
    const table = tapTable(n, window);
    if (view !== "forward") fits("g", g, table.length, "output");
    const matrix = matrixOf(w, n, window);
    const [slid, multiplied] = {
      forward: () => [convolve(x, w, window), multiply(matrix, x)],
      input: () => [inputGradient(g, w, n, window), multiply(transpose(matrix), g)],
      kernel: () => [kernelGradient(g, x, window), tiedSums(g, x, table, w.length)],
    }[view]();
    const agree = slid.every((value, i) => Math.abs(value - multiplied[i]) < 1e-9);
    const wires = table.flatMap((_, i) => windows.taps(i, window).map((position, tap) =>
      ({ i, position, tap, stop: { forward: i, input: position, kernel: tap }[view] })));
    const stop = { forward: "Output", input: "Input", kernel: "Weight" }[view];
    return {
      view, x, w, g, window, n, table, matrix, result: slid, agree, wires, steps: slid.length, stop,
    };
  }

  // --- words -----------------------------------------------------------------------------------------

  /** @param {string} letter @param {number} i */
  const entry = (letter, i) => `${letter}${subscript(i + 1)}`;
  /** @param {MatrixModel} model @param {number} i */
  const resultName = ({ view }, i) =>
    ({ forward: entry("z", i), input: `∂x${subscript(i + 1)}`, kernel: `∂w${subscript(i + 1)}` })[view];

  /**
   * The two factors of a connection's product in this view, as names and as numbers.
   * @param {MatrixModel} model @param {Wire} wire @returns {[string, number][]}
   */
  function product({ view, x, w, g }, { i, position, tap }) {
    const inside = position in x;
    /** @type {[string, number]} */
    const input = [inside ? entry("x", position) : "0", inside ? x[position] : 0];
    /** @type {[string, number]} */
    const weight = [entry("w", tap), w[tap]];
    /** @type {[string, number]} */
    const slope = [entry("g", i), g[i]];
    return { forward: [weight, input], input: [weight, slope], kernel: [slope, input] }[view];
  }

  /** @param {MatrixModel} model @param {number} at */
  function words(model, at) {
    const pairs = model.wires.filter(({ stop }) => stop === at).map((wire) => product(model, wire));
    /** @param {number} value */
    const written = (value) => (value < 0 ? `(${show(value)})` : show(value));
    const names = pairs.map((pair) => pair.map(([text]) => (text === "0" ? "·0" : text)).join(""));
    const numbers = pairs.map((pair) => pair.map(([, value]) => written(value)).join("·"));
    const value = show(model.result[at]);
    const sums = pairs.length ? `${names.join(" + ")} = ${numbers.join(" + ")} = ${value}` : value;
    const where = {
      forward: `Row ${at + 1} of the matrix`,
      input: `Row ${at + 1} of the transposed matrix, column ${at + 1} of A`,
      kernel: `All entries that hold ${entry("w", at)}`,
    }[model.view];
    return `${where}: ${resultName(model, at)} = ${sums}.`;
  }

  /**
   * Where an input, an output or a weight goes: what is said when a reader points at it.
   * @param {MatrixModel} model @param {"position" | "i" | "tap"} end @param {number} at
   */
  function ends({ view, wires, n, table }, end, at) {
    const output = view === "forward" ? "z" : "g";
    const met = wires.filter((wire) => wire[end] === at && wire.position >= 0 && wire.position < n);
    const [x, y] = [entry("x", at), entry(output, at)];
    /** @param {Wire} wire */
    const joined = ({ position, i }) => `${entry("x", position)} to ${entry(output, i)}`;
    if (end === "tap") {
      const all = met.length === table.length ? "every row" : `${met.length} of ${table.length} rows`;
      return `${entry("w", at)} stands in ${all} of A. It joins ${list(met.map(joined))}.`;
    }
    if (end === "position") {
      if (!met.length) return `No window reads ${x}: its column of A holds zeros alone.`;
      const fed = met.map(({ i, tap }) => `${entry("z", i)} by ${entry("w", tap)}`);
      return `${x} feeds ${list(fed)}.`;
    }
    const told = list(met.map(({ position, tap }) => `${entry("x", position)} by ${entry("w", tap)}`));
    return view === "forward" ? `${y} reads ${told}.` : `${y} flows back to ${told}.`;
  }

  window.cnnref.matrix = {
    tapTable, matrixOf, transpose, multiply, convolve, inputGradient, kernelGradient, tiedSums,
    model, entry, resultName, product, words, ends,
  };
})();
