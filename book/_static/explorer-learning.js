// @ts-check
// Learning a kernel: gradient descent looks for the kernel that somebody else has used. Loads after
// the arithmetic and the pixels that the explorer on a photograph has, too.
/** One kernel on the way, its loss, and the gradient there.
 * @typedef {{ kernel: number[], loss: number, gradient: number[] }} Learnt
 */
/**
 * The input, the hidden kernel and what it made, the kernels on the way, and the rate above which they
 * run away.
 * @typedef {Model & {
 *   plane: number[], wanted: number[], way: Learnt[], rate: number, limit: number, target: number[],
 *   n: number, reach?: number, point?: (at: number) => [number, number],
 * }} LearningModel
 */
/** @typedef {Record<"photo" | "noise", { plane: number[], bends: number[][] }>} Inputs */
/** The photograph as coded bytes, and, once they are asked for, the inputs.
 * @typedef {{ side: number, planes: [string], inputs?: Inputs }} LearningData
 */
/** @typedef {{ hidden: string, input: keyof Inputs, rate: number[] }} LearningValues */
/**
 * @typedef {Parts & {
 *   images: Record<string, ReturnType<Photograph["square"]>>,
 *   grids: Record<string, HTMLElement[]>, curve: Element, cursor: Element, scale: Element[],
 * }} LearningParts
 */
