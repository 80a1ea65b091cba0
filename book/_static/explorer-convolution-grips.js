// @ts-check
// What the pictures of a convolution along one axis and along two share: what one takes hold of, and
// how a stop stands out.
(() => {
  "use strict";
  /** @type {Convolution} */
  const { ends } = window.cnnref.convolution;
  const { grip } = window.cnnref.hold;
  const { CELL, html, svg } = window.cnnref.drawing;
  const LIMITS = { k: [1, 7], d: [1, 3], l: [0, 18], r: [0, 18] };

  /** @type {(setting: AxisSetting, name: "k" | "d" | "l" | "r") => string} */
  const inWords = (setting, name) => {
    if (name === "k") return `${setting.k} wide`;
    return name === "d" ? `taps ${setting.d} apart` : `${setting[name]} of padding`;
  };

  /** @type {ConvolutionParts["bar"]} */
  const bar = (x, y, length, along = "x", around = 14) => {
    /** @param {number} half */
    const shape = (half) => (along === "x" ? { x: x - half, y, width: 2 * half, height: length }
      : { x, y: y - half, width: length, height: 2 * half });
    return [svg("rect", { class: "room", ...shape(around) }), svg("rect", { class: "bar", ...shape(4), rx: 4 })];
  };

  /** @type {ConvolutionParts["gripOf"]} */
  function gripOf(parts, { isTransposed }, { setting, suffix }, name, label, grows, along, ...shapes) {
    const [min, max] = ends(setting, name, LIMITS[name], isTransposed);
    return grip({
      name: name + suffix, label, value: setting[name], min, max, text: inWords(setting, name), along,
      per: grows * CELL, change: (value) => parts.choose({ [name + suffix]: value }),
    }, ...shapes);
  }

  // While it is held, the drawing stays where it is, or it would run away from the pointer.
  /** @type {WeakMap<Parts, { key: string, frame: any }>} */
  const frames = new WeakMap();
  /** @type {ConvolutionParts["frameOf"]} */
  function frameOf(parts, key, wanted) {
    const last = frames.get(parts);
    if (parts.held && last?.key === key) return last.frame;
    frames.set(parts, { key, frame: wanted });
    return wanted;
  }

  /** @type {ConvolutionParts["hint"]} */
  const hint = ({ axes, isTransposed }) => html("p", { class: "explorer-caption explorer-hint" },
    axes.length > 1 ? "Drag the frame, its edges to widen the kernel, the border to pad; press an output."
      : "Drag the kernel along, its edge to widen it, the dot to spread its taps, the border to " +
        `${isTransposed ? "cut" : "pad"}; press a number.`);

  /** @type {ConvolutionParts["drawing"]} */
  const drawing = (columns, height, least, label, ...content) => svg("svg", {
    viewBox: `0 0 ${columns * CELL} ${height}`, role: "group", "aria-label": label,
    style: `width: ${columns * CELL}px; min-width: ${columns * least}px`,
  }, ...content);

  /** @type {ConvolutionParts["unseen"]} */
  const unseen = (...content) => svg("g", { "aria-hidden": "true" }, ...content);

  /** @type {ConvolutionParts["kindOf"]} */
  const kindOf = (inside, visits, isTransposed) =>
    inside ? (visits ? "entry" : "entry idle") : isTransposed ? "cut" : "padding";

  /** @type {ConvolutionParts["light"]} */
  function light(model, lit, keys) {
    const wanted = new Set(keys);
    for (const [key, node] of model.longCells) node.classList.toggle("lit", wanted.has(key));
    model.shortCells.forEach((node, i) => node.classList.toggle("lit", lit.includes(i)));
  }

  /** @type {ConvolutionParts} */
  window.cnnref.convolutionParts = { hint, drawing, unseen, kindOf, bar, gripOf, frameOf, light };
})();
