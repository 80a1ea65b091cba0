// A kernel on a photograph: the picture, what a kernel makes of it, and the sum at one place. One
// takes hold of the picture to move the window, and of a weight to change it.
(() => {
  "use strict";
  const { Refusal, windows } = window.cnnref;
  const { html, svg, symbol, show, brief, count, range } = window.cnnref.drawing;

  // --- arithmetic ----------------------------------------------------------------------------------

  // A plane is a square of numbers, row by row; a kernel has its taps row by row. The outputs of all
  // planes, each with its own kernel, are added, as a layer adds over its channels.
  function filtered(planes, kernels, view) {
    const n = Math.round(Math.sqrt(planes[0].length));
    const size = windows.outputSize(n, view);
    const out = new Array(size * size).fill(0);
    planes.forEach((plane, channel) => {
      for (let i = 0; i < view.kernel; i++) for (let j = 0; j < view.kernel; j++) {
        const weight = kernels[channel][i * view.kernel + j];
        if (!weight) continue;
        for (let r = 0; r < size; r++) {
          const row = r * view.stride - view.left + i * view.dilation;
          if (row < 0 || row >= n) continue;
          for (let c = 0; c < size; c++) {
            const column = c * view.stride - view.left + j * view.dilation;
            if (column >= 0 && column < n) out[r * size + c] += weight * plane[row * n + column];
          }
        }
      }
    });
    return out;
  }

  // What the window of one output reads: row, column, and the number there; zero in the padding.
  function read(plane, view, r, c) {
    const n = Math.round(Math.sqrt(plane.length));
    return windows.taps(r, view).flatMap((row) => windows.taps(c, view).map((column) => {
      const inside = row >= 0 && row < n && column >= 0 && column < n;
      return { row, column, inside, value: inside ? plane[row * n + column] : 0 };
    }));
  }

  const turned = (kernel) => [...kernel].reverse();

  // A kernel in the middle of a larger or smaller one.
  function resized(kernel, size) {
    const was = Math.round(Math.sqrt(kernel.length));
    const by = (was - size) / 2;
    return range(0, size * size - 1).map((tap) => {
      const [i, j] = [Math.floor(tap / size) + by, (tap % size) + by];
      return i >= 0 && j >= 0 && i < was && j < was ? kernel[i * was + j] : 0;
    });
  }

  const PRESETS = {
    vertical: [-1, 0, 1, -2, 0, 2, -1, 0, 1], horizontal: [-1, -2, -1, 0, 0, 0, 1, 2, 1],
    blur: Array(9).fill(0.11), sharpen: [0, -1, 0, -1, 5, -1, 0, -1, 0],
    outline: [-1, -1, -1, -1, 8, -1, -1, -1, -1], emboss: [-2, -1, 0, -1, 1, 1, 0, 1, 2],
    identity: [0, 0, 0, 0, 1, 0, 0, 0, 0], shift: [0, 0, 0, 0, 0, 1, 0, 0, 0],
  };

  // Bytes from the page, once, as numbers from 0 to 1.
  function planesOf(data) {
    data.planes ??= data.bytes.map((coded) =>
      Array.from(atob(coded), (letter) => letter.charCodeAt(0) / 255));
    return data.planes;
  }

  // --- what is on show -----------------------------------------------------------------------------

  function model({ w, w2, k, channels, s, p, d, flip }, data) {
    const size = Number(k);
    const kernels = (channels === "two" ? [w, w2] : [w]).map((taps, which) => {
      if (taps.length !== size * size) {
        throw new Refusal(which ? "w2" : "w", `must hold ${size * size} numbers, not ${taps.length}`);
      }
      return flip === "1" ? turned(taps) : taps;
    });
    const [red, green] = planesOf(data);
    const planes = channels === "two" ? [red, green] : [red.map((x, i) => (x + green[i]) / 2)];
    const view = { kernel: size, stride: s, left: p, right: p, dilation: d };
    const out = filtered(planes, kernels, view);
    const side = windows.outputSize(data.side, view);
    return { planes, kernels, given: channels === "two" ? [w, w2] : [w], view, out, side, size,
      n: data.side, flipped: flip === "1", steps: side * side, stop: "Output",
      low: Math.min(...out), high: Math.max(...out) };
  }

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

  // Grey where nothing is negative; else orange below zero and purple above, white at zero.
  function shade(values, low, high) {
    const largest = Math.max(high, -low) || 1; // what is beyond is drawn as the largest
    return values.map((value) => {
      if (low >= 0) return Array(3).fill(Math.round((255 * value) / largest));
      const part = Math.min(Math.abs(value) / largest, 1);
      const ink = value < 0 ? [179, 88, 6] : [84, 39, 136];
      return ink.map((level) => Math.round(255 + (level - 255) * part));
    });
  }

  function paint(image, shades, side) {
    const canvas = html("canvas", { width: side, height: side });
    const context = canvas.getContext("2d");
    const pixels = context.createImageData(side, side);
    shades.forEach((colour, i) => pixels.data.set([...colour, 255], 4 * i));
    context.putImageData(pixels, 0, 0);
    image.setAttribute("href", canvas.toDataURL());
    for (const name of ["width", "height"]) image.setAttribute(name, side);
  }

  // A square picture that tells where it was pressed or drawn over, in its own units.
  function square(label, pressed, ...overlay) {
    const image = svg("image");
    const drawing = svg("svg", { class: "photograph", role: "img", "aria-label": label },
      image, ...overlay);
    const told = (event) => {
      if (event.type === "pointermove" && !event.buttons) return;
      const at = new DOMPoint(event.clientX, event.clientY)
        .matrixTransform(drawing.getScreenCTM().inverse());
      pressed(Math.floor(at.y), Math.floor(at.x));
    };
    for (const name of ["pointerdown", "pointermove"]) drawing.addEventListener(name, told);
    return { drawing, image };
  }

  const STEP = 0.25;
  const limited = (value) => Math.max(-9, Math.min(9, value));

  // One weight: a spin button to drag up and down, or to press arrow keys on.
  function tap(parts, name, channel, index, size) {
    const weight = html("span", { class: "weight" });
    const product = html("small", {});
    const change = (by, whole) => {
      const { given } = parts.model;
      const values = [...given[channel]];
      values[index] = limited(whole ? by : Math.round((values[index] + by) / STEP) * STEP);
      parts.choose({ [name]: values.join(", "), preset: "own" });
    };
    const node = html("div", {
      class: "weight-cell", role: "spinbutton", tabindex: 0, "aria-valuemin": -9, "aria-valuemax": 9,
      "aria-label": `Weight in row ${Math.floor(index / size) + 1}, column ${(index % size) + 1}`,
      onkeydown: (event) => {
        const by = { ArrowUp: STEP, ArrowRight: STEP, ArrowDown: -STEP, ArrowLeft: -STEP,
          PageUp: 1, PageDown: -1 }[event.key];
        if (by) change(by);
        else if (event.key === "Home" || event.key === "0") change(0, true);
        else return;
        event.preventDefault();
      },
      onpointerdown: (event) => {
        node.setPointerCapture(event.pointerId);
        node.from = { y: event.clientY, value: parts.model.given[channel][index] };
      },
      onpointermove: (event) => {
        if (!node.from || !event.buttons) return;
        const steps = Math.round((node.from.y - event.clientY) / 10);
        const wanted = limited(node.from.value + steps * STEP);
        if (wanted !== parts.model.given[channel][index]) change(wanted, true);
      },
      onpointerup: () => { node.from = undefined; },
    }, weight, product);
    return { node, weight, product };
  }

  // The boxes are built once for each size and number of channels: what is held must stay.
  function build(parts, { size, planes, n }) {
    const place = (r, c) => {
      const { side, view } = parts.model;
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
    Object.assign(parts, { built: `${size} ${planes.length}`, frame, taps, dot, photo, made, grids,
      under, sum });
    parts.stage.replaceChildren(
      html("div", { class: "explorer-photo" }, photo.drawing, under[0]),
      html("div", { class: "explorer-photo" }, made.drawing, under[1]),
      html("div", { class: "explorer-kernels" }, grids.map(({ box }) => box), sum));
  }

  function draw(parts, model) {
    parts.model = model;
    if (parts.built !== `${model.size} ${model.planes.length}`) build(parts, model);
    const { view, n, side, out, low, high, planes, given, flipped } = model;
    const around = view.left;
    parts.photo.drawing.setAttribute("viewBox",
      `${-around} ${-around} ${n + 2 * around} ${n + 2 * around}`);
    parts.made.drawing.setAttribute("viewBox", `0 0 ${side} ${side}`);
    const colours = planes.length > 1
      ? planes[0].map((red, i) => [255 * red, 255 * planes[1][i], 0].map(Math.round))
      : shade(planes[0], 0, 1);
    paint(parts.photo.image, colours, n);
    paint(parts.made.image, shade(out, low, high), side);
    parts.under[0].textContent = `${n} by ${n}${around ? `, ${around} of padding` : ""}`;
    parts.under[1].textContent = `${side} by ${side}, ` + (low < 0
      ? `orange below 0, purple above: ${brief(low)} to ${brief(high)}`
      : `black 0 to white ${brief(high)}`);
    parts.grids.forEach(({ cells }, channel) => cells.forEach(({ node, weight }, index) => {
      const value = given[channel][index];
      weight.textContent = brief(value);
      node.setAttribute("aria-valuenow", value);
      node.classList.toggle("below", value < 0);
      node.classList.toggle("above", value > 0);
    }));
    const size = ["⌊(", `${n} + 2·${view.left} − ${view.dilation}·(${view.kernel} − 1) − 1`,
      `) / ${view.stride}⌋ + 1 = ${side}`];
    parts.formula.replaceChildren(html("p", {}, symbol("M"), " = ", ...size,
      flipped ? "; the kernel is turned by 180° before it slides" : ""));
  }

  function step(parts, model, at) {
    const { view, side, planes, kernels, out, flipped } = model;
    const [r, c] = [Math.floor(at / side), at % side];
    const place = (lines, x, y, width) => {
      for (const [name, value] of Object.entries({ x, y, width, height: width })) {
        for (const line of lines.children) line.setAttribute(name, value);
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

  const number = (name, label, letter, min, max) =>
    ({ name, kind: "number", label, symbol: letter, min, max });
  const text = (values) => values.join(", ");

  function adapt(texts, changed) {
    const parse = (name) => window.cnnref.explorer.parseNumbers(texts[name], 1, 49, 9);
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

  window.cnnref.photograph = { filtered, resized, turned, shade, paint, PRESETS };
  window.cnnref.explorer.define("photograph", {
    groups: [
      { name: "kernel", legend: "Pull a weight up or down, or press on the photograph", front: true, controls: [
        { name: "preset", kind: "select", label: "Kernel", derived: true, options: {
          own: "your own", vertical: "vertical edges", horizontal: "horizontal edges", blur: "blur",
          sharpen: "sharpen", outline: "outline", emboss: "emboss", identity: "nothing",
          shift: "shift by one",
        } },
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
