// @ts-check
// Convolution as a matrix, the matrix: a table that is built when weights come to stand elsewhere, and else
// gets other numbers.

/** @typedef {{ node: HTMLElement, number: Text }} MatrixEntry an entry of the table, and its number */
/**
 * The table: what it was built for, its heads, and its entries with their weight.
 * @typedef {{ key: string, node: HTMLElement, columns: MatrixEntry[], rows: MatrixEntry[],
 *   cells: (MatrixEntry & { tap: number, output: number, position: number })[] }} MatrixTable
 */
/** @typedef {(end: "position" | "i" | "tap", at: number) => void} MatrixLook told what is pressed */
(() => {
  "use strict";
  const { html, show } = window.cnnref.drawing;
  const { entry, resultName, transpose } = window.cnnref.matrix;

  /**
   * A table without its numbers. Its heads hold the vectors; tied weights share a colour and their name.
   * @param {MatrixParts} parts @param {MatrixLook} look @param {DrawnMatrix} model @returns {MatrixTable}
   */
  function buildTable(parts, look, { view, table, ...model }) {
    const turned = view === "input";
    const taps = turned ? transpose(table) : table;
    /** @type {["position" | "i", "position" | "i"]} */
    const [down, over] = turned ? ["position", "i"] : ["i", "position"];
    const letter = turned ? "g" : "x";
    /** @param {string} name @returns {[Text, HTMLElement, string, Text]} */
    const named = (name) => {
      const number = document.createTextNode("");
      return [number, html("small", {}, name), " ", number];
    };
    /** @type {(scope: string, name: string, end: "position" | "i", at: number) => MatrixEntry} */
    const head = (scope, name, end, at) => {
      const [number, ...words] = named(name);
      return { number, node: html("th", { scope, onclick: () => look(end, at) }, ...words) };
    };
    const columns = taps[0].map((_, k) => head("col", entry(letter, k), over, k));
    const rows = taps.map((_, i) => head("row", view === "kernel" ? entry("g", i) : resultName({ view, ...model, table }, i), down, i));
    /** @type {MatrixTable["cells"]} */
    const cells = [];
    const body = rows.map(({ node: row }, i) => html("tr", {}, row, taps[i].map((tap, k) => {
      if (!tap) return html("td", { class: "none" }, "0");
      const [number, ...words] = named(entry("w", tap - 1));
      const node = html("td", { class: `tap-${tap}`, onclick: () => look("tap", tap - 1) }, ...words);
      const [output, position] = turned ? [k, i] : [i, k];
      cells.push({ node, number, tap: tap - 1, output, position });
      return node;
    })));
    const caption = {
      forward: "A; above it x, beside it z = A x",
      input: "A transposed; above it g, beside it ∂x",
      kernel: "Products of g, beside, and x, above",
    }[view];
    const node = html("table", {}, html("caption", {}, caption),
      html("thead", {}, html("tr", {}, html("td"), columns.map((column) => column.node))), html("tbody", {}, body));
    return { key: JSON.stringify([view, table]), node, columns, rows, cells };
  }

  // Where the weights stand as they stood, their numbers alone are written anew.
  /** @param {MatrixParts} parts @param {DrawnMatrix} model @param {MatrixLook} look */
  function drawTable(parts, model, look) {
    const { view, x, w, g, table, result, wires } = model;
    const old = parts.table;
    const made = parts.table = old?.key === JSON.stringify([view, table]) ? old : buildTable(parts, look, model);
    if (old?.node.isConnected && old !== made) old.node.replaceWith(made.node);
    /** @param {MatrixEntry} entry @param {number} value */
    const write = ({ number }, value) => { if (number.data !== show(value)) number.data = show(value); };
    made.columns.forEach((column, k) => write(column, (view === "input" ? g : x)[k]));
    made.rows.forEach((row, i) => write(row, (view === "kernel" ? g : result)[i]));
    for (const cell of made.cells) write(cell, view === "kernel" ? g[cell.output] * x[cell.position] : w[cell.tap]);
    model.columnHeads = made.columns.map(({ node }) => node);
    model.rowHeads = made.rows.map(({ node }) => node);
    model.cells = made.cells.flatMap(({ node, output, tap }) => wires
      .filter((wire) => wire.i === output && wire.tap === tap)
      .map((wire) => /** @type {[Wire, Element]} */ ([wire, node])));
    return made.node;
  }

  window.cnnref.matrixTable = { drawTable };
})();
