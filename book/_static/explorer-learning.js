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
/** @typedef {Record<"photo" | "noise", number[]>} Planes */
/** @typedef {{ side: number, photo: string, noise: string, planes?: Planes,
 *   limits?: Record<string, number> }} LearningData as coded bytes and, once asked for, as numbers */
/** @typedef {{ hidden: string, input: keyof Planes, rate: number[] }} LearningValues */
/**
 * @typedef {Parts & {
 *   images: Record<string, { image: SVGImageElement, drawing: SVGSVGElement }>,
 *   grids: Record<string, HTMLElement[]>, curve: Element, cursor: Element, scale: Element[],
 * }} LearningParts
 */
(() => {
  "use strict";
  const { photograph, Refusal } = window.cnnref;
  const { html, svg, symbol, show, brief, range } = window.cnnref.drawing;
  const { filtered, paint, shade, PRESETS } = photograph;
  const SIZE = 3;
  const STEPS = 120;
  const VALID = { kernel: SIZE, stride: 1, left: 0, right: 0, dilation: 1 };

  // --- arithmetic ----------------------------------------------------------------------------------

  /**
   * The mean squared error of a kernel, and its gradient with respect to each weight: twice the mean
   * of the error times the input that the weight met, a convolution of the input with the error.
   * @param {number[]} plane @param {number[]} kernel @param {number[]} target
   */
  function gradient(plane, kernel, target) {
    const n = Math.round(Math.sqrt(plane.length));
    const side = n - SIZE + 1;
    const errors = filtered([plane], [kernel], VALID).map((z, i) => z - target[i]);
    const found = range(0, SIZE * SIZE - 1).map((tap) => {
      const [i, j] = [Math.floor(tap / SIZE), tap % SIZE];
      let total = 0;
      for (let r = 0; r < side; r++) for (let c = 0; c < side; c++) {
        total += errors[r * side + c] * plane[(r + i) * n + c + j];
      }
      return (2 * total) / errors.length;
    });
    const loss = errors.reduce((total, e) => total + e * e, 0) / errors.length;
    return { loss, gradient: found, errors };
  }

  /** How the loss bends: twice the mean product of what two weights meet. @param {number[]} plane */
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

  /** Two over the largest eigenvalue: above this rate gradient descent runs away. @param {number[]} plane */
  function limit(plane) {
    const bends = curvature(plane);
    let way = bends.map((_, i) => 1 + 0.01 * i);
    let largest = 0;
    for (let turn = 0; turn < 500; turn++) {
      const next = bends.map((row) => row.reduce((total, x, i) => total + x * way[i], 0));
      largest = Math.hypot(...next);
      way = next.map((x) => x / largest);
    }
    return 2 / largest;
  }

  /**
   * The kernels on the way, from zero: as many as steps, and one.
   * @param {number[]} plane @param {number[]} hidden @param {number} rate @param {number} steps
   */
  function descend(plane, hidden, rate, steps) {
    const target = filtered([plane], [hidden], VALID);
    /** @type {Learnt[]} */
    const way = [];
    let kernel = hidden.map(() => 0);
    for (let step = 0; step <= steps; step++) {
      const now = gradient(plane, kernel, target);
      way.push({ kernel, loss: now.loss, gradient: now.gradient });
      if (!(now.loss < 1e12)) break; // it has run away
      kernel = kernel.map((weight, i) => weight - rate * now.gradient[i]);
    }
    return way;
  }

  // --- what is on show -----------------------------------------------------------------------------

  /** The inputs and the limits of their rates, once. @param {LearningData} data */
  function prepared(data) {
    if (!data.planes || !data.limits) {
      /** @param {string} coded */
      const bytes = (coded) => Array.from(atob(coded), (letter) => letter.charCodeAt(0));
      const photo = bytes(data.photo).map((level) => level / 127.5 - 1);
      const bits = bytes(data.noise).flatMap((byte) => range(0, 7).map((bit) => (byte >> (7 - bit)) & 1));
      data.planes = { photo, noise: bits.slice(0, photo.length).map((bit) => 2 * bit - 1) };
      data.limits = Object.fromEntries(
        Object.entries(data.planes).map(([name, plane]) => [name, limit(plane)]));
    }
    return { planes: data.planes, limits: data.limits };
  }

  /** @param {LearningValues} values @param {LearningData} data @returns {LearningModel} */
  function model({ hidden, input, rate }, data) {
    if (!(rate[0] > 0)) throw new Refusal("rate", "must be above 0");
    const { planes, limits } = prepared(data);
    const plane = planes[input];
    const wanted = PRESETS[hidden];
    const way = descend(plane, wanted, rate[0], STEPS);
    return { plane, wanted, way, rate: rate[0], limit: limits[input], steps: way.length,
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
    return `After ${at} ${at === 1 ? "step" : "steps"} the loss is ${short(loss)}; ` +
      `the weight that is furthest off is off by ${short(off)}.${ran}`;
  }

  // --- pictures ------------------------------------------------------------------------------------

  /** @param {LearningParts} parts @param {string} name @param {string} title */
  function picture(parts, name, title) {
    const image = svg("image");
    const drawing = svg("svg", { class: "photograph", role: "img", "aria-label": title }, image);
    parts.images[name] = { image, drawing };
    return html("div", { class: "explorer-photo" }, drawing,
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

  /**
   * @param {LearningParts} parts @param {string} name @param {number[]} values @param {number} low
   * @param {number} high
   */
  function look(parts, name, values, low, high) {
    const side = Math.round(Math.sqrt(values.length));
    const { image, drawing } = parts.images[name];
    drawing.setAttribute("viewBox", `0 0 ${side} ${side}`);
    paint(image, shade(values, low, high), side);
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
    look(parts, "input", plane.map((x) => (x + 1) / 2), 0, 1);
    look(parts, "target", target, -reach, reach);
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
    const { kernel, gradient: slope } = way[at];
    const made = filtered([plane], [kernel], VALID);
    look(parts, "made", made, -reach, reach);
    look(parts, "error", made.map((z, i) => z - target[i]), -reach, reach);
    write(parts.grids.kernel, kernel);
    write(parts.grids.gradient, slope);
    const [x, y] = point?.(at) ?? [0, 0];
    parts.cursor.setAttribute("d", `M${x} ${y - 8}V${y + 8}`);
  }

  // --- the explorer --------------------------------------------------------------------------------

  window.cnnref.learning = { gradient, curvature, limit, descend };
  window.cnnref.explorer.define("learning", {
    first: 0,
    groups: [
      { name: "task", legend: "Which kernel is hidden, what ours learns from, and how fast", front: true,
        controls: [
          { name: "hidden", kind: "select", label: "Hidden kernel", options: {
            vertical: "vertical edges", horizontal: "horizontal edges", blur: "blur",
            sharpen: "sharpen", emboss: "emboss", shift: "shift by one",
          } },
          { name: "input", kind: "choice", label: "Input",
            options: { photo: "photograph", noise: "noise" } },
          { name: "rate", kind: "list", label: "Learning rate", least: 1, most: 1 },
        ] },
    ],
    hidden: () => [],
    blame: {},
    model, draw, step, words,
  });
})();
