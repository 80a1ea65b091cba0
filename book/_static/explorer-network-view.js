// @ts-check
// Pictures of the network that one looks into: the pad, the layers' maps, the bars, one unit's sum and
// two curves. Nothing is computed here. In every picture of numbers white is zero; ink is black, what
// is positive purple, what is negative orange.
(() => {
  "use strict";
  const { html, svg, show, count, range } = window.cnnref.drawing;
  const { pressable } = window.cnnref.hold;
  const { PAD } = window.cnnref.strokes;
  const INK = [20, 20, 20];
  const POSITIVE = [64, 16, 118];
  const NEGATIVE = [179, 88, 6];
  // How many maps stand side by side, and what lies between them, in units.
  /** @type {Record<string, [number, number]>} */
  const GRIDS = {
    input: [1, 0], kernels: [4, 1], conv1: [4, 1], pool2: [8, 1], conv3: [8, 1], pool4: [16, 1], fc5: [16, 0],
  };

  // --- a picture of maps -----------------------------------------------------------------------------

  /** @type {NetworkView["placeOf"]} */
  const placeOf = ({ side, columns, gap }, index) => {
    const [map, at] = [Math.floor(index / (side * side)), index % (side * side)];
    return [(map % columns) * (side + gap) + (at % side),
      Math.floor(map / columns) * (side + gap) + Math.floor(at / side)];
  };

  // Numbers as shades, in one go; `under` darkens, to show the drawing below what explains it.
  /** @type {NetworkView["paint"]} */
  function paint({ canvas, grid }, values, high, positive = POSITIVE, under = undefined) {
    const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    const pixels = context.createImageData(canvas.width, canvas.height);
    const { data } = pixels;
    const { side } = grid;
    // Row by row, without an array for each unit.
    for (let row = 0; row * side < values.length; row++) {
      const [x, y] = placeOf(grid, row * side);
      for (let column = 0; column < side; column++) {
        const index = row * side + column;
        const part = Math.min(1, Math.abs(values[index]) / high) || 0;
        const colour = values[index] < 0 ? NEGATIVE : positive;
        const dim = under ? 1 - 0.3 * under[index] : 1;
        const at = 4 * (y * canvas.width + x + column);
        for (let k = 0; k < 3; k++) data[at + k] = (255 + (colour[k] - 255) * part) * dim;
        data[at + 3] = 255;
      }
    }
    context.putImageData(pixels, 0, 0);
  }

  // A light line and a dark one, to be seen on any ground.
  /** @type {NetworkView["framed"]} */
  const framed = (x, y, width, height, kind = "") => ["light", "dark"].map((line) =>
    svg("rect", { class: `mark-${line} ${kind}`, x, y, width, height }));

  /** @type {NetworkView["maps"]} */
  function maps(name, size, label, on) {
    const [columns, gap] = GRIDS[name];
    const grid = { ...size, columns: Math.min(columns, size.maps), gap };
    const [across, down] = [grid.columns, Math.ceil(size.maps / grid.columns)]
      .map((many) => many * (size.side + gap) - gap);
    const canvas = html("canvas", { width: across, height: down });
    const over = svg("svg", { viewBox: `0 0 ${across} ${down}`, "aria-hidden": "true" });
    const box = html("div", { class: `network-maps maps-${name}`, ...(on
      ? { tabindex: 0, role: "group", "aria-label": label }
      : { role: "img", "aria-label": label }) }, canvas, over);
    if (on) {
      pressable(box, (...shares) => {
        const [x, y] = [shares[0] * across, shares[1] * down];
        const [column, row] = [x, y].map((p) => Math.floor(p / (size.side + gap)));
        const within = [x, y].map((p, axis) => Math.max(0, Math.min(size.side - 1,
          Math.floor(p - [column, row][axis] * (size.side + gap)))));
        const map = row * grid.columns + column;
        if (x >= 0 && y >= 0 && column < grid.columns && map < size.maps) {
          on((map * size.side + within[1]) * size.side + within[0]);
        }
      });
    }
    return { canvas, over, box, grid };
  }

  // --- the pad -------------------------------------------------------------------------------------

  // Told of every stroke while it grows, and when it is done. By keyboard: arrow keys move the pen,
  // the space bar puts it down and lifts it.
  /** @type {NetworkView["pad"]} */
  function pad({ grow, finish, start }) {
    const lines = svg("g", { class: "network-strokes" });
    const pen = svg("circle", { class: "network-pen", r: 4 });
    const drawing = svg("svg", { viewBox: `0 0 ${PAD} ${PAD}`, "aria-hidden": "true" }, lines, pen);
    const box = html("div", { class: "network-pad", tabindex: 0, role: "group",
      "aria-label": "Pad to draw on: arrow keys move the pen, the space bar puts it down or lifts it" }, drawing);
    /** @type {Point} */
    const at = [PAD / 2, 20];
    /** @type {Point[] | undefined} while the pen is down */
    let stroke;
    /** @param {number} value */
    const limited = (value) => Math.max(0, Math.min(PAD, Math.round(value)));
    const placePen = () => ["cx", "cy"].forEach((name, axis) => pen.setAttribute(name, String(at[axis])));
    /** @param {Point} point */
    const add = (point) => {
      const growing = /** @type {Point[]} */ (stroke);
      const last = growing.at(-1);
      if (last && Math.hypot(point[0] - last[0], point[1] - last[1]) < 2) return;
      growing.push(point);
      grow(growing);
    };
    /** @param {PointerEvent} event */
    const told = (event) => {
      const { left, top, width } = box.getBoundingClientRect();
      return /** @type {Point} */ ([event.clientX - left, event.clientY - top]
        .map((p) => limited((p / width) * PAD)));
    };
    const lift = () => {
      if (stroke) finish(stroke);
      stroke = undefined;
      box.classList.remove("network-down");
    };
    box.addEventListener("pointerdown", (event) => {
      event.preventDefault();
      box.classList.remove("network-keyed");
      box.focus({ preventScroll: true });
      box.setPointerCapture(event.pointerId);
      start();
      stroke = [];
      add(told(event));
    });
    box.addEventListener("pointermove", (event) => {
      if (!stroke || !event.buttons) return;
      for (const part of event.getCoalescedEvents?.() ?? [event]) add(told(part));
    });
    for (const end of ["pointerup", "pointercancel", "blur"]) box.addEventListener(end, lift);
    box.addEventListener("keydown", (event) => {
      const by = /** @type {Record<string, number[] | undefined>} */ ({
        ArrowUp: [0, -4], ArrowDown: [0, 4], ArrowLeft: [-4, 0], ArrowRight: [4, 0],
      })[event.key];
      if (by) {
        by.forEach((step, axis) => { at[axis] = limited(at[axis] + step); });
        if (stroke) add([...at]);
      } else if (event.key !== " ") return;
      else if (stroke) lift();
      else {
        start();
        stroke = [];
        box.classList.add("network-down");
        add([...at]);
      }
      placePen();
      box.classList.add("network-keyed");
      event.preventDefault();
    });
    placePen();
    /** @type {NetworkPad["draw"]} */
    const draw = (strokes, width) => lines.replaceChildren(...strokes.map((points) => svg("path", {
      d: `M${points.map((point) => point.join(" ")).join("L")}${points.length < 2 ? "h0" : ""}`,
      style: `stroke-width: ${width}`,
    })));
    return { box, draw };
  }

  // --- bars ----------------------------------------------------------------------------------------

  const BAR = 32;
  const HIGH = 70;

  /** @type {NetworkView["bars"]} */
  function bars(label, on) {
    const columns = range(0, 9).map((digit) => {
      const bar = svg("rect", { class: "network-bar", x: digit * BAR + 5, width: BAR - 10 });
      const chance = svg("text", { x: (digit + 0.5) * BAR });
      const name = svg("text", { x: (digit + 0.5) * BAR, y: HIGH + 27, class: "network-digit" }, String(digit));
      const frame = svg("rect", { class: "network-frame", x: digit * BAR + 1, y: 1, width: BAR - 2, height: HIGH + 37 });
      return { bar, chance, name, frame };
    });
    const drawing = svg("svg", { viewBox: `0 0 ${10 * BAR} ${HIGH + 39}`, "aria-hidden": "true" },
      columns.flatMap(({ bar, chance, name, frame }) => [frame, bar, chance, name]));
    const box = html("div", { class: "network-bars", tabindex: 0, role: "group", "aria-label": label }, drawing);
    pressable(box, (share) => on(Math.max(0, Math.min(9, Math.floor(10 * share)))));
    /** @type {NetworkBars["draw"]} */
    const draw = (chances, chosen) => {
      const best = chances.indexOf(Math.max(...chances));
      columns.forEach(({ bar, chance, frame, name }, digit) => {
        const height = Math.max(1, HIGH * chances[digit]);
        bar.setAttribute("y", String(HIGH + 14 - height));
        bar.setAttribute("height", String(height));
        bar.classList.toggle("best", digit === best);
        name.classList.toggle("best", digit === best);
        frame.classList.toggle("lit", digit === chosen);
        chance.setAttribute("y", String(HIGH + 7 - height));
        chance.textContent = chances[digit] >= 0.005 ? `${Math.round(100 * chances[digit])}` : "";
      });
    };
    return { box, draw };
  }

  // --- one unit's sum ------------------------------------------------------------------------------

  const SHOWN = 9;

  // The largest products, the rest of them together, the bias, and what becomes of the sum.
  /** @type {NetworkView["sumTable"]} */
  function sumTable({ layer, place, terms, bias, sum, value, scores, nameOf, go }) {
    const sorted = [...terms].sort((a, b) => Math.abs(b.product) - Math.abs(a.product));
    const [first, rest] = [sorted.slice(0, SHOWN), sorted.slice(SHOWN)];
    /** @param {Child | Child[]} head @param {Child[]} cells */
    const row = (head, ...cells) => html("tr", {}, html("th", { scope: "row" }, head),
      cells.map((text) => html("td", {}, text)));
    const total = rest.reduce((all, { product }) => all + product, 0);
    const maximum = layer.kind === "pool";
    const lines = first.map(({ index, input, weight, product }) => row(
      html("button", { type: "button", "aria-label": `${place} ${nameOf(index)}`, onclick: () => go(index) }, nameOf(index)),
      show(input), maximum ? (weight ? "largest" : "−") : show(weight), maximum && !weight ? "−" : show(product)));
    if (rest.length) lines.push(row(`${count(rest.length, "other")} together`, "", "", show(total)));
    if (!maximum) lines.push(row("bias", "", "", show(bias)), row("sum", "", "", show(sum)));
    if (layer.relu) lines.push(row("after ReLU", "", "", show(value)));
    if (scores) {
      const all = scores.reduce((sofar, score) => sofar + Math.exp(score), 0);
      /** @param {number} power */
      const four = (power) => {
        const zeros = Math.floor(Math.log10(power));
        if (Math.abs(zeros) < 6) return show(Number(power.toPrecision(4)));
        return html("span", {}, `${(power / 10 ** zeros).toFixed(3)} · 10`, html("sup", {}, String(zeros).replace("-", "−")));
      };
      const share = Math.exp(sum) / all;
      lines.push(
        row([html("i", {}, "e"), html("sup", {}, "sum")], "", "", four(Math.exp(sum))),
        row("all ten digits’", "", "", four(all)),
        row("softmax", "", "", share > 0.9995 ? "over 0.999" : show(share)));
    }
    const heads = [place, "input", maximum ? "passes" : "weight", maximum ? "result" : "product"];
    return html("table", { class: "network-sum" },
      html("thead", {}, html("tr", {}, heads.map((head) => html("th", { scope: "col" }, head)))),
      html("tbody", {}, lines));
  }

  // --- curves --------------------------------------------------------------------------------------

  const WIDE = 300;
  const TALL = 84;

  // Shares over stops; a press says which stop is meant.
  /** @type {NetworkView["curve"]} */
  function curve(label, lines, ends, on) {
    const paths = lines.map((kind) => svg("path", { class: `network-line ${kind}` }));
    const cursor = svg("path", { class: "cursor" });
    const texts = /** @type {[number, number, string][]} */ ([[2, 11, "100 %"], [2, TALL - 3, "0"]])
      .map(([x, y, text]) => svg("text", { x, y, class: "caption" }, text));
    const below = ends.map((text, i) => svg("text", { x: [0, WIDE / 2, WIDE][i], y: TALL + 13,
      class: `network-end network-end-${i}` }, String(text)));
    const drawing = svg("svg", { viewBox: `0 0 ${WIDE} ${TALL + 18}`, class: "network-curve", role: "img",
      "aria-label": label }, svg("path", { class: "grid", d: `M0 1H${WIDE}M0 ${TALL - 1}H${WIDE}` }), paths, cursor, texts, below);
    let stops = 2;
    pressable(drawing, (share) => on(Math.max(0, Math.min(stops - 1, Math.round(share * (stops - 1))))));
    /** @type {NetworkCurve["draw"]} */
    const draw = (series, at) => {
      stops = series[0].length;
      /** @param {number} i */
      const x = (i) => (i * WIDE) / (stops - 1);
      series.forEach((values, which) => paths[which].setAttribute("d",
        `M${Array.from(values, (share, i) => `${x(i).toFixed(1)} ${(1 + (TALL - 2) * (1 - share)).toFixed(1)}`).join("L")}`));
      cursor.setAttribute("d", `M${x(at)} 0V${TALL}`);
    };
    return { drawing, draw };
  }

  window.cnnref.networkView = { INK, POSITIVE, placeOf, paint, framed, maps, pad, bars, sumTable, curve };
})();
