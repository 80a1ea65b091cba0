// What one takes hold of in a picture: a grip is dragged with a mouse or a finger, or moved by keys.
// Its value is a whole number, and it is a slider to a screen reader.
(() => {
  "use strict";
  const { html, svg } = window.cnnref.drawing;

  /**
   * A part of a picture to take hold of. It is drawn anew whenever its value has changed; what is held
   * is known by its name.
   * @param {object} grip
   * @param {string} grip.name among the grips of one picture
   * @param {string} grip.label what it sets, for those who do not see it
   * @param {number} grip.value
   * @param {number} grip.min
   * @param {number} grip.max
   * @param {string} [grip.text] the value in words
   * @param {"x" | "y"} [grip.along] the direction in which it is dragged
   * @param {number | ((node: Element) => number)} [grip.per] by how much one drags it for 1, in units
   *   of the drawing (of an HTML element, in pixels); negative where it grows to the left or upwards
   * @param {string} [grip.html] the element that it is, where it is none of a drawing
   * @param {(point: { x: number, y: number }) => number | undefined} [grip.at] instead of `per`: the
   *   value of a place that is pressed, for a row of parts
   * @param {boolean} [grip.follows] it is dragged to a place rather than pressed there
   * @param {() => void} [grip.press] what a press without a move does, or the key Enter
   * @param {boolean} [grip.quiet] it is no stop for the keyboard, because another control does the same
   * @param {(value: number) => void} grip.change
   * @param {...Element} shapes how it looks
   */
  function grip({ along = "x", ...spec }, ...shapes) {
    const said = spec.quiet ? { "aria-hidden": "true" } : {
      role: "slider", tabindex: 0, "aria-label": spec.label, "aria-orientation": along === "x" ? "horizontal" : "vertical",
      "aria-valuemin": spec.min, "aria-valuemax": spec.max, "aria-valuenow": spec.value, "aria-valuetext": spec.text,
    };
    const make = spec.html ? html : svg;
    const kind = spec.at && !spec.follows ? "grip-row" : `grip grip-${spec.at ? "xy" : along}`;
    const node = make(spec.html ?? "g", { class: `${kind} ${spec.kind ?? ""}`, "data-grip": spec.name, ...said }, ...shapes);
    node.grip = { along, ...spec };
    return node;
  }

  // The value of a grip whose picture has not been drawn anew.
  function moveGrip(node, value, text) {
    node.grip.value = value;
    node.setAttribute("aria-valuenow", value);
    if (text) node.setAttribute("aria-valuetext", text);
  }

  const gripOf = (node) => node?.closest?.("[data-grip]");
  const inDrawing = (drawing, { clientX, clientY }) =>
    new DOMPoint(clientX, clientY).matrixTransform(drawing.getScreenCTM().inverse());

  function set(grip, value) {
    const wanted = Math.max(grip.min, Math.min(grip.max, value));
    if (wanted !== grip.value) grip.change(wanted);
  }

  // The stage has the pointer, because the grip itself is drawn anew.
  function holdable(stage, told) {
    let held;
    const now = (name) => stage.querySelector(`[data-grip="${name}"]`);
    stage.addEventListener("pointerdown", (event) => {
      const node = gripOf(event.target);
      if (!node || event.button || (node.grip.at && !node.grip.follows)) return;
      event.preventDefault(); // no selecting of text
      stage.setPointerCapture(event.pointerId);
      const { name, along, per, value } = node.grip;
      const scale = node.ownerSVGElement?.getScreenCTM().a ?? 1;
      const step = typeof per === "function" ? per(node) : per;
      held = { name, along, value, start: event, per: step * scale };
      stage.classList.add("held");
      told(true);
      if (!node.grip.quiet) node.focus({ preventScroll: true });
    });
    // A finger on a grip does not scroll; browsers do not follow `touch-action` inside of drawings.
    stage.addEventListener("touchstart", (event) => {
      if (held) event.preventDefault();
    }, { passive: false });
    stage.addEventListener("pointermove", (event) => {
      if (!held) return;
      const node = now(held.name);
      if (!node) return;
      const along = held.along === "x" ? "clientX" : "clientY";
      const value = node.grip.follows ? node.grip.at(inDrawing(node.ownerSVGElement, event))
        : held.value + Math.round((event[along] - held.start[along]) / held.per);
      if (value !== held.value) held.moved = true;
      set(node.grip, value);
    });
    const letGo = ({ type }) => {
      if (!held) return;
      const { name, moved } = held;
      held = undefined;
      stage.classList.remove("held");
      told(false);
      if (type === "pointerup" && !moved) now(name)?.grip.press?.();
    };
    for (const name of ["pointerup", "pointercancel", "lostpointercapture"]) stage.addEventListener(name, letGo);
    stage.addEventListener("click", (event) => {
      const { grip } = gripOf(event.target) ?? {};
      const value = grip?.at?.(inDrawing(event.target.ownerSVGElement, event));
      if (value !== undefined) grip.change(Math.max(grip.min, Math.min(grip.max, value)));
    });
    stage.addEventListener("keydown", (event) => {
      const { grip } = gripOf(event.target) ?? {};
      if (!grip || event.altKey || event.ctrlKey || event.metaKey) return;
      const { min, max, value, press } = grip;
      if (press && (event.key === "Enter" || event.key === " ")) {
        event.preventDefault();
        press();
        return;
      }
      const wanted = {
        ArrowRight: value + 1, ArrowUp: value + 1, ArrowLeft: value - 1, ArrowDown: value - 1,
        PageUp: value + 3, PageDown: value - 3, Home: min, End: max,
      }[event.key];
      if (wanted === undefined) return;
      event.preventDefault();
      set(grip, wanted);
    });
  }

  // Run what draws a picture anew; the grip that had the focus has it again.
  function keepingFocus(stage, draw) {
    const name = stage.contains(document.activeElement) && gripOf(document.activeElement)?.dataset.grip;
    draw();
    if (name) stage.querySelector(`[data-grip="${name}"]`)?.focus({ preventScroll: true });
  }

  window.cnnref.hold = { grip, moveGrip, holdable, keepingFocus };
})();
