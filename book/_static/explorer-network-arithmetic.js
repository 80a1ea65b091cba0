// @ts-check
// A small CNN, forwards and backwards: the arithmetic of the network that one looks into, DigitCNN of
// cnnref/models/digits.py. No drawing happens here; the tests compare every function with torch.
// A layer's numbers are one array, map by map and row by row.
(() => {
  "use strict";
  const { windows, strokes: { SIDE } } = window.cnnref;
  /** @type {Record<string, SlidingWindow>} */
  const WINDOWS = {
    conv: { kernel: 3, stride: 1, left: 0, right: 0, dilation: 1 },
    pool: { kernel: 2, stride: 2, left: 0, right: 0, dilation: 1 },
  };
  const ORDER = ["conv1", "pool2", "conv3", "pool4", "fc5", "fc6"];
  const FIRST = 32; // code of the lowest level of a weight; no quotation mark and no backslash follow
  const [QUOTE, BACKSLASH] = [34, 92];

  // --- the weights ---------------------------------------------------------------------------------

  // One letter a weight, as bookext/explorers/network.py writes them: a level, times its row's scale.
  /** @type {(letters: string, scales: number[], levels: number) => Float64Array} */
  function decode(letters, scales, levels) {
    const rows = scales.length;
    const long = letters.length / rows;
    const weights = new Float64Array(letters.length);
    for (let i = 0; i < weights.length; i++) {
      const code = letters.charCodeAt(i);
      const level = code - FIRST - Number(code > QUOTE) - Number(code > BACKSLASH) - levels;
      weights[i] = level * scales[Math.floor(i / long)];
    }
    return weights;
  }

  // Layers in their order, with their sizes: `from` is the layer that each reads.
  /** @param {Record<string, NetworkWeights>} weights */
  function layersOf(weights) {
    /** @type {Record<string, NetworkLayer>} */
    const layers = { input: { name: "input", maps: 1, side: SIDE } };
    let from = layers.input;
    for (const name of ORDER) {
      const kind = name.startsWith("fc") ? "full" : name.startsWith("conv") ? "conv" : "pool";
      const maps = weights[name]?.bias.length ?? from.maps;
      const side = kind === "full" ? 1 : windows.outputSize(from.side, WINDOWS[kind]);
      from = layers[name] = { name, kind, maps, side, from, relu: kind === "conv" || name === "fc5" };
    }
    return layers;
  }

  // What the script of weights holds, as moments of training; their numbers when they are asked for.
  /** @type {NetworkArithmetic["unpack"]} */
  function unpack({ moments, levels, ...rest }) {
    /** @param {{ letters: string, scales: number[], bias: number[] }} packed @returns {NetworkWeights} */
    const opened = ({ letters, scales, bias }) => {
      /** @type {Float64Array | undefined} */
      let weight;
      return { bias, get weight() { return (weight ??= decode(letters, scales, levels)); } };
    };
    const made = moments.map((/** @type {any} */ { step, loss, accuracy, layers }) => ({ step, loss, accuracy,
      ...Object.fromEntries(Object.entries(layers).map(([name, packed]) => [name, opened(packed)])) }));
    return { ...rest, moments: made, layers: layersOf(made[0]) };
  }

  // --- forwards ------------------------------------------------------------------------------------

  // Every number that the window of one unit reads: where it lies in the layer below, and which weight
  // it meets. A maximum has no weights; the first of its largest inputs passes.
  /**
   * @param {NetworkLayer} layer @param {number} index
   * @param {(input: number, weight: number) => void} visit
   */
  function each(layer, index, visit) {
    const { kind, side } = layer;
    const from = /** @type {NetworkLayer} */ (layer.from);
    const area = from.side * from.side;
    if (kind === "full") {
      const all = from.maps * area;
      for (let i = 0; i < all; i++) visit(i, index * all + i);
      return;
    }
    const { kernel, stride } = WINDOWS[kind ?? "conv"];
    const map = Math.floor(index / (side * side));
    const [r, c] = [Math.floor((index % (side * side)) / side) * stride, (index % side) * stride];
    const [first, last] = kind === "pool" ? [map, map] : [0, from.maps - 1];
    for (let m = first; m <= last; m++) for (let i = 0; i < kernel; i++) for (let j = 0; j < kernel; j++) {
      visit(m * area + (r + i) * from.side + c + j, ((map * from.maps + m) * kernel + i) * kernel + j);
    }
  }

  /** @typedef {(layer: NetworkLayer, weights: NetworkWeights, x: Float64Array) => Float64Array} Layered */
  /** @type {Layered} */
  function convolved({ from, side, maps }, { weight, bias }, x) {
    if (!from) return x;
    const out = new Float64Array(maps * side * side);
    const [n, { kernel }] = [from.side, WINDOWS.conv];
    for (let k = 0; k < maps; k++) {
      const start = k * side * side;
      out.fill(bias[k], start, start + side * side);
      for (let m = 0; m < from.maps; m++) for (let i = 0; i < kernel; i++) for (let j = 0; j < kernel; j++) {
        const w = weight[((k * from.maps + m) * kernel + i) * kernel + j];
        for (let r = 0; r < side; r++) {
          let [to, at] = [start + r * side, m * n * n + (r + i) * n + j];
          for (let c = 0; c < side; c++) out[to++] += w * x[at++];
        }
      }
    }
    return out;
  }

  /** @type {(layer: NetworkLayer, x: Float64Array) => Float64Array} */
  function pooled(layer, x) {
    return Float64Array.from({ length: layer.maps * layer.side ** 2 }, (_, index) => {
      let most = -Infinity;
      each(layer, index, (i) => { if (x[i] > most) most = x[i]; });
      return most;
    });
  }

  /** @type {Layered} */
  function full({ maps }, { weight, bias }, x) {
    return Float64Array.from({ length: maps }, (_, k) => {
      let sum = bias[k];
      for (let i = 0, at = k * x.length; i < x.length; i++) sum += weight[at++] * x[i];
      return sum;
    });
  }

  /** @type {NetworkArithmetic["softmax"]} */
  function softmax(logits) {
    const most = Math.max(...Array.from(logits));
    const powers = Array.from(logits, (z) => Math.exp(z - most));
    const all = powers.reduce((sum, power) => sum + power, 0);
    return powers.map((power) => power / all);
  }

  // All layers of a picture: `sums` before the activation, `values` after it. A silenced map, named as
  // "conv1 3", is zero from there on.
  /** @type {NetworkArithmetic["forward"]} */
  function forward(network, moment, ink, silenced = []) {
    /** @type {Seen["values"]} */
    const values = { input: ink };
    /** @type {Seen["sums"]} */
    const sums = {};
    for (const name of ORDER) {
      const layer = network.layers[name];
      const x = values[layer.from?.name ?? "input"];
      sums[name] = layer.kind === "conv" ? convolved(layer, moment[name], x)
        : layer.kind === "pool" ? pooled(layer, x) : full(layer, moment[name], x);
      values[name] = layer.relu ? sums[name].map((z) => Math.max(z, 0)) : sums[name].slice();
      const area = layer.side * layer.side;
      for (const [where, map] of silenced.map((text) => text.split(" "))) {
        if (where === name) values[name].fill(0, (Number(map) - 1) * area, Number(map) * area);
      }
    }
    return { values, sums, chances: softmax(values.fc6) };
  }

  // --- one unit ------------------------------------------------------------------------------------

  // Its sum written out: every input with its weight, and the bias.
  /** @type {NetworkArithmetic["terms"]} */
  function terms(network, moment, { values }, name, index) {
    const layer = network.layers[name];
    if (!layer.from) return { terms: [], bias: 0 };
    const x = values[layer.from.name];
    /** @type {Term[]} */
    const found = [];
    each(layer, index, (i, w) => {
      found.push({ index: i, input: x[i], weight: moment[name]?.weight[w], product: 0 });
    });
    if (layer.kind === "pool") {
      const passes = found.reduce((best, term) => (term.input > best.input ? term : best));
      for (const term of found) term.weight = Number(term === passes);
    }
    for (const term of found) term.product = term.input * term.weight;
    const map = Math.floor(index / layer.side ** 2);
    return { terms: found, bias: moment[name]?.bias[map] ?? 0 };
  }

  // Rows and columns of the picture that it sees, first to last, by the windows on the way.
  /** @type {NetworkArithmetic["field"]} */
  function field(network, name, index) {
    let layer = network.layers[name];
    const at = index % (layer.side * layer.side);
    let [top, left] = [Math.floor(at / layer.side), at % layer.side];
    let [bottom, right] = [top, left];
    for (; layer.from; layer = layer.from) {
      if (layer.kind === "full") {
        [top, left, bottom, right] = [0, 0, layer.from.side - 1, layer.from.side - 1];
        continue;
      }
      const view = WINDOWS[layer.kind ?? "conv"];
      [top, left] = [top, left].map((p) => windows.taps(p, view)[0]);
      [bottom, right] = [bottom, right].map((p) => windows.taps(p, view)[view.kernel - 1]);
    }
    return { top, left, bottom, right };
  }

  // From a unit to the picture, each time to the input that counted for most.
  /** @type {NetworkArithmetic["trail"]} */
  function trail(network, moment, seen, name, index) {
    const way = [{ name, index }];
    for (let { from } = network.layers[name]; from; from = from.from) {
      const strongest = terms(network, moment, seen, name, index).terms
        .reduce((best, term) => (Math.abs(term.product) > Math.abs(best.product) ? term : best));
      [name, index] = [from.name, strongest.index];
      way.push({ name, index });
    }
    return way;
  }

  // --- backwards -----------------------------------------------------------------------------------

  // The gradient of one unit's sum with respect to every number below it, as chapter 2 derives it: a
  // unit hands its gradient to each of its inputs, times the weight between them; ReLU and a silenced
  // map stop it.
  /** @type {NetworkArithmetic["backward"]} */
  function backward(network, moment, seen, name, index) {
    /** @type {Record<string, Float64Array>} */
    const gradients = {};
    let layer = network.layers[name];
    let above = new Float64Array(layer.maps * layer.side ** 2);
    above[index] = 1;
    for (let own = true; layer.from; own = false, layer = layer.from) {
      const { kind, relu, from } = layer;
      const x = seen.values[from.name];
      const below = new Float64Array(from.maps * from.side ** 2);
      above.forEach((slope, unit) => {
        if (!slope || (!own && relu && !(seen.values[layer.name][unit] > 0))) return;
        if (kind === "pool") {
          let [most, at] = [-Infinity, 0];
          each(layer, unit, (i) => { if (x[i] > most) [most, at] = [x[i], i]; });
          below[at] += slope;
          return;
        }
        const { weight } = moment[layer.name];
        each(layer, unit, (i, w) => { below[i] += slope * weight[w]; });
      });
      gradients[from.name] = above = below;
    }
    return gradients;
  }

  window.cnnref.network = { ORDER, unpack, forward, terms, field, trail, backward, softmax };
})();
