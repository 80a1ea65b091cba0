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

  /** @param {number} decimals @returns {(number: number) => string} */
  const rounded = (decimals) => (number) =>
    String(Number(number.toFixed(decimals)) + 0).replace("-", "−").replace("Infinity", "∞");
  const [brief, show] = [2, 3].map(rounded);

  /** @type {Drawing} */
  const drawing = window.cnnref.drawing = {
    CELL, show, brief,

    html: (tag, attributes = {}, ...children) =>
      fill(document.createElement(tag), attributes, children),

    svg: (tag, attributes = {}, ...children) =>
      fill(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children),

    // Even a value that is written again has a browser lay out what depends on it.
    change(node, name, value) {
      if (node.getAttribute(name) !== String(value)) node.setAttribute(name, String(value));
    },

    symbol(text) {
      const [letter, below] = text.split("_");
      return drawing.html("var", {}, letter, ...(below ? [drawing.html("sub", {}, below)] : []));
    },

    subscript: (number) => String(number).replace(/\d/g, (digit) => "₀₁₂₃₄₅₆₇₈₉"[Number(digit)]),
    // A browser's own way to write it takes 10 ms the first time.
    whole: (number) => String(number).replace(/\B(?=(\d{3})+$)/g, ","),
    count: (number, noun) => `${number} ${noun}${number === 1 ? "" : "s"}`,

    list: (words) =>
      words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} and ${words.at(-1)}`,

    range: (first, last) => Array.from({ length: last - first + 1 }, (_, i) => first + i),

    // Numbers from 0 to 1 that only look random: mulberry32, by Tommy Ettinger.
    * random(seed) {
      for (let state = seed >>> 0; ;) {
        state = (state + 0x6d2b79f5) >>> 0;
        let mixed = Math.imul(state ^ (state >>> 15), state | 1);
        mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
        yield ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
      }
    },

    from1: (positions) => drawing.list(positions.map((position) => position + 1)),

    cell(x, y, kind, text = "") {
      const made = drawing.svg("g", { class: `cell ${kind}`, transform: `translate(${x} ${y})` },
        drawing.svg("rect", { x: 1, y: 1, width: CELL - 2, height: CELL - 2, rx: 3 }));
      if (kind.includes("idle")) {
        made.append(drawing.svg("path", { d: `M5 5L${CELL - 5} ${CELL - 5}M5 ${CELL - 5}L${CELL - 5} 5` }));
      }
      return drawing.write(made, text);
    },

    // A long number is set smaller, to fit.
    write(node, text) {
      const words = String(text);
      let old = node.querySelector("text");
      if (!old && words) node.append(old = drawing.svg("text", { x: CELL / 2, y: CELL / 2 }));
      if (!old || old.textContent === words) return node;
      old.textContent = words;
      old.style.fontSize = words.length > 3 ? `${52 / words.length}px` : "";
      return node;
    },

    shareOf: (value, largest) => Math.round(45 * Math.min(1, Math.abs(value) / (largest || 1))),

    writeNumber(node, value, largest, text = brief(value)) {
      node.classList.toggle("below", value < 0);
      node.classList.toggle("above", value > 0);
      const share = `${drawing.shareOf(value, largest)}%`;
      if (node.style.getPropertyValue("--share") !== share) node.style.setProperty("--share", share);
      return drawing.write(node, text);
    },

    picture: (columns, height, least, label, ...content) => drawing.svg("svg", {
      viewBox: `0 0 ${columns * CELL} ${height}`, role: "group", "aria-label": label,
      style: `width: ${columns * CELL}px; min-width: ${columns * least}px`,
    }, ...content),

    caption: (y, text) => drawing.svg("text", { x: 2, y, class: "caption" }, text),
    faint: (d, kind = "") => drawing.svg("path", { class: `wire faint ${kind}`, d }),

    slide(node, columns, rows = 0) {
      node.style.transform = `translate(${columns * CELL}px, ${rows * CELL}px)`;
    },

    // In the frame to come, when all that changes has changed: where a part lies is known after laying out.
    centre(stage, part) {
      requestAnimationFrame(() => {
        if (stage.scrollWidth <= stage.clientWidth) return;
        const [inner, outer] = [part, stage].map((node) => node.getBoundingClientRect());
        stage.scrollLeft += inner.left + inner.width / 2 - outer.left - outer.width / 2;
      });
    },

    nextTask: () => new Promise((done) => { setTimeout(done); }),

    inTask(act) {
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
    },
  };
})();
