// @ts-check
// Pooling and jitter, the arithmetic: an input and the same input displaced, each pooled, and which
// outputs differ; and the words for them.

/**
 * An input, what it is pooled to, what each window reads (nothing, where padding does not count),
 * and the positions that decide each output.
 * @typedef {{ values: number[], pooled: number[], columns: (number | undefined)[][],
 *   sources: number[][] }} PooledLine
 */
/**
 * The input as it is and as it was moved; which outputs changed; which entries were moved in; and the
 * entry at which the reader looks.
 * @typedef {Model & {
 *   x: number[], window: SlidingWindow, isMax: boolean, outside: number | undefined,
 *   lines: PooledLine[], swaps: boolean, by: number, i: number, moved: string, changed: number[],
 *   entered: number[], looked?: number,
 * }} PoolingModel
 */
/**
 * @typedef {{
 *   x: number[], op: "max" | "mean", fill: "zeros" | "infinity", count: "zeros" | "none", k: number,
 *   s: number, l: number, r: number, move: "shift" | "swap", by: number, i: number,
 *   enters: "zeros" | "wrap",
 * }} PoolingValues
 */
/**
 * What the pictures and the explorer use of this file.
 * @typedef {{
 *   model(values: PoolingValues): PoolingModel,
 *   words(model: PoolingModel, at: number): string,
 *   reads(model: PoolingModel, position: number): string,
 *   remarks(model: PoolingModel): string[],
 *   array(values: number[]): string,
 *   distance(before: number[], after: number[]): number,
 *   totalVariation(values: number[]): number,
 *   [other: string]: Function,
 * }} Pooling
 */
