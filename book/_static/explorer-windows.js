// @ts-check
// Sliding windows, as cnnref/windows.py has them: the explorers' arithmetic. No drawing happens here,
// and the tests replay what Python computed through every function. A window is a plain object
// { kernel, stride, left, right, dilation }; positions count from 0, padding on the left is negative.
(() => {
  "use strict";

  // What cannot be computed is told in words, with the field that is to blame.
  class Refusal extends Error {
    /** @param {string} field @param {string} message */
    constructor(field, message) {
      super(message);
      this.field = field;
    }
  }

  /** @template T @param {() => T} act @returns {T | undefined} what it gives, or nothing where it refuses */
  function attempt(act) {
    try {
      return act();
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      return undefined;
    }
  }

  /** @param {string} field @param {number} value @param {number} least */
  function integer(field, value, least) {
    if (!Number.isInteger(value)) throw new Refusal(field, `${field} must be a whole number`);
    if (value < least) throw new Refusal(field, `${field} must be at least ${least}, not ${value}`);
    return value;
  }

  /**
   * Each of the window's numbers, in the order in which Python checks them.
   * @param {SlidingWindow} window
   */
  function checked(window) {
    integer("kernel", window.kernel, 1);
    integer("stride", window.stride, 1);
    integer("dilation", window.dilation, 1);
    integer("padding", window.left, 0);
    integer("padding", window.right, 0);
    return window;
  }

  /** @type {Windows["span"]} */
  const span = (window) => checked(window).dilation * (window.kernel - 1) + 1;

  /** @type {Windows["outputSize"]} */
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

  /** The extra positions of a transposed convolution, if torch accepts as many.
   * @param {number} extra @param {SlidingWindow} window
   */
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

  /** @type {Windows["transposedSize"]} */
  function transposedSize(n, window, extra = 0) {
    const width = span(window);
    integer("n", n, 1);
    outputPadding(extra, window);
    const size = (n - 1) * window.stride + width - window.left - window.right + extra;
    if (size < 1) throw new Refusal("empty", "the padding cuts everything off: no output is left");
    return size;
  }

  /** @type {Windows["same"]} */
  function same(kernel, stride, dilation, size) {
    const bare = { kernel, stride, left: 0, right: 0, dilation };
    const width = span(bare);
    const outputs = Math.ceil(integer("size", size, 1) / stride);
    const total = Math.max((outputs - 1) * stride + width - size, 0);
    return { ...bare, left: Math.floor(total / 2), right: total - Math.floor(total / 2) };
  }

  /** @type {Windows["taps"]} */
  function taps(i, window) {
    const first = integer("i", i, 0) * checked(window).stride - window.left;
    return Array.from({ length: window.kernel }, (_, tap) => first + tap * window.dilation);
  }

  /** @type {Windows["unused"]} */
  function unused(n, window) {
    const last = taps(outputSize(n, window) - 1, window)[window.kernel - 1];
    return Math.max(n + window.right - 1 - last, 0);
  }

  /** @type {Windows["visits"]} */
  function visits(n, window, windows = outputSize(n, window)) {
    const counts = Array(n).fill(0);
    for (let i = 0; i < windows; i++) {
      for (const position of taps(i, window)) if (position in counts) counts[position]++;
    }
    return counts;
  }

  window.cnnref = Object.assign(window.cnnref ?? {}, {
    Refusal,
    attempt,
    windows: { span, outputSize, transposedSize, same, taps, unused, visits },
  });
})();
