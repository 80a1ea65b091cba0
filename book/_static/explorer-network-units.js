// @ts-check
// Names of the network's units and maps, as a reader types them and as they are told.
(() => {
  "use strict";
  const { Refusal } = window.cnnref;
  const { parseInteger } = window.cnnref.controls;
  const { range } = window.cnnref.drawing;

  // "conv3 5 4 7": the layer, then map, row and column from 1; the last layer's units are the digits.
  /** @param {NetworkLayer} layer */
  const firstOf = (layer) => (layer.name === "fc6" ? 0 : 1);
  /** @type {NetworkUnits["unitOf"]} */
  function unitOf(text, layers) {
    const [name, ...numbers] = text.trim().split(/[\s,]+/);
    const layer = layers[name];
    if (!layer) throw new Refusal("unit", `must begin with a layer: ${Object.keys(layers).join(", ")}`);
    const sizes = layer.side > 1 ? [layer.maps, layer.side, layer.side] : [layer.maps];
    const [map, row = 0, column = 0] = sizes.map((size, i) => {
      const first = i ? 1 : firstOf(layer);
      return parseInteger(numbers[i] ?? (name === "input" && !i ? "1" : ""), first, size - 1 + first) - first;
    });
    return { name, index: (map * layer.side + row) * layer.side + column };
  }
  /** @type {NetworkUnits["partsOf"]} */
  function partsOf(layer, index) {
    const [area, at] = [layer.side * layer.side, index % (layer.side * layer.side)];
    return [Math.floor(index / area), Math.floor(at / layer.side), at % layer.side];
  }
  /** @type {NetworkUnits["textOf"]} */
  function textOf(layer, index) {
    const [map, row, column] = partsOf(layer, index);
    return [layer.name, map + firstOf(layer), ...(layer.side > 1 ? [row + 1, column + 1] : [])].join(" ");
  }
  /** @type {NetworkUnits["wordsOf"]} */
  function wordsOf(layer, index) {
    const [map, row, column] = partsOf(layer, index);
    if (layer.name === "input") return `the pixel in row ${row + 1}, column ${column + 1}`;
    if (layer.name === "fc6") return `the score of digit ${map}`;
    if (layer.side === 1) return `unit ${map + 1} of ${layer.name}`;
    return `${layer.name}, map ${map + 1}, row ${row + 1}, column ${column + 1}`;
  }
  /** @type {NetworkUnits["shortOf"]} */
  const shortOf = (layer, index) => {
    const [map, row, column] = partsOf(layer, index);
    if (layer.side === 1) return String(map + 1);
    return `${layer.name === "input" ? "" : `${map + 1} · `}${row + 1}, ${column + 1}`;
  };
  // What the numbers of such a short name are.
  /** @type {NetworkUnits["placeIn"]} */
  const placeIn = (layer) =>
    (layer.side === 1 ? "unit" : `${layer.name === "input" ? "" : "map · "}row, column`);

  // "conv1 3, conv3 5": maps that are silenced, each as "conv1 3".
  /** @type {NetworkUnits["silencedOf"]} */
  function silencedOf(text, layers) {
    const known = Object.values(layers).filter(({ relu }) => relu)
      .flatMap(({ name, maps }) => range(1, maps).map((map) => `${name} ${map}`));
    const asked = text.split(",").map((map) => map.trim().replace(/\s+/, " ")).filter(Boolean);
    if (asked.some((map) => !known.includes(map))) {
      throw new Refusal("silent", "must name maps that there are, as in conv1 3, conv3 5");
    }
    return asked;
  }

  window.cnnref.networkUnits = { unitOf, partsOf, textOf, wordsOf, shortOf, placeIn, silencedOf };
})();
