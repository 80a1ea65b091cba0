// How the windows of a convolution are shown: along one axis as rows of numbers with the sum between
// them, in two axes as grids. What is drawn can be taken hold of.
(() => {
  "use strict";
  const { windows } = window.cnnref;
  const { ends, readers } = window.cnnref.convolution;
  const { grip, moveGrip } = window.cnnref.hold;
  const { CELL, html, svg, subscript, brief, list, range, cell, write, writeNumber, slide, centre } = window.cnnref.drawing;
  const LIMITS = { k: [1, 7], d: [1, 3], l: [0, 18], r: [0, 18] };
  const words = {
    k: ({ k }) => `${k} wide`, d: ({ d }) => `taps ${d} apart`, l: ({ l }) => `${l} of padding`, r: ({ r }) => `${r} of padding`,
  };

  // --- what one takes hold of ----------------------------------------------------------------------

  // A bar with room around it for a finger.
  const bar = (x, y, length, along = "x", around = 14) => {
    const upright = (half) => ({ x: x - half, y, width: 2 * half, height: length });
    const lying = (half) => ({ x, y: y - half, width: length, height: 2 * half });
    const shape = along === "x" ? upright : lying;
    return [svg("rect", { class: "room", ...shape(around) }), svg("rect", { class: "bar", ...shape(4), rx: 4 })];
  };

  // A grip for one number of an axis; `grows` is the direction in which it does, and by how many cells.
  function gripOf(parts, { isTransposed }, axis, name, label, grows, along, ...shapes) {
    const { setting, suffix } = axis;
    const [min, max] = ends(setting, name, LIMITS[name], isTransposed);
    return grip({
      name: name + suffix, label, value: setting[name], min, max, text: words[name](setting), along, per: grows * CELL,
      change: (value) => parts.choose({ [name + suffix]: value }),
    }, ...shapes);
  }

  // While it is held, the drawing stays where it is, or it would run away from the pointer.
  function frameOf(parts, key, wanted) {
    if (!parts.held || parts.frames?.key !== key) parts.frames = { key, frame: wanted };
    return parts.frames.frame;
  }

  const hint = ({ axes, isTransposed }) => html("p", { class: "explorer-caption explorer-hint" },
    axes.length > 1 ? "Drag the frame, its edges to widen the kernel, the border to pad; press a number below."
      : `Drag the kernel along, its edge to widen it, the dot to spread its taps, the border to ${isTransposed ? "cut" : "pad"}; press a number.`);
  const drawing = (columns, height, least, label, ...content) => svg("svg", {
    viewBox: `0 0 ${columns * CELL} ${height}`, role: "group", "aria-label": label,
    style: `width: ${columns * CELL}px; min-width: ${columns * least}px`,
  }, ...content);
  const unseen = (...content) => svg("g", { "aria-hidden": "true" }, ...content);

  const kindOf = (inside, visits, isTransposed) =>
    inside ? (visits ? "entry" : "entry idle") : isTransposed ? "cut" : "padding";

  // Who looks at a place that is pressed, in words.
  function feedsInWords({ isTransposed, axes }, position) {
    const found = readers(axes[0], position);
    const many = found.length > 1 ? "s" : "";
    const each = list(found.map(({ window, tap }) => `${window + 1} by w${subscript(tap + 1)}`));
    if (isTransposed) return `Output ${position + 1} ${found.length ? `is fed by input${many} ${each}` : "is fed by no input"}.`;
    return `Input ${position + 1} ${found.length ? `feeds output${many} ${each}` : "feeds no output: it counts for nothing"}.`;
  }

  // --- one axis ------------------------------------------------------------------------------------

  const ROWS = {
    convolution: { long: 20, window: 84, product: 142, total: 198, short: 256, height: 298 },
    transposed: { short: 20, window: 84, product: 142, long: 204, height: 262 },
  };

  function drawLine(parts, model) {
    const { axes: [axis], isTransposed, counts, x: numbers, w: weights } = model;
    const { window: w, first, last, visits } = axis;
    const rows = ROWS[isTransposed ? "transposed" : "convolution"];
    const [from, to] = frameOf(parts, "line", [first - 1, last + 1]);
    const x = (position) => (position - from) * CELL;
    const middle = (windows.span(w) - 1) / 2;
    const caption = (y, text, at = x(first)) => svg("text", { x: at + 2, y: y - 5, class: "caption" }, text);

    model.longCells = new Map(range(first, last).map((position) => {
      const inside = position >= 0 && position < axis.long;
      const node = cell(x(position), rows.long, kindOf(inside, visits[position], isTransposed), inside || isTransposed ? "" : "0");
      if (inside && counts) write(node, visits[position]);
      else if (inside && !isTransposed) writeNumber(node, numbers[position], model.most.x);
      return [position, node];
    }));
    const [shown, most] = isTransposed ? [numbers, model.most.x] : [model.out, model.most.out];
    model.shortCells = axis.taps.map(([start], i) =>
      writeNumber(cell(x(start + middle), rows.short, "entry"), shown[i], most));

    // The kernel, its products and their running total keep their shape while the window slides; the
    // short line's entries stand at the middle of their windows.
    const tapX = range(0, w.kernel - 1).map((tap) => x(first) + tap * w.dilation * CELL);
    const middleX = x(first) + (middle + 0.5) * CELL;
    const wire = (d) => svg("path", { class: "wire", d });
    const column = (y) => tapX.map((at) => cell(at, y, "sum"));
    model.products = column(rows.product);
    model.totals = isTransposed ? [] : column(rows.total);
    const kernel = tapX.map((at, tap) => writeNumber(cell(at, rows.window, "tap"), 0, 1, brief(weights[tap])));
    const wires = tapX.flatMap((at) => [
      isTransposed ? wire(`M${middleX} ${rows.short + CELL}L${at + CELL / 2} ${rows.window}`)
        : wire(`M${at + CELL / 2} ${rows.long + CELL}V${rows.window}`),
      isTransposed ? wire(`M${at + CELL / 2} ${rows.product + CELL}V${rows.long}`) : [],
    ].flat());
    if (!isTransposed) wires.push(wire(`M${tapX.at(-1) + CELL / 2} ${rows.total + CELL}L${middleX} ${rows.short}`));
    const reach = { x: x(first), width: windows.span(w) * CELL };
    const held = grip({
      name: "window", quiet: true, value: 0, min: 0, max: axis.short - 1, per: w.stride * CELL, change: (at) => parts.go(at),
    }, svg("rect", { class: "room", ...reach, y: rows.window, height: rows.product + CELL - rows.window }), ...kernel);
    const edge = x(first) + reach.width;
    const spread = w.kernel > 1 && gripOf(parts, model, axis, "d", "Dilation: how far the taps are apart", 1, "x",
      svg("circle", { class: "room", cx: tapX[1] + CELL / 2, cy: rows.window + CELL + 2, r: 14 }),
      svg("circle", { class: "bar", cx: tapX[1] + CELL / 2, cy: rows.window + CELL + 2, r: 6 }));
    const frame = svg("rect", { class: "frame", ...reach, y: rows.long - 3, height: CELL + 6, rx: 5 });
    const sliding = (...content) => svg("g", { class: "sliding" }, ...content);
    const names = [caption(rows.product, "products"), isTransposed ? [] : caption(rows.total, "running total")].flat();
    model.sliding = [sliding(...wires, ...names, frame, ...model.products, ...model.totals),
      sliding(held, gripOf(parts, model, axis, "k", "Kernel: how many taps", w.dilation, "x",
        ...bar(edge, rows.window, CELL)), spread || [])];

    // A row of numbers that can be pressed, and moved through by keys.
    const place = (line) => ({ x: at }) => {
      const position = at / CELL + from - 0.5;
      return Math.round(line === "long" ? position : (position - first - middle) / w.stride);
    };
    model.feeding = svg("g", { class: "feeding" });
    const feed = (position) => {
      const told = feedsInWords(model, position);
      moveGrip(longRow, position, told);
      light(model, readers(axis, position).map(({ window }) => window), [position]);
      parts.stage.classList.add("asked");
      model.feeding.replaceChildren(...readers(axis, position).flatMap(({ window }) => {
        const [one, other] = [[x(position) + CELL / 2, rows.long], [x(axis.taps[window][0] + middle) + CELL / 2, rows.short]]
          .sort((a, b) => a[1] - b[1]);
        return wire(`M${one[0]} ${one[1] + CELL}L${other[0]} ${other[1]}`);
      }));
      parts.preview(told, "polite");
    };
    const longRow = grip({
      name: "long", label: isTransposed ? "Output: who feeds it" : "Input: whom it feeds", value: 0, min: 0, max: axis.long - 1,
      text: feedsInWords(model, 0), at: place("long"), change: feed,
    }, ...[...model.longCells].filter(([position]) => position >= 0 && position < axis.long).map(([, node]) => node));
    const shortRow = grip({
      name: "short", quiet: true, value: 0, min: 0, max: axis.short - 1, at: place("short"), change: (at) => parts.go(at),
    }, ...model.shortCells);

    const [above, below] = isTransposed ? ["output", "input"] : ["input", "output"];
    const around = [...model.longCells].filter(([position]) => position < 0 || position >= axis.long).map(([, node]) => node);
    model.grips = { window: held };
    parts.stage.replaceChildren(hint(model), drawing(to - from + 1, rows.height, 24, model.summary,
      unseen(caption(rows.long + (isTransposed ? CELL + 22 : 0), above), caption(rows.short, below, x(first + middle)), ...around, model.sliding[0], model.feeding),
      longRow, shortRow, model.sliding[1],
      gripOf(parts, model, axis, "l", isTransposed ? "Cut on the left" : "Padding on the left", -1, "x",
        ...bar(x(first) - 12, rows.long, CELL)),
      gripOf(parts, model, axis, "r", isTransposed ? "Cut on the right" : "Padding on the right", 1, "x",
        ...bar(x(last + 1) + 12, rows.long, CELL))));
  }

  // --- two axes ------------------------------------------------------------------------------------

  function drawGrids(parts, model) {
    const { axes: [down, across], isTransposed, counts, x: numbers, w: weights } = model;
    const [EDGE, HALF] = [CELL * 0.7, CELL / 2];
    const inside = (axis, position) => position >= 0 && position < axis.long;
    const frame = frameOf(parts, "grid", { top: down.first, left: across.first, bottom: down.last, right: across.last });
    const [x, y] = [(column) => (column - frame.left) * CELL + EDGE, (row) => (row - frame.top) * CELL + EDGE];
    model.longCells = new Map();
    for (const row of range(down.first, down.last)) {
      for (const column of range(across.first, across.last)) {
        const real = inside(down, row) && inside(across, column);
        const visits = real ? down.visits[row] * across.visits[column] : 0;
        const node = cell(x(column), y(row), kindOf(real, visits, isTransposed), real || isTransposed ? "" : "0");
        if (real && counts) write(node, visits);
        else if (real && !isTransposed) writeNumber(node, numbers[row * across.long + column], model.most.x);
        model.longCells.set(`${row},${column}`, node);
      }
    }
    const [shown, most] = isTransposed ? [numbers, model.most.x] : [model.out, model.most.out];
    model.shortCells = shown.map((value, at) => {
      const [row, column] = model.placeOf(at);
      return writeNumber(cell(column * CELL, row * CELL, "entry"), value, most);
    });
    const size = [windows.span(down.window), windows.span(across.window)];
    const near = (axis, position) => Math.max(0, Math.min(axis.short - 1,
      Math.round((position - axis.first - windows.span(axis.window) / 2) / axis.window.stride)));
    const held = grip({
      name: "window", quiet: true, follows: true, value: 0, min: 0, max: model.steps - 1,
      at: (point) => near(down, (point.y - EDGE) / CELL + frame.top) * across.short + near(across, (point.x - EDGE) / CELL + frame.left),
      change: (at) => parts.go(at),
    }, svg("rect", { class: "frame", x: x(across.first) + 1, y: y(down.first) + 1, rx: 4,
      width: size[1] * CELL - 2, height: size[0] * CELL - 2 }));
    const edges = [
      gripOf(parts, model, across, "k", "Kernel: how many taps across", across.window.dilation, "x",
        ...bar(x(across.first + size[1]) - 4, y(down.first) + size[0] * HALF - HALF, CELL, "x", 10)),
      gripOf(parts, model, down, "k", "Kernel: how many taps down", down.window.dilation, "y",
        ...bar(x(across.first) + size[1] * HALF - HALF, y(down.first + size[0]) - 4, CELL, "y", 10)),
    ];
    const [rowsLong, columnsLong] = [down, across].map((axis) => axis.last - axis.first + 1);
    const [midX, midY] = [x(across.first) + (columnsLong - 1) * HALF, y(down.first) + (rowsLong - 1) * HALF];
    const padding = (axis, name, end, ...place) => gripOf(parts, model, axis, name,
      `${isTransposed ? "Cut" : "Padding"} ${end}`, name === "l" ? -1 : 1, axis === across ? "x" : "y", ...bar(...place));
    const borders = [
      padding(across, "l", "on the left", x(across.first) - 12, midY, CELL),
      padding(across, "r", "on the right", x(across.last + 1) + 12, midY, CELL),
      padding(down, "l", "at the top", midX, y(down.first) - 12, CELL, "y"),
      padding(down, "r", "at the bottom", midX, y(down.last + 1) + 12, CELL, "y"),
    ];
    model.sliding = [svg("g", { class: "sliding" }, held, ...edges), svg("rect", { class: "sliding frame", x: 1, y: 1, rx: 4, width: CELL - 2, height: CELL - 2 })];
    model.products = weights.map((_, tap) => cell((tap % across.window.kernel) * CELL, Math.floor(tap / across.window.kernel) * CELL, "sum"));
    model.totals = [];
    model.grips = { window: held };

    const grid = (name, label, columns, height, ...content) => {
      // Side by side with cells of one size, unless those would be too small to read.
      const share = `flex: ${columns} 1 0; max-width: ${columns * CELL}px; min-width: min(100%, ${columns * 26}px)`;
      return html("div", { style: share }, html("p", { class: "explorer-caption" }, name), drawing(columns, height, 14, label, ...content));
    };
    const [longName, shortName] = isTransposed ? ["output", "input"] : ["input", "output"];
    const long = grid(longName, `${longName}. ${model.summary}`, frame.right - frame.left + 1 + 1.4, (frame.bottom - frame.top + 1) * CELL + 2 * EDGE,
      unseen(...model.longCells.values()), ...borders, model.sliding[0]);
    const short = grid(shortName, `${shortName}. ${model.summary}`, across.short, down.short * CELL,
      grip({ name: "short", quiet: true, value: 0, min: 0, max: model.steps - 1, change: (at) => parts.go(at),
        at: (point) => Math.floor(point.y / CELL) * across.short + Math.floor(point.x / CELL) }, ...model.shortCells, model.sliding[1]));
    const kernel = grid("products", "The products of the window", across.window.kernel, down.window.kernel * CELL, unseen(...model.products));
    parts.stage.replaceChildren(hint(model), ...(isTransposed ? [short, kernel, long] : [long, kernel, short]));
  }

  // --- one stop ------------------------------------------------------------------------------------

  // The entries that belong to some windows stand out.
  function light(model, lit, keys) {
    const wanted = new Set(keys);
    for (const [key, node] of model.longCells) node.classList.toggle("lit", wanted.has(key));
    model.shortCells.forEach((node, i) => node.classList.toggle("lit", lit.includes(i)));
  }

  function step(parts, model, at) {
    const { isTransposed, counts, axes, x, w } = model;
    const place = model.placeOf(at);
    const [taps, others] = model.tapsOf(at);
    light(model, [at], others ? taps.flatMap((row) => others.map((column) => `${row},${column}`)) : taps);
    parts.stage.classList.remove("asked");
    model.feeding?.replaceChildren();
    const terms = isTransposed ? w.map((weight) => ({ product: weight * x[at] + 0 })) : model.termsOf(at);
    const { most } = model;
    model.products.forEach((node, tap) => writeNumber(node, terms[tap].product, most.product));
    // In the colours of the outputs, of which the last is one.
    model.totals.forEach((node, tap) => writeNumber(node, terms[tap].total, most.out));
    if (isTransposed && !counts) {
      const out = model.pastedBy(at);
      const columns = axes.at(-1).long;
      for (const [key, node] of model.longCells) {
        const [row, column] = axes.length > 1 ? key.split(",").map(Number) : [0, key];
        const i = row * columns + column;
        if (/entry/.test(node.getAttribute("class"))) writeNumber(node, out[i], most.out);
      }
    }
    const shift = model.axes.map((axis, i) => place[i] * axis.window.stride);
    if (place.length > 1) {
      slide(model.sliding[0], ...shift.reverse());
      slide(model.sliding[1], ...[...place].reverse());
    } else model.sliding.forEach((part) => slide(part, ...shift));
    moveGrip(model.grips.window, at);
    if (!parts.held) centre(parts.stage, model.shortCells[at]);
  }

  window.cnnref.convolutionDrawing = { drawLine, drawGrids, step };
})();
