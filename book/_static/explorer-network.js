// @ts-check
// A network that one can look into: it reads what one draws, shows all its layers at once, and tells of
// any unit what it sees, what it adds up, and what that was due to. The weights come as one script, when
// the explorer comes near.
(() => {
  "use strict";
  const { strokes: pictures } = window.cnnref;
  const { PARTS, REACH } = window.cnnref.networkPasses;
  const { draw, step } = window.cnnref.networkDrawing;
  const { netOf, model, words } = window.cnnref.networkState;
  const { nextTask, range } = window.cnnref.drawing;
  const FOLDER = /** @type {HTMLScriptElement} */ (document.currentScript).src;

  // The drawing follows the digit that is chosen, and the digit the drawing.
  /** @type {(texts: Texts, changed?: string) => Setting} */
  function adapt(texts, changed) {
    const own = window.cnnref.networkWeights.digits;
    if (changed === "digit" || (!texts.strokes && texts.digit !== "own")) {
      return { strokes: own[Number(texts.digit)] ?? "", unit: changed === "digit" ? "" : texts.unit };
    }
    const digit = own.indexOf(texts.strokes);
    return { digit: digit < 0 ? "own" : String(digit) };
  }

  /** @type {(name: string, label: string, min: number, max: number, unit: string) => ControlSpec} */
  const slider = (name, label, min, max, unit) => ({ name, kind: "range", label, min, max, unit });

  // The weights: once for a page, whichever of its explorers comes near first.
  /** @param {string} late */
  const loaded = (late) => (window.cnnref.networkReady ??= new Promise((resolve) => {
    const script = document.createElement("script");
    script.src = String(new URL(late, FOLDER));
    script.onload = resolve;
    document.head.append(script);
  }));

  // What it opens on is computed piece by piece, each in a task of its own: in one go, with the building of
  // the explorer, it kept a slow phone from scrolling for 170 ms. The model keeps it.
  /** @param {Setting} preset */
  async function prepare(preset) {
    await nextTask();
    netOf();
    await nextTask();
    const own = window.cnnref.networkWeights.digits[Number(preset.digit)];
    const made = model(/** @type {NetworkValues} */ ({ ...preset, strokes: pictures.parse(String(preset.strokes || own)) }),
      /** @type {NetworkShows} */ (preset.shows));
    for (const moment of new Set([Number(preset.at), made.steps - 1])) {
      await nextTask();
      made.at(moment);
    }
    await nextTask();
  }

  window.cnnref.explorer.define("network", (preset) => ({
    first: 0,
    ready: async (/** @type {{ late: string }} */ { late }) => {
      await loaded(late);
      await prepare(preset);
    },
    groups: [
      { name: "drawing", legend: "Draw a digit on the pad, or take one that we drew", front: true, controls: [
        { name: "digit", kind: "choice", label: "Digit", derived: true,
          options: { ...Object.fromEntries(range(0, 9).map((k) => [k, String(k)])), own: "yours" } },
      ] },
      { name: "reason", legend: "On its picture", front: true, controls: [
        { name: "why", kind: "choice", label: "On the picture", options: {
          sees: "what it sees", gradient: "gradient × input", occlusion: "occlusion",
        } },
      ] },
      { name: "what-if", legend: "What if it were …", front: "below", controls: [
        slider("x", "shifted", -REACH, REACH, "pixels"), slider("turn", "turned", -180, 180, "°"),
        slider("pen", "drawn with a pen", 3, 24, "wide"), slider("noise", "noisy", 0, 100, "%"),
      ] },
      { name: "text", legend: "As text", controls: [
        { name: "unit", kind: "list", label: "Unit", parse: (text) => text,
          hint: "a layer, then map, row and column: conv3 5 4 7" },
        { name: "silent", kind: "list", label: "Silenced maps", parse: (text) => text, hint: "conv1 3, conv3 5" },
        { name: "strokes", kind: "list", label: "Strokes", parse: pictures.parse,
          hint: "points of a stroke between spaces, strokes between semicolons; 0,0 to 100,100" },
      ] },
    ],
    hidden: () => ["reason", "what-if"]
      .filter((group) => !PARTS[/** @type {NetworkShows} */ (preset.shows)].includes(group)),
    blame: { value: "unit" },
    // What cannot be set on this page is as it was asked for.
    model: (/** @type {NetworkValues} */ values) =>
      model({ ...preset, ...values }, /** @type {NetworkShows} */ (preset.shows)),
    draw, step, words, adapt,
    // Of the last moment: to look at all would be to compute all.
    longest: (/** @type {NetworkModel} */ made) => words(made, made.steps - 1),
  }));
})();
