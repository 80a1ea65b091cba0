// What all explorers share: controls with labels, whose mistakes are told in words beside them; a
// player that steps, scrubs and runs; words for those who do not see the picture; and the setting in
// the address, to be shared. A plain script, because browsers refuse modules to pages on a disk.
//
// An explorer gives `cnnref.explorer.define` its name and, or a function of preset and data that gives,
//   groups            [{ name, legend, controls, actions }]: what can be set; a legend may be a
//                     function of the values, an action gives new values (or is `ofTexts`, to help
//                     out of a mistake, too), and a control starts as the preset says, `like`
//                     another one, or with its own `start`; it is in the link unless it is `derived`
//                     from others. Where a group is in `front`, that one comes before the picture,
//                     and all others are folded below it
//   hidden(values)    names of controls and groups that mean nothing in this setting
//   model(values, data)   what is to be drawn, with `steps`, the number of stops, and `stop`, what
//                     one is called; or it throws a Refusal, whose field `blame` translates into the
//                     control that is to be corrected
//   draw(parts, model, values), step(parts, model, at)    the picture, and one stop of it; a picture
//                     may move the player, too, by `parts.go(at)`
//   words(model, at)  what there is to see at a stop
//   adapt(texts, changed)   optional: controls that follow the one that was changed, and `at`, the
//                     stop to go to
//   first             optional: the number of the first stop, where it is not 1
//   fluid             optional: the picture depends on the width of its box, and not on the values
// `parts` has the boxes `formula`, `stage` and, after the words, `below`; `choose(texts, at)`, to set
// controls from the picture, and `preview(words)`, to say what is pointed at, until `preview()`.
// An explorer is placed by `<div class="explorer" data-explorer="name" data-preset="{...}">`, on a
// page once or more often, with the data, if any, as JSON in a script in it.
(() => {
  "use strict";
  const { Refusal } = window.cnnref;
  const { html, symbol } = window.cnnref.drawing;
  const calm = window.matchMedia("(prefers-reduced-motion: reduce)");

  // --- what a reader types -----------------------------------------------------------------------

  function parseInteger(text, least, most) {
    const trimmed = String(text).trim();
    const value = /^[+-]?\d{1,9}$/.test(trimmed) ? Number(trimmed) : NaN;
    if (!(value >= least && value <= most)) {
      throw new Refusal("value", `must be a whole number from ${least} to ${most}`);
    }
    return value + 0;
  }

  function parseNumbers(text, least, most, largest = 999) {
    const words = String(text).split(/[\s,;]+/).filter(Boolean);
    const values = words.map((word) => {
      const plain = word.replace("−", "-");
      const value = /^[+-]?(\d+\.?\d*|\.\d+)$/.test(plain) ? Number(plain) : NaN;
      if (Number.isNaN(value)) throw new Refusal("value", `“${word.slice(0, 12)}” is not a number`);
      if (Math.abs(value) > largest) {
        throw new Refusal("value", `${word.slice(0, 12)} is beyond ±${largest}`);
      }
      return value + 0;
    });
    if (values.length < least || values.length > most) {
      const range = least === most ? `${least}` : `${least} to ${most}`;
      throw new Refusal("value", `must hold ${range} numbers, not ${values.length}`);
    }
    return values;
  }

  // --- one control: a label, an input, and a place for its mistake -----------------------------------

  class Control {
    constructor(id, spec, changed) {
      Object.assign(this, spec);
      this.several = this.kind === "choice" || this.kind === "choices";
      this.mistake = html("span", { class: "explorer-mistake", id: `${id}-mistake` });
      const hint = this.hint ? [html("span", { class: "explorer-hint", id: `${id}-hint` }, this.hint)] : [];
      const describedBy = [...hint, this.mistake].map((node) => node.id).join(" ");
      const said = { "aria-describedby": describedBy, oninput: changed };
      const text = [this.label, ...(this.symbol ? [" ", symbol(this.symbol)] : [])];
      if (this.several) {
        const [type, role] = this.kind === "choice" ? ["radio", "radiogroup"] : ["checkbox", "group"];
        const options = Object.entries(this.options).map(([value, words]) => [
          html("input", { type, name: id, id: `${id}-${value}`, value, ...said }), words,
        ]);
        this.inputs = options.map(([input]) => input);
        this.box = html("div", { role, "aria-label": this.label, class: "explorer-choice" },
          options.map(([input, words]) => html("label", { for: input.id }, input, words)), this.mistake);
      } else {
        const kinds = {
          number: { type: "number", min: this.min, max: this.max, step: 1, inputmode: "numeric" },
          list: { type: "text", autocomplete: "off", autocapitalize: "off", spellcheck: "false" },
          check: { type: "checkbox" },
        };
        const tag = this.kind === "select" ? "select" : this.rows ? "textarea" : "input";
        this.input = html(tag, { id, rows: this.rows, ...kinds[this.kind], ...said },
          Object.entries(this.options ?? {}).map(([value, words]) => html("option", { value }, words)));
        this.inputs = [this.input];
        this.box = html("div", { class: `explorer-${this.kind}` },
          html("label", { for: id }, ...text), this.input, this.mistake, ...hint);
      }
    }

    get text() {
      if (this.several) {
        return this.inputs.filter(({ checked }) => checked).map(({ value }) => value).join(",");
      }
      return this.kind === "check" ? (this.input.checked ? "1" : "") : this.input.value;
    }

    set text(value) {
      if (this.several) {
        const wanted = String(value).split(/[\s,]+/);
        // A radio button that is set clears the others; what is none of them clears nothing.
        const one = this.kind === "choice";
        for (const input of this.inputs) {
          input.checked = wanted.includes(input.value) || (one && input.checked);
        }
      } else if (this.kind === "check") this.input.checked = Boolean(Number(value));
      else this.input.value = Array.isArray(value) ? value.join(", ") : value;
    }

    read() {
      if (this.kind === "number") return parseInteger(this.text, this.min, this.max);
      if (this.kind === "choices") {
        const chosen = this.text.split(",").filter(Boolean);
        if (!chosen.length) throw new Refusal("value", "must have at least one chosen");
        return chosen;
      }
      if (this.kind !== "list") return this.text;
      return this.parse ? this.parse(this.text) : parseNumbers(this.text, this.least, this.most);
    }

    blame(message) {
      this.mistake.textContent = message;
      for (const input of this.inputs) {
        if (message) input.setAttribute("aria-invalid", "true");
        else input.removeAttribute("aria-invalid");
      }
    }
  }

  // --- the player --------------------------------------------------------------------------------

  class Player {
    constructor(id, moved) {
      this.moved = moved;
      this.at = 0;
      this.steps = 1;
      const button = (words, act) => html("button", { type: "button", onclick: act }, words);
      const step = (by) => () => { this.stop(); this.go((this.at + by + this.steps) % this.steps); };
      this.run = button("Play", () => (this.timer ? this.stop() : this.start()));
      this.scrub = html("input", {
        type: "range", id: `${id}-at`, min: 0, step: 1,
        oninput: () => { this.stop(); this.go(Number(this.scrub.value)); },
      });
      this.label = html("label", { for: this.scrub.id });
      this.box = html("div", { class: "explorer-player" },
        this.run, button("Back", step(-1)), button("Step", step(1)), this.label, this.scrub);
    }

    go(at) {
      this.at = Math.max(0, Math.min(at, this.steps - 1));
      this.scrub.max = this.steps - 1;
      this.scrub.value = this.at;
      this.moved(this.at);
    }

    // It runs to the end once. Those who want less motion get fewer stops, and no gliding (by CSS).
    start() {
      if (this.at === this.steps - 1) this.go(0);
      this.run.textContent = "Pause";
      this.timer = setInterval(() => {
        this.go(this.at + 1);
        if (this.at === this.steps - 1) this.stop();
      }, calm.matches ? 2000 : 900);
    }

    stop() {
      clearInterval(this.timer);
      this.timer = undefined;
      this.run.textContent = "Play";
    }
  }

  // --- one explorer on a page ----------------------------------------------------------------------

  class Explorer {
    constructor(root, definition, preset, data) {
      const { first = 1, groups } = definition;
      Object.assign(this, { root, definition, data, first, preset, id: root.id });
      const control = (spec) => {
        const made = new Control(`${this.id}-${spec.name}`, spec, () => {
          this.player.stop();
          this.set({}, spec.name);
        });
        this.controls[spec.name] = made;
        this.preset[spec.name] ??= this.preset[spec.like] ?? spec.start;
        return made.box;
      };
      const action = ({ label, act, ofTexts }) => html("button", { type: "button", onclick: () => {
        this.player.stop();
        const given = ofTexts ? this.texts() : this.values;
        if (given) this.set(act(given));
      } }, label);
      this.controls = {};
      this.groups = groups.map(({ name, legend, controls, actions = [], front = false }) => {
        const title = html("legend");
        return { name, legend, title, front, box: html("fieldset", {}, title, controls.map(control),
          actions.length ? html("div", { class: "explorer-actions" }, actions.map(action)) : []) };
      });
      this.player = new Player(this.id, (at) => this.step(at));
      this.link = html("a", { href: `#${this.id}` }, "Link to this setting");
      this.said = html("span", { role: "status" });
      this.longest = html("span", { "aria-hidden": "true" });
      const reset = () => { this.player.stop(); this.begin(this.preset); };
      this.parts = {
        formula: html("div", { class: "explorer-formula" }),
        stage: html("div", { class: "explorer-stage" }),
        below: html("div"),
        choose: (texts, at) => { this.player.stop(); this.set(texts, undefined, at); },
        preview: (words) => {
          if (words) this.say(words, "off");
          else if (this.values) this.step(this.player.at);
        },
        go: (at) => { this.player.stop(); this.player.go(at); },
      };
      const [shown, others] = [true, false].map((front) =>
        this.groups.filter((group) => group.front === front).map(({ box }) => box));
      const settings = html("div", { class: "explorer-controls" }, others);
      // An unseen copy of the longest words keeps what follows in its place while it plays.
      const words = html("p", { class: "explorer-words" }, this.longest, this.said);
      if (shown.length) {
        this.fold = html("details", {}, html("summary", {}, others.length ? "Settings" : "Formula"),
          settings, this.parts.formula);
      }
      const body = [
        ...(shown.length
          ? [shown, this.parts.stage, words, this.player.box, this.fold].flat()
          : [settings, this.parts.formula, this.player.box, this.parts.stage, words]),
        this.parts.below,
        html("p", { class: "explorer-foot" }, this.link,
          html("button", { type: "button", onclick: reset }, "Start again")),
      ];
      this.begin(this.preset);
      // Only what works takes the place of the figure that stands there for want of a script.
      root.querySelector(".explorer-fallback").hidden = true;
      root.append(...body);
      // A picture wider than its box scrolls; only then is the box a stop for the keyboard.
      new ResizeObserver(() => {
        const { stage } = this.parts;
        if (stage.scrollWidth > stage.clientWidth) stage.tabIndex = 0;
        else stage.removeAttribute("tabindex");
        if (definition.fluid && this.width !== stage.clientWidth) {
          this.width = stage.clientWidth;
          definition.draw(this.parts, this.model);
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
      const setting = Object.fromEntries(new URLSearchParams(query));
      this.begin({ ...this.preset, ...setting });
      this.root.scrollIntoView({ behavior: "instant" });
    }

    begin(setting) {
      // Where the setting names no stop, the explorer may choose one; a wrong one is the first.
      const at = setting.at === undefined ? undefined : Number(setting.at) - this.first || 0;
      this.player.at = 0;
      this.set(setting, undefined, at);
    }

    set(texts, changed, at) {
      this.write(texts);
      const adapted = this.definition.adapt?.(this.texts(), changed) ?? {};
      this.write(adapted);
      this.player.at = at ?? adapted.at ?? this.player.at;
      this.update();
    }

    write(texts) {
      for (const [name, text] of Object.entries(texts)) {
        if (this.controls[name] && text !== undefined) this.controls[name].text = text;
      }
    }

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
      this.values = {};
      let mistaken;
      const blame = (control, message) => {
        control.blame(message);
        if (this.fold?.contains(control.box)) this.fold.open = true;
        mistaken ??= `${control.label}${message.startsWith("must") ? "" : ":"} ${message}.`;
      };
      for (const [name, control] of Object.entries(this.controls)) {
        control.blame("");
        control.box.hidden = hidden.has(name);
        if (control.box.closest("[hidden]")) continue;
        this.attempt(() => { this.values[name] = control.read(); }, () => control, blame);
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
      this.definition.draw(this.parts, this.model, this.values);
      // Of thousands of stops a sample will do.
      const every = Math.ceil(this.model.steps / 200);
      this.longest.textContent = Array.from({ length: Math.ceil(this.model.steps / every) },
        (_, i) => this.definition.words(this.model, i * every))
        .sort((a, b) => b.length - a.length)[0];
      this.player.steps = this.model.steps;
      this.player.go(this.player.at);
    }

    attempt(act, control, blame) {
      try {
        act();
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
        blame(control(error), error.message);
      }
    }

    say(words, live) {
      this.said.setAttribute("aria-live", live);
      this.said.textContent = words;
    }

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
        .filter(([, control]) => !control.derived && !control.box.closest("[hidden]"))
        .map(([name, control]) => [name, control.text]);
      const query = new URLSearchParams([...texts, ["at", at + this.first]]);
      this.link.href = `#${this.id}?${String(query).replaceAll("%2C", ",")}`;
    }
  }

  // An explorer is made when it comes near, or when the address leads to it or past it: a phone that
  // makes one cannot scroll meanwhile. Until then its figure stands there.
  const waiting = new Map();
  const begin = (root) => {
    const make = waiting.get(root);
    if (!make) return;
    waiting.delete(root);
    near.unobserve(root);
    make();
  };
  const near = new IntersectionObserver((entries) => {
    entries.filter(({ isIntersecting }) => isIntersecting).forEach(({ target }) => begin(target));
  }, { rootMargin: "100% 0px" });
  const isOnTheWay = (root) => {
    const aim = document.getElementById(location.hash.slice(1).split("?")[0]);
    return aim && !(root.compareDocumentPosition(aim) & Node.DOCUMENT_POSITION_PRECEDING);
  };
  window.addEventListener("hashchange", () => [...waiting.keys()].filter(isOnTheWay).forEach(begin));

  function define(name, definition) {
    for (const root of document.querySelectorAll(`.explorer[data-explorer="${name}"]`)) {
      waiting.set(root, () => {
        const preset = JSON.parse(root.dataset.preset);
        const data = JSON.parse(root.querySelector("script")?.textContent ?? "null");
        const defined = typeof definition === "function" ? definition(preset, data) : definition;
        new Explorer(root, defined, preset, data);
      });
      if (isOnTheWay(root)) begin(root);
      else near.observe(root);
    }
  }

  window.cnnref.explorer = { define, parseInteger, parseNumbers };
})();
