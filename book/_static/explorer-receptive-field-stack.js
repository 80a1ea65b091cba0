// @ts-check
// A stack of layers along one axis of a square image: its text, its numbers as cnnref.accounting
// counts them, and which units each of its units reads. No drawing happens here, and the tests replay
// what Python computed through every function. A layer is a plain object { kind, k, s, p, d, c },
// without `c` for a pooling, which keeps its channels; units and positions count from 0.
/** @typedef {{ kind: "conv" | "pool", k: number, s: number, p: number, d: number, c?: number }} StackLayer */
/** First and last of some units, both counted.
 * @typedef {[number, number]} Run
 */
/**
 * The input, or a layer's output: its size and channels, its jump and field were the input endless, the
 * centre of its first unit, what each unit sees of the real input, and what the layer costs.
 * @typedef {{
 *   size: number, channels: number, jump: number, field: number, start: number,
 *   bounds: (Run | null)[], clipped: number, parameters: number, macs: number,
 * }} StackRow
 */
/** @typedef {{ rows: StackRow[], parameters: number, macs: number }} StackAccount */
/** @typedef {"k" | "s" | "p" | "d" | "c"} LayerNumber */
/**
 * What the pictures and the explorer use of this file.
 * @typedef {{
 *   LIMITS: Record<LayerNumber, Run>, MOST_LAYERS: number,
 *   parseLayers(text: string, least?: number, most?: number): StackLayer[],
 *   writeLayer(layer: StackLayer): string, writeLayers(layers: StackLayer[]): string,
 *   windowOf(layer: StackLayer): SlidingWindow, middleOf(size: number): number,
 *   account(n: number, channels: number, layers: StackLayer[]): StackAccount,
 *   sees(sizes: number[], layers: StackLayer[], depth: number, unit: number): Run[][],
 * }} Stack
 */
