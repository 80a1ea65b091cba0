// @ts-check
// What the pictures of a convolution along one axis and along two share: what one takes hold of, and
// whom an entry that is pressed feeds.
(() => {
  "use strict";
  /** @type {Convolution} */
  const { ends, readers } = window.cnnref.convolution;
  const { grip, moveGrip } = window.cnnref.hold;
  const { CELL, html, svg, subscript, list, from1 } = window.cnnref.drawing;
  const LIMITS = { k: [1, 7], d: [1, 3], l: [0, 18], r: [0, 18] };

  // --- what one takes hold of ----------------------------------------------------------------------

  /** @type {(setting: AxisSetting, name: "k" | "d" | "l" | "r") => string} */
  const inWords = (setting, name) => {
    if (name === "k") return `${setting.k} wide`;
    return name === "d" ? `taps ${setting.d} apart` : `${setting[name]} of padding`;
  };

  /** @type {ConvolutionParts["gripOf"]} */
  function gripOf(parts, { isTransposed }, { setting, suffix }, name, label, grows, along, ...shapes) {
    const [min, max] = ends(setting, name, LIMITS[name], isTransposed);
    return grip({
      name: name + suffix, label, value: setting[name], min, max, text: inWords(setting, name), along,
      per: grows * CELL, change: (value) => parts.choose({ [name + suffix]: value }),
    }, ...shapes);
  }

  // A dot at the second tap pulls the taps apart.
  /** @type {ConvolutionParts["spread"]} */
  const spread = (parts, model, axis, label, cx, cy, along = "x") => (axis.window.kernel < 2 ? []
    : [gripOf(parts, model, axis, "d", label, 1, along, svg("circle", { class: "room", cx, cy, r: 16 }),
      svg("circle", { class: "bar", cx, cy, r: 6 }))]);

  // --- what is drawn ---------------------------------------------------------------------------------

  /** @type {ConvolutionParts["hint"]} */
  const hint = (isTransposed, axes) => html("p", { class: "explorer-caption explorer-hint" },
    axes > 1 ? "Drag the frame, its edge to widen it, a dot to dilate, the border to " : "Drag the kernel along, its edge to " +
      "widen it, the dot to spread its taps, the border to ", isTransposed ? "cut" : "pad", "; press a number.");

  /** @type {ConvolutionParts["kindOf"]} */
  const kindOf = ({ counts, isTransposed }, inside, visits) => (inside
    ? `entry ${visits ? "" : "idle"} ${counts ? "counted" : ""}` : isTransposed ? "cut" : "padding");

  // --- what is pressed -------------------------------------------------------------------------------

  /** @type {ConvolutionParts["inRows"]} */
  const inRows = (noun, [rows, columns]) => `${noun} row${rows.length > 1 ? "s" : ""} ${from1(rows)}, ` +
    `column${columns.length > 1 ? "s" : ""} ${from1(columns)}`;

  // Who looks at a place, in words.
  /** @type {ConvolutionParts["feedsInWords"]} */
  function feedsInWords({ isTransposed, axes }, place) {
    const found = axes.map((axis, i) => readers(axis, place[i]));
    const name = place.map((p) => p + 1).join(", ");
    const [of, verb, to, none] = isTransposed ? ["Output", "is fed by", "input", ""]
      : ["Input", "feeds", "output", ": it counts for nothing"];
    const begun = `${of} ${axes.length > 1 ? `(${name})` : name} ${verb}`;
    if (found.some(({ length }) => !length)) return `${begun} no ${to}${none}.`;
    if (axes.length > 1) return `${begun} ${inRows(to, found.map((all) => all.map(({ window }) => window)))}.`;
    const each = found[0].map(({ window, tap }) => `${window + 1} by w${subscript(tap + 1)}`);
    return `${begun} ${to}${each.length > 1 ? "s" : ""} ${list(each)}.`;
  }

  /** @type {ConvolutionParts["feed"]} */
  function feed(parts, model, row, at, place) {
    const { axes } = model;
    const told = feedsInWords(model, place);
    const [down, across] = axes.map((axis, i) => readers(axis, place[i]).map(({ window }) => window));
    const found = across ? down.flatMap((r) => across.map((c) => r * axes[1].short + c)) : down;
    moveGrip(row, at, told);
    model.see({ windows: found, keys: [across ? place.join() : at] });
    parts.stage.classList.add("asked");
    parts.preview(told, "polite");
    return found;
  }

  /** @type {ConvolutionParts} */
  window.cnnref.convolutionParts = { hint, kindOf, gripOf, spread, inRows, feedsInWords, feed };
})();
