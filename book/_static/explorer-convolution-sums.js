// @ts-check
// Convolution arithmetic: which entries a window joins to which along an axis, how many windows there
// are, and the sums with numbers of our own. No drawing happens here, and the tests replay what Python
// computed through every function. A transposed convolution has the same windows, read the other way:
// each joins one entry of the short line to the taps of the long one.
(() => {
  "use strict";
  const { Refusal, attempt, windows } = window.cnnref;
  const { range } = window.cnnref.drawing;
  const MOST_IN_TWO_AXES = 12;

  // --- one axis ------------------------------------------------------------------------------------

  /** @type {Convolution["axisOf"]} */
  function axisOf(setting, isTransposed) {
    const { n, k, s, l, r, d, q } = setting;
    const window = { kernel: k, stride: s, left: l, right: r, dilation: d };
    const long = isTransposed ? windows.transposedSize(n, window, q) : n;
    const short = isTransposed ? n : windows.outputSize(n, window);
    const lastTap = windows.taps(short - 1, window)[k - 1];
    return {
      window, setting, n, q, long, short,
      first: -l,
      // Where the output padding exceeds the cut at the end, positions lie beyond the last window.
      last: isTransposed ? Math.max(lastTap, long - 1) : n - 1 + r,
      room: n + l + r - windows.span(window),
      unused: isTransposed ? 0 : windows.unused(n, window),
      visits: windows.visits(long, window, short),
      taps: range(0, short - 1).map((i) => windows.taps(i, window)),
    };
  }

  /** @type {Convolution["ends"]} */
  function ends(setting, name, [least, most], isTransposed) {
    /** @param {number} value */
    const fits = (value) => {
      /** @type {AxisSetting} */
      const { n, k, s, l, r, d, q } = { ...setting, [name]: value };
      const window = { kernel: k, stride: s, left: l, right: r, dilation: d };
      return attempt(() =>
        (isTransposed ? windows.transposedSize(n, window, q) : windows.outputSize(n, window))) !== undefined;
    };
    let [min, max] = [setting[name], setting[name]];
    while (min > least && fits(min - 1)) min--;
    while (max < most && fits(max + 1)) max++;
    return [min, max];
  }

  /** @type {Convolution["readers"]} */
  const readers = ({ taps }, position) => taps.flatMap((places, window) => {
    const tap = places.indexOf(position);
    return tap < 0 ? [] : [{ window, tap }];
  });

  /** @param {number[]} values */
  const largest = (values) => Math.max(...values.map(Math.abs), 1);

  // --- sums ----------------------------------------------------------------------------------------

  const INPUTS = [3, -1, 4, 1, -5, 9, 2, -6, 5, 3, -5, 8, 9, -7, 9, 3, 2, -3, 8, 4, -6, 2, 6, 4, -3, 3, 8, 3, -2, 7, 9, -5];
  const WEIGHTS = [1, -2, 3, -1, 2, 1, -3];
  // Of one axis as many as there are entries; of two, row by row, each row begun further on.
  /** @type {(numbers: number[], further: number) => (sizes: number[]) => number[]} */
  const taken = (numbers, further) => (sizes) => {
    const [columns, rows = 1] = [...sizes].reverse();
    return range(0, rows * columns - 1).map((i) =>
      numbers[(further * Math.floor(i / columns) + (i % columns)) % numbers.length]);
  };
  const inputsOf = taken(INPUTS, 5);
  const weightsOf = taken(WEIGHTS, 2);

  // All numbers row by row; outside the input there are zeros.
  /** @type {Convolution["terms"]} */
  function terms(x, w, sizes, places) {
    const [columns, rows = 1] = [...sizes].reverse();
    const [across, down = [0]] = [...places].reverse();
    let total = 0;
    return down.flatMap((row) => across.map((column) => [row, column])).map(([row, column], tap) => {
      const inside = row >= 0 && row < rows && column >= 0 && column < columns;
      const value = inside ? x[row * columns + column] : 0;
      const product = value * w[tap] + 0; // no negative zero
      total += product;
      return { inside, value, weight: w[tap], product, total };
    });
  }

  // Each window adds its input times the kernel.
  /** @type {Convolution["pasted"]} */
  function pasted(x, w, axes, count) {
    const [across, down = { ...axes[0], long: 1, taps: [[0]] }] = [...axes].reverse();
    const out = Array(down.long * across.long).fill(0);
    for (const i of range(0, count - 1)) {
      const [row, column] = [Math.floor(i / across.taps.length), i % across.taps.length];
      down.taps[row].forEach((r, a) => across.taps[column].forEach((c, b) => {
        if (r < 0 || r >= down.long || c < 0 || c >= across.long) return;
        out[r * across.long + c] += w[a * across.window.kernel + b] * x[i];
      }));
    }
    return out;
  }

  // --- what is on show -----------------------------------------------------------------------------

  /** @type {Convolution["model"]} */
  function model(values) {
    const isTransposed = values.operation === "transposed";
    // Rows first, as everywhere; their controls bear a 2.
    const suffixes = values.axes === "2" ? ["2", ""] : [""];
    const axes = suffixes.map((suffix) => {
      const [n, k, s, l, r, d, q] = ["n", "k", "s", "l", "r", "d", "q"].map((name) => values[name + suffix] ?? 0);
      try {
        if (suffixes.length > 1 && n > MOST_IN_TWO_AXES) {
          throw new Refusal("n", `must be at most ${MOST_IN_TWO_AXES} where there are two axes`);
        }
        return { ...axisOf({ n, k, s, l, r, d, q }, isTransposed), suffix };
      } catch (error) {
        if (error instanceof Refusal) error.field += suffix;
        throw error;
      }
    });
    const steps = axes.reduce((product, { short }) => product * short, 1);
    const columns = axes[axes.length - 1].short;
    /** @param {number} at */
    const placeOf = (at) => (axes.length > 1 ? [Math.floor(at / columns), at % columns] : [at]);
    /** @param {number} at */
    const tapsOf = (at) => axes.map(({ taps }, i) => taps[placeOf(at)[i]]);
    const [longs, shorts] = [axes.map(({ long }) => long), axes.map(({ short }) => short)];
    const [x, w] = [inputsOf(isTransposed ? shorts : longs), weightsOf(axes.map(({ window }) => window.kernel))];
    /** @param {number} at */
    const termsOf = (at) => terms(x, w, longs, tapsOf(at));
    const [inputs, outputs] = isTransposed ? [shorts, longs] : [longs, shorts];
    const out = isTransposed ? pasted(x, w, axes, steps) : range(0, steps - 1).map((at) => termsOf(at)[w.length - 1].total);
    return {
      axes, isTransposed, counts: values.counts === "1", stop: "Window", steps, placeOf, tapsOf, x, w, termsOf, out,
      // The largest of each kind, whose colour is the strongest.
      most: { x: largest(x), product: largest(x) * largest(w), out: largest(out) },
      pastedBy: (at) => pasted(x, w, axes, at + 1),
      summary: `Input of ${inputs.join(" by ")}, kernel of ${axes.map(({ window }) => window.kernel).join(" by ")}, ` +
        `output of ${outputs.join(" by ")}.`,
    };
  }

  /** @type {Convolution} */
  window.cnnref.convolution = { axisOf, ends, readers, terms, pasted, inputsOf, weightsOf, model };
})();
