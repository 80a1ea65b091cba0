// Sliding windows, as cnnref/windows.py has them: the explorers' arithmetic. No drawing happens here,
// and the tests replay what Python computed through every function. A window is a plain object
// { kernel, stride, left, right, dilation }; positions count from 0, padding on the left is negative.
(() => {
  "use strict";

  // What cannot be computed is told in words, with the field that is to blame.
  class Refusal extends Error {
    constructor(field, message) {
      super(message);
      this.field = field;
    }
  }

  function integer(field, value, least) {
    if (!Number.isInteger(value)) throw new Refusal(field, `${field} must be a whole number`);
    if (value < least) throw new Refusal(field, `${field} must be at least ${least}, not ${value}`);
    return value;
  }

  // Each of the window's numbers, in the order in which Python checks them.
  function checked(window) {
    for (const field of ["kernel", "stride", "dilation"]) integer(field, window[field], 1);
    integer("padding", window.left, 0);
    integer("padding", window.right, 0);
    return window;
  }

  // Positions from the first tap to the last, both counted.
  const span = (window) => checked(window).dilation * (window.kernel - 1) + 1;

  // How many windows fit; a remainder of the division is dropped, as torch drops it.
  function outputSize(n, window) {
    const width = span(window);
    const padded = integer("n", n, 1) + window.left + window.right;
    if (padded < width) {
      const whole = window.left + window.right ? "input with its padding" : "input";
      throw new Refusal(
        "fit", `the window spans ${width} positions, but the ${whole} has only ${padded}`,
      );
    }
    return Math.floor((padded - width) / window.stride) + 1;
  }

  // torch accepts an output padding below the larger of stride and dilation.
  function outputPadding(extra, window) {
    integer("output_padding", extra, 0);
    const limit = Math.max(checked(window).stride, window.dilation);
    if (extra >= limit) {
      const which = window.stride >= window.dilation ? "stride" : "dilation";
      throw new Refusal(
        "output_padding", `the output padding must be smaller than the ${which}, ${limit}`,
      );
    }
    return extra;
  }

  // The length of a transposed convolution's output.
  function transposedSize(n, window, extra = 0) {
    const width = span(window);
    integer("n", n, 1);
    outputPadding(extra, window);
    const size = (n - 1) * window.stride + width - window.left - window.right + extra;
    if (size < 1) throw new Refusal("empty", "the padding cuts everything off: no output is left");
    return size;
  }

  // The stride-1 window that does a transposed convolution once zeros are inserted.
  function transposed(window, extra = 0) {
    const width = span(window);
    outputPadding(extra, window);
    const [left, right] = [width - 1 - window.left, width - 1 - window.right + extra];
    if (left < 0 || right < 0) {
      throw new Refusal("padding", `the padding is larger than the span less one, ${width - 1}`);
    }
    return { kernel: window.kernel, stride: 1, left, right, dilation: window.dilation };
  }

  // The window with as many outputs as strides fit; the odd position goes to the right.
  function same(kernel, stride, dilation, size) {
    const bare = { kernel, stride, left: 0, right: 0, dilation };
    const width = span(bare);
    const outputs = Math.ceil(integer("size", size, 1) / stride);
    const total = Math.max((outputs - 1) * stride + width - size, 0);
    return { ...bare, left: Math.floor(total / 2), right: total - Math.floor(total / 2) };
  }

  // The positions that output i looks at; those outside 0 .. n - 1 are padding.
  function taps(i, window) {
    const first = integer("i", i, 0) * checked(window).stride - window.left;
    return Array.from({ length: window.kernel }, (_, tap) => first + tap * window.dilation);
  }

  // How many padded positions come after the last window.
  function unused(n, window) {
    const last = taps(outputSize(n, window) - 1, window).at(-1);
    return Math.max(n + window.right - 1 - last, 0);
  }

  // How many of the first windows (of all that fit, if no number is given) look at each entry.
  function visits(n, window, windows = outputSize(n, window)) {
    const counts = Array(n).fill(0);
    for (let i = 0; i < windows; i++) {
      for (const position of taps(i, window)) if (position in counts) counts[position]++;
    }
    return counts;
  }

  window.cnnref = Object.assign(window.cnnref ?? {}, {
    Refusal,
    windows: {
      span, outputSize, outputPadding, transposedSize, transposed, same, taps, unused, visits,
    },
  });
})();
