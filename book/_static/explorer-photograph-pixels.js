// @ts-check
// What kernels make of pixels, and numbers as pixels: for the explorers on a photograph.
/** A tap: its place, and the number there. @typedef {{ row: number, column: number, inside: boolean, value: number }} PixelTap */
/**
 * @typedef {{
 *   filtered(planes: number[][], kernels: number[][], view: SlidingWindow): number[],
 *   read(plane: number[], view: SlidingWindow, r: number, c: number): PixelTap[],
 *   turned(kernel: number[]): number[],
 *   bytes(coded: string): number[],
 *   resized(kernel: number[], size: number): number[],
 *   shade(values: number[], low: number, high: number): number[][],
 *   square(label: string): { drawing: SVGSVGElement, image: SVGImageElement },
 *   paint(picture: { drawing: SVGSVGElement, image: SVGImageElement }, shades: number[][]): void,
 *   PRESETS: Record<string, number[]>,
 * }} Photograph
 */
(() => {
  "use strict";
  const { windows } = window.cnnref;
  const { html, svg, range } = window.cnnref.drawing;

  /** @type {Photograph} */
  window.cnnref.photograph = {
    // A plane is a square of numbers, row by row; a kernel has its taps row by row. The outputs of all
    // planes, each with its own kernel, are added, as a layer adds over its channels.
    filtered(planes, kernels, view) {
      const n = Math.round(Math.sqrt(planes[0].length));
      const size = windows.outputSize(n, view);
      const out = new Array(size * size).fill(0);
      planes.forEach((plane, channel) => {
        for (let i = 0; i < view.kernel; i++) for (let j = 0; j < view.kernel; j++) {
          const weight = kernels[channel][i * view.kernel + j];
          if (!weight) continue;
          for (let r = 0; r < size; r++) {
            const row = r * view.stride - view.left + i * view.dilation;
            if (row < 0 || row >= n) continue;
            for (let c = 0; c < size; c++) {
              const column = c * view.stride - view.left + j * view.dilation;
              if (column >= 0 && column < n) out[r * size + c] += weight * plane[row * n + column];
            }
          }
        }
      });
      return out;
    },

    // What the window of one output reads: row, column, and the number there; zero in the padding.
    read(plane, view, r, c) {
      const n = Math.round(Math.sqrt(plane.length));
      return windows.taps(r, view).flatMap((row) => windows.taps(c, view).map((column) => {
        const inside = row >= 0 && row < n && column >= 0 && column < n;
        return { row, column, inside, value: inside ? plane[row * n + column] : 0 };
      }));
    },

    turned: (kernel) => [...kernel].reverse(),

    // A kernel in the middle of a larger or smaller one.
    resized(kernel, size) {
      const was = Math.round(Math.sqrt(kernel.length));
      const by = (was - size) / 2;
      return range(0, size * size - 1).map((tap) => {
        const [i, j] = [Math.floor(tap / size) + by, (tap % size) + by];
        return i >= 0 && j >= 0 && i < was && j < was ? kernel[i * was + j] : 0;
      });
    },

    PRESETS: {
      vertical: [-1, 0, 1, -2, 0, 2, -1, 0, 1], horizontal: [-1, -2, -1, 0, 0, 0, 1, 2, 1],
      blur: Array(9).fill(0.11), sharpen: [0, -1, 0, -1, 5, -1, 0, -1, 0],
      outline: [-1, -1, -1, -1, 8, -1, -1, -1, -1], emboss: [-2, -1, 0, -1, 1, 1, 0, 1, 2],
      identity: [0, 0, 0, 0, 1, 0, 0, 0, 0], shift: [0, 0, 0, 0, 0, 1, 0, 0, 0],
    },

    bytes: (coded) => Array.from(atob(coded), (letter) => letter.charCodeAt(0)),

    // Grey where nothing is negative; else orange below zero and purple above, white at zero.
    shade(values, low, high) {
      const largest = Math.max(high, -low) || 1; // what is beyond is drawn as the largest
      return values.map((value) => {
        if (low >= 0) return Array(3).fill(Math.round((255 * value) / largest));
        const part = Math.min(Math.abs(value) / largest, 1);
        const ink = value < 0 ? [179, 88, 6] : [84, 39, 136];
        return ink.map((level) => Math.round(255 + (level - 255) * part));
      });
    },

    square(label) {
      const image = svg("image");
      return { image, drawing: svg("svg", { class: "photograph", role: "img", "aria-label": label }, image) };
    },

    paint({ drawing, image }, shades) {
      const side = Math.round(Math.sqrt(shades.length));
      const canvas = html("canvas", { width: side, height: side });
      const context = canvas.getContext("2d");
      if (!context) return;
      const pixels = context.createImageData(side, side);
      shades.forEach((colour, i) => pixels.data.set([...colour, 255], 4 * i));
      context.putImageData(pixels, 0, 0);
      image.setAttribute("href", canvas.toDataURL());
      for (const name of ["width", "height"]) image.setAttribute(name, String(side));
      drawing.setAttribute("viewBox", `0 0 ${side} ${side}`);
    },
  };
})();
