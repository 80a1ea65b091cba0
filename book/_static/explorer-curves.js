// @ts-check
// Learning curves: the stored records of experiments, one line for each, the mean over its seeds, in
// a band from the least to the most. Every seed's values come with the page.

/**
 * An experiment: for a measure and a set of images, the series of each seed.
 * @typedef {{ name: string } & Record<"loss" | "accuracy", Partial<Record<CurveSet, number[][]>>>} TrainedRun
 */
/** @typedef {{ datasets: { name: string, split: string, chosen: string[], runs: TrainedRun[] }[] }} CurvesData */
/**
 * Beside these, for each dataset, the names of the experiments that are chosen.
 * @typedef {{ dataset: string, measure: Measure, sets: CurveSet[], log?: string, single: string,
 *   from: number, to: number } & Record<string, any>} CurvesValues
 */
/**
 * What the explorer uses of the pictures.
 * @typedef {{
 *   called(model: { split: string }, set: CurveSet): string,
 *   nameOf(model: CurvesModel, curve: Curve): string,
 *   pointAt(curve: Curve, epoch: number): Curve["points"][number] | undefined,
 *   drawPictures(parts: Parts, model: CurvesModel): void,
 * }} Curves
 */
(() => {
  "use strict";
  const { Refusal } = window.cnnref;
  const { html, list, count } = window.cnnref.drawing;
  const { overSeeds, told, look, axis } = window.cnnref.series;
  const { called, pointAt, drawPictures } = window.cnnref.curves;

  // --- what is on show -----------------------------------------------------------------------------

  /** @typedef {(at: number) => number} Epoch at which epoch a value stands */
  // Those of the steps are means over tenths of an epoch.
  /** @type {Record<CurveSet, Epoch>} */
  const EPOCHS = { training: (at) => at + 1, test: (at) => at, steps: (at) => (at + 1) / 10 };

  /** @param {TrainedRun} run @param {Measure} measure @param {CurveSet} set */
  function seriesOf(run, measure, set) {
    if (measure !== "error") return run[measure][set] ?? [];
    return (run.accuracy[set] ?? []).map((seed) => seed.map((value) => 1 - value));
  }

  /** @param {CurvesValues} values @param {CurvesData} data @returns {CurvesModel} */
  function model(values, { datasets }) {
    const dataset = datasets.find(({ name }) => name === values.dataset) ?? datasets[0];
    const { measure, sets } = values;
    const isLog = values.log === "1";
    const curves = sets.flatMap((set) => dataset.runs.flatMap((run, index) => {
      if (!values[dataset.name].includes(run.name)) return [];
      const series = seriesOf(run, measure, set);
      const points = overSeeds(series).map((point, at) => ({ ...point, epoch: EPOCHS[set](at) }));
      return [{ run: run.name, set, points, seeds: series.length, look: look(index) }];
    }));
    const last = Math.max(...curves.map(({ points }) => points[points.length - 1].epoch));
    const to = Math.min(values.to, last);
    if (values.from >= to) throw new Refusal("interval", `must be less than the last epoch in view, ${to}`);
    const ends = curves.flatMap(({ points }) => points)
      .filter(({ epoch }) => epoch >= values.from && epoch <= to)
      .flatMap(({ least, most }) => [least, most])
      .filter((value) => !isLog || value > 0);
    if (!ends.length) throw new Refusal("nothing", "nothing is above 0, so there is nothing to draw");
    const single = curves.some(({ run }) => run === values.single) ? values.single : "";
    return {
      dataset: dataset.name, split: dataset.split, measure, sets, isLog, curves, last, single,
      from: values.from, to, steps: last + 1, stop: "Epoch",
      ...axis(Math.min(...ends), Math.max(...ends), isLog),
    };
  }

  // --- words -----------------------------------------------------------------------------------------

  /** @param {Curve} curve */
  const seedsOf = ({ seeds }) => (seeds === 1 ? "one seed" : count(seeds, "seed"));
  // Where a curve has no value, it says why.
  /** @param {Curve} curve @param {number} epoch */
  const missing = ({ set, points }, epoch) => (epoch < EPOCHS[set](0)
    ? `begins at epoch ${EPOCHS[set](0)}` : `ended at epoch ${points[points.length - 1].epoch}`);

  /** @param {CurvesModel} model @param {number} at */
  function words(model, at) {
    const { measure, sets, single } = model;
    const curves = model.curves.filter(({ run }) => !single || run === single);
    const sentences = sets.map((set) => {
      const parts = curves.filter((curve) => curve.set === set).map((curve) => {
        const point = pointAt(curve, at);
        if (!point) return `${curve.run} ${missing(curve, at)}`;
        const ends = `${told(point.least, measure)} to ${told(point.most, measure)}, `;
        const around = curve.seeds > 1 ? ends : "";
        return `${curve.run} ${told(point.mean, measure)} (${around}${seedsOf(curve)})`;
      });
      return `Mean ${called(model, set)} ${measure}: ${parts.join("; ")}.`;
    });
    return `Epoch ${at}. ${sentences.join(" ")}`;
  }

  /** @param {CurvesModel} model the folded settings in a line */
  function line({ curves, dataset, from, to, last }) {
    const runs = new Set(curves.map(({ run }) => run)).size;
    return `${count(runs, "experiment")} on ${dataset}${from > 0 || to < last ? `, epochs ${from} to ${to}` : ""}`;
  }

  /** @param {Parts} parts @param {CurvesModel} model */
  function draw(parts, model) {
    const { measure, sets } = model;
    const which = sets.map((set) => called(model, set));
    const on = "on training images, while the weights change, with dropout on where there is any.";
    const notes = [
      `Lines: means of the ${list(which)} ${measure} over the seeds. Bands: from the least to the most.`,
      sets.includes("training") ? `Training: an average over the epoch, ${on}` : "",
      sets.includes("steps") ? `Mini-batch: an average over a tenth of an epoch, ${on}` : "",
      sets.length > 1 ? "Markers are hollow for training images." : "",
    ];
    parts.formula.replaceChildren(
      html("p", { class: "explorer-notes" }, notes.filter(Boolean).join(" ")));
    drawPictures(parts, model);
  }

  /** @param {Parts} _ @param {any} model @param {number} at */
  function step(_, model, at) {
    model.at = at;
    model.read(at);
  }

  // --- the explorer --------------------------------------------------------------------------------

  /** @param {string[]} names */
  const same = (names) => Object.fromEntries(names.map((name) => [name, name]));

  /** @param {CurvesData} data the epochs of the longest run */
  const longest = ({ datasets }) => Math.max(...datasets.flatMap(({ runs }) =>
    runs.map(({ loss }) => Math.max(...Object.entries(loss).map(([set, series]) =>
      EPOCHS[/** @type {CurveSet} */ (set)](series[0].length - 1))))));

  /** @param {CurvesData} data @returns {Group<CurvesValues>[]} */
  const groups = ({ datasets }) => [
    { name: "what", legend: "Drag to read values, press a curve to single it out", front: true, controls: [
      { name: "dataset", kind: "select", label: "Dataset", start: datasets[0].name,
        options: same(datasets.map(({ name }) => name)) },
      { name: "measure", kind: "choice", label: "Measure", options: same(["loss", "accuracy", "error"]) },
      { name: "sets", kind: "choices", label: "Images", options: {
        training: "training", test: [...new Set(datasets.map(({ split }) => split))].join(" or "),
        // Only pages that ask for them have them.
        ...("steps" in datasets[0].runs[0].loss ? { steps: "mini-batches" } : {}),
      } },
      { name: "log", kind: "check", label: "Logarithmic axis" },
    ] },
    ...datasets.map(({ name, runs, chosen }) => ({
      name: `runs-${name}`, legend: "Experiments", controls: [
        { name, kind: /** @type {const} */ ("choices"), label: "Experiments", start: chosen,
          options: same(runs.map((run) => run.name)) },
      ],
    })),
    { name: "view", legend: "View", controls: [
      { name: "from", kind: "number", label: "First epoch", min: 0, max: longest({ datasets }) - 1, start: 0 },
      { name: "to", kind: "number", label: "Last epoch", min: 1, max: longest({ datasets }), start: longest({ datasets }) },
      { name: "single", kind: "select", label: "Single out", start: "", options: { "": "none",
        ...same(datasets.flatMap(({ runs }) => runs.map(({ name }) => name))) } },
    ] },
  ];

  window.cnnref.explorer.define("curves", (_, /** @type {CurvesData} */ data) => ({
    first: 0,
    fluid: true,
    groups: groups(data),
    hidden: ({ dataset, measure }, { datasets }) => [
      ...(datasets.length > 1 ? [] : ["dataset"]),
      ...datasets.filter(({ name }) => name !== dataset).map(({ name }) => `runs-${name}`),
      ...(measure === "accuracy" ? ["log"] : []),
    ],
    blame: { nothing: "log", interval: "from" },
    adapt: (_, changed) => (changed === "dataset" ? { from: 0, to: longest(data), single: "" } : {}),
    line,
    model,
    draw,
    step,
    words,
  }));
})();
