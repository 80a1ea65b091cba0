// @ts-check
// Pooling and jitter: what can be set, and the two measures of jitter.
(() => {
  "use strict";
  const { windows } = window.cnnref;
  const { number } = window.cnnref.controls;
  const { html, symbol, show, count } = window.cnnref.drawing;
  const { model, words, remarks, distance, totalVariation } = window.cnnref.pooling;
  const { drawPicture, step } = window.cnnref.poolingPictures;

  // The chapter's two measures of jitter: the way a curve travels, and the sum of all changes.
  /** @param {HTMLElement} box @param {PoolingModel} model */
  function drawFormula(box, { lines, ...model }) {
    const [x, w] = lines.map(({ values }) => values);
    const [y, z] = lines.map(({ pooled }) => pooled);
    // A window of nothing but −∞ has no distance to any other.
    /** @param {number} value */
    const shown = (value) => (Number.isFinite(value) ? show(value) : "undefined");
    /** @param {string} letter @param {number} value */
    const change = (letter, value) =>
      ["Σ |", symbol(`${letter}_i`), "′ − ", symbol(`${letter}_i`), `| = ${shown(value)}`];
    /** @param {string} letter @param {number[]} values */
    const variation = (letter, values) =>
      ["TV(", symbol(letter), `) = ${shown(totalVariation(values))}`];
    box.replaceChildren(
      html("p", {}, ...change("x", distance(x, w)), ", ", ...change("y", distance(y, z))),
      html("p", {}, ...variation("x", x), ", ", ...variation("y", y)),
      html("p", { class: "explorer-notes" }, remarks({ lines, ...model }).join(" ")));
  }

  /** @param {Parts} parts @param {PoolingModel} model */
  function draw(parts, model) {
    drawFormula(parts.formula, model);
    drawPicture(parts, model);
  }

  /** @param {PoolingModel} model */
  function line({ isMax, x, window: { kernel, stride, left, right } }) {
    const padding = left || right ? `padding ${left} and ${right}` : "no padding";
    return `${isMax ? "maximum" : "mean"} of ${kernel} over ${count(x.length, "input")}, stride ${stride}, ${padding}`;
  }

  // --- the explorer --------------------------------------------------------------------------------

  const MOST = 16;
  /** @param {(values: PoolingValues) => { left: number, right: number }} padding */
  const pad = (padding) => (/** @type {PoolingValues} */ values) => {
    const { left, right } = padding(values);
    return { l: left, r: right };
  };
  /** @param {number} places */
  const by = (places) => (/** @type {PoolingValues} */ { move, x, by, i }) => (move === "swap"
    ? { i: Math.max(1, Math.min(i + places, x.length - 1)) }
    : { by: Math.max(-MOST, Math.min(by + places, MOST)) });

  window.cnnref.explorer.define("pooling", {
    groups: [
      { name: "what", legend: "Drag the window, its edge or the lower row; pull an entry of x", front: true, controls: [
        { name: "op", kind: "choice", label: "Pooling", options: { max: "maximum", mean: "mean" } },
        { name: "move", kind: "choice", label: "Jitter",
          options: { shift: "shift all", swap: "swap two" } },
      ] },
      { name: "window", legend: "Window", controls: [
        { name: "x", kind: "list", label: "Input", symbol: "x", least: 1, most: MOST },
        number("k", "Length", "F", 1, MOST), number("s", "Stride", "S", 1, 8),
        number("l", "Pad left", "P_L", 0, MOST), number("r", "Pad right", "P_R", 0, MOST),
        { name: "fill", kind: "choice", label: "Padding",
          options: { zeros: "padding of zeros", infinity: "padding of −∞" } },
        { name: "count", kind: "choice", label: "Padding",
          options: { zeros: "padding of zeros", none: "padding left out" } },
      ], actions: [
        { label: "No padding", act: pad(() => ({ left: 0, right: 0 })) },
        { label: "F − 1 at the end", act: pad(({ k }) => ({ left: 0, right: k - 1 })) },
        { label: "Same padding", act: pad(({ k, s, x }) => windows.same(k, s, 1, x.length)) },
      ] },
      { name: "jitter", legend: "Jitter", controls: [
        number("by", "Places", "δ", -MOST, MOST),
        number("i", "Entry", "i", 1, MOST - 1),
        { name: "enters", kind: "choice", label: "What enters",
          options: { zeros: "zeros enter", wrap: "it wraps round" } },
      ], actions: [
        { label: "Left", act: by(-1) }, { label: "Right", act: by(1) },
      ] },
    ],
    hidden: ({ op, move }) =>
      [op === "max" ? "count" : "fill", ...(move === "swap" ? ["by", "enters"] : ["i"])],
    blame: { fit: "k" },
    line,
    model,
    draw,
    step,
    words,
  });
})();