(() => {
  "use strict";
  const { Refusal, windows } = window.cnnref;
  const MOST_LAYERS = 24;
  /** @type {Stack["LIMITS"]} */
  const LIMITS = { k: [1, 31], s: [1, 16], p: [0, 99], d: [1, 32], c: [1, 4096] };
  const NAMES = { k: "kernel", s: "stride", p: "padding", d: "dilation", c: "channels" };
  const LEFT_OUT = { s: 1, p: 0, d: 1, c: 1 };

  // --- as text -------------------------------------------------------------------------------------

  /** @param {string} text @returns {StackLayer} */
  function parseLayer(text) {
    /** @param {string} message @returns {never} */
    const refuse = (message) => {
      throw new Refusal("value", `“${text.slice(0, 20)}” ${message}`);
    };
    const found = /^(conv|pool)(\d{1,9})((?:[spdc]\d{1,9})*)$/.exec(text.toLowerCase());
    if (!found) return refuse("is not a layer: write as in conv3s2p1c64 or pool2s2");
    const [, kind, kernel, rest] = found;
    const pairs = /** @type {[LayerNumber, number][]} */ ([["k", Number(kernel)],
      ...(rest.match(/[a-z]\d+/g) ?? []).map((pair) => [pair[0], Number(pair.slice(1))])]);
    for (const [i, [letter, value]] of pairs.entries()) {
      if (pairs.slice(0, i).some(([other]) => other === letter)) refuse(`has ${letter} twice`);
      if (letter === "c" && kind === "pool") refuse("has channels, but a pooling keeps its input’s");
      const [least, most] = LIMITS[letter];
      if (value < least || value > most) refuse(`needs a ${NAMES[letter]} from ${least} to ${most}`);
    }
    /** @type {StackLayer} */
    const layer = { kind: kind === "pool" ? kind : "conv", k: 0, ...LEFT_OUT, ...Object.fromEntries(pairs) };
    if (kind === "pool") delete layer.c;
    return layer;
  }

  /** @type {Stack["parseLayers"]} */
  function parseLayers(text, least = 1, most = MOST_LAYERS) {
    const words = String(text).split(/[\s,;]+/).filter(Boolean);
    const layers = words.map(parseLayer);
    if (layers.length < least || layers.length > most) {
      throw new Refusal("value", `must hold ${least} to ${most} layers, not ${layers.length}`);
    }
    return layers;
  }

  /** @type {Stack["writeLayer"]} */
  const writeLayer = (layer) => `${layer.kind}${layer.k}` +
    /** @type {(keyof LEFT_OUT)[]} */ (Object.keys(LEFT_OUT))
    .map((letter) => ((layer[letter] ?? LEFT_OUT[letter]) === LEFT_OUT[letter] ? "" : letter + layer[letter]))
    .join("");
  /** @type {Stack["writeLayers"]} */
  const writeLayers = (layers) => layers.map(writeLayer).join(" ");

  // --- in numbers ----------------------------------------------------------------------------------

  /** @type {Stack["middleOf"]} */
  const middleOf = (size) => size >> 1;
  /** @type {Stack["windowOf"]} */
  const windowOf = ({ k, s, p, d }) => ({ kernel: k, stride: s, left: p, right: p, dilation: d });

  /** @param {string} field @param {unknown} value @returns {number} */
  function counted(field, value) {
    if (typeof value !== "number" || !Number.isInteger(value) || value < 1) {
      throw new Refusal(field, "must be a whole number of at least 1");
    }
    return value;
  }

  /**
   * The windows' own refusals, and torch's: a pooling's padding is at most half its kernel.
   * @param {number} size @param {StackLayer} layer
   */
  function sizeAfter(size, layer) {
    const window = windowOf(layer);
    const outputs = windows.outputSize(size, window);
    const half = Math.floor(layer.k / 2);
    if (layer.kind === "pool" && layer.p > half) {
      throw new Refusal("padding", `the padding of a pooling must be at most half its kernel, ${half}`);
    }
    return outputs;
  }

  /**
   * First and last position of the real input that each unit sees; null for one that sees none.
   * @param {(Run | null)[]} below @param {number} size @param {SlidingWindow} window
   * @returns {(Run | null)[]}
   */
  function boundsAbove(below, size, window) {
    return Array.from({ length: size }, (_, i) => {
      const read = windows.taps(i, window).flatMap((tap) => (below[tap] ? [below[tap]] : []));
      if (!read.length) return null;
      return [Math.min(...read.map(([first]) => first)), Math.max(...read.map(([, last]) => last))];
    });
  }

  // One row for the input and one for each layer.
  /** @type {Stack["account"]} */
  function account(n, channels, layers) {
    /** @type {StackRow[]} */
    const rows = [{
      size: counted("n", n), channels: counted("channels", channels), jump: 1, field: 1, start: 0,
      bounds: Array.from({ length: n }, (_, i) => [i, i]), clipped: 1, parameters: 0, macs: 0,
    }];
    const totals = { parameters: 0, macs: 0 };
    for (const [i, layer] of layers.entries()) {
      const below = rows[i];
      try {
        const size = sizeAfter(below.size, layer);
        const window = windowOf(layer);
        const reach = windows.span(window) - 1;
        const isConv = layer.kind === "conv";
        const bounds = boundsAbove(below.bounds, size, window);
        const made = isConv ? counted("channels", layer.c) : below.channels;
        const weights = isConv ? made * below.channels * layer.k ** 2 : 0;
        const seen = bounds.flatMap((run) => (run ? [run[1] - run[0] + 1] : []));
        /** @type {StackRow} */
        const row = {
          size, channels: made,
          jump: below.jump * layer.s,
          field: below.field + reach * below.jump,
          start: below.start + (reach / 2 - layer.p) * below.jump,
          bounds, clipped: Math.max(0, ...seen),
          parameters: isConv ? weights + made : 0,
          macs: weights * size ** 2,
        };
        rows.push(row);
        totals.parameters += row.parameters;
        totals.macs += row.macs;
        if (![row.field, row.jump, ...Object.values(totals)].every(Number.isSafeInteger)) {
          throw new Refusal("large", "its numbers are too large to be exact here");
        }
      } catch (error) {
        if (error instanceof Refusal) error.layer = i + 1;
        throw error;
      }
    }
    return { rows, ...totals };
  }

  // --- what a unit reads ---------------------------------------------------------------------------

  /** Sets of units as runs, in order and apart. @param {Run[]} runs */
  function merged(runs) {
    /** @type {Run[]} */
    const result = [];
    for (const [first, last] of runs.sort((a, b) => a[0] - b[0])) {
      const open = result.at(-1);
      if (open && first <= open[1] + 1) open[1] = Math.max(open[1], last);
      else result.push([first, last]);
    }
    return result;
  }

  /** @param {Run} run @param {StackLayer} layer @returns {Run[]} */
  function readBy([first, last], { k, s, p, d }) {
    if (d === 1 && k >= s) return [[first * s - p, last * s - p + k - 1]];
    const taps = Array.from({ length: k }, (_, tap) => tap * d - p);
    if (s === 1) return taps.map((tap) => [first + tap, last + tap]);
    /** @type {(place: number) => Run[]} */
    const alone = (place) => taps.map((tap) => [place + tap, place + tap]);
    return Array.from({ length: last - first + 1 }, (_, i) => (first + i) * s)
      .flatMap(alone);
  }

  // For the input and each layer up to `depth`, the units on which a unit of layer `depth` depends.
  /** @type {Stack["sees"]} */
  function sees(sizes, layers, depth, unit) {
    /** @type {Run[][]} */
    const chain = [[[unit, unit]]];
    for (let l = depth - 1; l >= 0; l--) {
      const inside = chain[0].flatMap((run) => readBy(run, layers[l]))
        .map(([first, last]) => /** @type {Run} */ ([Math.max(first, 0), Math.min(last, sizes[l] - 1)]))
        .filter(([first, last]) => first <= last);
      chain.unshift(merged(inside));
    }
    return chain;
  }

  window.cnnref.stack = {
    LIMITS, MOST_LAYERS, parseLayers, writeLayer, writeLayers, windowOf, middleOf, account, sees,
  };
})();
