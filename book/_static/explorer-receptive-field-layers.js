// @ts-check
// The layers of a stack, to take hold of: one is dragged to another place, taken out, or put in.
/** @typedef {Parts & { order?: number[] }} StackParts with the names of the layers' grips, as they stand */
/**
 * What the picture uses of this file.
 * @typedef {{
 *   layerGrips(parts: StackParts, model: StackModel): HTMLElement,
 *   insertButtons(parts: StackParts, model: StackModel): HTMLElement,
 * }} StackLayers
 */
(() => {
  "use strict";
  const { Refusal } = window.cnnref;
  const { MOST_LAYERS, writeLayer, writeLayers, account } = window.cnnref.stack;
  const { grip } = window.cnnref.hold;
  const { html, range } = window.cnnref.drawing;

  /**
   * Another stack, if it is one; else what is wrong with it is said.
   * @param {StackParts} parts @param {StackModel} model @param {StackLayer[]} layers @param {number} layer
   */
  function rebuild(parts, model, layers, layer) {
    try {
      account(model.sizes[0], model.rows[0].channels, layers);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      parts.preview(`That cannot be: in layer ${error.layer}, ${error.message}.`, "polite");
      return false;
    }
    parts.choose({ layers: writeLayers(layers), layer });
    return true;
  }

  /**
   * The names of the layers, above each other as they stand. A layer keeps its grip while it is moved.
   * @param {StackParts} parts @param {StackModel} model
   */
  function layerGrips(parts, model) {
    const { layers, selected } = model;
    const depth = layers.length;
    const before = parts.order?.length === depth ? parts.order : range(1, depth);
    parts.order = before;
    /** @param {number} l */
    const label = (l) => {
      const layer = layers[l - 1];
      /** @param {number} to */
      const move = (to) => {
        const [moved, order] = [[...layers], [...before]];
        moved.splice(to - 1, 0, ...moved.splice(l - 1, 1));
        order.splice(to - 1, 0, ...order.splice(l - 1, 1));
        parts.order = order;
        if (!rebuild(parts, model, moved, to)) parts.order = before;
      };
      const node = grip({
        html: "div", name: `layer-${before[l - 1]}`, kind: l === selected ? "explorer-layer lit" : "explorer-layer",
        label: `Layer ${writeLayer(layer)}`, value: l, min: 1, max: depth, text: `place ${l} of ${depth}`, along: "y",
        per: (box) => -box.getBoundingClientRect().height, change: move, press: () => parts.choose({ layer: l }),
      }, `${l} ${writeLayer({ ...layer, c: 1 })}`);
      node.setAttribute("aria-keyshortcuts", "Delete");
      node.addEventListener("keydown", (event) => {
        const { key } = /** @type {KeyboardEvent} */ (event);
        if (key !== "Delete" && key !== "Backspace") return;
        event.preventDefault();
        if (depth > 1) rebuild(parts, model, layers.filter((_, i) => i !== l - 1), Math.max(1, l - 1));
      });
      return node;
    };
    return html("div", { class: "explorer-labels" }, range(1, depth).reverse().map(label),
      html("span", { "aria-hidden": "true" }, "input"));
  }

  /**
   * Between two layers a new one can stand: three taps that keep the size.
   * @param {StackParts} parts @param {StackModel} model
   */
  function insertButtons(parts, model) {
    const { layers, rows } = model;
    const depth = layers.length;
    /** @param {number} l */
    const button = (l) => html("button", {
      type: "button", style: `--at: ${depth - l}`, disabled: depth >= MOST_LAYERS && "",
      "aria-label": l === 0 ? "Insert a layer above the input" : `Insert a layer above layer ${l}`,
      onclick: () => rebuild(parts, model,
        layers.toSpliced(l, 0, { kind: "conv", k: 3, s: 1, p: 1, d: 1, c: rows[l].channels }), l + 1),
    }, "+");
    return html("div", { class: "explorer-inserts" }, range(0, depth).reverse().map(button));
  }

  window.cnnref.stackLayers = { layerGrips, insertButtons };
})();
