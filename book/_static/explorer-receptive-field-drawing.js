// @ts-check
// How a stack of layers is shown: its layers, to take hold of; a picture of which units each unit depends
// on, down to the input; and a table of what each layer sees and costs.
/** @typedef {Parts & { order?: number[] }} StackParts with the names of the layers' grips, as they stand */
/** @typedef {StackModel & { light(l: number, unit: number): void }} DrawnStack with what lights a unit */
/**
 * What the explorer uses of this file.
 * @typedef {{
 *   drawStack(parts: StackParts, model: DrawnStack): void,
 *   drawTable(parts: StackParts, model: DrawnStack): void,
 * }} StackDrawing
 */
(() => {
  "use strict";
  const { Refusal, windows } = window.cnnref;
  const { MOST_LAYERS, writeLayer, writeLayers, windowOf, middleOf, account, sees } = window.cnnref.stack;
  const { wordsOf } = window.cnnref.stackWords;
  const { grip } = window.cnnref.hold;
  const { html, svg, whole, range } = window.cnnref.drawing;
  const MOST_DRAWN = 48;
  const MOST_WIRES = 4000;

  // --- layers to take hold of: one is dragged to another place, taken out, or put in ----------------

  /**
   * Another stack, if it is one; else what is wrong with it is said.
   * @param {StackParts} parts @param {StackModel} model @param {StackLayer[]} layers @param {number} layer
   */
  function rebuild(parts, model, layers, layer) {
    try {
      account(model.sizes[0], model.rows[0].channels, layers);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      parts.preview(`That cannot be: in layer ${error.layer}, ${error.message}.`, "polite");
      return false;
    }
    parts.choose({ layers: writeLayers(layers), layer });
    return true;
  }

  /**
   * The names of the layers, above each other as they stand. A layer keeps its grip while it is moved.
   * @param {StackParts} parts @param {StackModel} model
   */
  function layerGrips(parts, model) {
    const { layers, selected } = model;
    const depth = layers.length;
    const before = parts.order?.length === depth ? parts.order : range(1, depth);
    parts.order = before;
    /** @param {number} l */
    const label = (l) => {
      const layer = layers[l - 1];
      /** @param {number} to */
      const move = (to) => {
        const [moved, order] = [[...layers], [...before]];
        moved.splice(to - 1, 0, ...moved.splice(l - 1, 1));
        order.splice(to - 1, 0, ...order.splice(l - 1, 1));
        parts.order = order;
        if (!rebuild(parts, model, moved, to)) parts.order = before;
      };
      const node = grip({
        html: "div", name: `layer-${before[l - 1]}`, kind: l === selected ? "explorer-layer lit" : "explorer-layer",
        label: `Layer ${writeLayer(layer)}`, value: l, min: 1, max: depth, text: `place ${l} of ${depth}`, along: "y",
        per: (box) => -box.getBoundingClientRect().height, change: move, press: () => parts.choose({ layer: l }),
      }, `${l} ${writeLayer({ ...layer, c: 1 })}`);
      node.setAttribute("aria-keyshortcuts", "Delete");
      node.addEventListener("keydown", (event) => {
        const { key } = /** @type {KeyboardEvent} */ (event);
        if (key !== "Delete" && key !== "Backspace") return;
        event.preventDefault();
        if (depth > 1) rebuild(parts, model, layers.filter((_, i) => i !== l - 1), Math.max(1, l - 1));
      });
      return node;
    };
    return html("div", { class: "explorer-labels" }, range(1, depth).reverse().map(label),
      html("span", { "aria-hidden": "true" }, "input"));
  }

  /**
   * Between two layers a new one can stand: three taps that keep the size.
   * @param {StackParts} parts @param {StackModel} model
   */
  function insertButtons(parts, model) {
    const { layers, rows } = model;
    const depth = layers.length;
    /** @param {number} l */
    const button = (l) => html("button", {
      type: "button", style: `--at: ${depth - l}`, disabled: depth >= MOST_LAYERS && "",
      "aria-label": l === 0 ? "Insert a layer above the input" : `Insert a layer above layer ${l}`,
      onclick: () => rebuild(parts, model,
        layers.toSpliced(l, 0, { kind: "conv", k: 3, s: 1, p: 1, d: 1, c: rows[l].channels }), l + 1),
    }, "+");
    return html("div", { class: "explorer-inserts" }, range(0, depth).reverse().map(button));
  }

  // --- the picture: a row for each layer, the input below all, as wide as the input ----------------

  // It is stretched to its box, so it holds no text and its lines keep their width.
  /** @type {StackDrawing["drawStack"]} */
  function drawStack(parts, model) {
    const { rows, layers } = model;
    const depth = layers.length;
    const n = rows[0].size;
    /** @param {number} l @param {number} unit */
    const centre = (l, unit) => rows[l].start + unit * rows[l].jump + 0.5;
    /** @param {number} l */
    const top = (l) => depth - l;
    /** @param {number} x @param {number} width @param {number} l @param {number} height */
    const box = (x, width, l, height) =>
      `M${x} ${top(l) + (1 - height) / 2}h${width}v${height}h${-width}z`;
    const wired = layers.reduce((sum, { k }, i) => sum + k * rows[i + 1].size, 0);
    const isFine = n <= MOST_DRAWN && wired <= MOST_WIRES;
    /** @param {number} l */
    const half = (l) => (isFine ? 0.36 : rows[l].jump / 2);
    /** @param {number} l @param {number} height @returns {(run: Run) => string} */
    const runBox = (l, height) => ([first, last]) => {
      const from = centre(l, first) - half(l);
      return box(from, centre(l, last) + half(l) - from, l, height);
    };
    /** @param {number} l @param {number} height @returns {(run: Run) => string} */
    const unitBoxes = (l, height) => ([first, last]) => {
      /** @type {Run[]} */
      const runs = isFine ? range(first, last).map((i) => [i, i]) : [[first, last]];
      return runs.map(runBox(l, height)).join("");
    };
    /** @param {number} l @param {number} unit */
    const wires = (l, unit) => windows.taps(unit, windowOf(layers[l - 1]))
      .filter((tap) => tap in rows[l - 1].bounds)
      .map((tap) => `M${centre(l, unit)} ${top(l) + 0.5}L${centre(l - 1, tap)} ${top(l - 1) + 0.5}`);
    /** @param {Run[]} runs */
    const upTo = (runs) => runs.flatMap(([first, last]) => range(first, last));

    // Fields that hang over the input have room for a quarter of it; those that reach further are
    // cut off.
    const [left, right] = [0, 1].map((end) => rows.map(({ size, field }, l) =>
      centre(l, end * (size - 1)) + (end - 0.5) * (l === model.selected ? field : 1)));
    const from = Math.max(-n / 4, Math.min(0, ...left));
    const to = Math.min(n * 1.25, Math.max(n, ...right));
    /** @param {string} kind */
    const path = (kind, d = "") => svg("path", { class: kind, d });
    const lit = ["funnel", "wire", "field", "lit"].map((kind) => path(kind));
    const picture = svg("svg", {
      viewBox: `${from} 0 ${to - from} ${depth + 1}`, preserveAspectRatio: "none", role: "img",
      "aria-label": model.summary,
    },
    isFine ? path("wire-pale", range(1, depth).flatMap((l) =>
      range(0, rows[l].size - 1).flatMap((unit) => wires(l, unit))).join("")) : [],
    lit[0], lit[1],
    path("unit", rows.map((row, l) => unitBoxes(l, 0.36)([0, row.size - 1])).join("")),
    lit[2], lit[3]);

    model.light = (l, unit) => {
      const chain = sees(model.sizes, layers, l, unit);
      const { field } = rows[l];
      const ends = chain.map((runs, below) => (runs.length
        ? [centre(below, runs[0][0]) - half(below), centre(below, runs[runs.length - 1][1]) + half(below)] : []));
      const funnel = range(1, l).filter((above) => ends[above].length && ends[above - 1].length).map((above) => {
        const [[a, b], [c, d]] = [ends[above], ends[above - 1]];
        return `M${a} ${top(above) + 0.5}L${b} ${top(above) + 0.5}L${d} ${top(above - 1) + 0.5}` +
          `L${c} ${top(above - 1) + 0.5}z`;
      });
      const drawn = [
        isFine ? "" : funnel.join(""),
        isFine ? range(1, l).flatMap((above) =>
          upTo(chain[above]).flatMap((i) => wires(above, i))).join("") : "",
        box(centre(l, unit) - field / 2, field, 0, 0.96),
        chain.map((runs, below) => runs.map(unitBoxes(below, 0.68)).join("")).join(""),
      ];
      lit.forEach((node, i) => node.setAttribute("d", drawn[i]));
    };
    // The unit next to a place in the picture.
    /** @param {MouseEvent} event @returns {[number, number] | undefined} */
    const pointed = ({ clientX, clientY }) => {
      const { left, top: upper, width, height } = picture.getBoundingClientRect();
      const x = from + ((clientX - left) / width) * (to - from);
      const l = depth - Math.floor(((clientY - upper) / height) * (depth + 1));
      if (!(l >= 1 && l <= depth)) return undefined;
      const unit = Math.round((x - centre(l, 0)) / rows[l].jump);
      return [l, Math.max(0, Math.min(unit, rows[l].size - 1))];
    };
    picture.addEventListener("pointermove", (event) => show(parts, model, pointed(event)));
    picture.addEventListener("pointerleave", () => show(parts, model));
    picture.addEventListener("click", (event) => {
      const [l, unit] = pointed(event) ?? [];
      if (l) parts.choose({ layer: l }, unit);
    });
    /** @param {number} x */
    const place = (x) => `left: ${(100 * (x - from)) / (to - from)}%`;
    parts.stage.replaceChildren(html("p", { class: "explorer-caption explorer-hint" },
      "Drag a layer up or down, press + to insert one, press a unit to see what it reads."), html("div", {
      class: isFine ? "explorer-reach explorer-fine" : "explorer-reach",
      style: `--reach-rows: ${depth + 1}`,
    },
    insertButtons(parts, model), layerGrips(parts, model), picture,
    html("div", { class: "explorer-scale", "aria-hidden": "true" },
      html("span", { style: place(0) }, "1"), html("span", { style: place(n) }, String(n)))));
  }

  /**
   * Light a unit that is pointed at; without one, the unit of the player.
   * @param {StackParts} parts @param {DrawnStack} model @param {[number, number]} [place] layer and unit
   */
  function show(parts, model, place) {
    if (!place) return parts.preview();
    const [l, unit] = place;
    model.light(l, unit);
    return parts.preview(wordsOf(model, l, unit));
  }

  // --- the table -----------------------------------------------------------------------------------

  /** @type {StackDrawing["drawTable"]} */
  function drawTable(parts, model) {
    const { rows, layers, selected } = model;
    /** @param {string} name @param {string} text */
    const cell = (name, text) => html("td", { role: "cell", "data-name": name }, text);
    /** @param {StackRow} row */
    const fieldOf = ({ field, clipped }) =>
      (clipped < field ? `${whole(field)} (${clipped} seen)` : whole(field));
    /** @param {StackRow} row */
    const cells = (row) => [
      cell("output", `${row.channels} × ${row.size}²`), cell("field", fieldOf(row)),
      cell("jump", whole(row.jump)), cell("parameters", whole(row.parameters)), cell("MACs", whole(row.macs)),
    ];
    /** @param {Children} children */
    const head = (...children) => html("th", { role: "rowheader", scope: "row" }, ...children);
    const body = layers.map((layer, i) => {
      const l = i + 1;
      const point = () => show(parts, model, [l, middleOf(rows[l].size)]);
      const button = html("button", {
        type: "button", "aria-current": l === selected && "true", onclick: () => parts.choose({ layer: l }),
        onfocus: point, onblur: () => show(parts, model),
      }, `${l} ${writeLayer(layer)}`);
      return html("tr", {
        role: "row", class: l === selected ? "lit" : false,
        onpointerenter: point, onpointerleave: () => show(parts, model),
      }, head(button), cells(rows[l]));
    });
    const names = ["layer", "output", "field", "jump", "parameters", "MACs"];
    const hasFocus = parts.below.contains(document.activeElement);
    parts.below.replaceChildren(html("table", { class: "explorer-layers", role: "table" },
      html("caption", {}, "What each layer’s units see and what it costs; press a layer to edit it"),
      html("thead", { role: "rowgroup" }, html("tr", { role: "row" },
        names.map((name) => html("th", { role: "columnheader", scope: "col" }, name)))),
      html("tbody", { role: "rowgroup" }, body),
      html("tfoot", { role: "rowgroup" }, html("tr", { role: "row" }, head("total"),
        cell("output", ""), cell("field", ""), cell("jump", ""),
        cell("parameters", whole(model.parameters)), cell("MACs", whole(model.macs))))));
    if (hasFocus) body[selected - 1].querySelector("button")?.focus();
  }

  window.cnnref.stackDrawing = { drawStack, drawTable };
})();
