// @ts-check
// What the explorer of a network has on show: the drawing's picture, and every layer at every moment of
// training, each computed when it is first asked for.
(() => {
  "use strict";
  const { strokes: pictures, network } = window.cnnref;
  const { unitOf, wordsOf, silencedOf } = window.cnnref.networkUnits;
  const { show, whole } = window.cnnref.drawing;
  /** @param {number} share from 0 to 1 */
  const percent = (share) =>
    (share < 1 && share >= 0.9995 ? "over 99.9\u00a0%" : `${(100 * share).toFixed(1)}\u00a0%`);

  /** @type {Network | undefined} */
  let net;
  /** @type {NetworkState["netOf"]} */
  const netOf = () => (net ??= network.unpack(window.cnnref.networkWeights));

  // The drawing, turned and prepared; the noise; and last the shift, for which the curve starts over.
  /** @type {NetworkState["pictureOf"]} */
  function pictureOf({ strokes, turn, pen, noise, x }) {
    const prepared = pictures.prepared(pictures.turned(strokes, turn), pen);
    const still = pictures.noisy(prepared.ink, noise);
    return { prepared, still, ink: pictures.shifted(still, x, 0) };
  }

  // Whoever looks from unit to unit leaves the drawing as it is: its layers are kept.
  /** @type {{ key: string, picture: NetworkPicture, seen: Seen[] } | undefined} */
  let last;
  /** @type {NetworkState["model"]} */
  function model(values, shows) {
    const { layers, moments } = netOf();
    const silenced = silencedOf(values.silent, layers);
    const chosen = values.unit.trim() ? unitOf(values.unit, layers) : undefined;
    const { strokes, turn, pen, noise, x } = values;
    const key = JSON.stringify([strokes, turn, pen, noise, x, silenced]);
    if (last?.key !== key) last = { key, picture: pictureOf(values), seen: [] };
    const { picture, seen } = last;
    // The unit as it was typed makes way for what tells it.
    const made = /** @type {NetworkModel} */ (/** @type {unknown} */ ({ ...values, ...picture,
      shows, layers, moments, silenced, chosen, steps: moments.length, stop: "Training", seen }));
    made.at = (moment) => (seen[moment] ??=
      network.forward(netOf(), moments[moment], made.ink, silenced));
    made.unit = (moment) => chosen ??
      { name: "fc6", index: bestOf(made.at(moment).chances) };
    return made;
  }
  /** @type {NetworkState["bestOf"]} */
  const bestOf = (chances) => chances.indexOf(Math.max(...chances));
  /** @type {NetworkState["answerOf"]} */
  const answerOf = ({ chances }) => `It reads ${bestOf(chances)}: ${percent(Math.max(...chances))}`;

  /** @type {NetworkState["words"]} */
  function words({ moments, at, layers, unit, strokes, silenced }, moment) {
    const { step, accuracy } = moments[moment];
    const when = step ? `After ${whole(step)} steps` : "Before the first step";
    const well = `${percent(accuracy)} of the test digits right`;
    if (!strokes.length) return `${when} of training, ${well}. Draw a digit on the pad.`;
    const { chances, values } = at(moment);
    const best = bestOf(chances);
    const { name, index } = unit(moment);
    const without = silenced.length ? ` Silenced: ${silenced.join(", ")}.` : "";
    return `It reads ${best}, with ${percent(chances[best])}. ${when} of training, ${well}. ` +
      `You look at ${wordsOf(layers[name], index)}: ${show(values[name][index])}.${without}`;
  }

  window.cnnref.networkState = { netOf, pictureOf, bestOf, answerOf, model, words };
})();
