// @ts-check
// Series of several seeds, and axes for them: pure functions, which the learning curves draw with.
(() => {
  "use strict";
  const { Refusal } = window.cnnref;
  const { range } = window.cnnref.drawing;

  /** @type {Series["overSeeds"]} */
  function overSeeds(series) {
    if (!series.length) throw new Refusal("seeds", "there is no seed");
    if (!series.every(({ length }) => length === series[0].length)) {
      throw new Refusal("seeds", "the seeds have different numbers of epochs");
    }
    if (!series.flat().every(Number.isFinite)) throw new Refusal("value", "a value is no number");
    return series[0].map((_, at) => {
      const values = series.map((seed) => seed[at]);
      const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
      return { mean, least: Math.min(...values), most: Math.max(...values) };
    });
  }

  /** @param {number} low @param {number} high @param {number} least below which nothing may be */
  function checkInterval(low, high, least) {
    if (!(Number.isFinite(high) && low > least && low < high)) {
      throw new Refusal("interval", `there is no axis from ${low} to ${high}`);
    }
  }

  // The closest ticks of which there are few enough; an end that is one up to rounding is one.
  /** @type {Series["ticks"]} */
  function ticks(low, high, most) {
    checkInterval(low, high, -Infinity);
    const least = Math.floor(Math.log10((high - low) / (most + 1)));
    for (let power = least; ; power += 1) {
      for (const factor of [1, 2, 5]) {
        const step = Number(`${factor}e${power}`);
        const [first, last] = [Math.ceil(low / step - 1e-9), Math.floor(high / step + 1e-9)];
        if (last - first < most) {
          return range(first, last).map((times) => Number((times * step).toPrecision(12)) + 0);
        }
      }
    }
  }

  // 1, 2 and 5 times powers of ten, or the powers alone where those are too many; where fewer than
  // two fit, the ticks of a linear axis.
  /** @type {Series["logTicks"]} */
  function logTicks(low, high, most) {
    checkInterval(low, high, 0);
    const powers = range(Math.floor(Math.log10(low)) - 1, Math.ceil(Math.log10(high)));
    const [fine, coarse] = [[1, 2, 5], [1]].map((factors) =>
      powers.flatMap((power) => factors.map((factor) => Number(`${factor}e${power}`)))
        .filter((tick) => tick >= low && tick <= high));
    const found = fine.length > most ? coarse : fine;
    return found.length < 2 ? ticks(low, high, most) : found;
  }

  /** @type {Series["told"]} */
  function told(value, measure) {
    if (!Number.isFinite(value)) throw new Refusal("value", "a value is no number");
    if (measure !== "loss") return `${(100 * value).toFixed(1)} %`;
    return value >= 100 ? value.toFixed(0) : value.toPrecision(3);
  }

  /** @type {Series["look"]} */
  const look = (index) =>
    ({ hue: index % 6, dash: (index + Math.floor(index / 6)) % 4, marker: index % 7 });

  // There is a little room at both ends.
  /** @type {Series["axis"]} */
  function axis(least, most, isLog) {
    const [scale, back] = isLog ? [Math.log, Math.exp] : [Number, Number];
    const [from, to] = [scale(least), scale(most)];
    const room = 0.04 * (to - from) || 0.1;
    const [low, high] = [back(from - room), back(to + room)];
    /** @type {Axis["height"]} */
    const height = (value) => (scale(value) - from + room) / (to - from + 2 * room);
    return { low, high, height, marks: (isLog ? logTicks : ticks)(low, high, 7) };
  }

  window.cnnref.series = { overSeeds, ticks, logTicks, told, look, axis };
})();
