// Pooling and jitter: an input and the same input displaced, each pooled, and which outputs differ.
// The two are drawn as in a mirror, so that the outputs to be compared stand side by side.
(() => {
  "use strict";
  const { Refusal, windows } = window.cnnref;
  const {
    CELL, html, svg, symbol, show, brief, count, range, from1, cell, picture, caption, faint,
    slide, centre,
  } = window.cnnref.drawing;
  const sum = (values) => values.reduce((total, value) => total + value, 0);

  // --- arithmetic ----------------------------------------------------------------------------------

  function whole(field, value, least, most) {
    if (!Number.isInteger(value) || value < least || value > most) {
      throw new Refusal(field, `must be a whole number from ${least} to ${most}`);
    }
  }

  // What each window reads; `fill` stands for every tap outside the input.
  function columns(x, window, fill) {
    return range(0, windows.outputSize(x.length, window) - 1).map((i) =>
      windows.taps(i, window).map((position) => x[position] ?? fill));
  }

  const maxPool = (x, window, fill = -Infinity) =>
    columns(x, window, fill).map((entries) => Math.max(...entries));

  // The position that each maximum comes from, the first of equals; negative, or beyond the input,
  // where it is padding.
  const winners = (x, window, fill = -Infinity) => columns(x, window, fill).map((entries, i) =>
    windows.taps(i, window)[entries.indexOf(Math.max(...entries))]);

  // A mean over nothing is 0, as in the library.
  const avgPool = (x, window, countPadding = true) =>
    columns(x, window, countPadding ? 0 : undefined).map((entries) => {
      const counted = entries.filter((entry) => entry !== undefined);
      return counted.length ? sum(counted) / counted.length : 0;
    });

  // To the right, if `by` is positive; zeros enter, or what left at the other end.
  function shifted(x, by, enters = "zeros") {
    whole("by", by, -99, 99);
    const n = x.length;
    return x.map((_, i) => (enters === "wrap" ? x[(((i - by) % n) + n) % n] : x[i - by] ?? 0));
  }

  // Entry `first`, counted from 1, changes places with the one after it.
  function swapped(x, first) {
    if (x.length < 2) throw new Refusal("i", "needs an input of two entries or more");
    whole("i", first, 1, x.length - 1);
    const from = { [first - 1]: first, [first]: first - 1 };
    return x.map((_, position) => x[from[position] ?? position]);
  }

  // Means are rounded, so that equal ones may differ in their last digits.
  const differ = (a, b) => a !== b && !(Math.abs(a - b) < 1e-9);
  const changed = (before, after) =>
    range(0, before.length - 1).filter((i) => differ(before[i], after[i]));
  const distance = (before, after) =>
    sum(before.map((value, i) => (value === after[i] ? 0 : Math.abs(value - after[i]))));
  const totalVariation = (values) => distance(values.slice(1), values.slice(0, -1));

  // Of the outputs that have a partner so many places before them, how many are equal to it.
  function follow(before, after, places) {
    whole("places", places, -99, 99);
    const pairs = range(0, before.length - 1).filter((i) => i - places in before);
    const equal = pairs.filter((i) => !differ(before[i - places], after[i]));
    return { pairs: pairs.length, equal: equal.length };
  }

  // --- what is on show -----------------------------------------------------------------------------

  const way = (places) => count(Math.abs(places), "place");

  function model({ x, op, fill, count: counted, k, s, l, r, move, by, enters, i }) {
    const window = { kernel: k, stride: s, left: l, right: r, dilation: 1 };
    const isMax = op === "max";
    // What the padding holds; nothing, where a mean leaves it out.
    const outside = isMax ? { zeros: 0, infinity: -Infinity }[fill] : { zeros: 0 }[counted];
    const swaps = move === "swap";
    const lines = [x, swaps ? swapped(x, i) : shifted(x, by, enters)].map((values) => ({
      values,
      pooled: isMax ? maxPool(values, window, outside) : avgPool(values, window, outside === 0),
      columns: columns(values, window, outside),
      // The positions that decide an output: the winner's, or all that count.
      sources: isMax ? winners(values, window, outside).map((position) => [position])
        : columns(values, window).map((_, output) => windows.taps(output, window)
          .filter((position) => outside === 0 || position in values)),
    }));
    const [y, z] = lines.map(({ pooled }) => pooled);
    const shift = by ? `shifted ${way(by)} to the ${by > 0 ? "right" : "left"}` : "not shifted";
    return {
      x, window, isMax, outside, lines, swaps, by, changed: changed(y, z), steps: y.length,
      moved: swaps ? `entries ${i} and ${i + 1} swapped` : shift, stop: "Output",
      entered: swaps ? [i - 1, i] : range(0, x.length - 1).filter((p) => !(p - by in x)),
    };
  }

  const array = (values) => `(${values.map(show).join(", ")})`;

  // The chapter's two measures of jitter: the way a curve travels, and the sum of all changes.
  function drawFormula(box, model) {
    const both = (part) => model.lines.map((line) => line[part]);
    const [[x, w], [y, z]] = ["values", "pooled"].map(both);
    // A window of nothing but −∞ has no distance to any other.
    const shown = (value) => (Number.isFinite(value) ? show(value) : "undefined");
    const change = (letter, value) =>
      ["Σ |", symbol(`${letter}_i`), "′ − ", symbol(`${letter}_i`), `| = ${shown(value)}`];
    const variation = (letter, values) =>
      ["TV(", symbol(letter), `) = ${shown(totalVariation(values))}`];
    box.replaceChildren(
      html("p", {}, ...change("x", distance(x, w)), ", ", ...change("y", distance(y, z))),
      html("p", {}, ...variation("x", x), ", ", ...variation("y", y)),
      html("p", { class: "explorer-notes" }, remarks(model).join(" ")));
  }

  // What a reader should notice, in words.
  function remarks({ x, lines, window, isMax, swaps, by }) {
    const [y, z] = lines.map(({ pooled }) => pooled);
    const found = [];
    if (!swaps && by % window.stride) {
      found.push(`The outputs move along only if the stride, ${window.stride}, divides the shift.`);
    } else if (!swaps && by) {
      const places = by / window.stride;
      const { pairs, equal } = follow(y, z, places);
      const keep = equal === 1 ? "keeps its value" : "keep their value";
      if (pairs) found.push(
        `The outputs move along by ${way(places)}: ` +
        `of the ${pairs} that stay in view, ${equal} ${keep}.`,
      );
    }
    const padding = isMax ? lines[0].sources.filter(([position]) => !(position in x)).length : 0;
    if (padding) found.push(
      `In y, ${count(padding, "output")} ${padding > 1 ? "come" : "comes"} from the padding.`,
    );
    const unread = windows.visits(x.length, window).filter((visits) => visits === 0).length;
    if (unread) found.push(`Crossed out: ${count(unread, "input")} that no window reads.`);
    return found;
  }

  function words({ isMax, lines, changed: marked, x, steps }, at) {
    const inputs = changed(...lines.map(({ values }) => values)).length;
    const [was, is] = lines.map(({ columns, pooled }) => {
      const entries = columns[at].filter((entry) => entry !== undefined);
      return `${isMax ? "max" : "mean"}${array(entries)} = ${show(pooled[at])}`;
    });
    const verdict = marked.includes(at) ? "It changed." : "It did not change.";
    return `${marked.length} of ${count(steps, "output")} changed, ` +
      `and ${inputs} of ${count(x.length, "input")}. ` +
      `Output ${at + 1} was ${was} and is ${is}. ${verdict}`;
  }

  // --- pictures ------------------------------------------------------------------------------------

  function draw(parts, model) {
    const { x, window, lines, outside, entered, moved } = model;
    const n = x.length;
    const middle = (windows.span(window) - 1) / 2;
    const visits = windows.visits(n, window);
    // The first column is for the names; an output stands at the middle of its window.
    const left = (position) => (position + window.left + 1) * CELL;
    const over = (output) => left(output * window.stride - window.left + middle);
    const name = (y, text) => svg("text", { x: CELL / 2, y: y + CELL / 2, class: "name" }, text);
    const padding = { 0: "0", [-Infinity]: "−∞", undefined: "" }[outside];
    model.drawn = lines.map(({ values, pooled, sources }, mirrored) => {
      const [inputY, outputY] = mirrored ? [238, 166] : [20, 92];
      const [from, to] = mirrored ? [inputY, outputY + CELL] : [inputY + CELL, outputY];
      const input = (p) => {
        if (!(p in values)) return cell(left(p), inputY, "padding", padding);
        const kinds = [!visits[p] && "idle", mirrored && entered.includes(p) && "entered"];
        return cell(left(p), inputY, ["entry", ...kinds.filter(Boolean)].join(" "), brief(values[p]));
      };
      const wire = (p, i) => `M${left(p) + CELL / 2} ${from}L${over(i) + CELL / 2} ${to}`;
      return {
        inputs: new Map(range(-window.left, n - 1 + window.right).map((p) => [p, input(p)])),
        outputs: pooled.map((value, i) => cell(over(i), outputY,
          `entry ${model.changed.includes(i) ? "changed" : ""}`, brief(value))),
        wires: sources.map((positions, i) => faint(positions.map((p) => wire(p, i)).join(""))),
        frame: svg("rect", { class: "sliding frame", x: left(-window.left) - 1, y: inputY - 1,
          rx: 4, width: windows.span(window) * CELL + 2, height: CELL + 2 }),
        names: [name(inputY, mirrored ? "x′" : "x"), name(outputY, mirrored ? "y′" : "y")],
      };
    });
    const marks = range(0, model.steps - 1).map((i) => svg("text", {
      x: over(i) + CELL / 2, y: 147,
      class: model.changed.includes(i) ? "mark" : "",
    }, model.changed.includes(i) ? "≠" : "="));
    const [before, after] = lines.map(({ values, pooled }) =>
      `${array(values)}, pooled: ${array(pooled)}`);
    const summary = `Input x: ${before}. The input ${moved}: ${after}. ` +
      `Changed outputs: ${from1(model.changed) || "none"}.`;
    drawFormula(parts.formula, model);
    parts.stage.replaceChildren(picture(n + window.left + window.right + 1, 294, 30, summary,
      caption(14, "input x, pooled to y"), caption(288, `x′: ${moved}; pooled to y′`),
      model.drawn.flatMap(({ wires, inputs, outputs, frame, names }) =>
        [...wires, ...inputs.values(), ...outputs, frame, ...names]),
      svg("g", { class: "marks" }, marks)));
  }

  function step(parts, model, at) {
    const light = (node, lit, kind = "lit") => node.classList.toggle(kind, lit);
    const taps = windows.taps(at, model.window);
    model.drawn.forEach(({ inputs, outputs, wires, frame }, which) => {
      const [source] = model.isMax ? model.lines[which].sources[at] : [];
      for (const [position, node] of inputs) {
        light(node, taps.includes(position));
        light(node, position === source, "tap");
      }
      [outputs, wires].forEach((nodes) => nodes.forEach((node, i) => light(node, i === at)));
      slide(frame, at * model.window.stride);
    });
    centre(parts.stage, model.drawn[0].outputs[at]);
  }

  // --- the explorer --------------------------------------------------------------------------------

  const MOST = 16;
  const number = (name, label, letter, min, max) =>
    ({ name, kind: "number", label, symbol: letter, min, max });
  const pad = (padding) => (values) => {
    const { left, right } = padding(values);
    return { l: left, r: right };
  };
  const by = (places) => ({ move, x, by, i }) => (move === "swap"
    ? { i: Math.max(1, Math.min(i + places, x.length - 1)) }
    : { by: Math.max(-MOST, Math.min(by + places, MOST)) });

  window.cnnref.pooling = {
    maxPool, winners, avgPool, shifted, swapped, changed, distance, totalVariation, follow,
  };
  window.cnnref.explorer.define("pooling", {
    groups: [
      { name: "what", legend: "Pooling", controls: [
        { name: "x", kind: "list", label: "Input", symbol: "x", least: 1, most: MOST },
        { name: "op", kind: "choice", label: "Pooling", options: { max: "maximum", mean: "mean" } },
        { name: "fill", kind: "choice", label: "Padding",
          options: { zeros: "padding of zeros", infinity: "padding of −∞" } },
        { name: "count", kind: "choice", label: "Padding",
          options: { zeros: "padding of zeros", none: "padding left out" } },
      ] },
      { name: "window", legend: "Window", controls: [
        number("k", "Length", "F", 1, MOST), number("s", "Stride", "S", 1, 8),
        number("l", "Pad left", "P_L", 0, MOST), number("r", "Pad right", "P_R", 0, MOST),
      ], actions: [
        { label: "No padding", act: pad(() => ({ left: 0, right: 0 })) },
        { label: "F − 1 at the end", act: pad(({ k }) => ({ left: 0, right: k - 1 })) },
        { label: "Same padding", act: pad(({ k, s, x }) => windows.same(k, s, 1, x.length)) },
      ] },
      { name: "jitter", legend: "Jitter", controls: [
        { name: "move", kind: "choice", label: "Jitter",
          options: { shift: "shift all", swap: "swap two" } },
        { name: "enters", kind: "choice", label: "What enters",
          options: { zeros: "zeros enter", wrap: "it wraps round" } },
        number("by", "Places", "δ", -MOST, MOST),
        number("i", "Entry", "i", 1, MOST - 1),
      ], actions: [
        { label: "Left", act: by(-1) }, { label: "Right", act: by(1) },
      ] },
    ],
    hidden: ({ op, move }) =>
      [op === "max" ? "count" : "fill", ...(move === "swap" ? ["by", "enters"] : ["i"])],
    blame: { fit: "k" },
    model,
    draw,
    step,
    words,
  });
})();