(() => {
  "use strict";
  const { photograph, Refusal } = window.cnnref;
  const { html, svg, symbol, show, brief, count, range, random } = window.cnnref.drawing;
  const { filtered, bytes, square, paint, shade, PRESETS } = photograph;
  const SIZE = 3;
  const STEPS = 120;
  const VALID = { kernel: SIZE, stride: 1, left: 0, right: 0, dilation: 1 };

  // --- arithmetic ----------------------------------------------------------------------------------

  /**
   * How the loss, the mean squared error, bends: twice the mean product of what two weights meet.
   * @param {number[]} plane
   */
  function curvature(plane) {
    const n = Math.round(Math.sqrt(plane.length));
    const side = n - SIZE + 1;
    const taps = range(0, SIZE * SIZE - 1).map((tap) => Math.floor(tap / SIZE) * n + (tap % SIZE));
    return taps.map((a) => taps.map((b) => {
      let total = 0;
      for (let r = 0; r < side; r++) for (let c = 0; c < side; c++) {
        total += plane[r * n + c + a] * plane[r * n + c + b];
      }
      return (2 * total) / (side * side);
    }));
  }

  /** @param {number[][]} matrix @param {number[]} vector */
  const multiply = (matrix, vector) => matrix.map((row) => row.reduce((total, x, i) => total + x * vector[i], 0));

  /** Two over the largest eigenvalue: above this rate gradient descent runs away. @param {number[][]} bends */
  function limit(bends) {
    let way = bends.map((_, i) => 1 + 0.01 * i);
    let largest = 0;
    for (let turn = 0; turn < 500; turn++) {
      const next = multiply(bends, way);
      largest = Math.hypot(...next);
      way = next.map((x) => x / largest);
    }
    return 2 / largest;
  }

  /**
   * The kernels on the way, from zero: as many as steps, and one. The loss is a square of how far the kernel
   * is off, so that its curvature, the same everywhere, gives its gradient.
   * @param {number[][]} bends @param {number[]} hidden @param {number} rate @param {number} steps
   */
  function descend(bends, hidden, rate, steps) {
    /** @type {Learnt[]} */
    const way = [];
    let kernel = hidden.map(() => 0);
    for (let step = 0; step <= steps; step++) {
      const off = kernel.map((weight, i) => weight - hidden[i]);
      const gradient = multiply(bends, off);
      const loss = off.reduce((total, x, i) => total + x * gradient[i], 0) / 2;
      way.push({ kernel, loss, gradient });
      if (!(loss < 1e12)) break; // it has run away
      kernel = kernel.map((weight, i) => weight - rate * gradient[i]);
    }
    return way;
  }

  // --- what is on show -----------------------------------------------------------------------------

  /** The inputs and how the loss bends on each, once. @param {LearningData} data */
  function prepared(data) {
    if (!data.inputs) {
      const photo = bytes(data.planes[0]).map((level) => level / 127.5 - 1);
      const lots = random(1);
      const noise = photo.map(() => (lots.next().value < 0.5 ? -1 : 1));
      const [onPhoto, onNoise] = [photo, noise].map((plane) => ({ plane, bends: curvature(plane) }));
      data.inputs = { photo: onPhoto, noise: onNoise };
    }
    return data.inputs;
  }

  /** @param {LearningValues} values @param {LearningData} data @returns {LearningModel} */
  function model({ hidden, input, rate }, data) {
    if (!(rate[0] > 0)) throw new Refusal("rate", "must be above 0");
    const { plane, bends } = prepared(data)[input];
    const wanted = PRESETS[hidden];
    const way = descend(bends, wanted, rate[0], STEPS);
    return { plane, wanted, way, rate: rate[0], limit: limit(bends), steps: way.length,
      target: filtered([plane], [wanted], VALID), stop: "Step", n: data.side };
  }

  /** @param {number} number */
  const short = (number) =>
    (number !== 0 && (Math.abs(number) >= 1e4 || Math.abs(number) < 1e-3)
      ? number.toExponential(1).replace("e+", "e").replace("-", "−") : show(number));

  /** @param {LearningModel} model @param {number} at */
  function words({ way, wanted, rate, limit: most }, at) {
    const { kernel, loss } = way[at];
    const off = Math.max(...kernel.map((weight, i) => Math.abs(weight - wanted[i])));
    const ran = rate > most
      ? ` The rate is above ${show(most)}, so the steps grow.` : "";
    return `After ${count(at, "step")} the loss is ${short(loss)}; ` +
      `the weight that is furthest off is off by ${short(off)}.${ran}`;
  }

  // --- pictures ------------------------------------------------------------------------------------

  /** @param {LearningParts} parts @param {string} name @param {string} title */
  function picture(parts, name, title) {
    parts.images[name] = square(title);
    return html("div", { class: "explorer-photo" }, parts.images[name].drawing,
      html("p", { class: "explorer-caption" }, title));
  }

  /** @param {LearningParts} parts @param {string} name @param {string} title */
  function grid(parts, name, title) {
    const cells = range(0, SIZE * SIZE - 1).map(() => html("div", { class: "weight-cell" }));
    parts.grids[name] = cells;
    return html("div", {}, html("p", { class: "explorer-caption" }, title),
      html("div", { class: "weights weights-read", role: "img", "aria-label": title,
        style: "grid-template-columns: repeat(3, max-content)" }, cells));
  }

  /** @param {LearningParts} parts */
  function build(parts) {
    Object.assign(parts, { images: {}, grids: {} });
    parts.curve = svg("path", { class: "wire" });
    parts.cursor = svg("path", { class: "cursor" });
    parts.scale = [18, 116].map((y) => svg("text", { x: 4, y, class: "caption" }));
    const losses = svg("svg", { class: "losses", viewBox: "0 0 300 124", role: "img",
      "aria-label": "The loss by step, on a logarithmic scale" },
      parts.curve, parts.cursor, ...parts.scale);
    parts.stage.replaceChildren(
      picture(parts, "input", "input"), picture(parts, "target", "what the hidden kernel made of it"),
      picture(parts, "made", "what ours makes of it"), picture(parts, "error", "the difference"),
      html("div", { class: "explorer-kernels" },
        grid(parts, "wanted", "hidden kernel"), grid(parts, "kernel", "ours"),
        grid(parts, "gradient", "gradient"),
        html("div", { class: "explorer-losses" },
          html("p", { class: "explorer-caption" }, "loss, by step"), losses)));
  }

  /** @param {HTMLElement[]} cells @param {number[]} values */
  function write(cells, values) {
    cells.forEach((node, i) => {
      node.textContent = Math.abs(values[i]) >= 1000 ? short(values[i]) : brief(values[i]);
      node.classList.toggle("below", values[i] < -0.005);
      node.classList.toggle("above", values[i] > 0.005);
    });
  }

  /** @param {LearningParts} parts @param {LearningModel} model */
  function draw(parts, model) {
    if (!parts.images) build(parts);
    const { plane, target, wanted, way, limit: most, rate } = model;
    const reach = model.reach = Math.max(...target.map(Math.abs));
    paint(parts.images.input, shade(plane.map((x) => (x + 1) / 2), 0, 1));
    paint(parts.images.target, shade(target, -reach, reach));
    write(parts.grids.wanted, wanted);
    const logs = way.map(({ loss }) => Math.log10(Math.max(loss, 1e-12)));
    const [low, high] = [Math.min(...logs), Math.max(...logs, Math.min(...logs) + 0.1)];
    /** @param {number} at @returns {[number, number]} */
    const point = (at) => [4 + (292 * at) / Math.max(way.length - 1, 1),
      24 + (80 * (high - logs[at])) / (high - low)];
    model.point = point;
    parts.curve.setAttribute("d", `M${way.map((_, at) => point(at).join(" ")).join("L")}`);
    parts.scale[0].textContent = short(10 ** high);
    parts.scale[1].textContent = short(10 ** low);
    parts.formula.replaceChildren(html("p", {},
      symbol("w"), " ← ", symbol("w"), ` − ${show(rate)} · gradient; it settles for rates below `,
      `2 / λ = ${show(most)}, where λ is the largest curvature of the loss.`));
  }

  /** @param {LearningParts} parts @param {LearningModel} model @param {number} at */
  function step(parts, { plane, target, way, reach = 1, point }, at) {
    const { kernel, gradient } = way[at];
    const made = filtered([plane], [kernel], VALID);
    paint(parts.images.made, shade(made, -reach, reach));
    paint(parts.images.error, shade(made.map((z, i) => z - target[i]), -reach, reach));
    write(parts.grids.kernel, kernel);
    write(parts.grids.gradient, gradient);
    const [x, y] = point?.(at) ?? [0, 0];
    parts.cursor.setAttribute("d", `M${x} ${y - 8}V${y + 8}`);
  }

  // --- the explorer --------------------------------------------------------------------------------

  window.cnnref.learning = { curvature, descend };
  window.cnnref.explorer.define("learning", {
    first: 0,
    groups: [
      { name: "task", legend: "Which kernel is hidden, what ours learns from, and how fast", front: true,
        controls: [
          { name: "hidden", kind: "select", label: "Hidden kernel", start: "vertical", options: {
            vertical: "vertical edges", horizontal: "horizontal edges", blur: "blur",
            sharpen: "sharpen", emboss: "emboss", shift: "shift by one",
          } },
          { name: "input", kind: "choice", label: "Input", start: "photo",
            options: { photo: "photograph", noise: "noise" } },
          { name: "rate", kind: "list", label: "Learning rate", least: 1, most: 1 },
        ] },
    ],
    hidden: () => [],
    blame: {},
    model, draw, step, words,
  });
})();
