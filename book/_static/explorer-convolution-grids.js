// @ts-check
// A convolution along two axes: grids of numbers, of the input, the products of a window and the output.
(() => {
  "use strict";
  const { windows } = window.cnnref;
  /** @type {ConvolutionParts} */
  const { hint, kindOf, gripOf, spread, feedsInWords, feed } = window.cnnref.convolutionParts;
  /** @type {ConvolutionCells} */
  const { board, painted, number } = window.cnnref.convolutionCells;
  const { grip, bar, frameOf } = window.cnnref.hold;
  const { CELL, html, svg, change, range } = window.cnnref.drawing;
  const [EDGE, HALF] = [CELL * 0.7, CELL / 2];

  // --- grids, which are built once -------------------------------------------------------------------

  // Side by side with cells of one size, unless those would be too small to read. While one is held,
  // they keep that size.
  /** @param {string} name @returns {ConvolutionGrid} */
  function gridOf(name) {
    const [canvas, over] = [board(name), svg("svg", { role: "group" })];
    const room = html("div", { class: "explorer-cells" }, canvas, over);
    const box = html("div", {}, html("p", { class: "explorer-caption" }, name), room);
    let [shown, scale] = [0, 0];
    return { box, board: canvas, over, lay: (cells, view, summary, isHeld) => {
      const [, , width, height] = view;
      scale = isHeld ? scale || room.clientWidth / shown : 0;
      shown = width;
      change(over, "viewBox", view.join(" "));
      change(over, "aria-label", `${name}. ${summary}`);
      change(room, "style", `aspect-ratio: ${width} / ${height}; min-width: ${(14 * width) / CELL}px`);
      change(box, "style", scale ? `flex: none; width: ${width * scale}px; max-width: 100%`
        : `flex: ${width} 1 0; max-width: ${width}px; min-width: min(100%, ${(26 * width) / CELL}px)`);
      canvas.show(cells, view, scale);
    } };
  }

  /** @type {(parts: GridParts, isTransposed: boolean) => ConvolutionSheet} */
  function build(parts, isTransposed) {
    const [long, short] = (isTransposed ? ["output", "input"] : ["input", "output"]).map(gridOf);
    const products = gridOf("The products of the window");
    products.over.remove();
    products.board.classList.add("sliding");
    parts.stage.replaceChildren(hint(isTransposed, 2),
      ...(isTransposed ? [short, products, long] : [long, products, short]).map(({ box }) => box));
    return { isTransposed, long, short, products };
  }

  // --- what is in them ---------------------------------------------------------------------------------

  // The long line's cells by row and column, with their numbers.
  /** @param {ConvolutionModel} model */
  function longCells(model) {
    const { axes: [down, across], isTransposed, counts, x, most } = model;
    return new Map(range(down.first, down.last).flatMap((row) => range(across.first, across.last).map((column) => {
      const isReal = row >= 0 && row < down.long && column >= 0 && column < across.long;
      const visits = isReal ? down.visits[row] * across.visits[column] : 0;
      const text = isReal ? (counts ? visits : "") : isTransposed ? "" : "0";
      const made = painted(column * CELL, row * CELL, kindOf(model, isReal, visits), text);
      if (isReal && !counts && !isTransposed) number(made, x[row * across.long + column], most.x);
      return [`${row},${column}`, made];
    })));
  }

  // A small grid's cells, row by row.
  /** @param {number} count @param {number} columns @param {string} kind */
  const smallCells = (count, columns, kind) => range(0, count - 1)
    .map((at) => painted((at % columns) * CELL, Math.floor(at / columns) * CELL, kind));

  /** @param {GridParts} parts @param {DrawnConvolution} model */
  function drawGrids(parts, model) {
    const { axes: [down, across], isTransposed, x, w: weights, steps, summary } = model;
    const { stage, sheet: old } = parts;
    const sheet = parts.sheet = old?.isTransposed === isTransposed && stage.contains(old.long.box) ? old
      : build(parts, isTransposed);
    const { long, short, products } = sheet;
    const frame = frameOf(parts, "grid",
      { top: down.first, left: across.first, bottom: down.last, right: across.last });
    const kernel = across.window.kernel;
    const [tall, wide] = [windows.span(down.window), windows.span(across.window)];

    const [entries, results, terms] = [longCells(model), smallCells(steps, across.short, "entry"),
      smallCells(weights.length, kernel, "sum")];
    const [shown, most] = isTransposed ? [x, model.most.x] : [model.out, model.most.out];
    results.forEach((cell, at) => number(cell, shown[at], most));
    model.place = () => short.box;
    model.see = ({ windows: lit, keys, terms: told, pasted }) => {
      for (const [key, cell] of entries) cell.lit = keys.includes(key);
      results.forEach((cell, at) => { cell.lit = lit.includes(at); });
      // As it is when the windows up to this one have been added.
      pasted?.forEach((value, at) => {
        const cell = entries.get(`${Math.floor(at / across.long)},${at % across.long}`);
        if (cell) number(cell, value, model.most.out);
      });
      if (told) terms.forEach((cell, tap) => number(cell, told[tap].product, model.most.product));
      for (const { board: { paint } } of [long, short, products]) paint();
    };

    // The entry that is pressed, by its number; in the frame, too, where a press that moves nothing means it.
    /** @param {{ x: number, y: number }} point */
    const entryAt = (point) => {
      const [row, column] = [point.y / CELL, point.x / CELL].map(Math.floor);
      return row >= 0 && row < down.long && column >= 0 && column < across.long ? row * across.long + column : undefined;
    };
    /** @param {number | undefined} at */
    const ask = (at) => {
      if (at === undefined) return;
      const place = [Math.floor(at / across.long), at % across.long];
      asked.setAttribute("transform", `translate(${place[1] * CELL} ${place[0] * CELL})`);
      feed(parts, model, longRow, at, place);
    };
    const asked = svg("rect", { class: "asked-cell", x: 1, y: 1, width: CELL - 2, height: CELL - 2, rx: 3 });
    const longRow = grip({
      name: "long", label: isTransposed ? "Output: who feeds it" : "Input: whom it feeds", value: 0, min: 0,
      max: down.long * across.long - 1, columns: across.long, text: feedsInWords(model, [0, 0]), at: entryAt, change: ask,
    }, svg("rect", { class: "room", width: across.long * CELL, height: down.long * CELL }), asked);
    const shortRow = grip({
      name: "short", quiet: true, value: 0, min: 0, max: steps - 1, change: (at) => parts.go(at),
      at: (point) => Math.floor(point.y / CELL) * across.short + Math.floor(point.x / CELL),
    }, svg("rect", { class: "room", width: across.short * CELL, height: down.short * CELL }));

    // The window whose middle is next to a place.
    /** @type {(axis: WindowAxis, position: number) => number} */
    const near = ({ short: count, first, window }, position) => Math.max(0, Math.min(count - 1,
      Math.round((position - first - windows.span(window) / 2) / window.stride)));
    const [left, top, right, bottom] = [across.first, down.first, across.last + 1, down.last + 1].map((edge) => edge * CELL);
    const held = model.held = grip({
      name: "window", quiet: true, follows: true, value: 0, min: 0, max: steps - 1, change: (at) => parts.go(at),
      at: (point) => near(down, point.y / CELL) * across.short + near(across, point.x / CELL),
      press: (point) => { if (point) ask(entryAt(point)); },
    }, svg("rect", { class: "frame", x: left + 1, y: top + 1, rx: 4, width: wide * CELL - 2, height: tall * CELL - 2 }));
    const edges = [
      gripOf(parts, model, across, "k", "Kernel: how many taps across", across.window.dilation, "x",
        ...bar(left + wide * CELL - 4, top + (tall - 1) * HALF, CELL, "x", 10)),
      gripOf(parts, model, down, "k", "Kernel: how many taps down", down.window.dilation, "y",
        ...bar(left + (wide - 1) * HALF, top + tall * CELL - 4, CELL, "y", 10)),
      ...spread(parts, model, across, "Dilation across: how far the taps are apart",
        left + across.window.dilation * CELL + HALF, top + 2),
      ...spread(parts, model, down, "Dilation down: how far the taps are apart",
        left + 2, top + down.window.dilation * CELL + HALF, "y"),
    ];
    const midX = left + (across.last - across.first) * HALF;
    const midY = top + (down.last - down.first) * HALF;
    const cut = isTransposed ? "Cut" : "Padding";
    const borders = [
      gripOf(parts, model, across, "l", `${cut} on the left`, -1, "x", ...bar(left - 12, midY, CELL)),
      gripOf(parts, model, across, "r", `${cut} on the right`, 1, "x", ...bar(right + 12, midY, CELL)),
      gripOf(parts, model, down, "l", `${cut} at the top`, -1, "y", ...bar(midX, top - 12, CELL, "y")),
      gripOf(parts, model, down, "r", `${cut} at the bottom`, 1, "y", ...bar(midX, bottom + 12, CELL, "y")),
    ];
    model.sliding = [svg("g", { class: "sliding" }, held, ...edges),
      svg("rect", { class: "sliding frame", x: 1, y: 1, rx: 4, width: CELL - 2, height: CELL - 2,
        "pointer-events": "none" })];
    long.over.replaceChildren(longRow, ...borders, model.sliding[0]);
    short.over.replaceChildren(shortRow, model.sliding[1]);
    long.lay([...entries.values()], [frame.left * CELL - EDGE, frame.top * CELL - EDGE,
      (frame.right - frame.left + 1) * CELL + 2 * EDGE, (frame.bottom - frame.top + 1) * CELL + 2 * EDGE], summary, parts.held);
    short.lay(results, [0, 0, across.short * CELL, down.short * CELL], summary, parts.held);
    products.lay(terms, [0, 0, kernel * CELL, down.window.kernel * CELL], summary, parts.held);
  }

  window.cnnref.drawConvolutionGrids = drawGrids;
})();
