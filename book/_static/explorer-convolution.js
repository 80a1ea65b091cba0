// @ts-check
// Convolution arithmetic, with controls, formulas and words: a window over numbers, in one or two
// axes, and its transpose.
(() => {
  "use strict";
  const { windows } = window.cnnref;
  const { number } = window.cnnref.controls;
  /** @type {Convolution} */
  const { model } = window.cnnref.convolution;
  /** @type {ConvolutionParts} */
  const { inRows } = window.cnnref.convolutionParts;
  const { drawConvolutionLine, drawConvolutionGrids } = window.cnnref;
  const { moveGrip } = window.cnnref.hold;
  const { html, symbol, subscript, brief, count, list, range, from1, slide, centre } =
    window.cnnref.drawing;

  // --- formulas, with the numbers of the moment ----------------------------------------------------

  const minus = " − ";
  /** @type {(axis: WindowAxis, isTransposed: boolean) => string} */
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

  /** @param {boolean} isTransposed */
  function generalFormula(isTransposed) {
    const [N, S, d, F, L, R, q] = ["N", "S", "d", "F", "P_L", "P_R", "q"].map(symbol);
    const reach = [d, "(", F, `${minus}1)`];
    return isTransposed
      ? ["(", N, `${minus}1)`, S, " + ", ...reach, " + 1", minus, L, minus, R, " + ", q]
      : ["⌊(", N, " + ", L, " + ", R, minus, ...reach, `${minus}1) / `, S, "⌋ + 1"];
  }

  // What a reader should notice about this axis, in words.
  /** @type {(axis: WindowAxis, isTransposed: boolean) => string[]} */
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

  /** @param {HTMLElement} box @param {ConvolutionModel} model */
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

  // --- one stop ------------------------------------------------------------------------------------

  /** @param {Parts} parts @param {DrawnConvolution} model @param {number} at */
  function step(parts, model, at) {
    const { isTransposed, counts, axes, x, w } = model;
    const [taps, others] = model.tapsOf(at);
    parts.stage.classList.remove("asked");
    model.feeding?.replaceChildren();
    model.see({ windows: [at], keys: others ? taps.flatMap((row) => others.map((column) => `${row},${column}`)) : taps,
      terms: isTransposed ? w.map((weight) => ({ product: weight * x[at] + 0, total: 0 })) : model.termsOf(at),
      pasted: isTransposed && !counts ? model.pastedBy(at) : undefined });
    const [row, column] = model.placeOf(at);
    const [by, across] = axes.map(({ window: { stride } }) => stride);
    if (axes.length > 1) {
      slide(model.sliding[0], column * across, row * by);
      slide(model.sliding[1], column, row);
    } else model.sliding.forEach((part) => slide(part, row * by));
    moveGrip(model.held, at);
    if (!parts.held) centre(parts.stage, model.place(at));
  }

  // --- one stop in words ---------------------------------------------------------------------------

  /** @param {number[]} positions */
  const many = (positions) => (positions.length > 1 ? "s" : "");

  /** @param {ConvolutionModel} model @param {number} at */
  function words(model, at) {
    const place = model.placeOf(at);
    const { isTransposed } = model;
    const [of, verb, to] = isTransposed ? ["Input", "adds to", "output"] : ["Output", "reads", "input"];
    if (place.length > 1) {
      const taps = model.axes.map((axis, i) => axis.taps[place[i]]);
      const real = model.axes.map(({ long }, i) => taps[i].filter((t) => t >= 0 && t < long));
      const outside = taps[0].length * taps[1].length - real[0].length * real[1].length;
      const rest = outside ? `; ${count(outside, "tap")} ${isTransposed ? "cut off" : "in the padding"}` : "";
      const where = real.every(({ length }) => length)
        ? inRows(to, real) : `no ${to}`;
      const sum = isTransposed ? "" : ` The products add up to ${brief(model.out[at])}.`;
      return `${of} (${place[0] + 1}, ${place[1] + 1}) ${verb} ${where}${rest}.${sum}`;
    }
    const { taps, long } = model.axes[0];
    const real = taps[at].filter((t) => t >= 0 && t < long);
    const outside = taps[at].length - real.length;
    const where = real.length ? `${to}${many(real)} ${from1(real)}` : `no ${to}`;
    if (isTransposed) {
      const pasted = taps[at].flatMap((t, tap) => (t >= 0 && t < long
        ? [`w${subscript(tap + 1)}x${subscript(at + 1)} to output ${t + 1}`] : []));
      const rest = outside ? `; ${outside} of the ${taps[at].length} products ${outside > 1 ? "are" : "is"} cut off` : "";
      return `Input ${at + 1} adds ${list(pasted) || "nothing"}${rest}.`;
    }
    const terms = taps[at].map((t, tap) =>
      `w${subscript(tap + 1)}${t >= 0 && t < long ? `x${subscript(t + 1)}` : "·0"}`);
    const rest = outside ? ` and ${count(outside, "zero")} of padding` : "";
    const products = model.termsOf(at).map(({ product }, tap) =>
      `${product < 0 ? "− " : tap ? "+ " : ""}${brief(Math.abs(product))}`).join(" ").replace(/^− /, "−");
    return `Output ${at + 1} reads ${where}${rest}: z${subscript(at + 1)} = ${terms.join(" + ")} = ` +
      `${products}${terms.length > 1 ? ` = ${brief(model.out[at])}` : ""}.`;
  }

  // The setting, for the fold.
  /** @param {ConvolutionModel} model */
  function line({ axes, isTransposed }) {
    const names = axes.length > 1 ? ["height: ", "width: "] : [""];
    const each = axes.map(({ setting: { n, k, s, d, l, r }, short, long }, i) => [names[i],
      `${count(n, "input")}, kernel ${k}`,
      s > 1 ? `, stride ${s}` : "", d > 1 ? `, dilation ${d}` : "", l || r ? `, padding ${l} and ${r}` : "",
      `: ${count(isTransposed ? long : short, "output")}`].join(""));
    return each.join("; ");
  }

  // --- the explorer --------------------------------------------------------------------------------

  /** @type {(suffix: string, ends: string[]) => ControlSpec[]} */
  const axisControls = (suffix, [start, end]) => [
    number("n", "Input", "N", 1, 32), number("k", "Kernel", "F", 1, 7), number("s", "Stride", "S", 1, 8),
    number("d", "Dilation", "d", 1, 3), number("l", `Pad ${start}`, "P_L", 0, 18),
    number("r", `Pad ${end}`, "P_R", 0, 18), number("q", "Output pad", "q", 0, 7),
  ].map((spec) => ({ ...spec, name: spec.name + suffix, like: spec.name }));
  // The same padding rule for each axis that is on show.
  /** @typedef {Pick<SlidingWindow, "left" | "right">} Pads */
  /** @type {(padding: (kernel: number, stride: number, dilation: number, size: number) => Pads) => (values: ConvolutionValues) => Setting} */
  const pad = (padding) => (values) => Object.assign({}, ...["", "2"].map((suffix) => {
    if (values[`n${suffix}`] === undefined) return {};
    const [n, k, s, d] = ["n", "k", "s", "d"].map((name) => values[name + suffix] ?? 1);
    const size = values.operation === "transposed" ? n * s : n;
    const { left, right } = padding(k, s, d, size);
    return { [`l${suffix}`]: left, [`r${suffix}`]: right };
  }));

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
      (made.axes.length > 1 ? drawConvolutionGrids : drawConvolutionLine)(parts, made);
    },
    step,
    words,
    line,
  });
})();
