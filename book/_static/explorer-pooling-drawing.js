// @ts-check
// Pooling and jitter, the picture. The input and the moved input are drawn as in a mirror, so that
// the outputs to be compared stand side by side. One takes hold of the window, its edge, the padding,
// an entry, or the moved row.

/**
 * One of the two halves as it is drawn.
 * @typedef {{ inputs: Map<number, Element>, outputs: Element[], wires: Element[], frame: SVGElement,
 *   names: Element[] }} DrawnLine
 */
/** @typedef {PoolingModel & { drawn: DrawnLine[], held: Grip }} DrawnPooling */
(() => {
  "use strict";
  const { windows } = window.cnnref;
  const { CELL, svg, range, from1, cell, writeNumber, picture, caption, faint, slide, centre } =
    window.cnnref.drawing;
  const { grip, bar, moveGrip } = window.cnnref.hold;
  const { reads, array } = window.cnnref.pooling;

  const ROWS = [{ input: 20, output: 96 }, { input: 248, output: 172 }];
  const MOST = 16;

  /**
   * Where an input and an output stand. The first column is for the names; an output stands at the
   * middle of its window.
   * @param {PoolingModel} model
   */
  function places({ window: { left, stride }, window }) {
    const middle = (windows.span(window) - 1) / 2;
    /** @param {number} position */
    const input = (position) => (position + left + 1) * CELL;
    /** @param {number} i */
    const output = (i) => input(i * stride - left + middle);
    return { input, output };
  }

  /**
   * Light an output of both halves: its window, what decides it, the way there.
   * @param {Parts} parts @param {DrawnPooling} model @param {number} at
   */
  function step(parts, model, at) {
    if (model.looked !== undefined) {
      look(parts, model, model.looked);
      model.looked = undefined;
      return;
    }
    const taps = windows.taps(at, model.window);
    model.drawn.forEach((line, which) => {
      const [source] = model.isMax ? model.lines[which].sources[at] : [];
      light(line, taps, [at], model.isMax ? [source] : []);
      line.frame.removeAttribute("visibility");
      slide(line.frame, at * model.window.stride);
    });
    moveGrip(model.held, at);
    centre(parts.stage, model.drawn[0].outputs[at]);
  }

  /**
   * @param {DrawnLine} line @param {number[]} positions @param {number[]} outputs
   * @param {number[]} winners those of the positions that decide
   */
  function light({ inputs, outputs: drawn, wires }, positions, outputs, winners) {
    for (const [position, node] of inputs) {
      node.classList.toggle("lit", positions.includes(position));
      node.classList.toggle("tap", winners.includes(position));
    }
    for (const nodes of [drawn, wires]) {
      nodes.forEach((node, i) => node.classList.toggle("lit", outputs.includes(i)));
    }
  }

  /**
   * Light all outputs that read an entry of x, and the ways to those that it decides.
   * @param {Parts} parts @param {DrawnPooling} model @param {number} position
   */
  function look(parts, model, position) {
    const [line, mirrored] = model.drawn;
    const readers = range(0, model.steps - 1)
      .filter((i) => windows.taps(i, model.window).includes(position));
    light(line, [position], readers, []);
    line.wires.forEach((wire, i) => wire.classList.toggle("lit",
      readers.includes(i) && model.lines[0].sources[i].includes(position)));
    light(mirrored, [], [], []);
    for (const { frame } of model.drawn) frame.setAttribute("visibility", "hidden");
    parts.preview(reads(model, position));
  }

  // --- what one takes hold of ----------------------------------------------------------------------

  /** @param {Parts} parts @param {PoolingModel} model @param {(position: number) => number} input */
  function paddings(parts, { x, window: { left, right, kernel, stride } }, input) {
    /** @param {"l" | "r"} name @param {string} label @param {number} value @param {number} at @param {number} per */
    const side = (name, label, value, at, per) => grip({
      name, label, value, min: 0, max: MOST, per, change: (wanted) => parts.choose({ [name]: wanted }),
    }, ...bar(at, ROWS[0].input, CELL));
    const least = Math.max(0, kernel - x.length);
    return least > MOST || stride < 1 ? [] : [
      side("l", "Padding on the left", left, input(-left) - 8, -CELL),
      side("r", "Padding on the right", right, input(x.length + right) + 8, CELL),
    ];
  }

  /**
   * The window: dragged by the band below its inputs, so that these can be pressed, and widened by
   * its edge.
   * @param {Parts} parts @param {DrawnPooling} model @param {(position: number) => number} input
   */
  function frameOf(parts, model, input) {
    const { window, window: { kernel, stride, left, right }, steps, x } = model;
    const [from, width] = [input(-left), windows.span(window) * CELL];
    const y = ROWS[0].input;
    const band = model.held = grip({
      name: "window", label: "Window", value: 0, min: 0, max: steps - 1, quiet: true,
      per: CELL * stride, change: (at) => parts.go(at),
    }, svg("rect", { class: "room", x: from, y: y + CELL, width, height: 34 }),
    svg("rect", { class: "bar", x: from + width / 2 - 14, y: y + CELL + 13, width: 28, height: 10, rx: 5 }));
    const edge = grip({
      name: "k", label: "Length of the window", value: kernel, min: 1,
      max: Math.min(MOST, x.length + left + right), per: CELL,
      change: (wanted) => parts.choose({ k: wanted }),
    }, ...bar(from + width, y, CELL));
    return svg("g", { class: "sliding" }, svg("rect", { class: "frame", x: from - 1, y: y - 1, rx: 4,
      width: width + 2, height: CELL + 2, "pointer-events": "none" }), band, edge);
  }

  /**
   * The entries of x: pulled up or down by tenths, and pressed, or reached by the arrow keys, to see
   * who reads them.
   * @param {Parts} parts @param {DrawnPooling} model
   */
  function entries(parts, model) {
    const { x } = model;
    const cells = [...model.drawn[0].inputs].map(([position, node]) => {
      if (!(position in x)) return node;
      const value = 10 * x[position];
      node.addEventListener("pointerdown", () => {
        parts.seen = position;
        look(parts, model, position);
      });
      return grip({
        name: `x${position}`, label: `Input ${position + 1}`, value, quiet: true, along: "y", per: -8,
        min: Math.min(-100, value), max: Math.max(100, value),
        change: (wanted) => parts.choose({
          x: x.map((was, p) => (p === position ? Number((wanted / 10).toFixed(2)) : was)),
        }),
      }, node);
    });
    const looked = Math.min(model.looked ?? 0, x.length - 1);
    const row = grip({
      name: "x", label: "Input", value: looked, min: 0, max: x.length - 1,
      text: reads(model, looked), kind: "entries",
      change: (position) => {
        moveGrip(row, position, reads(model, position));
        look(parts, model, position);
      },
    }, ...cells);
    row.addEventListener("focus", () => {
      if (row.matches(":focus-visible")) look(parts, model, row.grip.value);
    });
    row.addEventListener("blur", () => parts.preview());
    return row;
  }

  /** @param {Parts} parts @param {DrawnPooling} model the moved row, or the two that change places */
  function movedRow(parts, model) {
    const { x, swaps, by, i, moved, drawn: [, { inputs }] } = model;
    const { input } = places(model);
    const nodes = [...inputs].filter(([position]) => position in x).map(([, node]) => node);
    if (!swaps) {
      return [grip({
        name: "by", label: "Shift of the input", value: by, min: -MOST, max: MOST, text: moved, per: CELL,
        change: (wanted) => parts.choose({ by: wanted }),
      }, ...nodes, svg("rect", { class: "bar", x: input((x.length - 1) / 2) + CELL / 2 - 20,
        y: ROWS[1].input + CELL + 5, width: 40, height: 8, rx: 4 }))];
    }
    return [...nodes, grip({
      name: "i", label: "The two that change places", value: i, min: 1, max: x.length - 1, text: moved,
      per: CELL, change: (wanted) => parts.choose({ i: wanted }),
    }, svg("rect", { class: "pair", x: input(i - 1) - 1, y: ROWS[1].input - 2, rx: 4,
      width: 2 * CELL + 2, height: CELL + 4 }))];
  }

  // --- the picture -----------------------------------------------------------------------------------

  /** @param {Parts} parts @param {DrawnPooling} model */
  function drawPicture(parts, model) {
    const { x, window, lines, outside, entered, moved, changed, steps } = model;
    const n = x.length;
    // What is pressed stays lit when it is let go, which draws anew.
    model.looked = parts.seen;
    if (!parts.held) parts.seen = undefined;
    const { input, output } = places(model);
    const visits = windows.visits(n, window);
    const largest = Math.max(...x.map(Math.abs));
    /** @param {number} y @param {string} text */
    const name = (y, text) => svg("text", { x: 12, y: y + CELL / 2, class: "name" }, text);
    const padding = outside === undefined ? "" : outside ? "−∞" : "0";
    model.drawn = lines.map(({ values, pooled, sources }, mirrored) => {
      const { input: inputY, output: outputY } = ROWS[mirrored];
      const [from, to] = mirrored ? [inputY, outputY + CELL] : [inputY + CELL, outputY];
      /** @param {number} p */
      const drawn = (p) => {
        if (!(p in values)) return cell(input(p), inputY, "padding", padding);
        const kinds = [!visits[p] && "idle", mirrored && entered.includes(p) && "entered"];
        const made = cell(input(p), inputY, ["entry", ...kinds.filter(Boolean)].join(" "));
        return writeNumber(made, values[p], largest);
      };
      /** @param {number} p @param {number} i */
      const wire = (p, i) => `M${input(p) + CELL / 2} ${from}L${output(i) + CELL / 2} ${to}`;
      return {
        inputs: new Map(range(-window.left, n - 1 + window.right).map((p) => [p, drawn(p)])),
        outputs: pooled.map((value, i) => writeNumber(cell(output(i), outputY,
          `entry ${changed.includes(i) ? "changed" : ""}`), value, largest)),
        wires: sources.map((positions, i) => faint(positions.map((p) => wire(p, i)).join(""))),
        frame: mirrored ? svg("rect", { class: "sliding frame", x: input(-window.left) - 1, y: inputY - 1,
          rx: 4, width: windows.span(window) * CELL + 2, height: CELL + 2, "pointer-events": "none" })
          : frameOf(parts, model, input),
        names: [name(inputY, mirrored ? "x′" : "x"), name(outputY, mirrored ? "y′" : "y")],
      };
    });
    const marks = range(0, steps - 1).map((i) => svg("text", {
      x: output(i) + CELL / 2, y: 152, class: changed.includes(i) ? "mark" : "",
    }, changed.includes(i) ? "≠" : "="));
    const [before, after] = lines.map(({ values, pooled }) => `${array(values)}, pooled: ${array(pooled)}`);
    const summary = `Input x: ${before}. The input ${moved}: ${after}. ` +
      `Changed outputs: ${from1(changed) || "none"}.`;
    // The player is the outputs' slider.
    const outputs = grip({
      name: "outputs", label: "Output", value: 0, min: 0, max: steps - 1, quiet: true,
      at: (point) => Math.round((point.x - CELL / 2 - output(0)) / CELL / window.stride),
      change: (at) => parts.go(at),
    }, ...model.drawn.flatMap(({ outputs }) => outputs));
    parts.stage.replaceChildren(picture(n + window.left + window.right + 2, 316, 26, summary,
      caption(14, "input x, pooled to y"), caption(310, `x′: ${moved}; pooled to y′`),
      model.drawn.flatMap(({ wires, names }) => [...wires, ...names]),
      [...model.drawn[0].inputs, ...model.drawn[1].inputs].filter(([p]) => !(p in x)).map(([, node]) => node),
      entries(parts, model), movedRow(parts, model), outputs,
      model.drawn.map(({ frame }) => frame), paddings(parts, model, input),
      svg("g", { class: "marks" }, marks)));
  }

  window.cnnref.poolingPictures = { drawPicture, step };
})();
