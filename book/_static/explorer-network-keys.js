// @ts-check
// What one does with the unit of a network that one looks into: follow its sum back to the drawing, silence
// its map, go to its neighbours by keys.
(() => {
  "use strict";
  const { network } = window.cnnref;
  const { partsOf, textOf, silencedText } = window.cnnref.networkUnits;
  const { netOf } = window.cnnref.networkState;
  const { MAPPED } = window.cnnref.networkPasses;

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

  window.cnnref.networkKeys = { follow, toggleMap, keyed };
})();
