// @ts-check
// What one takes hold of in a picture: a grip is dragged with a mouse or a finger, or moved by keys.
// Its value is a whole number, and it is a slider to a screen reader.
(() => {
  "use strict";
  const { html, svg, inTask } = window.cnnref.drawing;

  /** @type {Hold["grip"]} */
  function grip({ along = "x", ...spec }, ...shapes) {
    const said = spec.quiet ? { "aria-hidden": "true" } : {
      role: "slider", tabindex: 0, "aria-label": spec.label, "aria-orientation": along === "x" ? "horizontal" : "vertical",
      "aria-valuemin": spec.min, "aria-valuemax": spec.max, "aria-valuenow": spec.value, "aria-valuetext": spec.text,
    };
    const kind = spec.at && !spec.follows ? "grip-row" : `grip grip-${spec.at ? "xy" : along}`;
    const attributes = { class: `${kind} ${spec.kind ?? ""}`, "data-grip": spec.name, ...said };
    const node = spec.html ? html(spec.html, attributes, ...shapes) : svg("g", attributes, ...shapes);
    return Object.assign(node, { grip: { along, ...spec } });
  }

  /** @type {Hold["bar"]} */
  const bar = (x, y, length, along = "x", around = 16) => {
    /** @param {number} half */
    const shape = (half) => (along === "x" ? { x: x - half, y, width: 2 * half, height: length }
      : { x, y: y - half, width: length, height: 2 * half });
    return [svg("rect", { class: "room", ...shape(around) }), svg("rect", { class: "bar", ...shape(4), rx: 4 })];
  };

  /** @type {Hold["pressable"]} */
  function pressable(node, told) {
    const follow = inTask(told);
    /** @param {PointerEvent} event */
    const tell = (event) => {
      if (event.type === "pointermove" && !event.buttons) return;
      if (event.type === "pointerdown") {
        event.preventDefault(); // no selecting of text
        focus(node);
      }
      const { left, top, width, height } = node.getBoundingClientRect();
      (event.type === "pointermove" ? follow : told)((event.clientX - left) / width, (event.clientY - top) / height);
    };
    for (const name of /** @type {const} */ (["pointerdown", "pointermove"])) {
      node.addEventListener(name, /** @type {EventListener} */ (tell));
    }
  }

  /** @type {Hold["moveGrip"]} */
  function moveGrip(node, value, text, max = node.grip.max) {
    Object.assign(node.grip, { value, max });
    if (node.grip.quiet) return;
    node.setAttribute("aria-valuenow", String(value));
    node.setAttribute("aria-valuemax", String(max));
    if (text) node.setAttribute("aria-valuetext", text);
  }

  // The grip that a node belongs to, and the drawing that a grip belongs to.
  /** @type {(node: unknown) => Grip | null} */
  const gripOf = (node) => (node instanceof Element ? node.closest("[data-grip]") : null);
  /** @type {(node: Element) => SVGSVGElement | null} */
  const drawingOf = (node) => (node instanceof SVGElement ? node.ownerSVGElement : null);
  /** @type {(node: Element, event: MouseEvent) => DOMPoint} */
  const inDrawing = (node, { clientX, clientY }) =>
    new DOMPoint(clientX, clientY).matrixTransform(drawingOf(node)?.getScreenCTM()?.inverse());

  const blur = () => {
    const { activeElement } = document;
    if (activeElement instanceof HTMLElement || activeElement instanceof SVGElement) activeElement.blur();
  };
  /** @type {(node: Element | null) => void} */
  function focus(node) {
    if (node instanceof HTMLElement || node instanceof SVGElement) node.focus({ preventScroll: true });
  }

  /** @type {(grip: GripSpec, value: number) => void} */
  function set(grip, value) {
    const wanted = Math.max(grip.min, Math.min(grip.max, value));
    if (wanted !== grip.value) grip.change(wanted);
  }

  // The stage has the pointer, because the grip itself is drawn anew.
  /** @type {Hold["holdable"]} */
  function holdable(stage, told) {
    /** @type {{ name: string, value: number, along: "clientX" | "clientY", from: PointerEvent, per: number, moved: boolean } | undefined} */
    let held;
    /** @type {number | undefined} where it was dragged to */
    let wanted;
    /** @type {number | undefined} */
    let task;
    /** @type {(name: string) => Grip | null} */
    const now = (name) => stage.querySelector(`[data-grip="${name}"]`);
    // Not in the frame that tells of the move: what is to be computed and what is to be painted are two
    // tasks then, each shorter than 50 ms where both together took 55 to 70, on a slow phone.
    const follow = () => {
      clearTimeout(task);
      task = undefined;
      const node = held && wanted !== undefined && now(held.name);
      if (node) set(node.grip, Number(wanted));
      wanted = undefined;
    };
    stage.addEventListener("pointerdown", (event) => {
      const node = gripOf(event.target);
      if (!node || event.button || (node.grip.at && !node.grip.follows)) return;
      event.preventDefault(); // no selecting of text
      stage.setPointerCapture(event.pointerId);
      const { name, per = 1, value } = node.grip;
      const scale = drawingOf(node)?.getScreenCTM()?.a ?? 1;
      const step = typeof per === "function" ? per(node) : per;
      const along = node.grip.along === "y" ? "clientY" : "clientX";
      held = { name, along, value, from: event, per: step * scale, moved: false };
      stage.classList.add("held");
      told(true);
      // The focus comes when it is let go: to draw anew what has it would lay out the page each time.
      if (stage.contains(document.activeElement)) blur();
    });
    // A finger on a grip does not scroll; browsers do not follow `touch-action` inside of drawings.
    stage.addEventListener("touchstart", (event) => {
      if (held) event.preventDefault();
    }, { passive: false });
    stage.addEventListener("pointermove", (event) => {
      const node = held && now(held.name);
      if (!held || !node) return;
      const { at, follows } = node.grip;
      const { from, along, per } = held;
      // A finger that presses is never quite still.
      if (follows && !held.moved && Math.hypot(event.clientX - from.clientX, event.clientY - from.clientY) < 4) return;
      const value = follows && at ? at(inDrawing(node, event))
        : held.value + Math.round((event[along] - from[along]) / per);
      if (value === undefined) return;
      if (value !== held.value) held.moved = true;
      wanted = value;
      task ??= setTimeout(follow);
    });
    /** @type {(event: Event) => void} */
    const letGo = (event) => {
      if (!held) return;
      follow();
      const { name, moved } = held;
      held = undefined;
      stage.classList.remove("held");
      told(false);
      const node = now(name);
      if (node && !node.grip.quiet) focus(node);
      if (event.type === "pointerup" && !moved && node) {
        node.grip.press?.(inDrawing(node, /** @type {PointerEvent} */ (event)));
      }
    };
    for (const name of ["pointerup", "pointercancel", "lostpointercapture"]) {
      stage.addEventListener(name, letGo);
    }
    stage.addEventListener("click", (event) => {
      const node = gripOf(event.target);
      if (!node?.grip.at || node.grip.press) return;
      const { at, min, max, change } = node.grip;
      const value = at(inDrawing(node, event));
      if (value !== undefined) change(Math.max(min, Math.min(max, value)));
    });
    stage.addEventListener("keydown", (event) => {
      const grip = gripOf(event.target)?.grip;
      if (!grip || event.altKey || event.ctrlKey || event.metaKey) return;
      const { min, max, value, press, columns = -1 } = grip;
      if (press && (event.key === "Enter" || event.key === " ")) {
        event.preventDefault();
        press();
        return;
      }
      const wanted = {
        ArrowRight: value + 1, ArrowUp: value - columns, ArrowLeft: value - 1, ArrowDown: value + columns,
        PageUp: value + 3, PageDown: value - 3, Home: min, End: max,
      }[event.key];
      if (wanted === undefined) return;
      event.preventDefault();
      set(grip, wanted);
    });
  }

  /** @type {Hold["keepingFocus"]} */
  function keepingFocus(stage, draw) {
    const active = gripOf(document.activeElement);
    const name = active && stage.contains(active) && active.grip.name;
    draw();
    if (name && !stage.contains(document.activeElement)) focus(stage.querySelector(`[data-grip="${name}"]`));
  }

  // While it is held, the drawing stays where it is, or it would run away from the pointer.
  /** @type {WeakMap<Parts, { key: string, frame: any }>} */
  const frames = new WeakMap();
  /** @type {Hold["frameOf"]} */
  function frameOf(parts, key, wanted) {
    const last = frames.get(parts);
    if (parts.held && last?.key === key) return last.frame;
    frames.set(parts, { key, frame: wanted });
    return wanted;
  }

  window.cnnref.hold = { grip, bar, pressable, moveGrip, holdable, keepingFocus, frameOf };
})();
