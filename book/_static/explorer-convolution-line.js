// @ts-check
// A convolution along one axis: rows of numbers, with the sum of a window between them.
(() => {
  "use strict";
  const { windows } = window.cnnref;
  /** @type {ConvolutionParts} */
  const { hint, kindOf, gripOf, spread, feedsInWords, feed } = window.cnnref.convolutionParts;
  const { grip, bar, frameOf } = window.cnnref.hold;
  const { CELL, svg, brief, range, cell, write, writeNumber, picture } = window.cnnref.drawing;
  // Where the rows stand; the long line is above for a convolution, below for a transposed one.
  const CONVOLUTION = { long: 20, window: 84, product: 142, total: 198, short: 256, height: 298 };
  const TRANSPOSED = { short: 20, window: 84, product: 142, total: 142, long: 204, height: 262 };

  /** @param {string} d */
  const wire = (d) => svg("path", { class: "wire", d });

  // The long line's cells by their positions, with their numbers.
  /** @type {(model: ConvolutionModel, x: (position: number) => number, y: number) => Map<number, SVGGElement>} */
  function longLine(model, x, y) {
    const { axes: [axis], isTransposed, counts, x: numbers, most } = model;
    return new Map(range(axis.first, axis.last).map((position) => {
      const inside = position >= 0 && position < axis.long;
      const node = cell(x(position), y, kindOf(model, inside, axis.visits[position]),
        inside || isTransposed ? "" : "0");
      if (inside && counts) write(node, axis.visits[position]);
      else if (inside && !isTransposed) writeNumber(node, numbers[position], most.x);
      return [position, node];
    }));
  }

  /** @param {Parts} parts @param {DrawnConvolution} model */
  function drawLine(parts, model) {
    const { axes: [axis], isTransposed, x: numbers, w: weights } = model;
    const { window: w, first, last } = axis;
    const rows = isTransposed ? TRANSPOSED : CONVOLUTION;
    const [from, to] = frameOf(parts, "line", [first - 1, last + 1]);
    /** @param {number} position */
    const x = (position) => (position - from) * CELL;
    const middle = (windows.span(w) - 1) / 2;
    /** @type {(y: number, text: string, at?: number) => SVGTextElement} */
    const caption = (y, text, at = x(first)) => svg("text", { x: at + 2, y: y - 5, class: "caption" }, text);

    const longCells = longLine(model, x, rows.long);
    const [shown, most] = isTransposed ? [numbers, model.most.x] : [model.out, model.most.out];
    const shortCells = axis.taps.map(([start], i) =>
      writeNumber(cell(x(start + middle), rows.short, "entry"), shown[i], most));

    // The kernel, its products and their running total keep their shape while the window slides; the
    // short line's entries stand at the middle of their windows.
    const tapX = range(0, w.kernel - 1).map((tap) => x(first) + tap * w.dilation * CELL);
    const middleX = x(first) + (middle + 0.5) * CELL;
    /** @param {number} y */
    const column = (y) => tapX.map((at) => cell(at, y, "sum"));
    const products = column(rows.product);
    const totals = isTransposed ? [] : column(rows.total);
    const names = [caption(rows.product, "products"), ...(isTransposed ? [] : [caption(rows.total, "running total")])];
    const kernel = tapX.map((at, tap) => writeNumber(cell(at, rows.window, "tap"), 0, 1, brief(weights[tap])));
    const wires = isTransposed
      ? tapX.flatMap((at) => [wire(`M${middleX} ${rows.short + CELL}L${at + CELL / 2} ${rows.window}`),
        wire(`M${at + CELL / 2} ${rows.product + CELL}V${rows.long}`)])
      : [...tapX.map((at) => wire(`M${at + CELL / 2} ${rows.long + CELL}V${rows.window}`)),
        wire(`M${tapX[w.kernel - 1] + CELL / 2} ${rows.total + CELL}L${middleX} ${rows.short}`)];
    const reach = { x: x(first), width: windows.span(w) * CELL };
    const frame = svg("rect", { class: "frame", ...reach, y: rows.long - 3, height: CELL + 6, rx: 5 });

    const held = grip({
      name: "window", quiet: true, value: 0, min: 0, max: axis.short - 1, per: w.stride * CELL,
      change: (at) => parts.go(at),
    }, svg("rect", { class: "room", ...reach, y: rows.window, height: rows.product + CELL - rows.window }), ...kernel);
    const edge = gripOf(parts, model, axis, "k", "Kernel: how many taps", w.dilation, "x",
      ...bar(x(first) + reach.width, rows.window, CELL));
    const sliding = [svg("g", { class: "sliding" }, ...wires, ...names, frame, ...products, ...totals),
      svg("g", { class: "sliding" }, held, edge, ...spread(parts, model, axis,
        "Dilation: how far the taps are apart", tapX[1] + CELL / 2, rows.window + CELL + 2))];
    const cut = isTransposed ? "Cut" : "Padding";
    const borders = [
      gripOf(parts, model, axis, "l", `${cut} on the left`, -1, "x", ...bar(x(first) - 12, rows.long, CELL)),
      gripOf(parts, model, axis, "r", `${cut} on the right`, 1, "x", ...bar(x(last + 1) + 12, rows.long, CELL)),
    ];

    const feeding = svg("g", { class: "feeding" });
    /** @param {number} position */
    const ask = (position) => {
      feeding.replaceChildren(...feed(parts, model, longRow, position, [position]).map((i) => {
        const [long, short] = [x(position) + CELL / 2, x(axis.taps[i][0] + middle) + CELL / 2];
        return wire(isTransposed ? `M${short} ${rows.short + CELL}L${long} ${rows.long}`
          : `M${long} ${rows.long + CELL}L${short} ${rows.short}`);
      }));
    };
    const [inside, around] = [true, false].map((wanted) => [...longCells]
      .filter(([position]) => (position >= 0 && position < axis.long) === wanted).map(([, node]) => node));
    const longRow = grip({
      name: "long", label: isTransposed ? "Output: who feeds it" : "Input: whom it feeds",
      value: 0, min: 0, max: axis.long - 1, text: feedsInWords(model, [0]), change: ask,
      at: (point) => Math.round(point.x / CELL + from - 0.5),
    }, ...inside);
    const shortRow = grip({
      name: "short", quiet: true, value: 0, min: 0, max: axis.short - 1, change: (at) => parts.go(at),
      at: (point) => Math.round((point.x / CELL + from - 0.5 - first - middle) / w.stride),
    }, ...shortCells);

    const [above, below] = isTransposed ? ["output", "input"] : ["input", "output"];
    /** @type {DrawnConvolution["see"]} */
    const see = ({ windows: lit, keys, terms, pasted }) => {
      for (const [position, node] of longCells) {
        node.classList.toggle("lit", keys.includes(position));
        // As it is when the windows up to this one have been added.
        if (pasted && position in pasted) writeNumber(node, pasted[position], model.most.out);
      }
      shortCells.forEach((node, i) => node.classList.toggle("lit", lit.includes(i)));
      if (!terms) return;
      products.forEach((node, tap) => writeNumber(node, terms[tap].product, model.most.product));
      // In the colours of the outputs, of which the last is one.
      totals.forEach((node, tap) => writeNumber(node, terms[tap].total, model.most.out));
    };
    Object.assign(model, { see, place: (/** @type {number} */ at) => shortCells[at], sliding, held, feeding });
    parts.stage.replaceChildren(hint(isTransposed, 1), picture(to - from + 1, rows.height, 24, model.summary,
      svg("g", { "aria-hidden": "true" }, caption(rows.long + (isTransposed ? CELL + 22 : 0), above),
        caption(rows.short, below, x(first + middle)), ...around, sliding[0], feeding),
      longRow, shortRow, sliding[1], ...borders));
  }

  window.cnnref.drawConvolutionLine = drawLine;
})();
