// @ts-check
// Learning curves, the picture and its table. One reads off values by dragging over the curves,
// singles one out by pressing it, and looks closer by the ends of the strip below the axis.

/** @typedef {"training" | "test" | "steps"} CurveSet */
/**
 * One line: its values with their epochs, the number of its seeds, how it looks.
 * @typedef {{ run: string, set: CurveSet, points: (Spread & { epoch: number })[], seeds: number,
 *   look: Look }} Curve
 */
/** @typedef {"loss" | "accuracy" | "error"} Measure */
/**
 * The curves, what is measured on which images, the interval of epochs in view, and the axis.
 * @typedef {Model & Axis & {
 *   split: string, dataset: string, measure: Measure, sets: CurveSet[], isLog: boolean,
 *   curves: Curve[], last: number, from: number, to: number, single: string,
 * }} CurvesModel
 */
/**
 * @typedef {CurvesModel & {
 *   at: number, cursor: Element, dots: Element[], caption: Element, rows: Element[][],
 *   show(at: number): void, read(at: number): void,
 * }} DrawnCurves
 */
(() => {
  "use strict";
  const { html, svg, list } = window.cnnref.drawing;
  const { ticks, told } = window.cnnref.series;
  const { grip } = window.cnnref.hold;

  // In pixels: text keeps its size, and a wider box has a wider picture of the same height.
  const HEIGHT = 292;
  const [LEFT, TOP, BOTTOM, STRIP] = [46, 26, 224, 270];
  const DASHES = ["", "8 3", "2 3", "9 3 2 3"];
  const MARKERS = [
    "M-4 0A4 4 0 1 1 4 0A4 4 0 1 1 -4 0Z", "M-3.5 -3.5H3.5V3.5H-3.5Z", "M0 -4.5L4.5 3.5H-4.5Z",
    "M0 -5L5 0L0 5L-5 0Z", "M0 4.5L4.5 -3.5H-4.5Z",
    "M-1.5 -4.5H1.5V-1.5H4.5V1.5H1.5V4.5H-1.5V1.5H-4.5V-1.5H-1.5Z",
    "M0 -2L2.5 -4.5L4.5 -2.5L2 0L4.5 2.5L2.5 4.5L0 2L-2.5 4.5L-4.5 2.5L-2 0L-4.5 -2.5L-2.5 -4.5Z",
  ];

  // What a set is called; the evaluated images are a test set or a validation set.
  /** @param {{ split: string }} model @param {CurveSet} set */
  const called = ({ split }, set) => ({ training: "training", test: split, steps: "mini-batch" })[set];
  /** @param {CurvesModel} model @param {Curve} curve */
  const nameOf = ({ sets, ...model }, { run, set }) =>
    sets.length > 1 ? `${run}, ${called(model, set)}` : run;
  /** @param {Curve} curve @param {number} epoch */
  const pointAt = ({ points }, epoch) => points.find((point) => point.epoch === epoch);

  // --- lines -----------------------------------------------------------------------------------------

  /** @param {Curve} curve @param {string} kind */
  const lookOf = ({ look: { hue }, set }, kind) => ({ class: `${kind} ${set}`, style: `--curve: var(--curve-${hue + 1})` });
  /** @param {Curve} curve @param {number} x @param {number} y */
  const mark = (curve, x, y) => svg("path", {
    ...lookOf(curve, "mark"), d: MARKERS[curve.look.marker], transform: `translate(${x} ${y})`,
  });
  /** @param {Curve} curve */
  const dashOf = ({ look: { dash } }) => ({ "stroke-dasharray": DASHES[dash] || false });

  /** @typedef {(value: number) => number} Scale */

  /** @param {CurvesModel} model @param {Curve} curve @param {Scale} x @param {Scale} y */
  function drawCurve(model, curve, x, y) {
    const drawn = curve.points.filter(({ mean }) => !model.isLog || mean > 0);
    if (!drawn.length) return [];
    /** @param {"mean" | "least" | "most"} side */
    const to = (side) => (/** @type {Curve["points"][number]} */ point) => `${x(point.epoch)} ${y(point[side])}`;
    const edges = [...drawn.map(to("most")), ...drawn.map(to("least")).reverse()];
    // Some ten markers for each, at other places than its neighbours' where there are many.
    const every = Math.ceil(drawn.length / 10);
    const marked = drawn.filter((_, at) => (at + curve.look.marker) % every === 0);
    return [svg("g", { class: model.single && model.single !== curve.run ? "pale" : "" },
      curve.seeds > 1 ? [svg("path", { ...lookOf(curve, "band"), d: `M${edges.join("L")}Z` })] : [],
      svg("path", { ...lookOf(curve, "line"), d: `M${drawn.map(to("mean")).join("L")}`, ...dashOf(curve) }),
      ...marked.map((point) => mark(curve, x(point.epoch), y(point.mean))))];
  }

  /**
   * The curve that passes nearest above or below a place, if it passes near.
   * @param {CurvesModel} model @param {Scale} x @param {Scale} y @param {{ x: number, y: number }} place
   */
  function nearest({ curves }, x, y, place) {
    const gaps = curves.flatMap(({ run, points }) => points.slice(1).flatMap((end, i) => {
      const start = points[i];
      const share = (place.x - x(start.epoch)) / (x(end.epoch) - x(start.epoch));
      if (share < 0 || share > 1) return [];
      const there = y(start.mean) + share * (y(end.mean) - y(start.mean));
      return [{ run, gap: Math.abs(there - place.y) }];
    }));
    const [first] = gaps.filter(({ gap }) => gap < 12).sort((a, b) => a.gap - b.gap);
    return first?.run;
  }

  // --- the strip that looks closer -----------------------------------------------------------------------

  /** @param {Parts} parts @param {CurvesModel} model @param {number} right */
  function drawStrip(parts, { from, to, last }, right) {
    const per = (right - LEFT) / last;
    const [start, end] = [from, to].map((epoch) => LEFT + per * epoch);
    /** @param {"from" | "to"} name @param {number} value @param {number} min @param {number} max */
    const handle = (name, value, min, max) => grip({
      name, label: name === "from" ? "First epoch in view" : "Last epoch in view", value, min, max, per,
      change: (epoch) => parts.choose({ from, to, [name]: epoch }),
    }, svg("rect", { class: "room", x: LEFT + per * value - 14, y: STRIP - 12, width: 28, height: 24 }),
    svg("rect", { class: "bar", x: LEFT + per * value - 4, y: STRIP - 9, width: 8, height: 18, rx: 4 }));
    return [
      svg("path", { class: "grid", d: `M${LEFT} ${STRIP}H${right}` }),
      grip({
        name: "interval", label: "Epochs in view", value: from, min: 0, max: last - (to - from), per, quiet: true,
        change: (epoch) => parts.choose({ from: epoch, to: epoch + to - from }),
      }, svg("rect", { class: "interval", x: start, y: STRIP - 5, width: end - start, height: 10 })),
      handle("from", from, 0, to - 1), handle("to", to, from + 1, last),
    ];
  }

  // --- the picture -----------------------------------------------------------------------------------

  /** @param {Parts} parts @param {DrawnCurves} model */
  function drawPicture(parts, model) {
    const { measure, last, from, to, marks, height, sets, curves } = model;
    const width = Math.max(240, parts.stage.clientWidth - 4);
    const right = width - 10;
    /** @type {Scale} */
    const x = (epoch) => LEFT + (right - LEFT) * (epoch - from) / (to - from);
    /** @type {Scale} */
    const y = (value) => BOTTOM - (BOTTOM - TOP) * Math.max(height(value), -9);
    const epochs = ticks(from, to, 9).filter(Number.isInteger);
    /** @param {number} at @param {number} row @param {string} words */
    const text = (at, row, words, kind = "tick") => svg("text", { x: at, y: row, class: kind }, words);
    const unit = measure === "loss" ? "loss (nats per image)" : measure;
    const shown = marks.map((value) => (measure === "loss" ? value : Number((100 * value).toPrecision(6))));
    // On a linear axis all have as many decimals as their step.
    const decimals = Math.max(0, -Math.floor(Math.log10(shown[1] - shown[0]) + 1e-9));
    /** @param {number} value */
    const written = (value) => (model.isLog ? String(value) : value.toFixed(decimals));
    const grid = [
      ...marks.map((value) => svg("path", { class: "grid", d: `M${LEFT} ${y(value)}H${right}` })),
      ...epochs.map((epoch) => svg("path", { class: "grid", d: `M${x(epoch)} ${TOP}V${BOTTOM}` })),
      ...marks.map((value, i) => text(LEFT - 5, y(value),
        `${written(shown[i])}${measure === "loss" ? "" : " %"}`, "tick value")),
      ...epochs.map((epoch) => text(x(epoch), BOTTOM + 12, String(epoch))),
      text((LEFT + right) / 2, BOTTOM + 29, "epoch"), text(2, 11, unit, "caption"),
    ];
    // What lies outside the interval is cut off, but no marker at its end.
    const [edge, tall] = [LEFT - 6, BOTTOM - TOP + 12];
    const lines = svg("svg", {
      x: edge, y: TOP - 6, width: right + 6 - edge, height: tall,
      viewBox: `${edge} ${TOP - 6} ${right + 6 - edge} ${tall}`,
    }, curves.flatMap((curve) => drawCurve(model, curve, x, y)));
    const cursor = svg("path", { class: "cursor", d: `M0 ${TOP}V${BOTTOM}` });
    const dots = curves.map((curve) => mark(curve, 0, 0));
    model.show = (at) => {
      const isInView = at >= from && at <= to;
      cursor.setAttribute("visibility", isInView ? "visible" : "hidden");
      cursor.setAttribute("transform", `translate(${x(at)} 0)`);
      curves.forEach((curve, i) => {
        const point = pointAt(curve, at);
        const seen = isInView && point && (!model.isLog || point.mean > 0);
        dots[i].setAttribute("visibility", seen ? "visible" : "hidden");
        if (seen) dots[i].setAttribute("transform", `translate(${x(at)} ${y(point.mean)}) scale(1.4)`);
      });
    };
    /** @param {PointerEvent} event in the picture's pixels */
    const placeOf = ({ clientX, clientY }) => {
      const box = drawing.getBoundingClientRect();
      const scale = width / box.width;
      return { x: (clientX - box.left) * scale, y: (clientY - box.top) * scale };
    };
    /** @param {PointerEvent} event */
    const epochOf = (event) => {
      const share = (placeOf(event).x - LEFT) / (right - LEFT);
      return Math.max(from, Math.min(from + Math.round(share * (to - from)), to));
    };
    /** @param {PointerEvent} event */
    const onGrip = ({ target }) => parts.held || /** @type {Element} */ (target).closest(".grip");
    /** @type {{ x: number, y: number } | undefined} where the pointer went down, until it moves */
    let pressed;
    // Pointing looks at an epoch, dragging stays there, and so does pressing, which on a curve singles
    // it out.
    const drawing = svg("svg", {
      viewBox: `0 0 ${width} ${HEIGHT}`, role: "group", class: "curves",
      "aria-label": `${list(sets.map((set) => called(model, set)))} ${measure} from epoch ${from} to ${to}: ` +
        `${list([...new Set(curves.map(({ run }) => run))])}.`,
      onpointermove: (/** @type {PointerEvent} */ event) => {
        if (onGrip(event)) return;
        const place = placeOf(event);
        if (pressed && Math.hypot(place.x - pressed.x, place.y - pressed.y) > 4) pressed = undefined;
        (event.buttons ? parts.go : model.read)(epochOf(event));
      },
      onpointerdown: (/** @type {PointerEvent} */ event) => {
        if (onGrip(event)) return;
        event.preventDefault(); // selecting text took 12 to 22 of the 45 to 60 ms of each move
        pressed = placeOf(event);
        parts.go(epochOf(event));
      },
      onpointerup: () => {
        const run = pressed && nearest(model, x, y, pressed);
        pressed = undefined;
        if (run) parts.choose({ single: run === model.single ? "" : run });
      },
      onpointerleave: () => model.read(model.at),
    }, grid, lines, cursor, dots, last > 1 ? drawStrip(parts, model, right) : []);
    return drawing;
  }

  /**
   * What the lines are, and their values at one epoch.
   * @param {Parts} parts @param {DrawnCurves} model
   */
  function drawTable(parts, model) {
    /** @param {Curve} curve */
    const sample = (curve) => svg("svg", { viewBox: "0 0 36 12", class: "sample", "aria-hidden": "true" },
      svg("path", { ...lookOf(curve, "line"), d: "M1 6H35", ...dashOf(curve) }), mark(curve, 18, 6));
    /** @param {string} words */
    const head = (words) => html("th", { scope: "col" }, words);
    model.caption = html("caption", {}, "");
    model.rows = model.curves.map((curve) => [html("td"), html("td"), html("td", {}, String(curve.seeds))]);
    return html("table", { class: "readings" }, model.caption,
      html("thead", {}, html("tr", {}, ["Experiment", "Mean", "Range", "Seeds"].map(head))),
      html("tbody", {}, model.curves.map((curve, i) => {
        const single = model.single === curve.run;
        const name = html("button", {
          type: "button", "aria-pressed": single,
          onclick: () => {
            parts.choose({ single: single ? "" : curve.run });
            parts.stage.querySelectorAll("button")[i].focus();
          },
        }, sample(curve), " ", nameOf(model, curve));
        return html("tr", { class: single ? "lit" : "" }, html("th", { scope: "row" }, name), model.rows[i]);
      })));
  }

  /** @param {Parts} parts @param {DrawnCurves} model */
  function drawPictures(parts, model) {
    model.at ??= 0;
    const pictures = [drawPicture(parts, model), drawTable(parts, model)];
    model.read = (at) => {
      model.show(at);
      model.caption.textContent = `${at ? `Epoch ${at}` : "Epoch 0, before training"}`;
      model.curves.forEach((curve, i) => {
        const point = pointAt(curve, at);
        const [mean, range] = model.rows[i];
        mean.textContent = point ? told(point.mean, model.measure) : "–";
        // One unit is enough in a narrow column.
        range.textContent = point && curve.seeds > 1
          ? `${told(point.least, model.measure).replace(" %", "")}–${told(point.most, model.measure)}` : "–";
      });
    };
    parts.stage.replaceChildren(...pictures);
  }

  window.cnnref.curves = { called, nameOf, pointAt, drawPictures };
})();
