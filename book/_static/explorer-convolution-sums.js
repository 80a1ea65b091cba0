// Convolution arithmetic: which entries a window joins to which along an axis, how many windows there
// are, and the sums with numbers of our own. No drawing happens here, and the tests replay what Python
// computed through every function. A transposed convolution has the same windows, read the other way:
// each joins one entry of the short line to the taps of the long one.
(() => {
  "use strict";
  const { Refusal, windows } = window.cnnref;
  const { range } = window.cnnref.drawing;
  const MOST_IN_TWO_AXES = 12;

  // --- one axis ------------------------------------------------------------------------------------

  // The long line is the input of a convolution and the output of a transposed one.
  function axisOf(setting, isTransposed) {
    const { n, k, s, l, r, d, q } = setting;
    const window = { kernel: k, stride: s, left: l, right: r, dilation: d };
    const long = isTransposed ? windows.transposedSize(n, window, q) : n;
    const short = isTransposed ? n : windows.outputSize(n, window);
    const lastTap = windows.taps(short - 1, window).at(-1);
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

  // How far one number of a setting can go down and up before there is no picture.
  function ends(setting, name, [least, most], isTransposed) {
    const fits = (value) => {
      const { n, k, s, l, r, d, q } = { ...setting, [name]: value };
      const window = { kernel: k, stride: s, left: l, right: r, dilation: d };
      try {
        return (isTransposed ? windows.transposedSize(n, window, q) : windows.outputSize(n, window)) > 0;
      } catch (error) {
        if (error instanceof Refusal) return false;
        throw error;
      }
    };
    let [min, max] = [setting[name], setting[name]];
    while (min > least && fits(min - 1)) min--;
    while (max < most && fits(max + 1)) max++;
    return [min, max];
  }

  // The windows that look at a position: each one's number, and the tap that meets it.
  const readers = ({ taps }, position) => taps.flatMap((places, window) => {
    const tap = places.indexOf(position);
    return tap < 0 ? [] : [{ window, tap }];
  });

  const largest = (values) => Math.max(...values.map(Math.abs), 1);

  // --- sums ----------------------------------------------------------------------------------------

  const INPUTS = [3, -1, 4, 1, -5, 9, 2, -6, 5, 3, -5, 8, 9, -7, 9, 3, 2, -3, 8, 4, -6, 2, 6, 4, -3, 3, 8, 3, -2, 7, 9, -5];
  const WEIGHTS = [1, -2, 3, -1, 2, 1, -3];
  // Of one axis as many as there are entries; of two, row by row, each row begun further on.
  const taken = (numbers, further) => (sizes) => {
    const [columns, rows = 1] = [...sizes].reverse();
    return range(0, rows * columns - 1).map((i) =>
      numbers[(further * Math.floor(i / columns) + (i % columns)) % numbers.length]);
  };
  const inputsOf = taken(INPUTS, 5);
  const weightsOf = taken(WEIGHTS, 2);

  // What one window adds up, tap by tap: what it meets, the product, and the total so far. `sizes` are
  // those of the input, `places` the window's positions along each axis; both, and all numbers, row by
  // row. Outside the input there are zeros.
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

  // What the first windows of a transposed convolution have added to its outputs: each one its input
  // times the kernel. `axes` are as `axisOf` gives them.
  function pasted(x, w, axes, count) {
    const [across, down = { long: 1, taps: [[0]] }] = [...axes].reverse();
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

  function model(values) {
    const isTransposed = values.operation === "transposed";
    // Rows first, as everywhere; their controls bear a 2.
    const suffixes = values.axes === "2" ? ["2", ""] : [""];
    const axes = suffixes.map((suffix) => {
      const of = (name) => values[name + suffix];
      try {
        if (values.axes === "2" && of("n") > MOST_IN_TWO_AXES) {
          throw new Refusal("n", `must be at most ${MOST_IN_TWO_AXES} where there are two axes`);
        }
        const [n, k, s, l, r, d, q] = ["n", "k", "s", "l", "r", "d", "q"].map(of);
        return { ...axisOf({ n, k, s, l, r, d, q: q ?? 0 }, isTransposed), suffix };
      } catch (error) {
        if (error instanceof Refusal) error.field += suffix;
        throw error;
      }
    });
    const steps = axes.reduce((product, { short }) => product * short, 1);
    const columns = axes.at(-1).short;
    const placeOf = (at) => (axes.length > 1 ? [Math.floor(at / columns), at % columns] : [at]);
    const tapsOf = (at) => axes.map(({ taps }, i) => taps[placeOf(at)[i]]);
    const [longs, shorts] = ["long", "short"].map((line) => axes.map((axis) => axis[line]));
    const [x, w] = [inputsOf(isTransposed ? shorts : longs), weightsOf(axes.map(({ window }) => window.kernel))];
    const termsOf = (at) => terms(x, w, longs, tapsOf(at));
    const [inputs, outputs] = isTransposed ? [shorts, longs] : [longs, shorts];
    const out = isTransposed ? pasted(x, w, axes, steps) : range(0, steps - 1).map((at) => termsOf(at).at(-1).total);
    return {
      axes, isTransposed, counts: values.counts === "1", stop: "Window", steps, placeOf, tapsOf, x, w, termsOf, out,
      // The largest of each kind, whose colour is the strongest.
      most: { x: largest(x), product: largest(x) * largest(w), out: largest(out) },
      pastedBy: (at) => pasted(x, w, axes, at + 1),
      summary: `Input of ${inputs.join(" by ")}, kernel of ${axes.map(({ window }) => window.kernel).join(" by ")}, ` +
        `output of ${outputs.join(" by ")}.`,
    };
  }

  window.cnnref.convolution = { axisOf, ends, readers, terms, pasted, inputsOf, weightsOf, model };
})();
