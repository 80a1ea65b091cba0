// @ts-check
// What a stack of layers sees, in words, and how its sizes follow, in formulas.
/**
 * A stack, what it sees and costs, and the layer that is selected, whose units the player goes through.
 * @typedef {Model & StackAccount & {
 *   layers: StackLayer[], sizes: number[], selected: number, summary: string,
 * }} StackModel
 */
/**
 * What the explorer and its picture use of this file.
 * @typedef {{
 *   wordsOf(model: StackModel, depth: number, unit: number): string,
 *   drawFormula(box: HTMLElement, model: StackModel): void,
 * }} StackWords
 */
(() => {
  "use strict";
  const { windows } = window.cnnref;
  const { windowOf, sees } = window.cnnref.stack;
  const { html, symbol, whole, count, list, range } = window.cnnref.drawing;

  /**
   * Runs from 0 as words from 1: "3", "3 and 4", "3 to 9", "1, 5 and 9", "15 of 1 to 31".
   * @param {string} noun @param {Run[]} runs
   */
  function named(noun, runs) {
    const [first, last] = [runs[0][0] + 1, runs[runs.length - 1][1] + 1];
    const total = runs.reduce((sum, [a, b]) => sum + b - a + 1, 0);
    if (total === 1) return `${noun} ${first}`;
    if (runs.length === 1) return `${noun}s ${first} ${last === first + 1 ? "and" : "to"} ${last}`;
    if (total > 4) return `${total} of the ${noun}s ${first} to ${last}`;
    return `${noun}s ${list(runs.flatMap(([a, b]) => range(a, b)).map((i) => i + 1))}`;
  }

  /** @type {StackWords["wordsOf"]} */
  function wordsOf({ layers, rows, sizes }, depth, unit) {
    const { field } = rows[depth];
    const chain = sees(sizes, layers, depth, unit);
    const [inputs, below] = [chain[0], chain[depth - 1]];
    const name = `Unit ${unit + 1} of layer ${depth}`;
    if (!inputs.length) return `${name} sees only padding.`;
    const reads = depth > 1 ? `reads ${named("unit", below)} of layer ${depth - 1} and ` : "";
    const seen = inputs[inputs.length - 1][1] - inputs[0][0] + 1;
    const rest = seen < field ? `, ${count(seen, "position")} of its field of ${whole(field)}: the rest is padding` : "";
    return `${name} ${reads}sees ${named("input", inputs)}${rest}.`;
  }

  /** @type {StackWords["drawFormula"]} */
  function drawFormula(box, { layers, rows, selected }) {
    const [layer, row, below] = [layers[selected - 1], rows[selected], rows[selected - 1]];
    const { k, s, p, d } = layer;
    const [r, j, M] = ["r", "j", "M"].map(symbol);
    const side = row.size ** 2 === 1 ? "1" : `${row.size}²`;
    const lost = windows.unused(below.size, windowOf(layer));
    const seen = row.bounds.flatMap((run) => (run ? [run] : []));
    const first = Math.min(...seen.map(([from]) => from));
    const last = Math.max(...seen.map(([, to]) => to));
    const inputs = rows[0].size;
    const notes = [
      lost ? `${count(lost, "position")} after the last window ${lost > 1 ? "are" : "is"} lost.` : "",
      first > 0 ? `No unit of this layer sees ${named("input", [[0, first - 1]])}.` : "",
      last < inputs - 1 ? `No unit of this layer sees ${named("input", [[last + 1, inputs - 1]])}.` : "",
    ].filter(Boolean);
    box.replaceChildren(
      html("p", {}, M, ` = ⌊(${below.size} + 2·${p} − ${d}·(${k} − 1) − 1) / ${s}⌋ + 1 = ${row.size}`),
      html("p", {}, r, ` = ${whole(below.field)} + ${d}·(${k} − 1)·${whole(below.jump)} = ${whole(row.field)}, `,
        j, ` = ${whole(below.jump)}·${s} = ${whole(row.jump)}`),
      html("p", {}, layer.kind === "pool" ? "A pooling has no parameters and makes no MACs."
        : `parameters = ${layer.c}·(${below.channels}·${k}² + 1) = ${whole(row.parameters)}, ` +
          `MACs = ${side}·${layer.c}·${below.channels}·${k}² = ${whole(row.macs)}`),
      html("p", { class: "explorer-notes" }, notes.join(" ")),
    );
  }

  window.cnnref.stackWords = { wordsOf, drawFormula };
})();
