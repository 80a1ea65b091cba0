// @ts-check
// A kernel on a photograph: the picture, what a kernel makes of it, and the sum at one place. One
// takes hold of the picture to move the window, and of a weight to change it.
/**
 * What is on show: the planes of the photograph, the kernels as they are slid and as they were given,
 * the outputs, `side` by `side`, and their least and largest.
 * @typedef {Model & {
 *   planes: number[][], kernels: number[][], given: number[][], view: SlidingWindow, out: number[],
 *   side: number, size: number, n: number, flipped: boolean, low: number, high: number,
 * }} PhotographModel
 */
/**
 * @typedef {{ w: number[], w2: number[], k: string, channels: "one" | "two", s: number, p: number,
 *   d: number, flip?: string }} PhotographValues
 */
/** Grey, red and green as coded bytes, and, once they were asked for, as numbers from 0 to 1.
 * @typedef {{ side: number, planes: string[], shares?: number[][] }} PhotographData
 */
/** @typedef {{ node: Grip, weight: HTMLElement, product: HTMLElement }} WeightCell */
/**
 * The boxes, which are built once for each size and number of channels.
 * @typedef {Parts & {
 *   model: PhotographModel, built?: string, frame: SVGGElement, taps: SVGGElement, dot: SVGGElement,
 *   photo: ReturnType<Photograph["square"]>, made: ReturnType<Photograph["square"]>, grids: WeightCell[][],
 *   under: HTMLElement[], sum: HTMLElement,
 * }} PhotographParts
 */
