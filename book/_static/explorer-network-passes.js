// @ts-check
// What takes many passes through a network that one looks into: what of the drawing a unit's sum is due to,
// and one probability by moment of training and by shift. A page that does not ask for them runs none.
(() => {
  "use strict";
  const { strokes: pictures, network, networkView: view } = window.cnnref;
  const { netOf, bestOf } = window.cnnref.networkState;
  const { range } = window.cnnref.drawing;
  const { SIDE } = pictures;
  const REACH = 10; // pixels that the drawing can be shifted to each side
  const PATCH = 4;
  const STRIDE = 2;
  // What a page may ask for besides the pad, its picture and the answer: layers and other parts.
  const MAPPED = ["conv1", "pool2", "conv3", "pool4", "fc5"];
  /** @type {NetworkPasses["PARTS"]} */
  const PARTS = {
    everything: [...MAPPED, "reason", "unit", "moments", "shifts", "what-if"],
    sums: [...MAPPED, "reason", "unit"], layers: ["conv1", "conv3", "what-if"],
    shifts: ["reason", "shifts", "what-if"],
  };

  // --- in slices -----------------------------------------------------------------------------------

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

  window.cnnref.networkPasses = { PARTS, MAPPED, REACH, explain, curves };
})();
