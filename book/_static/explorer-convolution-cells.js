// @ts-check
// Cells on a canvas. As elements of a drawing, the numbers of 12 by 12 inputs took 85 to 105 ms of a phone
// four times slower than a laptop at each move of a finger, for styles, layout and paint; so the longest
// task is 43. A screen reader is told them row by row; what one presses lies in the drawing above them.
(() => {
  "use strict";
  const { CELL, html, brief, change, shareOf } = window.cnnref.drawing;

  // The colours of the style sheet: by day, by night, or as a reader wants to have them.
  /** @param {Element} node @returns {Record<string, string>} */
  function coloursOf(node) {
    const style = getComputedStyle(node);
    const colours = ["explorer-ground", "explorer-entry", "explorer-line", "explorer-lit", "explorer-tap", "explorer-text", "sign-above", "sign-below"]
      .map((name) => [name.split("-")[1], style.getPropertyValue(`--${name}`)]);
    return { ...Object.fromEntries(colours), font: style.fontFamily };
  }

  // Rectangles alone: a path with round corners would take twice as long.
  /** @param {CanvasRenderingContext2D} pen @param {PaintedCell} cell @param {Record<string, string>} colours */
  function paintCell(pen, { x, y, kind, text, value, share, lit }, colours) {
    const isEmpty = kind === "padding" || kind === "cut";
    /** @param {number} edge @param {string} colour */
    const fill = (edge, colour) => {
      pen.fillStyle = colour;
      pen.fillRect(x + edge, y + edge, CELL - 2 * edge, CELL - 2 * edge);
    };
    pen.clearRect(x, y, CELL, CELL);
    if (lit) fill(0.5, colours.tap);
    else if (!isEmpty && kind !== "sum") fill(0.5, colours.line);
    const sign = value < 0 ? colours.below : colours.above;
    const paper = isEmpty ? colours.ground : colours.entry;
    if (lit || !isEmpty) fill(lit ? 3 : 2, share ? `color-mix(in srgb, ${sign} ${share}%, ${paper})` : lit ? colours.lit : paper);
    pen.strokeStyle = colours.line;
    pen.lineWidth = 1.5;
    if (isEmpty && !lit) {
      pen.setLineDash([4, 3]);
      pen.strokeRect(x + 1.5, y + 1.5, CELL - 3, CELL - 3);
      pen.setLineDash([]);
    }
    if (kind.includes("idle")) {
      pen.beginPath();
      for (const [from, to] of [[5, CELL - 5], [CELL - 5, 5]]) {
        pen.moveTo(x + from, y + 5);
        pen.lineTo(x + to, y + CELL - 5);
      }
      pen.stroke();
    }
    if (!text) return;
    // A long number is set smaller, to fit.
    const font = `${text.length > 3 ? 52 / text.length : 15}px ${colours.font}`;
    if (pen.font !== font) pen.font = font;
    pen.fillStyle = colours.text;
    pen.fillText(text, x + CELL / 2, y + CELL / 2 + 1);
  }

  // Those that lie outside of a line hold nothing of it.
  /** @param {PaintedCell[]} cells */
  function inRows(cells) {
    /** @type {Map<number, string[]>} */
    const rows = new Map();
    for (const { y, kind, text } of cells) {
      if (kind === "padding" || kind === "cut") continue;
      const row = rows.get(y);
      if (row) row.push(text);
      else rows.set(y, [text]);
    }
    return [...rows.values()].map((texts) => texts.join(", ")).join("; ");
  }

  /** @type {ConvolutionCells["board"]} */
  function board(name) {
    const canvas = html("canvas", { role: "img" });
    /** @type {PaintedCell[]} */
    let cells = [];
    /** @type {ViewBox} */
    let bounds = [0, 0, 1, 1];
    /** @type {Record<string, string> | undefined} */
    let colours;
    /** @type {Map<string, string>} what is painted where, as long as nothing else has changed */
    const painted = new Map();
    /** @type {number | undefined} */
    let frame;
    /** @type {number | undefined} */
    let task;
    /** @type {() => void} what the task does before it paints */
    let lay = () => {};
    const erase = () => {
      painted.clear();
      canvas.width += 0; // it is empty then
    };
    // Cells that are painted already stay.
    const paint = () => {
      const pen = canvas.getContext("2d");
      if (!pen || !canvas.isConnected) return;
      colours ??= coloursOf(canvas);
      const [left, top, width, height] = bounds;
      const [across, down] = [canvas.width / width, canvas.height / height];
      pen.setTransform(across, 0, 0, down, -left * across, -top * down);
      pen.textAlign = "center";
      pen.textBaseline = "middle";
      for (const cell of cells) {
        const { x, y, kind, text, value, share, lit } = cell;
        const [key, look] = [`${x} ${y}`, `${kind} ${text} ${Math.sign(value) * share} ${lit}`];
        if (painted.get(key) === look) continue;
        painted.set(key, look);
        paintCell(pen, cell, colours);
      }
      change(canvas, "aria-label", `${name}, row by row: ${inRows(cells)}`);
    };
    /** @param {number} width @param {number} height in pixels of the page */
    const resize = (width, height) => {
      const wanted = [width, height].map((side) => Math.max(1, Math.round(side * window.devicePixelRatio)));
      if (canvas.width === wanted[0] && canvas.height === wanted[1]) return;
      [canvas.width, canvas.height] = wanted;
      erase();
    };
    // What changes the size, or all numbers, has a task of its own: the page is laid out without it.
    const layLater = () => {
      task ??= setTimeout(() => {
        task = undefined;
        lay();
        paint();
      });
    };
    const paintLater = () => {
      frame ??= requestAnimationFrame(() => {
        frame = undefined;
        if (task === undefined) paint();
      });
    };
    new ResizeObserver(layLater).observe(canvas);
    // At once: what begins to print sets the theme, too, and waits for no frame. What is painted then from the
    // beginning is on paper as lines and letters; the dots of a screen would be blurred.
    new MutationObserver(() => {
      colours = undefined;
      erase();
      paint();
    }).observe(document.documentElement, { attributeFilter: ["data-theme"] });
    /** @type {PaintedBoard["show"]} */
    const show = (shown, [x, y, width, height], scale) => {
      cells = shown;
      const [xs, ys] = [cells.map((cell) => cell.x), cells.map((cell) => cell.y)];
      const [left, top] = [Math.min(x, ...xs), Math.min(y, ...ys)];
      const [right, bottom] = [Math.max(x + width, ...xs.map((at) => at + CELL)), Math.max(y + height, ...ys.map((at) => at + CELL))];
      // In shares of the box, which may change; in pixels, where it is known how many a unit has.
      /** @param {number} part @param {number} whole */
      const share = (part, whole) => (scale ? `${part * scale}px` : `${(100 * part) / whole}%`);
      const style = `left: ${share(left - x, width)}; top: ${share(top - y, height)}; ` +
        `width: ${share(right - left, width)}; height: ${share(bottom - top, height)}`;
      if (!scale) change(canvas, "style", style);
      lay = () => {
        change(canvas, "style", style);
        if (scale) resize((right - left) * scale, (bottom - top) * scale);
        else resize(canvas.clientWidth, canvas.clientHeight);
        if (bounds.join() === [left, top, right - left, bottom - top].join()) return;
        bounds = [left, top, right - left, bottom - top];
        erase();
      };
      layLater();
    };
    return Object.assign(canvas, { show, paint: paintLater, cells: () => cells });
  }

  /** @type {ConvolutionCells["painted"]} */
  const painted = (x, y, kind, text = "") => ({ x, y, kind, text: String(text), value: 0, share: 0, lit: false });
  /** @type {ConvolutionCells["number"]} */
  const number = (cell, value, largest) =>
    Object.assign(cell, { value, text: brief(value), share: shareOf(value, largest) });

  /** @type {ConvolutionCells} */
  window.cnnref.convolutionCells = { board, painted, number };
})();
