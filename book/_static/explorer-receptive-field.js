// @ts-check
// Receptive field: a stack of layers that is edited layer by layer, or as text.
/**
 * @typedef {{ n: number, c: number, layers: StackLayer[], layer: number }} ReachValues
 */
/** Numbers and layers of each network to choose, by name.
 * @typedef {Record<string, { n: number, c: number, layers: string, layer: number }>} Networks
 */
/** @typedef {NonNullable<Definition<StackModel, ReachValues, { networks: Networks }>["adapt"]>} AdaptReach */
(() => {
  "use strict";
  const { Refusal } = window.cnnref;
  const { parseInteger } = window.cnnref.controls;
  const { LIMITS, MOST_LAYERS, parseLayers, writeLayers, middleOf, account } = window.cnnref.stack;
  const { wordsOf, drawFormula } = window.cnnref.stackWords;
  const { drawStack, drawTable } = window.cnnref.stackDrawing;
  const { whole, count, list } = window.cnnref.drawing;
  const OWN = "own";

  // --- editing -------------------------------------------------------------------------------------

  /** @template T @param {() => T} act @returns {T | undefined} nothing where it refuses */
  const attempt = (act) => {
    try {
      return act();
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      return undefined;
    }
  };
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

  /** @typedef {(layers: StackLayer[], at: number) => number} Edit gets the list and the place, and returns the new place */
  /**
   * A button that changes the list of layers.
   * @param {string} label @param {Edit} edit @returns {Action<any>}
   */
  const action = (label, edit) => ({
    label, ofTexts: true,
    act: (/** @type {Texts} */ texts) => {
      const layers = layersOf(texts.layers);
      const at = (numberOf(texts.layer, [1, layers?.length ?? 0]) ?? 0) - 1;
      if (!layers || (at < 0 && layers.length)) return {};
      const place = edit(layers, at);
      return { layers: writeLayers(layers), layer: Math.max(1, Math.min(place + 1, layers.length)) };
    },
  });
  /** @param {number} by @returns {Edit} */
  const move = (by) => (layers, at) => {
    if (!(at + by in layers)) return at;
    layers.splice(at + by, 0, ...layers.splice(at, 1));
    return at + by;
  };
  /** @type {StackLayer} */
  const FIRST_LAYER = { kind: "conv", k: 3, s: 1, p: 0, d: 1, c: 1 };
  const actions = [
    action("Add a copy", (layers, at) => {
      layers.splice(at + 1, 0, layers[at] ?? FIRST_LAYER);
      return at + 1;
    }),
    action("Remove", (layers, at) => {
      layers.splice(at, 1);
      return at;
    }),
    action("Move earlier", move(-1)),
    action("Move later", move(1)),
  ];

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

  /**
   * @param {string} name @param {string} label @param {string | undefined} letter @param {Run} limits
   * @param {Partial<ControlSpec>} more @returns {ControlSpec}
   */
  const number = (name, label, letter, [min, max], more = {}) =>
    ({ name, kind: "number", label, symbol: letter, min, max, ...more });
  const derived = { derived: true };
  /** @param {Networks} networks @returns {Group<ReachValues>[]} */
  const groups = (networks) => [
    { name: "stack", legend: "Stack", controls: [
      { name: "network", kind: "select", label: "Network", ...derived, options:
        Object.fromEntries([...Object.keys(networks), OWN].map((name) => [name, name === OWN ? "a stack of your own" : name])) },
      number("n", "Input", "N", [1, 512]), number("c", "Channels", "C", LIMITS.c),
      { name: "layers", kind: "list", label: "Layers, from the input on", rows: 2, parse: (text) => parseLayers(text),
        hint: "conv3s2p1d2c64 has kernel 3, stride 2, padding 1, dilation 2 and 64 channels; " +
          "pool2s2 is a pooling. Left out, these are 1, and the padding is 0." },
    ] },
    { name: "edit", legend: "One layer", actions, controls: [
      number("layer", "Layer", undefined, [1, MOST_LAYERS]),
      { name: "kind", kind: "choice", label: "Kind", ...derived, options: { conv: "convolution", pool: "pooling" } },
      number("k", "Kernel", "F", LIMITS.k, derived), number("s", "Stride", "S", LIMITS.s, derived),
      number("p", "Padding", undefined, LIMITS.p, derived), number("d", "Dilation", "d", LIMITS.d, derived),
      number("o", "Channels out", "O", LIMITS.c, derived),
    ] },
  ];

  window.cnnref.explorer.define("receptive-field", (preset, /** @type {{ networks: Networks }} */ { networks }) => {
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
