// @ts-check
// The picture of a network that one can look into, and what one does with it: draw, press a unit, follow
// its sum back by keys. Loads after the arithmetic, the names, the pictures and what is on show.
(() => {
  "use strict";
  const { strokes: pictures, network, networkView: view } = window.cnnref;
  const { partsOf, textOf, wordsOf, shortOf, placeIn, silencedText } = window.cnnref.networkUnits;
  const { netOf, pictureOf, bestOf, answerOf } = window.cnnref.networkState;
  const { html, show, range } = window.cnnref.drawing;
  const { SIDE } = pictures;
  const REACH = 10; // pixels that the drawing can be shifted to each side
  const PATCH = 4;
  const STRIDE = 2;
  // What a page may ask for besides the pad, its picture and the answer: layers and other parts.
  const MAPPED = ["conv1", "pool2", "conv3", "pool4", "fc5"];
  /** @type {NetworkDrawing["PARTS"]} */
  const PARTS = {
    everything: [...MAPPED, "reason", "unit", "moments", "shifts", "what-if"],
    sums: [...MAPPED, "reason", "unit"], layers: ["conv1", "conv3", "what-if"],
    shifts: ["reason", "shifts", "what-if"],
  };

  // --- building ------------------------------------------------------------------------------------

  /** @type {Record<string, string>} */
  const LABELS = {
    input: "What the network is given: 28 by 28 numbers", conv1: "8 maps, by 3 × 3 kernels",
    pool2: "8 maps, the largest of each 2 × 2", conv3: "16 maps, by 3 × 3 kernels on all 8",
    pool4: "16 maps, the largest of each 2 × 2", fc5: "32 units that read all 400 numbers",
    fc6: "ten scores, as probabilities in per cent",
  };

  /** @param {NetworkParts} parts @param {NetworkShows} shows */
  function build(parts, shows) {
    const { layers } = netOf();
    /** @param {string} name @param {number} index */
    const look = (name, index) => parts.choose({ unit: textOf(layers[name], index) });
    const pen = view.pad({
      start: () => { parts.drawn = parts.shown.digit === "own" ? parts.shown.strokes : []; },
      grow: (stroke) => {
        parts.growing = [...parts.drawn, stroke];
        parts.frame ??= requestAnimationFrame(() => {
          parts.frame = undefined;
          if (parts.growing) sketch(parts);
        });
      },
      finish: (stroke) => {
        parts.growing = undefined;
        parts.choose({ strokes: pictures.text([...parts.drawn, stroke]), digit: "own", unit: "" });
      },
    });
    /** @param {string} name */
    const asks = (name) => PARTS[shows].includes(name);
    const drawn = MAPPED.filter(asks);
    const boxes = Object.fromEntries(["input", ...drawn].map((name) => {
      const layer = layers[name];
      const label = `${name}: ${LABELS[name]}; arrow keys move from unit to unit`;
      return [name, view.maps(name, layer, label, (index) => look(name, index))];
    }));
    boxes.kernels = view.maps("kernels", { maps: layers.conv1.maps, side: 3 }, "The kernels of conv1");
    const ends = view.bars(`fc6: ${LABELS.fc6}; arrow keys move from digit to digit`,
      (index) => look("fc6", index));
    /** @param {string} name @param {HTMLElement[]} boxed */
    const row = (name, ...boxed) => html("div", { class: "network-layer", "data-layer": name },
      html("p", { class: "explorer-caption" }, html("b", {}, name), ` ${LABELS[name]}`), ...boxed);
    /** @param {string} label @param {() => void} act */
    const press = (label, act) => html("button", { type: "button", onclick: act }, label);
    /** @param {Point[][]} kept */
    const erase = (kept) => parts.choose({ strokes: pictures.text(kept), digit: "own", unit: "" });
    const steps = netOf().moments.map(({ step }) => step);
    const learning = view.curve("By moment of training: the share of test digits that are read right, and the " +
      "probability of what your drawing is read as at last", ["test", "own"],
    ["0 steps", steps[Math.floor(steps.length / 2)], /** @type {number} */ (steps.at(-1)).toLocaleString("en")],
    (at) => parts.go(at));
    const shifts = view.curve("The same probability by the shift of the drawing", ["own"],
      [`${REACH} left`, "0", `${REACH} right`], (at) => parts.choose({ x: at - REACH }));
    const answer = html("p", { class: "network-title" });
    const note = html("p", { class: "explorer-caption" },
      "The drawing, scaled until its longer side is 20 pixels and moved until the centre of its ink is in the middle.");
    const title = html("p", { class: "network-title" });
    const sums = html("div", { class: "network-sums" });
    const back = press("Follow it back", () => follow(parts));
    back.append(html("kbd", {}, "b"));
    const silence = press("Silence this map", () => toggleMap(parts));
    const captions = range(0, 1).map(() => html("p", { class: "explorer-caption" }));
    Object.assign(parts, { pen, boxes, ends, learning, shifts, answer, title, sums, back, silence, captions });
    /** @param {string} name @param {() => HTMLElement} boxed */
    const asked = (name, boxed) => (asks(name) ? [boxed()] : []);
    parts.stage.replaceChildren(html("div", { class: `network only-${shows}` },
      html("div", { class: "network-input" },
        html("div", {}, pen.box, html("div", { class: "explorer-actions" },
          press("Undo", () => erase(parts.shown.strokes.slice(0, -1))), press("Clear", () => erase([])))),
        html("div", {}, boxes.input.box, answer), note),
      html("div", { class: "network-ends" }, row("fc6", ends.box)),
      html("div", { class: "network-layers" }, drawn.map((name) =>
        row(name, ...(name === "conv1" ? [boxes.kernels.box] : []), boxes[name].box))),
      asked("unit", () => html("div", { class: "network-unit" }, title,
        html("div", { class: "explorer-actions" }, back, silence), sums)),
      html("div", { class: "network-curves" },
        asked("moments", () => html("div", {}, captions[0], learning.drawing)),
        asked("shifts", () => html("div", {}, captions[1], shifts.drawing)))));
    parts.stage.addEventListener("keydown", (event) => keyed(parts, event));
  }

  // --- keys ----------------------------------------------------------------------------------------

  // Towards the drawing, to the input that counted for most.
  /** @param {NetworkParts} parts */
  function follow(parts) {
    const { shown, moment } = parts;
    const { name, index } = shown.unit(moment);
    const next = network.trail(netOf(), shown.moments[moment], shown.at(moment), name, index)[1];
    if (next) parts.choose({ unit: textOf(shown.layers[next.name], next.index) });
  }

  /** @param {NetworkParts} parts */
  function toggleMap(parts) {
    const { shown, moment } = parts;
    const { name, index } = shown.unit(moment);
    const [map] = partsOf(shown.layers[name], index);
    const kept = (shown.silenced[name] ?? []).filter((other) => other !== map);
    const added = kept.length === (shown.silenced[name] ?? []).length ? [...kept, map] : kept;
    parts.choose({ silent: silencedText({ ...shown.silenced, [name]: added }), unit: textOf(shown.layers[name], index) });
  }

  /** @param {NetworkParts} parts @param {KeyboardEvent} event */
  function keyed(parts, event) {
    const { shown, moment } = parts;
    if (event.key === "b" && !event.ctrlKey && !event.metaKey && !event.altKey) {
      follow(parts);
      event.preventDefault();
      return;
    }
    const box = event.target;
    const name = box === parts.ends.box ? "fc6"
      : ["input", ...MAPPED].find((each) => parts.boxes[each]?.box === box);
    const by = /** @type {Record<string, number[] | undefined>} */ ({
      ArrowUp: [0, -1, 0], ArrowDown: [0, 1, 0], ArrowLeft: [0, 0, -1], ArrowRight: [0, 0, 1],
      PageUp: [-1, 0, 0], PageDown: [1, 0, 0],
    })[event.key];
    if (!name || !by) return;
    event.preventDefault();
    const layer = shown.layers[name];
    const now = shown.unit(moment);
    let index = shown.at(moment).values[name].reduce((best, value, i, all) => (value > all[best] ? i : best), 0);
    if (now.name === name) {
      const at = partsOf(layer, now.index);
      const whole = layer.side === 1; // such a layer is a row of units
      const moved = (whole ? [at[0] + by[0] + by[1] + by[2], 0, 0] : at.map((p, axis) => p + by[axis]))
        .map((p, axis) => Math.max(0, Math.min((axis ? layer.side : layer.maps) - 1, p)));
      index = (moved[0] * layer.side + moved[1]) * layer.side + moved[2];
    }
    parts.choose({ unit: textOf(layer, index) });
  }

  // --- drawing -------------------------------------------------------------------------------------

  // While a stroke grows: the pad, the layers and the bars, and nothing that can wait.
  /** @param {NetworkParts} parts */
  function sketch(parts) {
    const { shown, moment } = parts;
    const strokes = /** @type {Point[][]} */ (parts.growing);
    const made = pictureOf({ ...shown, strokes });
    parts.pen.draw(strokes, shown.pen);
    const seen = network.forward(netOf(), shown.moments[moment], made.ink, shown.silenced);
    paintLayers(parts, seen);
    view.paint(parts.boxes.input, made.ink, 1, view.INK);
    parts.ends.draw(seen.chances);
    for (const box of Object.values(parts.boxes)) box.over.replaceChildren();
    parts.answer.textContent = answerOf(seen);
  }

  /** @param {NetworkParts} parts @param {Seen} seen */
  function paintLayers(parts, seen) {
    if (parts.painted === seen) return;
    parts.painted = seen;
    for (const [name, box] of Object.entries(parts.boxes)) {
      if (name in seen.sums) view.paint(box, seen.values[name], Math.max(...seen.values[name]) || 1);
    }
  }

  /** @type {NetworkDrawing["draw"]} */
  function draw(parts, made) {
    parts.shown = made;
    if (!parts.pen) build(parts, made.shows);
    parts.pen.draw(made.strokes, made.pen);
  }

  /** @type {NetworkDrawing["step"]} */
  function step(parts, made, at) {
    parts.moment = at;
    const seen = made.at(at);
    const { name, index } = made.unit(at);
    const { weight } = made.moments[at].conv1;
    view.paint(parts.boxes.kernels, weight, Math.max(...weight.map(Math.abs)));
    paintLayers(parts, seen);
    parts.answer.textContent = made.strokes.length ? answerOf(seen) : "Nothing drawn yet";
    parts.ends.draw(seen.chances, name === "fc6" ? index : undefined);
    mark(parts, made, at);
    explain(parts, made, at);
    if (PARTS[made.shows].includes("unit")) tellUnit(parts, made, at);
    if (PARTS[made.shows].includes("shifts")) curves(parts, made, at);
  }

  // The unit's sum as a table.
  /** @type {NetworkDrawing["step"]} */
  function tellUnit(parts, made, at) {
    const seen = made.at(at);
    const { name, index } = made.unit(at);
    const layer = made.layers[name];
    const { terms, bias } = network.terms(netOf(), made.moments[at], seen, name, index);
    const under = layer.from;
    const pressed = [parts.sums, parts.back].some((box) => box.contains(document.activeElement));
    parts.title.textContent = `${wordsOf(layer, index).replace(/^the/, "The")}: ${show(seen.values[name][index])}`;
    parts.back.disabled = !under;
    parts.silence.hidden = !layer.relu;
    const [map] = partsOf(layer, index);
    const silent = made.silenced[name]?.includes(map);
    parts.silence.textContent = `${silent ? "Wake" : "Silence"} this ${layer.side > 1 ? "map" : "unit"}`;
    parts.sums.replaceChildren(under
      ? view.sumTable({ layer, place: placeIn(under), terms, bias, sum: seen.sums[name][index], value: seen.values[name][index],
        nameOf: (i) => shortOf(under, i), go: (i) => parts.choose({ unit: textOf(under, i) }) })
      : html("p", {}, "A pixel adds nothing up: it is what was drawn, from 0, paper, to 1, ink."));
    // Whoever presses on through the layers by keyboard goes on from the new sum, or from the pixel.
    if (pressed && (!under || !parts.stage.contains(document.activeElement))) {
      (parts.sums.querySelector("button") ?? parts.boxes.input.box).focus({ preventScroll: true });
    }
  }

  // Many passes: a few milliseconds at a time, so that nothing waits for them.
  /**
   * @template T
   * @param {NetworkParts} parts @param {"occluding" | "curving"} job whose timer it is
   * @param {T[]} todo @param {(one: T) => void} act
   * @param {(done: boolean) => void} shown after each slice
   */
  function bySlices(parts, job, todo, act, shown) {
    clearTimeout(parts[job]);
    const left = [...todo];
    const go = () => {
      const until = performance.now() + 6;
      do act(/** @type {T} */ (left.shift())); while (left.length && performance.now() < until);
      shown(!left.length);
      if (left.length) parts[job] = setTimeout(go);
    };
    parts[job] = setTimeout(go);
  }

  // What the unit reads, one layer down; and the way of the largest contributions, to the drawing.
  /** @type {NetworkDrawing["step"]} */
  function mark(parts, made, at) {
    const { name, index } = made.unit(at);
    const layer = made.layers[name];
    for (const box of Object.values(parts.boxes)) box.over.replaceChildren();
    /** @type {(on: string, corner: number, size: number[], kind?: string) => void} */
    const put = (on, corner, [width, height], kind) => {
      const box = parts.boxes[on];
      box?.over.append(...view.framed(...view.placeOf(box.grid, corner), width, height, kind));
    };
    if (layer.from && (layer.kind === "conv" || layer.kind === "pool")) {
      const { from: { maps, side }, from } = layer;
      const [map, row, column] = partsOf(layer, index);
      const [size, stride] = layer.kind === "conv" ? [3, 1] : [2, 2];
      for (const m of layer.kind === "conv" ? range(0, maps - 1) : [map]) {
        put(from.name, (m * side + row * stride) * side + column * stride, [size, size]);
      }
    }
    if (made.strokes.length) {
      const [, ...way] = network.trail(netOf(), made.moments[at], made.at(at), name, index);
      for (const step of way) put(step.name, step.index, [1, 1], "mark-trail");
    }
    put(name, index, [1, 1], "mark-own");
    if (layer.from && made.why === "sees") {
      const { top, left, bottom, right } = network.field(netOf(), name, index);
      put("input", top * SIDE + left, [right - left + 1, bottom - top + 1], "mark-field");
    }
  }

  // On the picture: the drawing as it is, or what of it the unit's sum is due to.
  /** @param {NetworkParts} parts @param {NetworkModel} made @param {number} at */
  function explain(parts, made, at) {
    const box = parts.boxes.input;
    clearTimeout(parts.occluding);
    box.box.removeAttribute("aria-busy");
    const { name, index } = made.unit(at);
    if (made.why === "sees" || name === "input") {
      view.paint(box, made.ink, 1, view.INK);
      return;
    }
    if (made.why === "gradient") {
      const { input } = network.backward(netOf(), made.moments[at], made.at(at), name, index);
      const shares = input.map((slope, i) => slope * made.ink[i]);
      view.paint(box, shares, Math.max(...shares.map(Math.abs)) || 1, view.POSITIVE, made.ink);
      return;
    }
    const drops = new Float64Array(SIDE * SIDE);
    const places = range(0, Math.floor((SIDE - PATCH) / STRIDE));
    const todo = places.flatMap((r) => places.map((c) => [r * STRIDE, c * STRIDE]));
    const whole = made.at(at).sums[name][index];
    box.box.setAttribute("aria-busy", "true");
    const inner = (PATCH - STRIDE) / 2;
    bySlices(parts, "occluding", todo, ([r, c]) => {
      const ink = pictures.covered(made.ink, r, c, PATCH);
      const drop = whole - network.forward(netOf(), made.moments[at], ink, made.silenced).sums[name][index];
      for (let i = 0; i < STRIDE; i++) for (let j = 0; j < STRIDE; j++) {
        drops[(r + inner + i) * SIDE + c + inner + j] = drop;
      }
    }, (done) => {
      view.paint(box, drops, Math.max(...drops.map(Math.abs)) || 1, view.POSITIVE, made.ink);
      if (done) box.box.removeAttribute("aria-busy");
    });
  }

  // Two curves of one probability: that of what is read at the end of training, without the shift. They
  // are the same for every unit.
  /** @param {NetworkParts} parts @param {NetworkModel} made @param {number} at */
  function curves(parts, made, at) {
    if (parts.curved === made.at(at)) return;
    parts.curved = made.at(at);
    const last = made.moments.length - 1;
    /** @param {number} right @param {number} moment */
    const shifted = (right, moment) => network.forward(netOf(), made.moments[moment],
      pictures.shifted(made.still, right, 0), made.silenced).chances;
    const read = bestOf(shifted(0, last));
    parts.captions[0].textContent =
      `Share of test digits read right (line), and probability that your drawing is a ${read} (dashes)`;
    parts.captions[1].textContent = `Probability of ${read}, with the drawing shifted`;
    /** @type {number[][]} */
    const [learnt, moved] = [[], []];
    const moments = PARTS[made.shows].includes("moments") ? range(0, last) : [];
    bySlices(parts, "curving", [
      ...moments.map((moment) => () => learnt.push(made.at(moment).chances[read])),
      ...range(-REACH, REACH).map((right) => () => moved.push(shifted(right, at)[read])),
    ], (act) => act(), (done) => {
      if (learnt.length > last) parts.learning.draw([made.moments.map(({ accuracy }) => accuracy), learnt], at);
      if (done) parts.shifts.draw([moved], made.x + REACH);
    });
  }

  window.cnnref.networkDrawing = { PARTS, REACH, draw, step };
})();
