// @ts-check
// A convolution along two axes: grids of numbers, of the input, the products of a window and the output.
(() => {
  "use strict";
  const { windows } = window.cnnref;
  /** @type {ConvolutionParts} */
  const { hint, layOut, board, kindOf, bar, gripOf, spread, frameOf, feedsInWords, feed } = window.cnnref.convolutionParts;
  const { grip, moveGrip } = window.cnnref.hold;
  const { CELL, html, svg, range, write, writeNumber } = window.cnnref.drawing;
  const [EDGE, HALF] = [CELL * 0.7, CELL / 2];

  // --- grids, which are built once -------------------------------------------------------------------

  // Side by side with cells of one size, unless those would be too small to read.
  /** @param {string} name @param {(cells: SVGElement) => Element} held what one takes hold of the cells by */
  function gridOf(name, held) {
    const [cells, over, drawing] = [board(), svg("g"), svg("svg", { role: "group" })];
    drawing.append(held(cells.node), over);
    const box = html("div", {}, html("p", { class: "explorer-caption" }, name), drawing);
    /** @type {(columns: number, height: number, summary: string) => void} */
    const lay = (columns, height, summary) => {
      layOut(drawing, columns, height, 14, `${name}. ${summary}`);
      box.setAttribute("style",
        `flex: ${columns} 1 0; max-width: ${columns * CELL}px; min-width: min(100%, ${columns * 26}px)`);
    };
    return { box, cells, over, lay };
  }

  /** @type {(parts: GridParts, isTransposed: boolean) => ConvolutionSheet} */
  function build(parts, isTransposed) {
    const [longName, shortName] = isTransposed ? ["output", "input"] : ["input", "output"];
    const [longRow, shortRow] = [grip({
      name: "long", label: isTransposed ? "Output: who feeds it" : "Input: whom it feeds", value: 0, min: 0, max: 0,
      text: "", at: (point) => parts.sheet?.longAt(point), change: (at) => parts.sheet?.ask(at),
    }), grip({
      name: "short", quiet: true, value: 0, min: 0, max: 0, change: (at) => parts.go(at),
      at: (point) => Math.floor(point.y / CELL) * (parts.sheet?.columns ?? 1) + Math.floor(point.x / CELL),
    })];
    /** @param {Grip} row @returns {(cells: SVGElement) => Grip} */
    const within = (row) => (cells) => { row.append(cells); return row; };
    const sheet = { isTransposed, columns: 1, longRow, shortRow, longAt: () => undefined, ask: () => {},
      long: gridOf(longName, within(longRow)), short: gridOf(shortName, within(shortRow)),
      products: gridOf("The products of the window", (cells) => svg("g", { class: "sliding", "aria-hidden": "true" }, cells)) };
    const { long, short, products } = sheet;
    parts.stage.replaceChildren(hint(isTransposed, 2),
      ...(isTransposed ? [short, products, long] : [long, products, short]).map(({ box }) => box));
    return sheet;
  }

  // --- what is in them ---------------------------------------------------------------------------------

  // The long line's cells by row and column, with their numbers.
  /** @type {(sheet: ConvolutionSheet, model: ConvolutionModel, x: (column: number) => number, y: (row: number) => number) => Map<number | string, SVGGElement>} */
  function longCells({ long }, model, x, y) {
    const { axes: [down, across], isTransposed, counts, x: numbers, most } = model;
    const places = range(down.first, down.last).flatMap((row) =>
      range(across.first, across.last).map((column) => {
        const real = row >= 0 && row < down.long && column >= 0 && column < across.long;
        return { row, column, real, key: `${row},${column}`, visits: real ? down.visits[row] * across.visits[column] : 0 };
      }));
    const cells = long.cells.show(places.map(({ row, column, real, key, visits }) =>
      [key, x(column), y(row), kindOf(model, real, visits), real || isTransposed ? "" : "0"]));
    for (const { row, column, real, key, visits } of places) {
      const node = cells.get(key);
      if (!real || !node) continue;
      if (counts) write(node, visits);
      else if (!isTransposed) writeNumber(node, numbers[row * across.long + column], most.x);
    }
    return cells;
  }

  // A small grid's cells, row by row; `keyOf` names those whose numbers stay.
  /** @type {(grid: ConvolutionGrid, count: number, columns: number, kind: string, keyOf?: (at: number) => number | string) => SVGGElement[]} */
  const smallCells = ({ cells }, count, columns, kind, keyOf = (at) => at) => [...cells.show(range(0, count - 1)
    .map((at) => [keyOf(at), (at % columns) * CELL, Math.floor(at / columns) * CELL, kind, ""])).values()];

  /** @param {GridParts} parts @param {DrawnConvolution} model */
  function drawGrids(parts, model) {
    const { axes: [down, across], isTransposed, x: numbers, w: weights, steps, summary } = model;
    const { stage, sheet: old } = parts;
    const sheet = parts.sheet = old?.isTransposed === isTransposed && stage.contains(old.long.box) ? old
      : build(parts, isTransposed);
    const { long, short, products, longRow, shortRow } = sheet;
    const frame = frameOf(parts, "grid",
      { top: down.first, left: across.first, bottom: down.last, right: across.last });
    /** @param {number} column */
    const x = (column) => (column - frame.left) * CELL + EDGE;
    /** @param {number} row */
    const y = (row) => (row - frame.top) * CELL + EDGE;
    const kernel = across.window.kernel;
    const [tall, wide] = [windows.span(down.window), windows.span(across.window)];

    model.longCells = longCells(sheet, model, x, y);
    // Where the border moves, windows keep what they see.
    model.shortCells = smallCells(short, steps, across.short, "entry",
      (at) => model.tapsOf(at).map(([start]) => start).join());
    const [shown, most] = isTransposed ? [numbers, model.most.x] : [model.out, model.most.out];
    model.shortCells.forEach((node, at) => writeNumber(node, shown[at], most));
    model.products = smallCells(products, weights.length, kernel, "sum");
    model.totals = [];

    // The entry that is pressed, by its number; in the frame, too, where a press that moves nothing means it.
    sheet.longAt = (point) => {
      const [row, column] = [(point.y - EDGE) / CELL + frame.top, (point.x - EDGE) / CELL + frame.left].map(Math.floor);
      return row >= 0 && row < down.long && column >= 0 && column < across.long ? row * across.long + column : undefined;
    };
    sheet.ask = (at) => {
      if (at !== undefined) feed(parts, model, longRow, at, [Math.floor(at / across.long), at % across.long]);
    };
    longRow.grip.columns = across.long;
    sheet.columns = across.short;
    moveGrip(longRow, 0, feedsInWords(model, [0, 0]), down.long * across.long - 1);
    moveGrip(shortRow, 0, undefined, steps - 1);

    // The window whose middle is next to a place.
    /** @type {(axis: WindowAxis, position: number) => number} */
    const near = ({ short: count, first, window }, position) => Math.max(0, Math.min(count - 1,
      Math.round((position - first - windows.span(window) / 2) / window.stride)));
    const held = model.held = grip({
      name: "window", quiet: true, follows: true, value: 0, min: 0, max: steps - 1, change: (at) => parts.go(at),
      at: (point) => near(down, (point.y - EDGE) / CELL + frame.top) * across.short
        + near(across, (point.x - EDGE) / CELL + frame.left),
      press: (point) => { if (point) sheet.ask(sheet.longAt(point)); },
    }, svg("rect", { class: "frame", x: x(across.first) + 1, y: y(down.first) + 1, rx: 4,
      width: wide * CELL - 2, height: tall * CELL - 2 }));
    const [left, top] = [x(across.first), y(down.first)];
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
      gripOf(parts, model, across, "r", `${cut} on the right`, 1, "x", ...bar(x(across.last + 1) + 12, midY, CELL)),
      gripOf(parts, model, down, "l", `${cut} at the top`, -1, "y", ...bar(midX, top - 12, CELL, "y")),
      gripOf(parts, model, down, "r", `${cut} at the bottom`, 1, "y", ...bar(midX, y(down.last + 1) + 12, CELL, "y")),
    ];
    model.sliding = [svg("g", { class: "sliding" }, held, ...edges),
      svg("rect", { class: "sliding frame", x: 1, y: 1, rx: 4, width: CELL - 2, height: CELL - 2,
        "pointer-events": "none" })];
    long.over.replaceChildren(...borders, model.sliding[0]);
    short.over.replaceChildren(model.sliding[1]);
    long.lay(frame.right - frame.left + 2.4, (frame.bottom - frame.top + 1) * CELL + 2 * EDGE, summary);
    short.lay(across.short, down.short * CELL, summary);
    products.lay(kernel, down.window.kernel * CELL, summary);
  }

  window.cnnref.drawConvolutionGrids = drawGrids;
})();
