// Elements, symbols and cells: what the explorers draw with.
(() => {
  "use strict";
  const CELL = 36;

  function fill(node, attributes, children) {
    for (const [name, value] of Object.entries(attributes)) {
      if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
      else if (value !== false && value !== undefined) node.setAttribute(name, value);
    }
    node.append(...children.flat());
    return node;
  }
  const html = (tag, attributes = {}, ...children) =>
    fill(document.createElement(tag), attributes, children);
  const svg = (tag, attributes = {}, ...children) =>
    fill(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);

  // Symbols as the book sets them: P_L becomes an italic P with a small L below.
  function symbol(text) {
    const [letter, below] = text.split("_");
    return html("var", {}, letter, ...(below ? [html("sub", {}, below)] : []));
  }
  const subscript = (number) => String(number).replace(/\d/g, (digit) => "₀₁₂₃₄₅₆₇₈₉"[digit]);
  // At most so many decimals, a real minus sign, and no negative zero.
  const rounded = (decimals) => (number) =>
    String(Number(number.toFixed(decimals)) + 0).replace("-", "−").replace("Infinity", "∞");
  const [brief, show] = [2, 3].map(rounded);
  const count = (number, noun) => `${number} ${noun}${number === 1 ? "" : "s"}`;
  const list = (words) =>
    words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} and ${words.at(-1)}`;

  const range = (first, last) => Array.from({ length: last - first + 1 }, (_, i) => first + i);
  const from1 = (positions) => list(positions.map((position) => position + 1));

  // One entry of an array; its kind is its class. An idle one is crossed out: colour is not enough.
  function cell(x, y, kind, text = "") {
    const made = svg("g", { class: `cell ${kind}`, transform: `translate(${x} ${y})` },
      svg("rect", { x: 1, y: 1, width: CELL - 2, height: CELL - 2, rx: 3 }));
    if (kind.includes("idle")) {
      made.append(svg("path", { d: `M5 5L${CELL - 5} ${CELL - 5}M5 ${CELL - 5}L${CELL - 5} 5` }));
    }
    // A long number is set smaller, to fit.
    const size = String(text).length > 3 && `font-size: ${52 / String(text).length}px`;
    if (text !== "") made.append(svg("text", { x: CELL / 2, y: CELL / 2, style: size }, String(text)));
    return made;
  }

  // A drawing so many cells wide. It shrinks to its box until a cell is `least` pixels wide, and
  // then scrolls.
  const picture = (columns, height, least, label, ...content) => svg("svg", {
    viewBox: `0 0 ${columns * CELL} ${height}`, role: "img", "aria-label": label,
    style: `width: ${columns * CELL}px; min-width: ${columns * least}px`,
  }, ...content);

  const caption = (y, text) => svg("text", { x: 2, y, class: "caption" }, text);

  // A line that stands back until its stop comes.
  const faint = (d, kind = "") => svg("path", { class: `wire faint ${kind}`, d });

  // Move a part by so many cells; it glides there, where motion is welcome.
  function slide(node, columns, rows = 0) {
    node.style.transform = `translate(${columns * CELL}px, ${rows * CELL}px)`;
  }

  // Bring a part of a wide drawing to the middle of its box, without scrolling the page.
  function centre(stage, part) {
    if (stage.scrollWidth <= stage.clientWidth) return;
    const [inner, outer] = [part, stage].map((node) => node.getBoundingClientRect());
    stage.scrollLeft += inner.left + inner.width / 2 - outer.left - outer.width / 2;
  }

  window.cnnref.drawing = {
    CELL, html, svg, symbol, subscript, show, brief, count, list, range, from1, cell, picture, caption,
    faint, slide, centre,
  };
})();
