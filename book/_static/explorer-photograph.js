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
/** The planes as coded bytes, and, once they were asked for, as numbers from 0 to 1.
 * @typedef {{ side: number, bytes: string[], planes?: number[][] }} PhotographData
 */
/** @typedef {{ drawing: SVGSVGElement, image: SVGImageElement }} SquarePicture */
/** @typedef {{ node: HTMLElement, weight: HTMLElement, product: HTMLElement }} WeightCell */
/**
 * The boxes, which are built once for each size and number of channels.
 * @typedef {Parts & {
 *   model: PhotographModel, built?: string, frame: SVGGElement, taps: SVGGElement, dot: SVGGElement,
 *   photo: SquarePicture, made: SquarePicture, grids: { cells: WeightCell[], box: HTMLElement }[],
 *   under: HTMLElement[], sum: HTMLElement,
 * }} PhotographParts
 */
(() => {
  "use strict";
  const { Refusal, windows } = window.cnnref;
  const { parseNumbers } = window.cnnref.controls;
  const { html, inTask, svg, symbol, show, brief, count, range } = window.cnnref.drawing;
  const { filtered, read, turned, resized, shade, paint, PRESETS } = window.cnnref.photograph;

  // --- what is on show -----------------------------------------------------------------------------

  /** Bytes from the page, once, as numbers from 0 to 1: red, green, and grey. @param {PhotographData} data */
  function planesOf(data) {
    if (!data.planes) {
      const [red, green] = data.bytes.map((coded) => Array.from(atob(coded), (letter) => letter.charCodeAt(0) / 255));
      data.planes = [red, green, red.map((x, i) => (x + green[i]) / 2)];
    }
    return data.planes;
  }

  /** @param {PhotographValues} values @param {PhotographData} data @returns {PhotographModel} */
  function model({ w, w2, k, channels, s, p, d, flip }, data) {
    const size = Number(k);
    const kernels = (channels === "two" ? [w, w2] : [w]).map((taps, which) => {
      if (taps.length !== size * size) {
        throw new Refusal(which ? "w2" : "w", `must hold ${size * size} numbers, not ${taps.length}`);
      }
      return flip === "1" ? turned(taps) : taps;
    });
    const [red, green, grey] = planesOf(data);
    const planes = channels === "two" ? [red, green] : [grey];
    const view = { kernel: size, stride: s, left: p, right: p, dilation: d };
    const out = filtered(planes, kernels, view);
    const side = windows.outputSize(data.side, view);
    return { planes, kernels, given: channels === "two" ? [w, w2] : [w], view, out, side, size,
      n: data.side, flipped: flip === "1", steps: side * side, stop: "Output",
      low: Math.min(...out), high: Math.max(...out) };
  }

  /** @param {PhotographModel} model @param {number} at */
  function words({ planes, kernels, view, out, side, flipped }, at) {
    const [r, c] = [Math.floor(at / side), at % side];
    const taps = planes.flatMap((plane) => read(plane, view, r, c));
    const outside = taps.filter(({ inside }) => !inside).length;
    const padding = outside ? ` ${count(outside, "tap")} ${outside > 1 ? "lie" : "lies"} in the padding.` : "";
    const turn = flipped ? " The kernel is turned round." : "";
    return `Row ${r + 1}, column ${c + 1}: ${count(taps.length, "product")} add up to ` +
      `${show(out[at])}.${padding}${turn}`;
  }

  // --- pictures ------------------------------------------------------------------------------------

  /**
   * A square picture that tells where it was pressed or drawn over, in its own units.
   * @param {string} label @param {(row: number, column: number) => void} pressed
   * @param {...Element} overlay
   */
  function square(label, pressed, ...overlay) {
    const image = svg("image");
    const drawing = svg("svg", { class: "photograph", role: "img", "aria-label": label },
      image, ...overlay);
    const follow = inTask(pressed);
    /** @param {PointerEvent} event */
    const told = (event) => {
      if (event.type === "pointermove" && !event.buttons) return;
      if (event.type === "pointerdown") event.preventDefault(); // no selecting of text
      const at = new DOMPoint(event.clientX, event.clientY)
        .matrixTransform(drawing.getScreenCTM()?.inverse());
      (event.type === "pointermove" ? follow : pressed)(Math.floor(at.y), Math.floor(at.x));
    };
    for (const name of /** @type {const} */ (["pointerdown", "pointermove"])) drawing.addEventListener(name, told);
    return { drawing, image };
  }

  const STEP = 0.25;
  /** @param {number} value */
  const limited = (value) => Math.max(-9, Math.min(9, value));

  /**
   * One weight: a spin button to drag up and down, or to press arrow keys on.
   * @param {PhotographParts} parts @param {string} name of its control @param {number} channel
   * @param {number} index @param {number} size
   */
  function tap(parts, name, channel, index, size) {
    const weight = html("span", { class: "weight" });
    const product = html("small", {});
    /** @type {{ y: number, value: number } | undefined} where it was taken hold of */
    let held;
    /** @param {number} by @param {boolean} [whole] it is the value itself */
    const change = (by, whole) => {
      const { given } = parts.model;
      const values = [...given[channel]];
      values[index] = limited(whole ? by : Math.round((values[index] + by) / STEP) * STEP);
      parts.choose({ [name]: values.join(", "), preset: "own" });
    };
    const follow = inTask((/** @type {number} */ wanted) => {
      if (wanted !== parts.model.given[channel][index]) change(wanted, true);
    });
    const node = html("div", {
      class: "weight-cell", role: "spinbutton", tabindex: 0, "aria-valuemin": -9, "aria-valuemax": 9,
      "aria-label": `Weight in row ${Math.floor(index / size) + 1}, column ${(index % size) + 1}`,
      onkeydown: (/** @type {KeyboardEvent} */ event) => {
        /** @type {Record<string, number>} */
        const keys = { ArrowUp: STEP, ArrowRight: STEP, ArrowDown: -STEP, ArrowLeft: -STEP,
          PageUp: 1, PageDown: -1 };
        const by = keys[event.key];
        if (by) change(by);
        else if (event.key === "Home" || event.key === "0") change(0, true);
        else return;
        event.preventDefault();
      },
      onpointerdown: (/** @type {PointerEvent} */ event) => {
        event.preventDefault(); // selecting text took 15 to 20 ms of each move
        node.focus({ preventScroll: true });
        node.setPointerCapture(event.pointerId);
        held = { y: event.clientY, value: parts.model.given[channel][index] };
      },
      onpointermove: (/** @type {PointerEvent} */ event) => {
        if (!held || !event.buttons) return;
        const steps = Math.round((held.y - event.clientY) / 10);
        const wanted = limited(held.value + steps * STEP);
        follow(wanted);
      },
      onpointerup: () => { held = undefined; },
    }, weight, product);
    return { node, weight, product };
  }

  /**
   * The boxes are built once for each size and number of channels: what is held must stay.
   * @param {PhotographParts} parts @param {PhotographModel} model
   */
  function build(parts, { size, planes, n }) {
    /** @param {number} r @param {number} c */
    const place = (r, c) => {
      const { side, view } = parts.model;
      /** @param {number} p */
      const near = (p) => Math.max(0, Math.min(side - 1,
        Math.round((p + view.left - (windows.span(view) - 1) / 2) / view.stride)));
      parts.go(near(r) * side + near(c));
    };
    // A light line and a dark one, to be seen on any ground.
    const [frame, dot] = range(0, 1).map(() => svg("g", {},
      svg("rect", { class: "frame light" }), svg("rect", { class: "frame" })));
    const taps = svg("g", { class: "taps" });
    const photo = square(`A photograph of ${n} by ${n} pixels: a portrait`, place, taps, frame);
    const made = square("What the kernel makes of it", (r, c) => {
      const { side } = parts.model;
      /** @param {number} p */
      const within = (p) => Math.max(0, Math.min(side - 1, p));
      parts.go(within(r) * side + within(c));
    }, dot);
    const grids = planes.map((_, channel) => {
      const cells = range(0, size * size - 1)
        .map((index) => tap(parts, channel ? "w2" : "w", channel, index, size));
      const title = planes.length > 1 ? `kernel on ${["red", "green"][channel]}` : "kernel";
      const box = html("div", { class: `weights weights-${size}`, role: "group", "aria-label": title,
        style: `grid-template-columns: repeat(${size}, max-content)` }, cells.map(({ node }) => node));
      return { cells, box: html("div", {}, html("p", { class: "explorer-caption" }, title), box) };
    });
    const caption = () => html("p", { class: "explorer-caption" });
    const sum = html("p", { class: "explorer-sum" });
    const under = [caption(), caption()];
    paint(photo.image, planes.length > 1
      ? planes[0].map((red, i) => [255 * red, 255 * planes[1][i], 0].map(Math.round))
      : shade(planes[0], 0, 1), n);
    Object.assign(parts, { built: `${size} ${planes.length}`, frame, taps, dot, photo, made, grids,
      under, sum });
    parts.stage.replaceChildren(
      html("div", { class: "explorer-photo" }, photo.drawing, under[0]),
      html("div", { class: "explorer-photo" }, made.drawing, under[1]),
      html("div", { class: "explorer-kernels" }, grids.map(({ box }) => box), sum));
  }

  /** @param {PhotographParts} parts @param {PhotographModel} model */
  function draw(parts, model) {
    parts.model = model;
    if (parts.built !== `${model.size} ${model.planes.length}`) build(parts, model);
    const { view, n, side, out, low, high, given, flipped } = model;
    const around = view.left;
    parts.photo.drawing.setAttribute("viewBox",
      `${-around} ${-around} ${n + 2 * around} ${n + 2 * around}`);
    parts.made.drawing.setAttribute("viewBox", `0 0 ${side} ${side}`);
    paint(parts.made.image, shade(out, low, high), side);
    parts.under[0].textContent = `${n} by ${n}${around ? `, ${around} of padding` : ""}`;
    parts.under[1].textContent = `${side} by ${side}, ` + (low < 0
      ? `orange below 0, purple above: ${brief(low)} to ${brief(high)}`
      : `black 0 to white ${brief(high)}`);
    parts.grids.forEach(({ cells }, channel) => cells.forEach(({ node, weight }, index) => {
      const value = given[channel][index];
      weight.textContent = brief(value);
      node.setAttribute("aria-valuenow", String(value));
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
    parts.grids.forEach(({ cells }, channel) => cells.forEach(({ product }, index) => {
      const met = reading[channel][flipped ? cells.length - 1 - index : index];
      product.textContent = `× ${met.inside ? brief(met.value) : "0"}`;
    }));
    const sums = planes.map((_, channel) => reading[channel].reduce((total, { value }, index) =>
      total + value * kernels[channel][index], 0));
    parts.sum.textContent = planes.length > 1
      ? `${brief(sums[0])} + ${sums[1] < 0 ? `(${brief(sums[1])})` : brief(sums[1])} = ${brief(out[at])}`
      : `sum = ${brief(out[at])}`;
  }

  // --- the explorer --------------------------------------------------------------------------------

  /**
   * @param {string} name @param {string} label @param {string} letter @param {number} min
   * @param {number} max @returns {ControlSpec}
   */
  const number = (name, label, letter, min, max) =>
    ({ name, kind: "number", label, symbol: letter, min, max });
  /** @param {number[]} values */
  const text = (values) => values.join(", ");

  /** @param {Texts} texts @param {string} [changed] @returns {Setting} */
  function adapt(texts, changed) {
    /** @param {string} name */
    const parse = (name) => parseNumbers(texts[name], 1, 49, 9);
    const size = Number(texts.k);
    const made = PRESETS[texts.preset];
    try {
      if (changed === "preset" && made) return { w: text(resized(made, size)) };
      if (changed === "w") return { preset: "own" };
      if (changed === "k") {
        return Object.fromEntries(["w", "w2"].map((name) => [name, text(resized(parse(name), size))]));
      }
      if (changed === "channels" && texts.channels === "two") {
        return { w2: text(parse("w").map((value) => 0 - value)) };
      }
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
    }
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
