// Series of several seeds, and axes for them: pure functions, which the learning curves draw with.
(() => {
  "use strict";
  const { Refusal } = window.cnnref;
  const { range } = window.cnnref.drawing;

  // Mean, least and most over the seeds, at each place of their series.
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

  function checkInterval(low, high, least) {
    if (!(Number.isFinite(high) && low > least && low < high)) {
      throw new Refusal("interval", `there is no axis from ${low} to ${high}`);
    }
  }

  // Multiples of 1, 2 or 5 times a power of ten in an interval: the closest of which there are at
  // most so many. An end that is one up to rounding is one.
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

  // The same on a logarithmic axis: 1, 2 and 5 times powers of ten, or the powers alone where those
  // are too many; where fewer than two fit, the ticks of a linear axis.
  function logTicks(low, high, most) {
    checkInterval(low, high, 0);
    const powers = range(Math.floor(Math.log10(low)) - 1, Math.ceil(Math.log10(high)));
    const [fine, coarse] = [[1, 2, 5], [1]].map((factors) =>
      powers.flatMap((power) => factors.map((factor) => Number(`${factor}e${power}`)))
        .filter((tick) => tick >= low && tick <= high));
    const found = fine.length > most ? coarse : fine;
    return found.length < 2 ? ticks(low, high, most) : found;
  }

  // A value as a reader is told it: a share in per cent, a loss with three digits.
  function told(value, measure) {
    if (!Number.isFinite(value)) throw new Refusal("value", "a value is no number");
    if (measure !== "loss") return `${(100 * value).toFixed(1)} %`;
    return value >= 100 ? value.toFixed(0) : value.toPrecision(3);
  }

  // Colour, dash and marker of a curve by its number, as the library's figures have them.
  const look = (index) =>
    ({ hue: index % 6, dash: (index + Math.floor(index / 6)) % 4, marker: index % 7 });

  // The interval of an axis with a little room at both ends, its ticks, and where a value stands on
  // it: 0 at the bottom, 1 at the top.
  function axis(least, most, isLog) {
    const [scale, back] = isLog ? [Math.log, Math.exp] : [(value) => value, (value) => value];
    const [from, to] = [scale(least), scale(most)];
    const room = 0.04 * (to - from) || 0.1;
    const [low, high] = [back(from - room), back(to + room)];
    const height = (value) => (scale(value) - from + room) / (to - from + 2 * room);
    return { low, high, height, marks: (isLog ? logTicks : ticks)(low, high, 7) };
  }

  window.cnnref.series = { overSeeds, ticks, logTicks, told, look, axis };
})();
