// @ts-check
// A convolution along two axes: grids of numbers, of the input, the products of a window and the output.
(() => {
  "use strict";
  const { windows } = window.cnnref;
  /** @type {ConvolutionParts} */
  const { hint, drawing, unseen, kindOf, bar, gripOf, frameOf } = window.cnnref.convolutionParts;
  const { grip } = window.cnnref.hold;
  const { CELL, html, svg, range, cell, write, writeNumber } = window.cnnref.drawing;
  const [EDGE, HALF] = [CELL * 0.7, CELL / 2];

  // The long line's cells by row and column, with their numbers.
  /** @type {(model: ConvolutionModel, x: (column: number) => number, y: (row: number) => number) => Map<string, SVGGElement>} */
  function longGrid({ axes: [down, across], isTransposed, counts, x: numbers, most }, x, y) {
    /** @type {(axis: WindowAxis, position: number) => boolean} */
    const inside = (axis, position) => position >= 0 && position < axis.long;
    return new Map(range(down.first, down.last).flatMap((row) => range(across.first, across.last).map((column) => {
      const real = inside(down, row) && inside(across, column);
      const visits = real ? down.visits[row] * across.visits[column] : 0;
      const node = cell(x(column), y(row), kindOf(real, visits, isTransposed), real || isTransposed ? "" : "0");
      if (real && counts) write(node, visits);
      else if (real && !isTransposed) writeNumber(node, numbers[row * across.long + column], most.x);
      return [`${row},${column}`, node];
    })));
  }

  // A grid with its name. Side by side with cells of one size, unless those would be too small to read.
  /** @type {(name: string, label: string, columns: number, height: number, ...content: Children) => HTMLElement} */
  const grid = (name, label, columns, height, ...content) => html("div", {
    style: `flex: ${columns} 1 0; max-width: ${columns * CELL}px; min-width: min(100%, ${columns * 26}px)`,
  }, html("p", { class: "explorer-caption" }, name), drawing(columns, height, 14, label, ...content));

  /** @param {Parts} parts @param {DrawnConvolution} model */
  function drawGrids(parts, model) {
    const { axes: [down, across], isTransposed, x: numbers, w: weights, steps } = model;
    const frame = frameOf(parts, "grid",
      { top: down.first, left: across.first, bottom: down.last, right: across.last });
    /** @param {number} column */
    const x = (column) => (column - frame.left) * CELL + EDGE;
    /** @param {number} row */
    const y = (row) => (row - frame.top) * CELL + EDGE;
    const longCells = longGrid(model, x, y);
    const [shown, most] = isTransposed ? [numbers, model.most.x] : [model.out, model.most.out];
    const shortCells = shown.map((value, at) => {
      const [row, column] = model.placeOf(at);
      return writeNumber(cell(column * CELL, row * CELL, "entry"), value, most);
    });
    const kernel = across.window.kernel;
    const products = weights.map((_, tap) =>
      cell((tap % kernel) * CELL, Math.floor(tap / kernel) * CELL, "sum"));

    const [tall, wide] = [windows.span(down.window), windows.span(across.window)];
    // The window whose middle is next to a place.
    /** @type {(axis: WindowAxis, position: number) => number} */
    const near = ({ short, first, window }, position) => Math.max(0, Math.min(short - 1,
      Math.round((position - first - windows.span(window) / 2) / window.stride)));
    const held = grip({
      name: "window", quiet: true, follows: true, value: 0, min: 0, max: steps - 1, change: (at) => parts.go(at),
      at: (point) => near(down, (point.y - EDGE) / CELL + frame.top) * across.short
        + near(across, (point.x - EDGE) / CELL + frame.left),
    }, svg("rect", { class: "frame", x: x(across.first) + 1, y: y(down.first) + 1, rx: 4,
      width: wide * CELL - 2, height: tall * CELL - 2 }));
    const edges = [
      gripOf(parts, model, across, "k", "Kernel: how many taps across", across.window.dilation, "x",
        ...bar(x(across.first + wide) - 4, y(down.first) + (tall - 1) * HALF, CELL, "x", 10)),
      gripOf(parts, model, down, "k", "Kernel: how many taps down", down.window.dilation, "y",
        ...bar(x(across.first) + (wide - 1) * HALF, y(down.first + tall) - 4, CELL, "y", 10)),
    ];
    const midX = x(across.first) + (across.last - across.first) * HALF;
    const midY = y(down.first) + (down.last - down.first) * HALF;
    const cut = isTransposed ? "Cut" : "Padding";
    const borders = [
      gripOf(parts, model, across, "l", `${cut} on the left`, -1, "x", ...bar(x(across.first) - 12, midY, CELL)),
      gripOf(parts, model, across, "r", `${cut} on the right`, 1, "x", ...bar(x(across.last + 1) + 12, midY, CELL)),
      gripOf(parts, model, down, "l", `${cut} at the top`, -1, "y", ...bar(midX, y(down.first) - 12, CELL, "y")),
      gripOf(parts, model, down, "r", `${cut} at the bottom`, 1, "y", ...bar(midX, y(down.last + 1) + 12, CELL, "y")),
    ];
    const sliding = [svg("g", { class: "sliding" }, held, ...edges),
      svg("rect", { class: "sliding frame", x: 1, y: 1, rx: 4, width: CELL - 2, height: CELL - 2 })];
    const shortGrid = grip({
      name: "short", quiet: true, value: 0, min: 0, max: steps - 1, change: (at) => parts.go(at),
      at: (point) => Math.floor(point.y / CELL) * across.short + Math.floor(point.x / CELL),
    }, ...shortCells, sliding[1]);

    Object.assign(model, { longCells, shortCells, products, totals: [], sliding, held });
    const [longName, shortName] = isTransposed ? ["output", "input"] : ["input", "output"];
    const long = grid(longName, `${longName}. ${model.summary}`, frame.right - frame.left + 2.4,
      (frame.bottom - frame.top + 1) * CELL + 2 * EDGE, unseen(...longCells.values()), ...borders, sliding[0]);
    const short = grid(shortName, `${shortName}. ${model.summary}`, across.short, down.short * CELL, shortGrid);
    const between = grid("products", "The products of the window", kernel, down.window.kernel * CELL, unseen(...products));
    parts.stage.replaceChildren(hint(model), ...(isTransposed ? [short, between, long] : [long, between, short]));
  }

  window.cnnref.drawConvolutionGrids = drawGrids;
})();
