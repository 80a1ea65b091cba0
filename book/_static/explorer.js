// @ts-check
// What all explorers share: controls with labels, whose mistakes are told in words beside them; a
// player that steps, scrubs and runs; words for those who do not see the picture; and the setting in
// the address, to be shared. What a kind of explorer gives is said in explorer-page.js. A plain
// script, because browsers refuse modules to pages on a disk.
(() => {
  "use strict";
  const { Refusal } = window.cnnref;
  const { html } = window.cnnref.drawing;
  const { Control } = window.cnnref.controls;
  const { Player, Tour } = window.cnnref.player;
  const { holdable, keepingFocus } = window.cnnref.hold;

  // --- one explorer on a page ----------------------------------------------------------------------

  class Explorer {
    /**
     * @param {HTMLElement} root @param {Definition<any, any, any>} definition @param {Setting} preset
     * @param {{ data: unknown, tour: TourStep[] }} given
     */
    constructor(root, definition, preset, { data, tour }) {
      const { first = 1, groups } = definition;
      this.root = root;
      this.id = root.id;
      this.definition = definition;
      this.first = first;
      this.preset = preset;
      this.data = data;
      /** @type {Model} what is drawn; the last one that could be, while a control is mistaken */
      this.model = { steps: 1, stop: "" };
      /** @type {number | undefined} of the stage, where the picture depends on it */
      this.width = undefined;
      /** @type {Record<string, unknown> | undefined} what the controls hold, unless one is mistaken */
      this.values = undefined;
      /** @type {Record<string, ControlBox>} */
      this.controls = {};
      /** @param {ControlSpec} spec */
      const control = (spec) => {
        const made = new Control(`${this.id}-${spec.name}`, spec, () => {
          this.player.stop();
          this.set({}, spec.name);
        });
        this.controls[spec.name] = made;
        this.preset[spec.name] ??= this.preset[spec.like ?? ""] ?? spec.start;
        return made.box;
      };
      /** @param {Action<any>} action */
      const action = ({ label, act }) => html("button", { type: "button", onclick: () => {
        this.player.stop();
        if (this.values) this.set(act(this.values));
      } }, label);
      this.groups = groups.map(({ name, legend, controls, actions = [], front = false }) => {
        const title = html("legend");
        return { name, legend, title, front, box: html("fieldset", {}, title, controls.map(control),
          actions.length ? html("div", { class: "explorer-actions" }, actions.map(action)) : []) };
      });
      this.player = new Player(this.id, (at) => this.step(at));
      this.link = html("a", { href: `#${this.id}` }, "Link to this setting");
      this.said = html("span", { role: "status" });
      this.longest = html("span", { "aria-hidden": "true" });
      const reset = () => { this.player.stop(); this.open(this.tour?.steps[0].query); };
      if (tour.length) this.tour = new Tour(tour, (i) => { this.player.stop(); this.open(tour[i].query); });
      /** @type {Parts} */
      this.parts = {
        formula: html("div", { class: "explorer-formula" }),
        stage: html("div", { class: "explorer-stage" }),
        below: html("div"),
        choose: (texts, at) => {
          this.player.stop();
          const [name, ...others] = Object.keys(texts);
          this.set(texts, others.length ? undefined : name, at);
        },
        preview: (words, live = "off") => {
          if (words) this.say(words, live);
          else if (this.values) this.step(this.player.at);
        },
        go: (at) => { this.player.stop(); this.player.go(at); },
        held: false,
      };
      this.drawnHeld = false;
      // While a grip is held, the box keeps its height, or all that follows would be laid out at each
      // move; and what was drawn meanwhile is drawn once more, in its own frame and its own time.
      holdable(this.parts.stage, (held) => {
        this.parts.held = held;
        this.root.style.height = held ? `${this.root.offsetHeight}px` : "";
        if (held) this.drawnHeld = false;
        else if (!this.drawnHeld) this.parts.seen = undefined;
        else setTimeout(() => { if (this.values && !this.parts.held) this.update(); });
      });
      const [shown, below, others] = [true, "below", false].map((front) =>
        this.groups.filter((group) => group.front === front).map(({ box }) => box));
      const settings = html("div", { class: "explorer-controls" }, others);
      // An unseen copy of the longest words keeps what follows in its place while it plays.
      const words = html("p", { class: "explorer-words" }, this.longest, this.said);
      this.line = html("span", { class: "explorer-line" });
      this.fold = html("details", {},
        html("summary", {}, others.length ? "Settings" : "Formula", this.line),
        settings, this.parts.formula, this.parts.below);
      this.body = [
        this.tour?.box ?? [], shown, this.parts.stage, words, this.player.box, below, this.fold,
        html("p", { class: "explorer-foot" }, this.link,
          html("button", { type: "button", onclick: reset }, "Start again")),
      ].flat();
    }

    begin() {
      const { definition, root } = this;
      this.open(this.tour?.steps[0].query);
      // Only what works takes the place of the figure that stands there for want of a script.
      /** @type {HTMLElement} */ (root.querySelector(".explorer-fallback")).hidden = true;
      root.append(...this.body);
      // A picture wider than its box scrolls; only then is the box a stop for the keyboard.
      new ResizeObserver(() => {
        const { stage } = this.parts;
        if (stage.scrollWidth > stage.clientWidth) stage.tabIndex = 0;
        else stage.removeAttribute("tabindex");
        if (definition.fluid && this.width !== stage.clientWidth) {
          this.width = stage.clientWidth;
          definition.draw(this.parts, this.model, this.values);
          definition.step(this.parts, this.model, this.player.at);
        }
      }).observe(this.parts.stage);
      this.follow();
      window.addEventListener("hashchange", () => this.follow());
    }

    // Take the setting from the address, if it speaks of this explorer.
    follow() {
      const [id, query] = location.hash.slice(1).split("?");
      if (id !== this.id || !query) return;
      this.open(query);
      this.root.scrollIntoView({ behavior: "instant" });
    }

    // Start from the preset, with what a query sets. If that is one control, the others follow it as
    // they would a reader who set it.
    open(query = "") {
      const given = Object.fromEntries(new URLSearchParams(query));
      const setting = { ...this.preset, ...given };
      const names = Object.keys(given).filter((name) => name in this.controls);
      // Where the setting names no stop, the explorer may choose one; a wrong one is the first.
      const at = setting.at === undefined ? undefined : Number(setting.at) - this.first || 0;
      this.player.at = 0;
      this.set(setting, names.length === 1 ? names[0] : undefined, at);
      this.tour?.mark(this.tour.find(query));
    }

    /**
     * Set controls, have others follow the one that was changed, and go to a stop.
     * @param {Setting} texts @param {string} [changed] @param {number} [at]
     */
    set(texts, changed, at) {
      this.tour?.mark(-1);
      this.write(texts);
      const adapted = this.definition.adapt?.(this.texts(), changed) ?? {};
      this.write(adapted);
      this.player.at = at ?? adapted.at ?? this.player.at;
      this.update();
    }

    /** @param {Setting} texts */
    write(texts) {
      for (const [name, text] of Object.entries(texts)) {
        if (this.controls[name] && text !== undefined) this.controls[name].text = text;
      }
    }

    /** @returns {Texts} */
    texts() {
      return Object.fromEntries(Object.entries(this.controls).map(([name, c]) => [name, c.text]));
    }

    // Read every control, then draw; the first mistake is told, and the old picture turns pale.
    update() {
      const raw = this.texts();
      const hidden = new Set(this.definition.hidden(raw, this.data));
      for (const { name, box, legend, title } of this.groups) {
        box.hidden = hidden.has(name);
        title.textContent = typeof legend === "function" ? legend(raw) : legend;
      }
      /** @type {Record<string, unknown>} */
      const held = {};
      this.values = held;
      /** @type {string | undefined} */
      let mistaken;
      /** @param {ControlBox} control @param {string} message */
      const blame = (control, message) => {
        control.blame(message);
        if (this.fold.contains(control.box)) this.fold.open = true;
        mistaken ??= `${control.spec.label}${message.startsWith("must") ? "" : ":"} ${message}.`;
      };
      for (const [name, control] of Object.entries(this.controls)) {
        control.blame("");
        control.box.hidden = hidden.has(name);
        if (control.box.closest("[hidden]")) continue;
        this.attempt(() => { held[name] = control.read(); }, () => control, blame);
      }
      if (!mistaken) {
        this.attempt(() => { this.model = this.definition.model(this.values, this.data); },
          ({ field }) => this.controls[this.definition.blame[field] ?? field], blame);
      }
      this.root.classList.toggle("explorer-stale", Boolean(mistaken));
      const { formula, stage, below } = this.parts;
      for (const part of [this.player.box, formula, stage, below]) part.inert = Boolean(mistaken);
      if (mistaken) {
        this.values = undefined;
        this.said.textContent = mistaken;
        return;
      }
      this.line.textContent = this.definition.line?.(this.model) ?? "";
      if (!this.parts.held) this.longest.textContent = this.longestWords();
      this.player.steps = this.model.steps;
      this.drawnHeld = this.parts.held;
      keepingFocus(this.parts.stage, () => {
        this.definition.draw(this.parts, this.model, this.values);
        this.player.go(this.player.at);
      });
    }

    // Of many stops a sample will do.
    longestWords() {
      const { longest, words } = this.definition;
      if (longest) return longest(this.model);
      const every = Math.ceil(this.model.steps / 50);
      return Array.from({ length: Math.ceil(this.model.steps / every) }, (_, i) => words(this.model, i * every))
        .reduce((most, told) => (told.length > most.length ? told : most));
    }

    /**
     * @param {() => void} act @param {(refusal: Refusal) => ControlBox} control the one to correct
     * @param {(control: ControlBox, message: string) => void} blame
     */
    attempt(act, control, blame) {
      try {
        act();
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
        blame(control(error), error.message);
      }
    }

    /** @param {string} words @param {string} live as of a live region */
    say(words, live) {
      this.said.setAttribute("aria-live", live);
      this.said.textContent = words;
    }

    /** @param {number} at */
    step(at) {
      const words = this.definition.words(this.model, at);
      const { stop, steps } = this.model;
      const place = `${stop} ${at + this.first} of ${steps - 1 + this.first}`;
      this.definition.step(this.parts, this.model, at);
      this.player.label.textContent = place;
      this.player.scrub.setAttribute("aria-valuetext", place);
      // While it plays, a screen reader would fall behind.
      this.say(words, this.player.timer ? "off" : "polite");
      const texts = Object.entries(this.controls)
        .filter(([, control]) => !control.spec.derived && !control.box.closest("[hidden]"))
        .map(([name, control]) => [name, control.text]);
      const query = new URLSearchParams([...texts, ["at", String(at + this.first)]]);
      this.link.href = `#${this.id}?${String(query).replaceAll("%2C", ",")}`;
    }
  }

  window.cnnref.Explorer = Explorer;
})();
