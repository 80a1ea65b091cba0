// @ts-check
// Convolution as a matrix, the picture: the window over the input, with the products of a stop. What one
// presses in it, or in the table beside it, lights up in both.

/**
 * The connections, and what is drawn of them.
 * @typedef {MatrixModel & {
 *   lines: [Wire, Element][], cells: [Wire, Element][], top: Map<number, Element>, bottom: Element[],
 *   taps: Element[], slopes: Element[], rowHeads: Element[], columnHeads: Element[], factors: Element, frame?: SVGElement,
 *   held?: Grip, relight(): void,
 * }} DrawnMatrix with what lights the same once more, in a table that came later
 */
/** @typedef {Parts & { shown: DrawnMatrix, table?: MatrixTable, tabling?: number }} MatrixParts with the table's timer */
(() => {
  "use strict";
  const { windows } = window.cnnref;
  const { CELL, svg, show, brief, list, range, cell, picture, caption, faint, slide, centre } =
    window.cnnref.drawing;
  const { grip, bar, moveGrip, frameOf } = window.cnnref.hold;
  const { product, ends } = window.cnnref.matrix;
  const { drawTable } = window.cnnref.matrixTable;

  // Rows of the picture. A stop's factors stand below the inputs or above the outputs, on the side
  // where they lie a cell apart, and its products beside them.
  const [TOP, BOTTOM, KERNEL] = [20, 184, 262];
  // Room for what one pulls at either end of a row.
  const EDGE = 14;
  const MOST = { padding: 4, kernel: 5 };
  const [BELOW, ABOVE] = [TOP + CELL + 4, BOTTOM - CELL - 4];

  /** @param {MatrixModel} model where an input, and where an output stands */
  function places({ window: { left, stride }, window }) {
    const middle = (windows.span(window) - 1) / 2;
    return {
      /** @param {number} position */
      input: (position) => (position + left) * CELL,
      /** @param {number} i */
      output: (i) => (i * stride + middle) * CELL,
    };
  }

  /**
   * Light the connections of a stop, or of what is pressed, and write their products where they meet.
   * @param {DrawnMatrix} model @param {Wire[]} lit @param {"input" | "output" | undefined} side where
   *   the factors stand; undefined where none do
   */
  function light(model, lit, side) {
    const { input, output } = places(model);
    const set = new Set(lit);
    const [positions, outputs, taps] = /** @type {const} */ (["position", "i", "tap"])
      .map((key) => new Set(lit.map((wire) => wire[key])));
    /** @param {Element} node @param {boolean} on */
    const turn = (node, on) => node.classList.toggle("lit", on);
    for (const [wire, node] of [...model.lines, ...model.cells]) turn(node, set.has(wire));
    for (const [position, node] of model.top) turn(node, positions.has(position));
    model.bottom.forEach((node, i) => turn(node, outputs.has(i)));
    for (const nodes of [model.taps, model.slopes]) nodes.forEach((node, tap) => turn(node, taps.has(tap)));
    const [rows, columns] = model.view === "input" ? [positions, outputs] : [outputs, positions];
    model.rowHeads.forEach((node, i) => turn(node, rows.has(i)));
    model.columnHeads.forEach((node, k) => turn(node, columns.has(k)));
    const drawn = !side ? [] : lit.map((wire, at) => {
      const x = side === "input" ? input(wire.position) : output(wire.i);
      const [[name, first], [, second]] = product(model, wire);
      const y = side === "input" ? BELOW : ABOVE;
      const kind = model.view === "kernel" ? "entry" : `tap-${wire.tap + 1}`;
      const made = cell(x, y, `factor ${kind}`, show(first));
      made.prepend(svg("title", {}, name));
      const row = side === "input" ? y + CELL + 10 : y - 8;
      const plus = at ? [svg("text", { x: x - 1, y: row, class: "sum" }, "+")] : [];
      return [made, ...plus, svg("text", { x: x + CELL / 2, y: row, class: "sum" }, brief(first * second))];
    });
    model.factors.replaceChildren(...drawn.flat());
    return columns;
  }

  /** @param {DrawnMatrix} model @param {number} at */
  const ofStop = ({ wires }, at) => wires.filter(({ stop }) => stop === at);

  /** @param {Parts} parts @param {DrawnMatrix} model @param {number} at */
  function step(parts, model, at) {
    model.relight = () => step(parts, model, at);
    const columns = light(model, ofStop(model, at), model.view === "input" ? "output" : "input");
    if (model.view === "input") {
      model.top.get(at)?.classList.add("lit");
      model.rowHeads[at]?.classList.add("lit");
    }
    if (model.held && model.frame) {
      slide(model.frame, at * model.window.stride);
      moveGrip(model.held, at);
    }
    const middle = [...columns].filter((k) => k in model.columnHeads);
    if (middle.length) centre(parts.stage, model.columnHeads[middle[middle.length >> 1]]);
  }

  /**
   * What is pressed: where it is a stop of this view, go there; else light all that it is joined to.
   * @param {Parts} parts @param {DrawnMatrix} model @param {"position" | "i" | "tap"} end
   * @param {number} at
   */
  function look(parts, model, end, at) {
    if (end === { forward: "i", input: "position", kernel: "tap" }[model.view]) {
      parts.go(at);
      return;
    }
    const side = { position: "output", i: "input", tap: undefined }[end];
    const lit = model.wires.filter((wire) => wire[end] === at && (end !== "tap" || wire.position in model.x));
    model.relight = () => {
      light(model, lit, /** @type {"input" | "output" | undefined} */ (side));
      if (end === "position") model.top.get(at)?.classList.add("lit");
    };
    model.relight();
    parts.preview(ends(model, end, at));
  }

  // --- the window over the input -----------------------------------------------------------------------

  /** @param {Parts} parts @param {DrawnMatrix} model */
  function drawLine(parts, model) {
    const { x, w, g, window: { left, right }, n, view, result, table } = model;
    const { input, output } = places(model);
    const inputs = view === "input" ? result : x;
    const outputs = view === "forward" ? result : g;
    model.lines = model.wires.map((wire) => [wire, faint(
      `M${input(wire.position) + CELL / 2} ${TOP + CELL}L${output(wire.i) + CELL / 2} ${BOTTOM}`,
      `tap-${wire.tap + 1}`)]);
    model.top = new Map(range(-left, n - 1 + right).map((position) => [position, position in x
      ? cell(input(position), TOP, "entry", show(inputs[position]))
      : cell(input(position), TOP, "padding", "0")]));
    model.bottom = table.map((_, i) => cell(output(i), BOTTOM, "entry", show(outputs[i])));
    model.factors = svg("g", { class: "factors" });
    const label = {
      forward: ["input x", "output z"], input: ["gradient of the input, ∂x", "gradient of the output, g"],
      kernel: ["input x", "gradient of the output, g"],
    }[view];
    const frame = frameOf(parts, view, { left,
      columns: Math.max(n + left + right, view === "kernel" ? 2 * w.length + 1 : w.length, 6) });
    const [top, bottom] = [rowOf(parts, model, "position"), rowOf(parts, model, "i")];
    const drawing = picture(frame.columns + (2 * EDGE) / CELL, KERNEL + CELL + 4, 30,
      `${label[0]}: ${list(inputs.map(show))}. ${label[1]}: ${list(outputs.map(show))}.`,
      caption(TOP - 6, label[0]), caption(BOTTOM + CELL + 14, label[1]),
      caption(KERNEL - 6, view === "kernel" ? "kernel w, and its gradient ∂w" : "kernel w"),
      svg("g", { transform: `translate(${(frame.left - left) * CELL} 0)` }, model.lines.map(([, line]) => line), top,
        bottom, drawFrame(parts, model), model.factors, paddings(parts, model)),
      drawKernel(parts, model), kernelEdge(parts, model));
    drawing.setAttribute("viewBox", `${-EDGE} 0 ${frame.columns * CELL + 2 * EDGE} ${KERNEL + CELL + 4}`);
    return drawing;
  }

  /**
   * A row of inputs or outputs: each is pressed, or reached by the arrow keys.
   * @param {Parts} parts @param {DrawnMatrix} model @param {"position" | "i"} end
   */
  function rowOf(parts, model, end) {
    const { output } = places(model);
    const isInput = end === "position";
    const last = (isInput ? model.n : model.table.length) - 1;
    const isStop = end === (model.view === "forward" ? "i" : model.view === "input" && "position");
    /** @param {{ x: number }} point */
    const at = ({ x }) => (isInput ? Math.floor(x / CELL) - model.window.left
      : Math.round((x - CELL / 2 - output(0)) / CELL / model.window.stride));
    const row = grip({
      name: end, label: isInput ? "Input" : "Output", value: 0, min: 0, max: last,
      text: ends(model, end, 0), quiet: isStop, at,
      change: (k) => {
        moveGrip(row, k, ends(model, end, k));
        look(parts, model, end, k);
      },
    }, ...(isInput ? model.top.values() : model.bottom));
    // A part that listens for the focus can have it, and one for which the player speaks must not.
    if (isStop) return row;
    row.addEventListener("focus", () => {
      if (row.matches(":focus-visible")) look(parts, model, end, row.grip.value);
    });
    row.addEventListener("blur", () => parts.preview());
    return row;
  }

  // The window is dragged by the band below its inputs, so that these can be pressed.
  /** @param {Parts} parts @param {DrawnMatrix} model */
  function drawFrame(parts, model) {
    if (model.view !== "forward") return [];
    const width = windows.span(model.window) * CELL;
    model.frame = svg("g", { class: "sliding" },
      svg("rect", { class: "frame", x: -1, y: TOP - 1, rx: 4, width: width + 2, height: 2 * CELL + 24,
        "pointer-events": "none" }),
      svg("rect", { class: "room", x: 0, y: TOP + CELL, width, height: CELL + 22 }));
    model.held = grip({
      name: "window", label: "Window", value: 0, min: 0, max: model.steps - 1, quiet: true,
      per: CELL * model.window.stride, change: (at) => parts.go(at),
    }, model.frame);
    return [model.held];
  }

  /** @param {Parts} parts @param {DrawnMatrix} model */
  function drawKernel(parts, model) {
    const { w, view, result } = model;
    model.taps = w.map((weight, tap) => {
      const made = grip({
        name: `w${tap}`, label: `Weight ${tap + 1}`, value: weight, min: Math.min(-9, weight),
        max: Math.max(9, weight), along: "y", per: -10, text: `${show(weight)}. ${ends(model, "tap", tap)}`,
        change: (value) => parts.choose({ w: w.map((was, at) => (at === tap ? value : was)) }),
      }, cell(tap * CELL, KERNEL, `entry tap-${tap + 1}`, show(weight)));
      made.addEventListener("focus", () => look(parts, model, "tap", tap));
      made.addEventListener("blur", () => parts.preview());
      return made;
    });
    model.slopes = view !== "kernel" ? [] : result.map((slope, tap) =>
      cell((w.length + 1 + tap) * CELL, KERNEL, `entry tap-${tap + 1}`, show(slope)));
    return [...model.taps, ...model.slopes];
  }

  // --- what is padded and widened ------------------------------------------------------------------------

  /** @param {Parts} parts @param {DrawnMatrix} model */
  function paddings(parts, model) {
    const { n, window: { left, right }, window } = model;
    const { input } = places(model);
    const span = windows.span(window);
    /** @param {"l" | "r"} name @param {string} side @param {number} value @param {number} x @param {number} per */
    const end = (name, side, value, x, per) => grip({
      name, label: `Padding on the ${side}`, value, min: Math.max(0, span - n - left - right + value), max: MOST.padding,
      text: `${value} of padding`, per, change: (wanted) => parts.choose({ [name]: wanted }),
    }, ...bar(x, TOP, CELL, "x", 12));
    return [end("l", "left", left, input(-left) - 8, -CELL), end("r", "right", right, input(n + right) + 8, CELL)];
  }

  /** @param {Parts} parts @param {DrawnMatrix} model the end of the row of weights */
  function kernelEdge(parts, { w, n, window: { left, right, dilation } }) {
    return grip({
      name: "k", label: "Kernel: how many taps", value: w.length, min: 1,
      max: Math.min(MOST.kernel, Math.floor((n + left + right - 1) / dilation) + 1),
      text: `${w.length} wide`, per: CELL, change: (wanted) => parts.choose({ k: wanted }),
    }, ...bar(w.length * CELL + 8, KERNEL, CELL, "x", 12));
  }

  // The table comes in a task of its own once there is one: both at a time would take over 60 ms of a slow
  // phone's, each alone takes 35 to 45.
  /** @param {MatrixParts} parts @param {DrawnMatrix} model */
  function drawPictures(parts, model) {
    /** @type {MatrixLook} */
    const pressed = (end, at) => look(parts, parts.shown, end, at);
    const old = parts.stage.querySelector("table");
    parts.shown = model;
    Object.assign(model, { rowHeads: [], columnHeads: [], cells: [] });
    const line = drawLine(parts, model);
    clearTimeout(parts.tabling);
    if (old) {
      parts.stage.querySelector("svg")?.replaceWith(line);
      parts.tabling = setTimeout(() => {
        drawTable(parts, model, pressed);
        model.relight();
      });
    } else parts.stage.replaceChildren(line, drawTable(parts, model, pressed));
  }

  window.cnnref.matrixPictures = { drawPictures, step };
})();
