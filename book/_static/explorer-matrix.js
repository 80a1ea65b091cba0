// @ts-check
// Convolution as a matrix: what can be set, and what follows from what.
(() => {
  "use strict";
  const { attempt, windows } = window.cnnref;
  const { number, parseNumbers } = window.cnnref.controls;
  const { html, symbol, show, count, range } = window.cnnref.drawing;
  const { model, words } = window.cnnref.matrix;
  const { drawPictures, step } = window.cnnref.matrixPictures;

  /** @param {Parts} parts @param {MatrixModel} model */
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
    drawPictures(parts, model);
  }

  const MORE = { x: [3, 1, 4, 1, 5, 9, 2, 6, 5, 3], w: [2, 3, 5, 1, 4], g: [1, -1, 2, 0, 3] };
  /** @param {number[]} values @param {number} length @param {"x" | "w" | "g"} letter */
  const resized = (values, length, letter) =>
    range(0, length - 1).map((i) => values[i] ?? MORE[letter][i % MORE[letter].length]);

  // Sizes follow the numbers, numbers the sizes, and the gradient the outputs. What is mistaken is
  // left to be told.
  /** @type {NonNullable<Definition<MatrixModel, MatrixValues>["adapt"]>} */
  function adapt(texts, changed) {
    /** @type {Record<string, any>} */
    const result = {};
    /** @param {"x" | "w"} letter @param {string} size @param {number} most */
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

  /** @param {MatrixModel} model */
  function line({ n, window: { kernel, stride, left, right, dilation } }) {
    const padding = left || right ? `padding ${left} and ${right}` : "no padding";
    const apart = dilation > 1 ? `, dilation ${dilation}` : "";
    return `${count(n, "input")}, ${count(kernel, "tap")}, stride ${stride}${apart}, ${padding}`;
  }

  window.cnnref.explorer.define("matrix", {
    groups: [
      { name: "way", legend: "Drag the window, an edge, the padding or a weight; press a number", front: true, controls: [
        { name: "view", kind: "choice", label: "Direction", options: {
          forward: "forward", input: "back to the input", kernel: "back to the kernel",
        } },
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
    line,
    model: (values) => model({ ...values, g: values.g ?? [] }),
    draw,
    step,
    words,
  });
})();
