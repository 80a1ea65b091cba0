// @ts-check
// Elements, symbols and cells: what the explorers draw with.
(() => {
  "use strict";
  const CELL = 36;

  /**
   * @template {Element} E
   * @param {E} node @param {Attributes} attributes @param {Children} children
   */
  function fill(node, attributes, children) {
    for (const [name, value] of Object.entries(attributes)) {
      if (name.startsWith("on")) {
        node.addEventListener(name.slice(2), /** @type {EventListener} */ (value));
      } else if (value !== false && value !== undefined) node.setAttribute(name, String(value));
    }
    node.append(...children.flat());
    return node;
  }
  /** @type {Drawing["html"]} */
  const html = (tag, attributes = {}, ...children) =>
    fill(document.createElement(tag), attributes, children);
  /** @type {Drawing["svg"]} */
  const svg = (tag, attributes = {}, ...children) =>
    fill(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);

  // Even a value that is written again has a browser lay out what depends on it.
  /** @type {Drawing["change"]} */
  function change(node, name, value) {
    if (node.getAttribute(name) !== String(value)) node.setAttribute(name, String(value));
  }

  /** @type {Drawing["symbol"]} */
  function symbol(text) {
    const [letter, below] = text.split("_");
    return html("var", {}, letter, ...(below ? [html("sub", {}, below)] : []));
  }
  /** @type {Drawing["subscript"]} */
  const subscript = (number) => String(number).replace(/\d/g, (digit) => "₀₁₂₃₄₅₆₇₈₉"[Number(digit)]);
  /** @param {number} decimals @returns {(number: number) => string} */
  const rounded = (decimals) => (number) =>
    String(Number(number.toFixed(decimals)) + 0).replace("-", "−").replace("Infinity", "∞");
  const [brief, show] = [2, 3].map(rounded);
  // A browser's own way to write it takes 10 ms the first time.
  /** @type {Drawing["whole"]} */
  const whole = (number) => String(number).replace(/\B(?=(\d{3})+$)/g, ",");
  /** @type {Drawing["count"]} */
  const count = (number, noun) => `${number} ${noun}${number === 1 ? "" : "s"}`;
  /** @type {Drawing["list"]} */
  const list = (words) =>
    words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} and ${words.at(-1)}`;

  /** @type {Drawing["range"]} */
  const range = (first, last) => Array.from({ length: last - first + 1 }, (_, i) => first + i);
  /** @type {Drawing["from1"]} */
  const from1 = (positions) => list(positions.map((position) => position + 1));

  /** @type {Drawing["cell"]} */
  function cell(x, y, kind, text = "") {
    const made = svg("g", { class: `cell ${kind}`, transform: `translate(${x} ${y})` },
      svg("rect", { x: 1, y: 1, width: CELL - 2, height: CELL - 2, rx: 3 }));
    if (kind.includes("idle")) {
      made.append(svg("path", { d: `M5 5L${CELL - 5} ${CELL - 5}M5 ${CELL - 5}L${CELL - 5} 5` }));
    }
    return write(made, text);
  }

  // A long number is set smaller, to fit.
  /** @type {Drawing["write"]} */
  function write(node, text) {
    const words = String(text);
    let old = node.querySelector("text");
    if (!old && words) node.append(old = svg("text", { x: CELL / 2, y: CELL / 2 }));
    if (!old || old.textContent === words) return node;
    old.textContent = words;
    old.style.fontSize = words.length > 3 ? `${52 / words.length}px` : "";
    return node;
  }

  /** @type {Drawing["shareOf"]} */
  const shareOf = (value, largest) => Math.round(45 * Math.min(1, Math.abs(value) / (largest || 1)));

  /** @type {Drawing["writeNumber"]} */
  function writeNumber(node, value, largest, text = brief(value)) {
    node.classList.toggle("below", value < 0);
    node.classList.toggle("above", value > 0);
    const share = `${shareOf(value, largest)}%`;
    if (node.style.getPropertyValue("--share") !== share) node.style.setProperty("--share", share);
    return write(node, text);
  }

  /** @type {Drawing["picture"]} */
  const picture = (columns, height, least, label, ...content) => svg("svg", {
    viewBox: `0 0 ${columns * CELL} ${height}`, role: "group", "aria-label": label,
    style: `width: ${columns * CELL}px; min-width: ${columns * least}px`,
  }, ...content);

  /** @type {Drawing["caption"]} */
  const caption = (y, text) => svg("text", { x: 2, y, class: "caption" }, text);

  /** @type {Drawing["faint"]} */
  const faint = (d, kind = "") => svg("path", { class: `wire faint ${kind}`, d });

  /** @type {Drawing["slide"]} */
  function slide(node, columns, rows = 0) {
    node.style.transform = `translate(${columns * CELL}px, ${rows * CELL}px)`;
  }

  // In the frame to come, when all that changes has changed: where a part lies is known after laying out.
  /** @type {Drawing["centre"]} */
  function centre(stage, part) {
    requestAnimationFrame(() => {
      if (stage.scrollWidth <= stage.clientWidth) return;
      const [inner, outer] = [part, stage].map((node) => node.getBoundingClientRect());
      stage.scrollLeft += inner.left + inner.width / 2 - outer.left - outer.width / 2;
    });
  }

  /** @type {Drawing["nextTask"]} */
  const nextTask = () => new Promise((done) => { setTimeout(done); });

  /** @type {Drawing["inTask"]} */
  function inTask(act) {
    /** @type {number | undefined} */
    let task;
    let last = () => {};
    return (...given) => {
      last = () => act(...given);
      task ??= setTimeout(() => {
        task = undefined;
        last();
      });
    };
  }

  window.cnnref.drawing = {
    CELL, html, svg, change, symbol, subscript, show, brief, whole, count, list, range, from1, cell, write, shareOf, writeNumber,
    picture, caption, faint, slide, centre, nextTask, inTask,
  };
})();
