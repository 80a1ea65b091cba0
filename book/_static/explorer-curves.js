// Learning curves: the stored records of experiments, one line for each, the mean over its seeds, in
// a band from the least to the most. Every seed's values come with the page.
(() => {
  "use strict";
  const { Refusal } = window.cnnref;
  const { html, svg, list, count } = window.cnnref.drawing;
  const { overSeeds, ticks, told, look, axis } = window.cnnref.series;

  // --- what is on show -----------------------------------------------------------------------------

  // What a set is called, and at which epoch its values stand; those of the steps are means over
  // tenths of an epoch.
  const called = ({ split }, set) => ({ training: "training", test: split, steps: "mini-batch" })[set];
  const EPOCHS = { training: (at) => at + 1, test: (at) => at, steps: (at) => (at + 1) / 10 };

  function seriesOf(run, measure, set) {
    if (measure !== "error") return run[measure][set];
    return run.accuracy[set].map((seed) => seed.map((value) => 1 - value));
  }

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
    const ends = curves.flatMap(({ points }) => points.flatMap(({ least, most }) => [least, most]))
      .filter((value) => !isLog || value > 0);
    if (!ends.length) throw new Refusal("nothing", "nothing is above 0, so there is nothing to draw");
    const last = Math.max(...curves.map(({ points }) => points.at(-1).epoch));
    return {
      dataset, measure, sets, isLog, curves, last, steps: last + 1, stop: "Epoch",
      ...axis(Math.min(...ends), Math.max(...ends), isLog),
    };
  }

  const nameOf = ({ sets, dataset }, { run, set }) =>
    sets.length > 1 ? `${run}, ${called(dataset, set)}` : run;
  const pointAt = ({ points }, epoch) => points.find((point) => point.epoch === epoch);
  const seedsOf = ({ seeds }) => (seeds === 1 ? "one seed" : count(seeds, "seed"));
  // Where a curve has no value, it says why.
  const missing = ({ set, points }, epoch) =>
    epoch < EPOCHS[set](0) ? `begins at epoch ${EPOCHS[set](0)}` : `ended at epoch ${points.at(-1).epoch}`;

  function words(model, at) {
    const { dataset, measure, sets, curves } = model;
    const sentences = sets.map((set) => {
      const parts = curves.filter((curve) => curve.set === set).map((curve) => {
        const point = pointAt(curve, at);
        if (!point) return `${curve.run} ${missing(curve, at)}`;
        const ends = `${told(point.least, measure)} to ${told(point.most, measure)}, `;
        const around = curve.seeds > 1 ? ends : "";
        return `${curve.run} ${told(point.mean, measure)} (${around}${seedsOf(curve)})`;
      });
      return `Mean ${called(dataset, set)} ${measure}: ${parts.join("; ")}.`;
    });
    return `Epoch ${at}. ${sentences.join(" ")}`;
  }

  // --- pictures ------------------------------------------------------------------------------------

  // In pixels: text keeps its size, and a wider box has a wider picture of the same height.
  const HEIGHT = 260;
  const [LEFT, TOP, BOTTOM] = [46, 26, 224];
  const DASHES = ["", "8 3", "2 3", "9 3 2 3"];
  const MARKERS = [
    "M-4 0A4 4 0 1 1 4 0A4 4 0 1 1 -4 0Z", "M-3.5 -3.5H3.5V3.5H-3.5Z", "M0 -4.5L4.5 3.5H-4.5Z",
    "M0 -5L5 0L0 5L-5 0Z", "M0 4.5L4.5 -3.5H-4.5Z",
    "M-1.5 -4.5H1.5V-1.5H4.5V1.5H1.5V4.5H-1.5V1.5H-4.5V-1.5H-1.5Z",
    "M0 -2L2.5 -4.5L4.5 -2.5L2 0L4.5 2.5L2.5 4.5L0 2L-2.5 4.5L-4.5 2.5L-2 0L-4.5 -2.5L-2.5 -4.5Z",
  ];

  const classOf = ({ look: { hue }, set }, kind) => `${kind} curve-${hue + 1} ${set}`;
  const mark = (curve, x, y) => svg("path", {
    class: classOf(curve, "mark"), d: MARKERS[curve.look.marker], transform: `translate(${x} ${y})`,
  });
  const dashOf = ({ look: { dash } }) => ({ "stroke-dasharray": DASHES[dash] || false });

  function drawCurve(model, curve, x, y) {
    const drawn = curve.points.filter(({ mean }) => !model.isLog || mean > 0);
    const to = (side) => ({ epoch, [side]: value }) => `${x(epoch)} ${y(value)}`;
    const edges = [...drawn.map(to("most")), ...drawn.map(to("least")).reverse()];
    // Some ten markers for each, at other places than its neighbours' where there are many.
    const every = Math.ceil(drawn.length / 10);
    const marked = drawn.filter((_, at) => (at + curve.look.marker) % every === 0);
    if (!drawn.length) return [];
    return [
      curve.seeds > 1 ? svg("path", { class: classOf(curve, "band"), d: `M${edges.join("L")}Z` }) : [],
      svg("path", { class: classOf(curve, "line"), d: `M${drawn.map(to("mean")).join("L")}`, ...dashOf(curve) }),
      ...marked.map((point) => mark(curve, x(point.epoch), y(point.mean))),
    ].flat();
  }

  function drawPicture(parts, model) {
    const { measure, last, marks, height, dataset, sets, curves } = model;
    const width = Math.max(240, parts.stage.clientWidth - 4);
    const right = width - 10;
    const x = (epoch) => LEFT + (right - LEFT) * epoch / last;
    const y = (value) => BOTTOM - (BOTTOM - TOP) * Math.max(height(value), 0);
    const epochs = ticks(0, last, 9).filter(Number.isInteger);
    const text = (at, row, words, kind = "tick") => svg("text", { x: at, y: row, class: kind }, words);
    const unit = measure === "loss" ? "loss (nats per image)" : measure;
    const shown = marks.map((value) => (measure === "loss" ? value : Number((100 * value).toPrecision(6))));
    // On a linear axis all have as many decimals as their step.
    const decimals = Math.max(0, -Math.floor(Math.log10(shown[1] - shown[0]) + 1e-9));
    const written = (value) => (model.isLog ? String(value) : value.toFixed(decimals));
    const grid = [
      ...marks.map((value) => svg("path", { class: "grid", d: `M${LEFT} ${y(value)}H${right}` })),
      ...epochs.map((epoch) => svg("path", { class: "grid", d: `M${x(epoch)} ${TOP}V${BOTTOM}` })),
      ...marks.map((value, i) => text(LEFT - 5, y(value),
        `${written(shown[i])}${measure === "loss" ? "" : " %"}`, "tick value")),
      ...epochs.map((epoch) => text(x(epoch), BOTTOM + 12, String(epoch))),
      text((LEFT + right) / 2, BOTTOM + 29, "epoch"), text(2, 11, unit, "caption"),
    ];
    model.cursor = svg("path", { class: "cursor", d: `M0 ${TOP}V${BOTTOM}` });
    model.dots = curves.map((curve) => mark(curve, 0, 0));
    model.show = (at) => {
      model.cursor.setAttribute("transform", `translate(${x(at)} 0)`);
      curves.forEach((curve, i) => {
        const point = pointAt(curve, at);
        const seen = point && (!model.isLog || point.mean > 0);
        model.dots[i].setAttribute("visibility", seen ? "visible" : "hidden");
        if (seen) model.dots[i].setAttribute("transform", `translate(${x(at)} ${y(point.mean)}) scale(1.4)`);
      });
    };
    const epochOf = ({ clientX }) => {
      const box = drawing.getBoundingClientRect();
      const share = ((clientX - box.left) / box.width * width - LEFT) / (right - LEFT);
      return Math.max(0, Math.min(Math.round(share * last), last));
    };
    // Pointing looks at an epoch, pressing stays there.
    const drawing = svg("svg", {
      viewBox: `0 0 ${width} ${HEIGHT}`, role: "img", class: "curves",
      "aria-label": `${list(sets.map((set) => called(dataset, set)))} ${measure} from epoch 0 to ${last}: ` +
        `${list([...new Set(curves.map(({ run }) => run))])}.`,
      onpointermove: (event) => (event.buttons ? parts.go : model.read)(epochOf(event)),
      onpointerdown: (event) => parts.go(epochOf(event)),
      onpointerleave: () => model.read(model.at),
    }, grid, curves.flatMap((curve) => drawCurve(model, curve, x, y)), model.cursor, model.dots);
    return drawing;
  }

  // What the lines are, and their values at one epoch.
  function drawTable(model) {
    const sample = (curve) => svg("svg", { viewBox: "0 0 36 12", class: "sample", "aria-hidden": "true" },
      svg("path", { class: classOf(curve, "line"), d: "M1 6H35", ...dashOf(curve) }), mark(curve, 18, 6));
    const head = (words) => html("th", { scope: "col" }, words);
    model.caption = html("caption", {}, "");
    model.rows = model.curves.map((curve) => [html("td"), html("td"), html("td", {}, String(curve.seeds))]);
    return html("table", { class: "readings" }, model.caption,
      html("thead", {}, html("tr", {}, ["Experiment", "Mean", "Range", "Seeds"].map(head))),
      html("tbody", {}, model.curves.map((curve, i) => html("tr", {},
        html("th", { scope: "row" }, sample(curve), " ", nameOf(model, curve)), model.rows[i]))));
  }

  function draw(parts, model) {
    const { measure, sets, dataset } = model;
    const which = sets.map((set) => called(dataset, set));
    const on = "on training images, while the weights change, with dropout on where there is any.";
    const notes = [
      `Lines: means of the ${list(which)} ${measure} over the seeds. Bands: from the least to the most.`,
      sets.includes("training") ? `Training: an average over the epoch, ${on}` : "",
      sets.includes("steps") ? `Mini-batch: an average over a tenth of an epoch, ${on}` : "",
      sets.length > 1 ? "Markers are hollow for training images." : "",
    ];
    parts.formula.replaceChildren(
      html("p", { class: "explorer-notes" }, notes.filter(Boolean).join(" ")));
    model.read = (at) => {
      model.show(at);
      model.caption.textContent = `${at ? `Epoch ${at}` : "Epoch 0, before training"}`;
      model.curves.forEach((curve, i) => {
        const point = pointAt(curve, at);
        const [mean, range] = model.rows[i];
        mean.textContent = point ? told(point.mean, measure) : "–";
        // One unit is enough in a narrow column.
        range.textContent = point && curve.seeds > 1
          ? `${told(point.least, measure).replace(" %", "")}–${told(point.most, measure)}` : "–";
      });
    };
    parts.stage.replaceChildren(drawPicture(parts, model), drawTable(model));
  }

  function step(parts, model, at) {
    model.at = at;
    model.read(at);
  }

  // --- the explorer --------------------------------------------------------------------------------

  const same = (names) => Object.fromEntries(names.map((name) => [name, name]));
  const groups = ({ datasets }) => [
    { name: "datasets", legend: "Dataset", controls: [
      { name: "dataset", kind: "choice", label: "Dataset", start: datasets[0].name,
        options: same(datasets.map(({ name }) => name)) },
    ] },
    ...datasets.map(({ name, runs, chosen }) => ({
      name: `runs-${name}`, legend: "Experiments", controls: [
        { name, kind: "choices", label: "Experiments", start: chosen,
          options: same(runs.map((run) => run.name)) },
      ],
    })),
    { name: "what", legend: "Curves", controls: [
      { name: "measure", kind: "choice", label: "Measure", options: same(["loss", "accuracy", "error"]) },
      { name: "sets", kind: "choices", label: "Images", options: {
        training: "training", test: [...new Set(datasets.map(({ split }) => split))].join(" or "),
        // Only pages that ask for them have them.
        ...("steps" in datasets[0].runs[0].loss ? { steps: "mini-batches" } : {}),
      } },
      { name: "log", kind: "check", label: "Logarithmic axis" },
    ] },
  ];

  window.cnnref.explorer.define("curves", (_, data) => ({
    first: 0,
    fluid: true,
    groups: groups(data),
    hidden: ({ dataset, measure }, { datasets }) => [
      ...(datasets.length > 1 ? [] : ["datasets"]),
      ...datasets.filter(({ name }) => name !== dataset).map(({ name }) => `runs-${name}`),
      ...(measure === "accuracy" ? ["log"] : []),
    ],
    blame: { nothing: "log" },
    model,
    draw,
    step,
    words,
  }));
})();
