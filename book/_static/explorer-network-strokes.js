// @ts-check
// A drawing becomes a picture as MNIST's were: scaled until its longer side fills 20 of 28 pixels, and
// moved until the centre of its ink lies in the middle (LeCun et al. 1998, Section III-A). No drawing
// happens here, and the tests replay what Python computed through every function. Strokes are lists of
// points [x, y] on a pad of 100 by 100; a picture has 28 x 28 numbers from 0, paper, to 1, ink.
(() => {
  "use strict";
  const { Refusal } = window.cnnref;
  const { random } = window.cnnref.drawing;
  const PAD = 100;
  const SIDE = 28;
  const BOX = 20;

  // "50,18 36,24; 56,16": points of a stroke between spaces, strokes between semicolons.
  /** @type {Strokes["parse"]} */
  function parse(text) {
    return text.split(";").map((part) => part.trim()).filter(Boolean).map((stroke) =>
      stroke.split(/\s+/).map((point) => {
        const found = /^(\d{1,3}),(\d{1,3})$/.exec(point);
        const [x, y] = found ? found.slice(1).map(Number) : [NaN, NaN];
        if (!(x <= PAD && y <= PAD)) {
          throw new Refusal("strokes", `“${point.slice(0, 12)}” is no point, as 50,18 is, within 0 to ${PAD}`);
        }
        return [x, y];
      }));
  }
  /** @type {Strokes["text"]} */
  const text = (strokes) => strokes.map((stroke) => stroke.map((p) => p.join(",")).join(" ")).join("; ");

  // Turned clockwise by so many degrees, about the middle of the pad.
  /** @type {Strokes["turned"]} */
  function turned(strokes, degrees) {
    const [sine, cosine] = [Math.sin, Math.cos].map((part) => part((degrees * Math.PI) / 180));
    const middle = PAD / 2;
    return strokes.map((stroke) => stroke.map(([x, y]) => [
      middle + cosine * (x - middle) - sine * (y - middle),
      middle + sine * (x - middle) + cosine * (y - middle),
    ]));
  }

  /** @type {(x: number, y: number, a: Point, b: Point) => number} */
  const distance = (x, y, [ax, ay], [bx, by]) => {
    const [dx, dy] = [bx - ax, by - ay];
    const length = dx * dx + dy * dy;
    const along = length ? Math.max(0, Math.min(1, ((x - ax) * dx + (y - ay) * dy) / length)) : 0;
    return Math.hypot(x - ax - along * dx, y - ay - along * dy);
  };

  // Ink by how far a pixel's middle lies from the nearest stroke, fading over one pixel at the rim.
  /** @type {Strokes["raster"]} */
  function raster(strokes, radius) {
    const ink = new Float64Array(SIDE * SIDE);
    const reach = radius + 0.5;
    /** @type {(a: number, b: number) => [number, number]} */
    const pixels = (a, b) => [Math.max(0, Math.floor(Math.min(a, b) - reach - 0.5)),
      Math.min(SIDE - 1, Math.ceil(Math.max(a, b) + reach - 0.5))];
    for (const stroke of strokes) {
      for (let i = 0; i < Math.max(1, stroke.length - 1); i++) {
        const [a, b] = [stroke[i], stroke[i + 1] ?? stroke[i]];
        const [left, right] = pixels(a[0], b[0]);
        const [top, bottom] = pixels(a[1], b[1]);
        for (let r = top; r <= bottom; r++) for (let c = left; c <= right; c++) {
          const dark = Math.min(1, reach - distance(c + 0.5, r + 0.5, a, b));
          if (dark > ink[r * SIDE + c]) ink[r * SIDE + c] = dark;
        }
      }
    }
    return ink;
  }

  /** @type {(ink: Ink) => Point} */
  function centreOfInk(ink) {
    let [x, y, all] = [0, 0, 0];
    ink.forEach((dark, i) => {
      x += dark * ((i % SIDE) + 0.5);
      y += dark * (Math.floor(i / SIDE) + 0.5);
      all += dark;
    });
    return [x / all, y / all];
  }

  // The picture; and the scale and the displacement from the pad, in pixels, to tell them.
  /** @type {Strokes["prepared"]} */
  function prepared(strokes, pen) {
    const points = strokes.flat();
    if (!points.length) return { ink: new Float64Array(SIDE * SIDE), scale: 0, moved: [0, 0] };
    const [low, high] = [Math.min, Math.max].map((pick) =>
      [0, 1].map((axis) => pick(...points.map((point) => point[axis]))));
    const scale = BOX / (Math.max(high[0] - low[0], high[1] - low[1]) + pen);
    const middle = [0, 1].map((axis) => (low[axis] + high[axis]) / 2);
    /** @type {(by: number[]) => Point[][]} */
    const placed = (by) => strokes.map((stroke) => stroke.map(([x, y]) => [
      (x - middle[0]) * scale + SIDE / 2 + by[0], (y - middle[1]) * scale + SIDE / 2 + by[1],
    ]));
    const radius = (pen * scale) / 2;
    const centre = centreOfInk(raster(placed([0, 0]), radius));
    const by = centre.map((at) => SIDE / 2 - at);
    const ink = raster(placed(by), radius);
    return { ink, scale, moved: by.map((b, axis) => b + SIDE / 2 - middle[axis] * scale) };
  }

  // By whole pixels; what leaves is lost, and paper enters.
  /** @type {Strokes["shifted"]} */
  function shifted(ink, right, down) {
    return Float64Array.from(ink, (_, i) => {
      const [r, c] = [Math.floor(i / SIDE) - down, (i % SIDE) - right];
      return r >= 0 && c >= 0 && r < SIDE && c < SIDE ? ink[r * SIDE + c] : 0;
    });
  }

  // So many per cent of each pixel are drawn by lot.
  /** @type {Strokes["noisy"]} */
  function noisy(ink, percent) {
    if (!percent) return ink;
    const lots = random(1);
    return ink.map((dark) => dark + (percent / 100) * (lots.next().value - dark));
  }

  // A square of paper over it.
  /** @type {Strokes["covered"]} */
  function covered(ink, row, column, size) {
    return ink.map((dark, i) => {
      const [r, c] = [Math.floor(i / SIDE) - row, (i % SIDE) - column];
      return r >= 0 && c >= 0 && r < size && c < size ? 0 : dark;
    });
  }

  window.cnnref.strokes = { PAD, SIDE, parse, text, turned, raster, prepared, shifted, noisy, covered };
})();