(() => {
  "use strict";
  const { Refusal, attempt, windows } = window.cnnref;
  const { number, parseNumbers } = window.cnnref.controls;
  const { grip, moveGrip, pressable } = window.cnnref.hold;
  const { html, svg, symbol, show, brief, count, range } = window.cnnref.drawing;
  const { filtered, read, turned, resized, bytes, shade, square, paint, PRESETS } = window.cnnref.photograph;

  // --- what is on show -----------------------------------------------------------------------------

  /** @param {PhotographValues} values @param {PhotographData} data @returns {PhotographModel} */
  function model({ w, w2, k, channels, s, p, d, flip }, data) {
    const size = Number(k);
    const given = channels === "two" ? [w, w2] : [w];
    given.forEach((taps, which) => {
      if (taps.length === size * size) return;
      throw new Refusal(which ? "w2" : "w", `must hold ${size * size} numbers, not ${taps.length}`);
    });
    const kernels = flip === "1" ? given.map(turned) : given;
    const [grey, ...colours] = data.shares ??= data.planes.map((coded) => bytes(coded).map((level) => level / 255));
    const planes = channels === "two" ? colours : [grey];
    const view = { kernel: size, stride: s, left: p, right: p, dilation: d };
    const out = filtered(planes, kernels, view);
    const side = windows.outputSize(data.side, view);
    return { planes, kernels, given, view, out, side, size, n: data.side, flipped: flip === "1",
      steps: side * side, stop: "Output", low: Math.min(...out), high: Math.max(...out) };
  }

  /** @param {PhotographModel} model @param {number} at */
  function words({ planes, view, out, side, flipped }, at) {
    const [r, c] = [Math.floor(at / side), at % side];
    const taps = planes.flatMap((plane) => read(plane, view, r, c));
    const outside = taps.filter(({ inside }) => !inside).length;
    const padding = outside ? ` ${count(outside, "tap")} ${outside > 1 ? "lie" : "lies"} in the padding.` : "";
    const turn = flipped ? " The kernel is turned round." : "";
    return `Row ${r + 1}, column ${c + 1}: ${count(taps.length, "product")} add up to ` +
      `${show(out[at])}.${padding}${turn}`;
  }

  // --- pictures ------------------------------------------------------------------------------------

  /** @param {number} value @param {number} most */
  const within = (value, most) => Math.max(0, Math.min(most, value));

  const STEP = 0.25;
  /**
   * One weight, to be pulled up and down in quarters.
   * @param {PhotographParts} parts @param {number} channel @param {number} index @param {number} size
   */
  function tap(parts, channel, index, size) {
    const control = channel ? "w2" : "w";
    const weight = html("span", { class: "weight" });
    const product = html("small");
    const node = grip({
      html: "div", name: `${control}-${index}`, kind: "weight-cell", along: "y", per: -10, value: 0, min: -9 / STEP, max: 9 / STEP,
      label: `Weight in row ${Math.floor(index / size) + 1}, column ${(index % size) + 1}`,
      change: (quarters) => parts.choose({ preset: "own",
        [control]: parts.model.given[channel].map((was, i) => (i === index ? Math.round(quarters) * STEP : was)) }),
    }, weight, product);
    return { node, weight, product };
  }

  /**
   * The boxes are built once for each size and number of channels: what is held must stay.
   * @param {PhotographParts} parts @param {PhotographModel} model
   */
  function build(parts, { size, planes, n }) {
    // A light line and a dark one, to be seen on any ground.
    const [frame, dot] = range(0, 1).map(() => svg("g", {},
      svg("rect", { class: "frame light" }), svg("rect", { class: "frame" })));
    const taps = svg("g", { class: "taps" });
    const photo = square(`A photograph of ${n} by ${n} pixels: a portrait`);
    const made = square("What the kernel makes of it");
    paint(photo, planes.length > 1 ? planes[0].map((red, i) => [255 * red, 255 * planes[1][i], 0])
      : shade(planes[0], 0, 1));
    photo.drawing.append(taps, frame);
    made.drawing.append(dot);
    // The window whose middle is next to the place.
    pressable(photo.drawing, (...shares) => {
      const { side, view } = parts.model;
      const [column, row] = shares.map((share) => Math.floor(share * (n + 2 * view.left)) - view.left)
        .map((p) => within(Math.round((p + view.left - (windows.span(view) - 1) / 2) / view.stride), side - 1));
      parts.go(row * side + column);
    });
    pressable(made.drawing, (...shares) => {
      const { side } = parts.model;
      const [column, row] = shares.map((share) => within(Math.floor(share * side), side - 1));
      parts.go(row * side + column);
    });
    const grids = planes.map((_, channel) =>
      range(0, size * size - 1).map((index) => tap(parts, channel, index, size)));
    const caption = () => html("p", { class: "explorer-caption" });
    const sum = html("p", { class: "explorer-sum" });
    const under = [caption(), caption()];
    Object.assign(parts, { built: `${size} ${planes.length}`, frame, taps, dot, photo, made, grids, under, sum });
    parts.stage.replaceChildren(
      html("div", { class: "explorer-photo" }, photo.drawing, under[0]),
      html("div", { class: "explorer-photo" }, made.drawing, under[1]),
      html("div", { class: "explorer-kernels" }, grids.map((cells, channel) => {
        const title = planes.length > 1 ? `kernel on ${["red", "green"][channel]}` : "kernel";
        return html("div", {}, html("p", { class: "explorer-caption" }, title),
          html("div", { class: `weights weights-${size}`, role: "group", "aria-label": title,
            style: `grid-template-columns: repeat(${size}, max-content)` }, cells.map(({ node }) => node)));
      }), sum));
  }

  /** @param {PhotographParts} parts @param {PhotographModel} model */
  function draw(parts, model) {
    parts.model = model;
    if (parts.built !== `${model.size} ${model.planes.length}`) build(parts, model);
    const { view, n, side, out, low, high, given, flipped } = model;
    const around = view.left;
    parts.photo.drawing.setAttribute("viewBox",
      `${-around} ${-around} ${n + 2 * around} ${n + 2 * around}`);
    paint(parts.made, shade(out, low, high));
    parts.under[0].textContent = `${n} by ${n}${around ? `, ${around} of padding` : ""}`;
    parts.under[1].textContent = `${side} by ${side}, ` + (low < 0
      ? `orange below 0, purple above: ${brief(low)} to ${brief(high)}`
      : `black 0 to white ${brief(high)}`);
    parts.grids.forEach((cells, channel) => cells.forEach(({ node, weight }, index) => {
      const value = given[channel][index];
      weight.textContent = brief(value);
      moveGrip(node, value / STEP, brief(value));
      node.classList.toggle("below", value < 0);
      node.classList.toggle("above", value > 0);
    }));
    const size = ["⌊(", `${n} + 2·${view.left} − ${view.dilation}·(${view.kernel} − 1) − 1`,
      `) / ${view.stride}⌋ + 1 = ${side}`];
    parts.formula.replaceChildren(html("p", {}, symbol("M"), " = ", ...size,
      flipped ? "; the kernel is turned by 180° before it slides" : ""));
  }

  /** @param {PhotographParts} parts @param {PhotographModel} model @param {number} at */
  function step(parts, model, at) {
    const { view, side, planes, kernels, out, flipped } = model;
    const [r, c] = [Math.floor(at / side), at % side];
    /** @param {Element} lines @param {number} x @param {number} y @param {number} width */
    const place = (lines, x, y, width) => {
      for (const [name, value] of Object.entries({ x, y, width, height: width })) {
        for (const line of lines.children) line.setAttribute(name, String(value));
      }
    };
    place(parts.frame, c * view.stride - view.left, r * view.stride - view.left, windows.span(view));
    place(parts.dot, c - 0.5, r - 0.5, 2);
    const reading = planes.map((plane) => read(plane, view, r, c));
    parts.taps.replaceChildren(...(view.dilation > 1 ? reading[0] : []).map(({ row, column }) =>
      svg("rect", { x: column, y: row, width: 1, height: 1 })));
    // A turned kernel meets the taps backwards; each weight shows the number that it meets.
    parts.grids.forEach((cells, channel) => cells.forEach(({ product }, index) => {
      const met = reading[channel][flipped ? cells.length - 1 - index : index];
      product.textContent = `× ${met.inside ? brief(met.value) : "0"}`;
    }));
    const sums = reading.map((taps, channel) =>
      brief(taps.reduce((total, { value }, index) => total + value * kernels[channel][index], 0)));
    parts.sum.textContent = sums.length > 1
      ? `${sums[0]} + ${sums[1].startsWith("−") ? `(${sums[1]})` : sums[1]} = ${brief(out[at])}`
      : `sum = ${brief(out[at])}`;
  }

  // --- the explorer --------------------------------------------------------------------------------

  /** @param {Texts} texts @param {string} [changed] @returns {Setting} */
  function adapt(texts, changed) {
    const size = Number(texts.k);
    const made = PRESETS[texts.preset];
    if (changed === "preset" && made) return { w: resized(made, size) };
    if (changed === "w") return { preset: "own" };
    const [w, w2] = [texts.w, texts.w2].map((text) => attempt(() => parseNumbers(text, 1, 49, 9)));
    if (changed === "k" && w && w2) return { w: resized(w, size), w2: resized(w2, size) };
    if (changed === "channels" && texts.channels === "two" && w) return { w2: w.map((value) => 0 - value) };
    return {};
  }

  window.cnnref.explorer.define("photograph", {
    groups: [
      { name: "kernel", legend: "Pull a weight up or down, or press on the photograph", front: true, controls: [
        { name: "preset", kind: "select", label: "Kernel", derived: true, options: {
          own: "your own", vertical: "vertical edges", horizontal: "horizontal edges", blur: "blur",
          sharpen: "sharpen", outline: "outline", emboss: "emboss", identity: "identity",
          shift: "shift by one",
        } },
      ] },
      { name: "form", legend: "Kernel and channels", front: "below", controls: [
        { name: "k", kind: "choice", label: "Size", options: { 3: "3 × 3", 5: "5 × 5", 7: "7 × 7" } },
        { name: "channels", kind: "choice", label: "Channels",
          options: { one: "grey", two: "red and green" } },
        { name: "flip", kind: "check", label: "true convolution" },
      ] },
      { name: "window", legend: "Window", controls: [
        number("s", "Stride", "S", 1, 8), number("p", "Padding", "P", 0, 12),
        number("d", "Dilation", "d", 1, 8),
      ] },
      { name: "numbers", legend: "Weights, row by row", controls: [
        { name: "w", kind: "list", label: "Weights", symbol: "w", least: 1, most: 49 },
        { name: "w2", kind: "list", label: "Weights on green", symbol: "w", least: 1, most: 49 },
      ] },
    ],
    hidden: ({ channels }) => (channels === "two" ? [] : ["w2"]),
    blame: { fit: "d" },
    model, draw, step, words, adapt,
  });
})();
