// @ts-check
// Receptive field: a stack of layers that is edited layer by layer, or as text.
/**
 * @typedef {{ n: number, c: number, layers: StackLayer[], layer: number }} ReachValues
 */
/** Numbers and layers of each network to choose, by name, and the layer to begin with.
 * @typedef {Record<string, { n: number, c: number, layers: string, layer?: number }>} Networks
 */
/** @typedef {NonNullable<Definition<StackModel, ReachValues, { networks: Networks }>["adapt"]>} AdaptReach */
(() => {
  "use strict";
  const { Refusal, attempt } = window.cnnref;
  const { number, parseInteger } = window.cnnref.controls;
  const { LIMITS, MOST_LAYERS, parseLayers, writeLayers, middleOf, account } = window.cnnref.stack;
  const { wordsOf, drawFormula } = window.cnnref.stackWords;
  const { drawStack, drawTable } = window.cnnref.stackDrawing;
  const { whole, count, list } = window.cnnref.drawing;
  const OWN = "own";

  // --- editing -------------------------------------------------------------------------------------

  /** @param {string} text */
  const layersOf = (text) => attempt(() => parseLayers(text, 0, 2 * MOST_LAYERS));
  /** @param {string} text @param {Run} limits */
  const numberOf = (text, [least, most]) => attempt(() => parseInteger(text, least, most));
  const FIELDS = ["kind", "k", "s", "p", "d", "o"];

  /**
   * The layer that its controls describe; nothing while one of them is mistaken.
   * @param {Texts} texts @returns {StackLayer | undefined}
   */
  function described(texts) {
    const letters = /** @type {const} */ (["k", "s", "p", "d"]);
    const values = letters.map((letter) => numberOf(texts[letter], LIMITS[letter]));
    const channels = texts.kind === "conv" ? numberOf(texts.o, LIMITS.c) : 0;
    if ([...values, channels].includes(undefined)) return undefined;
    const [k, s, p, d] = values.map(Number);
    return { kind: texts.kind === "pool" ? "pool" : "conv", k, s, p, d, ...(channels ? { c: channels } : {}) };
  }

  // Edits of one layer go into the text, which is the stack; all else follows the text.
  /** @param {Networks} networks @returns {AdaptReach} */
  const adaptTo = (networks) => (texts, changed) => {
    /** @type {Record<string, any>} */
    const result = {};
    if (changed === "network" && texts.network !== OWN) Object.assign(result, networks[texts.network]);
    const layers = layersOf(result.layers ?? texts.layers);
    if (!layers?.length) return result;
    const asked = result.layer ?? numberOf(texts.layer, [1, 99]);
    if (!asked || (changed === "layer" && asked > layers.length)) return result;
    const selected = Math.min(asked, layers.length);
    if (selected < asked) result.layer = selected;
    const isField = FIELDS.includes(changed ?? "");
    if (isField) {
      const layer = described(texts);
      if (!layer) return result;
      layers[selected - 1] = layer;
      result.layers = writeLayers(layers);
    }
    const { kind, k, s, p, d, c } = layers[selected - 1];
    const channels = layers.slice(0, selected).findLast((layer) => layer.c)?.c ?? texts.c;
    Object.assign(result, { kind, k, s, p, d, o: c ?? channels });
    /** @type {Record<string, any>} */
    const now = { ...texts, ...result };
    result.network = Object.keys(networks).find((name) =>
      /** @type {const} */ (["n", "c", "layers"]).every((key) => String(networks[name][key]) === String(now[key]))) ?? OWN;
    if (!isField) {
      const counted = attempt(() => account(Number(now.n), Number(now.c), layers));
      if (counted) result.at = middleOf(counted.rows[selected].size);
    }
    return result;
  };

  /** Without the layer that is selected. @param {ReachValues} values @returns {Setting} */
  const removed = ({ layers, layer }) => (layers.length < 2 ? {}
    : { layers: writeLayers(layers.toSpliced(layer - 1, 1)), layer: Math.min(layer, layers.length - 1) });

  /** A model is drawn before anything else is done with it. @param {StackModel} model */
  const drawn = (model) => /** @type {DrawnStack} */ (model);

  // --- the explorer --------------------------------------------------------------------------------

  /** @param {ReachValues} values @returns {StackModel} */
  function model({ n, c, layers, layer: selected }) {
    if (selected > layers.length) {
      throw new Refusal("layer", `must be at most ${layers.length}, the number of layers`);
    }
    let counted;
    try {
      counted = account(n, c, layers);
    } catch (error) {
      // What is wrong with the layer that is being edited is told there, else beside the text.
      if (!(error instanceof Refusal)) throw error;
      /** @type {Record<string, string>} */
      const fields = { fit: "k", padding: "p" };
      const beside = fields[error.field];
      if (error.layer === selected && beside) throw new Refusal(beside, error.message);
      throw new Refusal("layers", `in layer ${error.layer}, ${error.message}`);
    }
    const sizes = counted.rows.map(({ size }) => size);
    return {
      ...counted, layers, sizes, selected, steps: sizes[selected], stop: "Unit",
      summary: `${count(layers.length, "layer")} above an input of ${n}. The sizes of their outputs: ` +
        `${list(sizes.slice(1))}. Their fields: ${list(counted.rows.slice(1).map(({ field }) => whole(field)))}.`,
    };
  }

  const derived = true;
  /** @param {Networks} networks @returns {Group<ReachValues>[]} */
  const groups = (networks) => [
    { name: "stack", legend: "Stack", controls: [
      { name: "network", kind: "select", label: "Network", derived, options:
        Object.fromEntries([...Object.keys(networks), OWN].map((name) => [name, name === OWN ? "a stack of your own" : name])) },
      number("n", "Input", "N", 1, 512), number("c", "Channels", "C", ...LIMITS.c),
      { name: "layers", kind: "list", label: "Layers, from the input on", rows: 2, parse: (text) => parseLayers(text),
        hint: "conv3s2p1d2c64 has kernel 3, stride 2, padding 1, dilation 2 and 64 channels; " +
          "pool2s2 is a pooling. Left out, these are 1, and the padding is 0." },
    ] },
    { name: "edit", legend: "One layer", actions: [{ label: "Remove", act: removed }], controls: [
      number("layer", "Layer", "", 1, MOST_LAYERS),
      { name: "kind", kind: "choice", label: "Kind", derived, options: { conv: "convolution", pool: "pooling" } },
      ...[number("k", "Kernel", "F", ...LIMITS.k), number("s", "Stride", "S", ...LIMITS.s),
        number("p", "Padding", "", ...LIMITS.p), number("d", "Dilation", "d", ...LIMITS.d),
        number("o", "Channels out", "O", ...LIMITS.c)].map((spec) => ({ ...spec, derived })),
    ] },
  ];

  window.cnnref.explorer.define("receptive-field", (preset, /** @type {{ networks: Networks }} */ { networks }) => {
    // A unit of the last layer that has more than one shows most.
    for (const network of Object.values(networks)) {
      const { rows } = account(network.n, network.c, parseLayers(network.layers));
      network.layer = rows.findLastIndex(({ size }) => size > 1);
    }
    // The page names a network; the controls begin with its numbers.
    Object.assign(preset, networks[String(preset.network)]);
    /** @type {Definition<StackModel, ReachValues, { networks: Networks }>} */
    const definition = {
      groups: groups(networks),
      hidden: ({ kind }) => (kind === "pool" ? ["o"] : []),
      blame: {},
      adapt: adaptTo(networks),
      model,
      draw: (parts, made) => {
        drawFormula(parts.formula, made);
        drawStack(parts, drawn(made));
        drawTable(parts, drawn(made));
      },
      step: (_, made, at) => drawn(made).light(made.selected, at),
      words: (made, at) => wordsOf(made, made.selected, at),
      line: ({ layers, rows, selected }) => `${count(layers.length, "layer")} over ${count(rows[0].size, "input")}; ` +
        `layer ${selected} has a field of ${whole(rows[selected].field)} and a jump of ${whole(rows[selected].jump)}`,
    };
    return definition;
  });
})();
