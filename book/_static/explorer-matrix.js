// Convolution as a matrix: the same numbers once as a sliding window and once as a matrix, forward
// and backward. Both routes are computed, by separate functions, and the page says that they agree.
(() => {
  "use strict";
  const { Refusal, windows } = window.cnnref;
  const { parseNumbers } = window.cnnref.explorer;
  const {
    CELL, html, symbol, subscript, show, count, list, range, cell, picture, caption, faint, centre,
  } = window.cnnref.drawing;
  const sum = (values) => values.reduce((total, value) => total + value, 0);

  // --- arithmetic ----------------------------------------------------------------------------------

  function fits(field, values, length, what) {
    if (values.length !== length) {
      throw new Refusal(field, `must hold ${length} numbers, one for each ${what}, not ${values.length}`);
    }
  }

  // Which tap, counted from 1, joins each output (row) to each input (column); 0 where none does.
  function tapTable(n, window) {
    return range(0, windows.outputSize(n, window) - 1).map((i) => {
      const row = Array(n).fill(0);
      windows.taps(i, window).forEach((position, tap) => {
        if (position in row) row[position] = tap + 1;
      });
      return row;
    });
  }

  function matrixOf(w, n, window) {
    fits("w", w, window.kernel, "tap");
    return tapTable(n, window).map((row) => row.map((tap) => (tap ? w[tap - 1] : 0)));
  }

  const transpose = (matrix) => matrix[0].map((_, column) => matrix.map((row) => row[column]));
  const multiply = (matrix, vector) =>
    matrix.map((row) => sum(row.map((entry, column) => entry * vector[column])));

  // The sliding routes go through the windows and never see the matrix.
  function convolve(x, w, window) {
    fits("w", w, window.kernel, "tap");
    return range(0, windows.outputSize(x.length, window) - 1).map((i) =>
      sum(windows.taps(i, window).map((position, tap) => w[tap] * (x[position] ?? 0))));
  }

  function inputGradient(g, w, n, window) {
    fits("w", w, window.kernel, "tap");
    fits("g", g, windows.outputSize(n, window), "output");
    const result = Array(n).fill(0);
    g.forEach((slope, i) => windows.taps(i, window).forEach((position, tap) => {
      if (position in result) result[position] += w[tap] * slope;
    }));
    return result;
  }

  function kernelGradient(g, x, window) {
    fits("g", g, windows.outputSize(x.length, window), "output");
    const result = Array(window.kernel).fill(0);
    g.forEach((slope, i) => windows.taps(i, window).forEach((position, tap) => {
      result[tap] += slope * (x[position] ?? 0);
    }));
    return result;
  }

  // The kernel's gradient from the matrix: all products g_i x_k, added up where the weight is tied.
  function tiedSums(g, x, table, kernel) {
    return range(1, kernel).map((tap) => sum(table.flatMap((row, i) =>
      row.map((entry, k) => (entry === tap ? g[i] * x[k] : 0)))));
  }

  // --- what is on show -----------------------------------------------------------------------------

  const VIEWS = { forward: "forward", input: "back to the input", kernel: "back to the kernel" };

  function model({ view, x, w, g, s, d, l, r }) {
    const window = { kernel: w.length, stride: s, left: l, right: r, dilation: d };
    const n = x.length;
    const table = tapTable(n, window);
    if (view !== "forward") fits("g", g, table.length, "output");
    const matrix = matrixOf(w, n, window);
    const [slid, multiplied] = {
      forward: () => [convolve(x, w, window), multiply(matrix, x)],
      input: () => [inputGradient(g, w, n, window), multiply(transpose(matrix), g)],
      kernel: () => [kernelGradient(g, x, window), tiedSums(g, x, table, w.length)],
    }[view]();
    const agree = slid.every((value, i) => Math.abs(value - multiplied[i]) < 1e-9);
    // Every connection: output, position, tap. Those of one stop are lit together.
    const wires = table.flatMap((_, i) => windows.taps(i, window).map((position, tap) =>
      ({ i, position, tap, stop: { forward: i, input: position, kernel: tap }[view] })));
    const stop = { forward: "Output", input: "Input", kernel: "Weight" }[view];
    return {
      view, x, w, g, window, n, table, matrix, result: slid, agree, wires, steps: slid.length, stop,
    };
  }

  const entry = (letter, i) => `${letter}${subscript(i + 1)}`;
  const resultName = ({ view }, i) =>
    ({ forward: entry("z", i), input: `∂x${subscript(i + 1)}`, kernel: `∂w${subscript(i + 1)}` })[view];

  // The two factors of a connection's product in this view, as names and as numbers.
  function product({ view, x, w, g }, { i, position, tap }) {
    const inside = position in x;
    const input = [inside ? entry("x", position) : "0", inside ? x[position] : 0];
    const weight = [entry("w", tap), w[tap]];
    const slope = [entry("g", i), g[i]];
    return { forward: [weight, input], input: [weight, slope], kernel: [slope, input] }[view];
  }

  function words(model, at) {
    const pairs = model.wires.filter(({ stop }) => stop === at).map((wire) => product(model, wire));
    const written = (value) => (value < 0 ? `(${show(value)})` : show(value));
    const names = pairs.map((pair) => pair.map(([text]) => (text === "0" ? "·0" : text)).join(""));
    const numbers = pairs.map((pair) => pair.map(([, value]) => written(value)).join("·"));
    const value = show(model.result[at]);
    const sums = pairs.length ? `${names.join(" + ")} = ${numbers.join(" + ")} = ${value}` : value;
    const where = {
      forward: `Row ${at + 1} of the matrix`,
      input: `Row ${at + 1} of the transposed matrix, column ${at + 1} of A`,
      kernel: `All entries that hold ${entry("w", at)}`,
    }[model.view];
    return `${where}: ${resultName(model, at)} = ${sums}.`;
  }

  // --- pictures ------------------------------------------------------------------------------------

  function drawLine(model) {
    const { x, w, g, window: { left, right, stride }, window, n, view, result, table } = model;
    const at = (position) => (position + left) * CELL;
    const middle = (windows.span(window) - 1) / 2;
    const [topY, bottomY] = [20, 150];
    const inputs = view === "input" ? result : x;
    const outputs = view === "forward" ? result : g;
    const lines = model.wires.map((wire) => [wire, faint(
      `M${at(wire.position) + CELL / 2} ${topY + CELL}L${at(wire.i * stride - left + middle) + CELL / 2} ${bottomY}`,
      `tap-${wire.tap + 1}`)]);
    const top = range(-left, n - 1 + right).map((position) => [position, position in x
      ? cell(at(position), topY, "entry", show(inputs[position])) : cell(at(position), topY, "padding", "0")]);
    const bottom = table.map((_, i) =>
      cell(at(i * stride - left + middle), bottomY, "entry", show(outputs[i])));
    Object.assign(model, { lines, top: new Map(top), bottom });
    const label = {
      forward: ["input x", "output z"], input: ["gradient of the input, ∂x", "gradient of the output, g"],
      kernel: ["input x", "gradient of the output, g"],
    }[view];
    return picture(n + left + right, 206, 30,
      `${label[0]}: ${list(inputs.map(show))}. ${label[1]}: ${list(outputs.map(show))}.`,
      caption(topY - 6, label[0]), caption(bottomY + CELL + 14, label[1]),
      lines.map(([, line]) => line), top.map(([, node]) => node), bottom);
  }

  // The matrix as a table. Its heads hold the vectors; tied weights share a colour and their name.
  function drawTable(model) {
    const { view, x, g, table, matrix, result } = model;
    const turned = view === "input";
    const [taps, values] = turned ? [transpose(table), transpose(matrix)] : [table, matrix];
    const [acrossLetter, across] = turned ? ["g", g] : ["x", x];
    const rows = view === "kernel" ? g : result;
    const rowName = (i) => (view === "kernel" ? entry("g", i) : resultName(model, i));
    const head = (scope, text, value) =>
      html("th", { scope }, html("small", {}, text), " ", show(value));
    model.columnHeads = across.map((value, k) => head("col", entry(acrossLetter, k), value));
    model.cells = [];
    model.rowHeads = rows.map((value, i) => head("row", rowName(i), value));
    const body = rows.map((_, i) => html("tr", {}, model.rowHeads[i], taps[i].map((tap, k) => {
      const [output, position] = turned ? [k, i] : [i, k];
      if (!tap) return html("td", { class: "none" }, "0");
      const shown = view === "kernel" ? g[output] * x[position] : values[i][k];
      const node = html("td", { class: `tap-${tap}` },
        html("small", {}, entry("w", tap - 1)), " ", show(shown));
      model.cells.push([{ i: output, position, tap: tap - 1 }, node]);
      return node;
    })));
    const caption = {
      forward: "A; above it x, beside it z = A x",
      input: "A transposed; above it g, beside it ∂x",
      kernel: "Products of g, beside, and x, above",
    }[view];
    return html("table", {}, html("caption", {}, caption),
      html("thead", {}, html("tr", {}, html("td"), model.columnHeads)), html("tbody", {}, body));
  }

  function draw(parts, model) {
    const [z, A, x, w, g] = ["z", "A", "x", "w", "g"].map(symbol);
    const formula = {
      forward: [z, " = ", A, " ", x],
      input: ["∂", x, " = ", A, "ᵀ ", g],
      kernel: ["∂", w],
    }[model.view];
    const how = " by adding the products of g and x where A holds the same weight.";
    const lost = model.x.length - new Set(model.wires.map(({ position }) => position)
      .filter((position) => position in model.x)).size;
    const notes = [
      `A has ${count(model.table.length, "row")} and ${count(model.n, "column")}.`,
      model.agree ? "The sliding window and the matrix give the same numbers." : "The two routes differ.",
      lost ? `${count(lost, "column")} of zeros: ${lost > 1 ? "inputs that no window reads" : "an input that no window reads"}.` : "",
    ];
    parts.formula.replaceChildren(
      html("p", {}, ...formula, ` = (${model.result.map(show).join(", ")})`,
        model.view === "kernel" ? how : ""),
      html("p", { class: "explorer-notes" }, notes.filter(Boolean).join(" ")),
    );
    parts.stage.replaceChildren(drawLine(model), drawTable(model));
  }

  function step(parts, model, at) {
    const on = (wire) => wire[{ forward: "i", input: "position", kernel: "tap" }[model.view]] === at;
    const light = (node, lit) => node.classList.toggle("lit", lit);
    for (const [wire, node] of [...model.lines, ...model.cells]) light(node, on(wire));
    const lit = model.wires.filter(on);
    const [positions, outputs] = ["position", "i"].map((key) => new Set(lit.map((wire) => wire[key])));
    if (model.view === "input") positions.add(at);
    for (const [position, node] of model.top) light(node, positions.has(position));
    model.bottom.forEach((node, i) => light(node, outputs.has(i)));
    const [rows, columns] = model.view === "input" ? [positions, outputs] : [outputs, positions];
    model.rowHeads.forEach((node, i) => light(node, rows.has(i)));
    model.columnHeads.forEach((node, k) => light(node, columns.has(k)));
    const middle = [...columns].filter((k) => k in model.columnHeads);
    if (middle.length) centre(parts.stage, model.columnHeads[middle[middle.length >> 1]]);
  }

  // --- the explorer --------------------------------------------------------------------------------

  const MORE = { x: [3, 1, 4, 1, 5, 9, 2, 6, 5, 3], w: [2, 3, 5, 1, 4], g: [1, -1, 2, 0, 3] };
  const resized = (values, length, letter) =>
    range(0, length - 1).map((i) => values[i] ?? MORE[letter][i % MORE[letter].length]);

  // Sizes follow the numbers, numbers the sizes, and the gradient the outputs. What is mistaken is
  // left to be told.
  function adapt(texts, changed) {
    const result = {};
    const attempt = (act) => {
      try {
        act();
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
      }
    };
    const sized = (letter, size, most) => attempt(() => {
      if (changed === size) {
        const [length] = parseNumbers(texts[size], 1, 1);
        if (!Number.isInteger(length) || length < 1 || length > most) return;
        result[letter] = resized(parseNumbers(texts[letter], 0, 99), length, letter);
      } else result[size] = parseNumbers(texts[letter], 1, most).length;
    });
    sized("x", "n", 10);
    sized("w", "k", 5);
    if (changed !== "g") attempt(() => {
      const [x, w] = ["x", "w"].map((letter) => result[letter] ?? parseNumbers(texts[letter], 1, 10));
      const [stride, left, right, dilation] = ["s", "l", "r", "d"].map((key) => parseNumbers(texts[key], 1, 1)[0]);
      const outputs = windows.outputSize(x.length, { kernel: w.length, stride, left, right, dilation });
      result.g = resized(parseNumbers(texts.g, 0, 99), Math.min(outputs, 99), "g");
    });
    return result;
  }

  const number = (name, label, letter, min, max) =>
    ({ name, kind: "number", label, symbol: letter, min, max });
  window.cnnref.matrix = {
    tapTable, matrixOf, transpose, multiply, convolve, inputGradient, kernelGradient, tiedSums,
  };
  window.cnnref.explorer.define("matrix", {
    groups: [
      { name: "way", legend: "Direction", controls: [
        { name: "view", kind: "choice", label: "Direction", options: VIEWS },
      ] },
      { name: "window", legend: "Window", controls: [
        number("n", "Input", "N", 1, 10), number("k", "Kernel", "F", 1, 5),
        number("s", "Stride", "S", 1, 4), number("d", "Dilation", "d", 1, 3),
        number("l", "Pad left", "P_L", 0, 4), number("r", "Pad right", "P_R", 0, 4),
      ] },
      { name: "numbers", legend: "Numbers", controls: [
        { name: "x", kind: "list", label: "Input", symbol: "x", least: 1, most: 10 },
        { name: "w", kind: "list", label: "Kernel", symbol: "w", least: 1, most: 5 },
        { name: "g", kind: "list", label: "Gradient of the output", symbol: "g", least: 1, most: 18 },
      ] },
    ],
    hidden: ({ view }) => (view === "forward" ? ["g"] : []),
    blame: { fit: "k" },
    adapt,
    model: (values) => model({ ...values, g: values.g ?? [] }),
    draw,
    step,
    words,
  });
})();