(() => {
  "use strict";
  const { Refusal, windows } = window.cnnref;
  const { show, count, range, from1 } = window.cnnref.drawing;

  /** @param {number[]} values */
  const sum = (values) => values.reduce((total, value) => total + value, 0);

  // --- arithmetic ----------------------------------------------------------------------------------

  /** @param {string} field @param {number} value @param {number} least @param {number} most */
  function whole(field, value, least, most) {
    if (!Number.isInteger(value) || value < least || value > most) {
      throw new Refusal(field, `must be a whole number from ${least} to ${most}`);
    }
  }

  /**
   * What each window reads; `fill` stands for every tap outside the input.
   * @template T
   * @param {number[]} x @param {SlidingWindow} window @param {T} fill
   * @returns {(number | T)[][]}
   */
  function columns(x, window, fill) {
    return range(0, windows.outputSize(x.length, window) - 1).map((i) =>
      windows.taps(i, window).map((position) => x[position] ?? fill));
  }

  /** @param {number[]} x @param {SlidingWindow} window */
  const maxPool = (x, window, fill = -Infinity) =>
    columns(x, window, fill).map((entries) => Math.max(...entries));

  /**
   * The position that each maximum comes from, the first of equals; negative, or beyond the input,
   * where it is padding.
   * @param {number[]} x @param {SlidingWindow} window
   */
  const winners = (x, window, fill = -Infinity) => columns(x, window, fill).map((entries, i) =>
    windows.taps(i, window)[entries.indexOf(Math.max(...entries))]);

  /**
   * A mean over nothing is 0, as in the library.
   * @param {number[]} x @param {SlidingWindow} window
   */
  const avgPool = (x, window, countPadding = true) =>
    columns(x, window, countPadding ? 0 : undefined).map((entries) => {
      const counted = entries.filter((entry) => entry !== undefined);
      return counted.length ? sum(counted) / counted.length : 0;
    });

  /**
   * To the right, if `by` is positive; zeros enter, or what left at the other end.
   * @param {number[]} x @param {number} by
   */
  function shifted(x, by, enters = "zeros") {
    whole("by", by, -99, 99);
    const n = x.length;
    return x.map((_, i) => (enters === "wrap" ? x[(((i - by) % n) + n) % n] : x[i - by] ?? 0));
  }

  /**
   * Entry `first`, counted from 1, changes places with the one after it.
   * @param {number[]} x @param {number} first
   */
  function swapped(x, first) {
    if (x.length < 2) throw new Refusal("i", "needs an input of two entries or more");
    whole("i", first, 1, x.length - 1);
    /** @type {Record<number, number>} */
    const from = { [first - 1]: first, [first]: first - 1 };
    return x.map((_, position) => x[from[position] ?? position]);
  }

  /**
   * Means are rounded, so that equal ones may differ in their last digits.
   * @param {number} a @param {number} b
   */
  const differ = (a, b) => a !== b && !(Math.abs(a - b) < 1e-9);
  /** @param {number[]} before @param {number[]} after */
  const changed = (before, after) =>
    range(0, before.length - 1).filter((i) => differ(before[i], after[i]));
  /** @param {number[]} before @param {number[]} after */
  const distance = (before, after) =>
    sum(before.map((value, i) => (value === after[i] ? 0 : Math.abs(value - after[i]))));
  /** @param {number[]} values */
  const totalVariation = (values) => distance(values.slice(1), values.slice(0, -1));

  /**
   * Of the outputs that have a partner so many places before them, how many are equal to it.
   * @param {number[]} before @param {number[]} after @param {number} places
   */
  function follow(before, after, places) {
    whole("places", places, -99, 99);
    const pairs = range(0, before.length - 1).filter((i) => i - places in before);
    const equal = pairs.filter((i) => !differ(before[i - places], after[i]));
    return { pairs: pairs.length, equal: equal.length };
  }

  // --- what is on show -----------------------------------------------------------------------------

  /** @param {number} places */
  const way = (places) => count(Math.abs(places), "place");

  /** @param {PoolingValues} values @returns {PoolingModel} */
  function model({ x, op, fill, count: counted, k, s, l, r, move, by, enters, i }) {
    const window = { kernel: k, stride: s, left: l, right: r, dilation: 1 };
    const isMax = op === "max";
    // What the padding holds; nothing, where a mean leaves it out.
    const outside = isMax ? { zeros: 0, infinity: -Infinity }[fill]
      : { zeros: 0, none: undefined }[counted];
    const swaps = move === "swap";
    const lines = [x, swaps ? swapped(x, i) : shifted(x, by, enters)].map((values) => ({
      values,
      pooled: isMax ? maxPool(values, window, outside) : avgPool(values, window, outside === 0),
      columns: columns(values, window, outside),
      // The positions that decide an output: the winner's, or all that count.
      sources: isMax ? winners(values, window, outside).map((position) => [position])
        : columns(values, window, undefined).map((_, output) => windows.taps(output, window)
          .filter((position) => outside === 0 || position in values)),
    }));
    const [y, z] = lines.map(({ pooled }) => pooled);
    const shift = by ? `shifted ${way(by)} to the ${by > 0 ? "right" : "left"}` : "not shifted";
    return {
      x, window, isMax, outside, lines, swaps, by, i, changed: changed(y, z), steps: y.length,
      moved: swaps ? `entries ${i} and ${i + 1} swapped` : shift, stop: "Output",
      entered: swaps ? [i - 1, i] : range(0, x.length - 1).filter((p) => !(p - by in x)),
    };
  }

  /** @param {number[]} values */
  const array = (values) => `(${values.map(show).join(", ")})`;

  /**
   * What a reader should notice, in words.
   * @param {PoolingModel} model
   */
  function remarks({ x, lines, window, isMax, swaps, by }) {
    const [y, z] = lines.map(({ pooled }) => pooled);
    const found = [];
    if (!swaps && by % window.stride) {
      found.push(`The outputs move along only if the stride, ${window.stride}, divides the shift.`);
    } else if (!swaps && by) {
      const places = by / window.stride;
      const { pairs, equal } = follow(y, z, places);
      const keep = equal === 1 ? "keeps its value" : "keep their value";
      if (pairs) found.push(
        `The outputs move along by ${way(places)}: ` +
        `of the ${pairs} that stay in view, ${equal} ${keep}.`,
      );
    }
    const padding = isMax ? lines[0].sources.filter(([position]) => !(position in x)).length : 0;
    if (padding) found.push(
      `In y, ${count(padding, "output")} ${padding > 1 ? "come" : "comes"} from the padding.`,
    );
    const unread = windows.visits(x.length, window).filter((visits) => visits === 0).length;
    if (unread) found.push(`Crossed out: ${count(unread, "input")} that no window reads.`);
    return found;
  }

  /** @param {PoolingModel} model @param {number} at */
  function words({ looked, ...model }, at) {
    if (looked !== undefined) return reads(model, looked);
    const { isMax, lines, changed: marked, x, steps } = model;
    const inputs = changed(lines[0].values, lines[1].values).length;
    const [was, is] = lines.map(({ columns, pooled }) => {
      const entries = columns[at].filter((entry) => entry !== undefined);
      return `${isMax ? "max" : "mean"}${array(entries)} = ${show(pooled[at])}`;
    });
    const verdict = marked.includes(at) ? "It changed." : "It did not change.";
    return `${marked.length} of ${count(steps, "output")} changed, ` +
      `and ${inputs} of ${count(x.length, "input")}. ` +
      `Output ${at + 1} was ${was} and is ${is}. ${verdict}`;
  }

  /**
   * Which outputs read an entry of x, and which of them it decides.
   * @param {PoolingModel} model @param {number} position
   */
  function reads({ x, window, isMax, lines, steps }, position) {
    const readers = range(0, steps - 1).filter((i) => windows.taps(i, window).includes(position));
    const name = `Input ${position + 1}, ${show(x[position])},`;
    if (!readers.length) return `${name} is read by no window.`;
    const won = readers.filter((i) => lines[0].sources[i].includes(position));
    const read = `${name} is read by ${readers.length > 1 ? "outputs" : "output"} ${from1(readers)}`;
    if (!isMax) return `${read} and counts in each.`;
    return won.length ? `${read} and decides ${from1(won)}.` : `${read} and decides none.`;
  }

  window.cnnref.pooling = {
    maxPool, winners, avgPool, shifted, swapped, changed, distance, totalVariation, follow,
    model, words, reads, remarks, array,
  };
})();
