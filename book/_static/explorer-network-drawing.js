// @ts-check
// The picture of a network that one can look into: it is built once, and shows a drawing, a moment and a
// unit. One follows a unit's sum back to the drawing, and goes to its neighbours by keys.
(() => {
  "use strict";
  const { strokes: pictures, network, networkView: view } = window.cnnref;
  const { partsOf, textOf, wordsOf, shortOf, placeIn } = window.cnnref.networkUnits;
  const { netOf, pictureOf, answerOf } = window.cnnref.networkState;
  const { PARTS, MAPPED, REACH, explain, curves } = window.cnnref.networkPasses;
  const { html, show, whole, range } = window.cnnref.drawing;
  const { SIDE } = pictures;

  // --- what one does with a unit -------------------------------------------------------------------

  // Towards the drawing, to the input that counted for most.
  /** @param {NetworkParts} parts */
  function follow(parts) {
    const { shown, moment } = parts;
    const { name, index } = shown.unit(moment);
    const next = network.trail(netOf(), shown.moments[moment], shown.at(moment), name, index)[1];
    if (next) parts.choose({ unit: textOf(shown.layers[next.name], next.index) });
  }

  // The map of a unit, as a reader types it.
  /** @param {NetworkModel} shown @param {NetworkUnit} unit */
  const mapOf = ({ layers }, { name, index }) => `${name} ${partsOf(layers[name], index)[0] + 1}`;

  /** @param {NetworkParts} parts */
  function toggleMap({ shown, moment, choose }) {
    const unit = shown.unit(moment);
    const map = mapOf(shown, unit);
    const others = shown.silenced.filter((other) => other !== map);
    const silent = shown.silenced.includes(map) ? others : [...others, map];
    choose({ silent: silent.join(", "), unit: textOf(shown.layers[unit.name], unit.index) });
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
    ["0 steps", steps[Math.floor(steps.length / 2)], whole(/** @type {number} */ (steps.at(-1)))],
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
    const silent = made.silenced.includes(mapOf(made, { name, index }));
    parts.silence.textContent = `${silent ? "Wake" : "Silence"} this ${layer.side > 1 ? "map" : "unit"}`;
    parts.sums.replaceChildren(under
      ? view.sumTable({ layer, place: placeIn(under), terms, bias, sum: seen.sums[name][index], value: seen.values[name][index],
        scores: name === "fc6" ? Array.from(seen.values.fc6) : undefined, nameOf: (i) => shortOf(under, i), go: (i) => parts.choose({ unit: textOf(under, i) }) })
      : html("p", {}, "A pixel adds nothing up: it is what was drawn, from 0, paper, to 1, ink."));
    // Whoever presses on through the layers by keyboard goes on from the new sum, or from the pixel.
    if (pressed && (!under || !parts.stage.contains(document.activeElement))) {
      (parts.sums.querySelector("button") ?? parts.boxes.input.box).focus({ preventScroll: true });
    }
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

  window.cnnref.networkDrawing = { draw, step };
})();
