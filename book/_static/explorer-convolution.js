// Convolution arithmetic: which entries a window joins to which, in one or two axes, and how many
// windows there are. A transposed convolution is drawn as the same windows read the other way: each
// joins one entry of the short line to the taps of the long one. So there is one picture, with the
// long line above for a convolution and below for its transpose.
(() => {
  "use strict";
  const { Refusal, windows } = window.cnnref;
  const {
    CELL, html, svg, symbol, subscript, count, list, range, from1, cell, picture, caption, slide,
    centre,
  } = window.cnnref.drawing;
  const MOST_IN_TWO_AXES = 12;

  // --- arithmetic: one axis, as numbers ------------------------------------------------------------

  // The long line is the input of a convolution and the output of a transposed one.
  function axisOf({ n, k, s, l, r, d, q }, isTransposed) {
    const window = { kernel: k, stride: s, left: l, right: r, dilation: d };
    const long = isTransposed ? windows.transposedSize(n, window, q) : n;
    const short = isTransposed ? n : windows.outputSize(n, window);
    const lastTap = windows.taps(short - 1, window).at(-1);
    return {
      window, n, q, long, short,
      first: -l,
      // Where the output padding exceeds the cut at the end, positions lie beyond the last window.
      last: isTransposed ? Math.max(lastTap, long - 1) : n - 1 + r,
      room: n + l + r - windows.span(window),
      unused: isTransposed ? 0 : windows.unused(n, window),
      visits: windows.visits(long, window, short),
      taps: range(0, short - 1).map((i) => windows.taps(i, window)),
    };
  }

  // --- formulas, with the numbers of the moment ----------------------------------------------------

  const minus = " − ";
  function sizeFormula(axis, isTransposed) {
    const { n, q, room, long, short, window: w } = axis;
    const reach = `${w.dilation}·(${w.kernel}${minus}1)`;
    if (isTransposed) {
      return `(${n}${minus}1)·${w.stride} + ${reach} + 1${minus}${w.left}${minus}${w.right} + ${q}` +
        ` = ${long}`;
    }
    return `⌊(${n} + ${w.left} + ${w.right}${minus}${reach}${minus}1) / ${w.stride}⌋ + 1` +
      ` = ⌊${room} / ${w.stride}⌋ + 1 = ${short}`;
  }

  function generalFormula(isTransposed) {
    const [N, S, d, F, L, R, q] = ["N", "S", "d", "F", "P_L", "P_R", "q"].map(symbol);
    const reach = [d, "(", F, `${minus}1)`];
    return isTransposed
      ? ["(", N, `${minus}1)`, S, " + ", ...reach, " + 1", minus, L, minus, R, " + ", q]
      : ["⌊(", N, " + ", L, " + ", R, minus, ...reach, `${minus}1) / `, S, "⌋ + 1"];
  }

  // What a reader should notice about this axis, in words.
  function remarks(axis, isTransposed) {
    const { window: w, room, unused, visits, long, short, q } = axis;
    const idle = range(0, long - 1).filter((position) => visits[position] === 0);
    const found = [];
    if (isTransposed) {
      const lengths = range(0, w.stride - 1).map((extra) => long - q + extra);
      if (w.stride > 1 && lengths[0] > 0) found.push(
        `A convolution with this window takes the lengths ${list(lengths)} to ${short}: the output padding chooses.`,
      );
      if (idle.length) found.push(`Crossed out: ${count(idle.length, "output")} that no copy reaches.`);
      return found;
    }
    if (room % w.stride) found.push(
      `${room} / ${w.stride} is not whole and is rounded down, as in torch: ` +
      `${count(unused, "position")} after the last window ${unused === 1 ? "is" : "are"} lost.`,
    );
    if (idle.length) found.push(`Crossed out: ${count(idle.length, "input")} that no window reads, ` +
      `at position${idle.length > 1 ? "s" : ""} ${from1(idle)}.`);
    return found;
  }

  function drawFormula(box, { axes, isTransposed }) {
    const names = axes.length > 1 ? ["height: ", "width: "] : [""];
    const notes = axes.flatMap((axis, i) => remarks(axis, isTransposed).map((note) =>
      axes.length > 1 ? `In the ${names[i]}${note}` : note));
    box.replaceChildren(
      html("p", {}, symbol("M"), " = ", ...generalFormula(isTransposed)),
      ...axes.map((axis, i) =>
        html("p", {}, `${names[i]} `, symbol("M"), ` = ${sizeFormula(axis, isTransposed)}`)),
      html("p", { class: "explorer-notes" }, notes.join(" ")),
    );
  }

  // --- pictures ------------------------------------------------------------------------------------

  const kindOf = (inside, visits, isTransposed) =>
    inside ? (visits ? "entry" : "entry idle") : isTransposed ? "cut" : "padding";

  function drawLine(stage, model) {
    const { axes: [axis], isTransposed, counts } = model;
    const { window: w, first, last, visits } = axis;
    const [longName, shortName] = isTransposed ? ["z", "x"] : ["x", "z"];
    const [longY, windowY, shortY] = isTransposed ? [150, 85, 20] : [20, 85, 150];
    const x = (position) => (position - first) * CELL;
    const middle = (windows.span(w) - 1) / 2;
    const named = (y, text) => caption(y < windowY ? y - 6 : y + CELL + 14, text);
    model.longCells = new Map(range(first, last).map((position) => {
      const inside = position >= 0 && position < axis.long;
      const text = inside ? (counts ? visits[position] : longName + subscript(position + 1))
        : isTransposed ? "" : "0";
      return [position, cell(x(position), longY, kindOf(inside, visits[position], isTransposed), text)];
    }));
    model.shortCells = axis.taps.map(([start], i) =>
      cell(x(start + middle), shortY, "entry", shortName + subscript(i + 1)));
    // Kernel and lines keep their shape while the window slides: the short line's entries stand at
    // the middle of their windows.
    const tapX = range(0, w.kernel - 1).map((tap) => tap * w.dilation * CELL);
    const up = windowY < shortY ? [longY + CELL, windowY] : [longY, windowY + CELL];
    const down = windowY < shortY ? [windowY + CELL, shortY] : [windowY, shortY + CELL];
    model.sliding = [svg("g", { class: "sliding" }, tapX.map((at) => svg("path", { class: "wire", d:
      `M${at + CELL / 2} ${up[0]}V${up[1]}M${at + CELL / 2} ${down[0]}L${(middle + 0.5) * CELL} ${down[1]}` })),
    tapX.map((at, tap) => cell(at, windowY, "tap", `w${subscript(tap + 1)}`)))];
    stage.replaceChildren(picture(last - first + 1, 206, 24, model.summary,
      named(longY, isTransposed ? "output" : "input"), named(shortY, isTransposed ? "input" : "output"),
      ...model.longCells.values(), ...model.shortCells, ...model.sliding));
  }

  function drawGrids(stage, model) {
    const { axes: [down, across], isTransposed, counts } = model;
    const inside = (axis, position) => position >= 0 && position < axis.long;
    const key = (row, column) => `${row},${column}`;
    model.longCells = new Map();
    for (const row of range(down.first, down.last)) {
      for (const column of range(across.first, across.last)) {
        const real = inside(down, row) && inside(across, column);
        const visits = real ? down.visits[row] * across.visits[column] : 0;
        const text = real ? (counts ? visits : "") : isTransposed ? "" : "0";
        model.longCells.set(key(row, column), cell((column - across.first) * CELL,
          (row - down.first) * CELL, kindOf(real, visits, isTransposed), text));
      }
    }
    model.shortCells = range(0, down.short - 1).flatMap((i) =>
      range(0, across.short - 1).map((j) => cell(j * CELL, i * CELL, "entry")));
    const frame = (rows, columns) => svg("rect", { class: "sliding frame", x: 1, y: 1, rx: 4,
      width: columns * CELL - 2, height: rows * CELL - 2 });
    model.sliding = [frame(windows.span(down.window), windows.span(across.window)), frame(1, 1)];
    const grid = (name, axes, cells, sliding) => {
      const [rows, columns] = axes;
      // Side by side with cells of one size, unless those would be too small to read.
      const share = `flex: ${columns} 1 0; max-width: ${columns * CELL}px; ` +
        `min-width: min(100%, ${columns * 26}px)`;
      return html("div", { style: share }, html("p", { class: "explorer-caption" }, name),
        picture(columns, rows * CELL, 14, `${name}. ${model.summary}`, ...cells, sliding));
    };
    const long = grid(isTransposed ? "output" : "input",
      [down, across].map((axis) => axis.last - axis.first + 1), model.longCells.values(), model.sliding[0]);
    const short = grid(isTransposed ? "input" : "output", [down.short, across.short],
      model.shortCells, model.sliding[1]);
    stage.replaceChildren(...(isTransposed ? [short, long] : [long, short]));
  }

  // --- one stop ------------------------------------------------------------------------------------

  function placeOf(model, at) {
    const columns = model.axes.at(-1).short;
    return model.axes.length > 1 ? [Math.floor(at / columns), at % columns] : [at];
  }

  function step(parts, model, at) {
    const place = placeOf(model, at);
    const taps = model.axes.map((axis, i) => axis.taps[place[i]]);
    const keys = taps.length > 1 ? taps[0].flatMap((row) => taps[1].map((column) => `${row},${column}`))
      : taps[0];
    const lit = new Set(keys);
    for (const [key, node] of model.longCells) node.classList.toggle("lit", lit.has(key));
    model.shortCells.forEach((node, i) => node.classList.toggle("lit", i === at));
    const shift = model.axes.map((axis, i) => place[i] * axis.window.stride);
    slide(model.sliding[0], ...shift.reverse());
    if (place.length > 1) slide(model.sliding[1], ...place.reverse());
    centre(parts.stage, model.shortCells[at]);
  }

  function words(model, at) {
    const place = placeOf(model, at);
    const { isTransposed } = model;
    const [of, verb, to] = isTransposed ? ["Input", "adds to", "output"] : ["Output", "reads", "input"];
    if (place.length > 1) {
      const taps = model.axes.map((axis, i) => axis.taps[place[i]]);
      const real = model.axes.map(({ long }, i) => taps[i].filter((t) => t >= 0 && t < long));
      const outside = taps[0].length * taps[1].length - real[0].length * real[1].length;
      const rest = outside ? `; ${count(outside, "tap")} ${isTransposed ? "cut off" : "in the padding"}` : "";
      const where = real.every(({ length }) => length)
        ? `${to} rows ${from1(real[0])}, columns ${from1(real[1])}` : `no ${to}`;
      return `${of} (${place[0] + 1}, ${place[1] + 1}) ${verb} ${where}${rest}.`;
    }
    const { taps, long } = model.axes[0];
    const real = taps[at].filter((t) => t >= 0 && t < long);
    const outside = taps[at].length - real.length;
    const where = real.length ? `${to}${real.length > 1 ? "s" : ""} ${from1(real)}` : `no ${to}`;
    if (isTransposed) {
      const pasted = taps[at].flatMap((t, tap) => (t >= 0 && t < long
        ? [`w${subscript(tap + 1)}x${subscript(at + 1)} to output ${t + 1}`] : []));
      const rest = outside ? `; ${outside} of the ${taps[at].length} products ${outside > 1 ? "are" : "is"} cut off` : "";
      return `Input ${at + 1} adds ${list(pasted) || "nothing"}${rest}.`;
    }
    const terms = taps[at].map((t, tap) =>
      `w${subscript(tap + 1)}${t >= 0 && t < long ? `x${subscript(t + 1)}` : "·0"}`);
    const rest = outside ? ` and ${count(outside, "zero")} of padding` : "";
    return `Output ${at + 1} reads ${where}${rest}: z${subscript(at + 1)} = ${terms.join(" + ")}.`;
  }

  // --- the explorer --------------------------------------------------------------------------------

  function model(values) {
    const isTransposed = values.operation === "transposed";
    // Rows first, as everywhere; their controls bear a 2.
    const axes = (values.axes === "2" ? ["2", ""] : [""]).map((suffix) => {
      const of = (name) => values[name + suffix];
      try {
        if (values.axes === "2" && of("n") > MOST_IN_TWO_AXES) {
          throw new Refusal("n", `must be at most ${MOST_IN_TWO_AXES} where there are two axes`);
        }
        const [n, k, s, l, r, d, q] = ["n", "k", "s", "l", "r", "d", "q"].map(of);
        return axisOf({ n, k, s, l, r, d, q: q ?? 0 }, isTransposed);
      } catch (error) {
        if (error instanceof Refusal) error.field += suffix;
        throw error;
      }
    });
    const sizes = (length) => axes.map(length).join(" by ");
    const [inputs, outputs] = isTransposed
      ? [sizes(({ short }) => short), sizes(({ long }) => long)]
      : [sizes(({ long }) => long), sizes(({ short }) => short)];
    const taps = sizes(({ window: w }) => w.kernel);
    return {
      axes, isTransposed, counts: values.counts === "1", stop: "Window",
      steps: axes.reduce((product, { short }) => product * short, 1),
      summary: `Input of ${inputs}, kernel of ${taps}, output of ${outputs}.`,
    };
  }

  const number = (name, label, letter, min, max) =>
    ({ name, kind: "number", label, symbol: letter, min, max, like: name[0] });
  const axisControls = (suffix, [start, end]) => [
    number(`n${suffix}`, "Input", "N", 1, 32),
    number(`k${suffix}`, "Kernel", "F", 1, 7),
    number(`s${suffix}`, "Stride", "S", 1, 8),
    number(`d${suffix}`, "Dilation", "d", 1, 3),
    number(`l${suffix}`, `Pad ${start}`, "P_L", 0, 18),
    number(`r${suffix}`, `Pad ${end}`, "P_R", 0, 18),
    number(`q${suffix}`, "Output pad", "q", 0, 7),
  ];
  const pad = (padding) => (values) => Object.assign({}, ...["", "2"].map((suffix) => {
    const [n, k, s, d] = ["n", "k", "s", "d"].map((name) => values[name + suffix]);
    if (n === undefined) return {};
    const size = values.operation === "transposed" ? n * s : n;
    const { left, right } = padding(k, s, d, size);
    return { [`l${suffix}`]: left, [`r${suffix}`]: right };
  }));

  window.cnnref.convolution = { axisOf, model };
  window.cnnref.explorer.define("convolution", {
    groups: [
      { name: "what", legend: "Operation", controls: [
        { name: "operation", kind: "choice", label: "Operation",
          options: { convolution: "convolution", transposed: "transposed" } },
        { name: "axes", kind: "choice", label: "Axes", options: { 1: "1-D", 2: "2-D" } },
        { name: "counts", kind: "check", label: "Count the windows at each entry" },
      ] },
      { name: "across", legend: ({ axes }) => (axes === "2" ? "Width" : "Window"),
        controls: axisControls("", ["left", "right"]),
        actions: [
          { label: "No padding", act: pad(() => ({ left: 0, right: 0 })) },
          { label: "Same padding", act: pad(windows.same) },
        ] },
      { name: "down", legend: "Height", controls: axisControls("2", ["top", "bottom"]) },
    ],
    hidden: ({ axes, operation }) =>
      [...(axes === "2" ? [] : ["down"]), ...(operation === "transposed" ? [] : ["q", "q2"])],
    blame: { fit: "k", fit2: "k2", empty: "l", empty2: "l2", output_padding: "q", output_padding2: "q2" },
    model,
    draw: (parts, made) => {
      drawFormula(parts.formula, made);
      (made.axes.length > 1 ? drawGrids : drawLine)(parts.stage, made);
    },
    step,
    words,
  });
})();
