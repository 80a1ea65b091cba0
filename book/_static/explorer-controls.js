// What a reader sets: numbers and lists as typed, and controls with labels, whose mistakes are told in
// words beside them.
(() => {
  "use strict";
  const { Refusal } = window.cnnref;
  const { html, symbol } = window.cnnref.drawing;

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
          range: { type: "range", min: this.min, max: this.max, step: 1 },
          list: { type: "text", autocomplete: "off", autocapitalize: "off", spellcheck: "false" },
          check: { type: "checkbox" },
        };
        const tag = this.kind === "select" ? "select" : this.rows ? "textarea" : "input";
        this.input = html(tag, { id, rows: this.rows, ...kinds[this.kind], ...said },
          Object.entries(this.options ?? {}).map(([value, words]) => html("option", { value }, words)));
        this.inputs = [this.input];
        if (this.kind === "range") text.push(" ", this.told = html("span", { "aria-hidden": "true" }));
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
      if (this.told) {
        this.told.textContent = `${this.text.replace("-", "−")} ${this.unit ?? ""}`;
        this.input.setAttribute("aria-valuetext", this.told.textContent);
      }
      if (this.kind === "number" || this.kind === "range") return parseInteger(this.text, this.min, this.max);
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

  window.cnnref.controls = { Control, parseInteger, parseNumbers };
})();
