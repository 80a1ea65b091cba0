// @ts-check
// What a reader sets: numbers and lists as typed, and controls with labels, whose mistakes are told in
// words beside them.
(() => {
  "use strict";
  const { Refusal } = window.cnnref;
  const { html, symbol } = window.cnnref.drawing;

  // --- what a reader types -----------------------------------------------------------------------

  /** @type {Controls["parseInteger"]} */
  function parseInteger(text, least, most) {
    const trimmed = String(text).trim();
    const value = /^[+-]?\d{1,9}$/.test(trimmed) ? Number(trimmed) : NaN;
    if (!(value >= least && value <= most)) {
      throw new Refusal("value", `must be a whole number from ${least} to ${most}`);
    }
    return value + 0;
  }

  /** @type {Controls["parseNumbers"]} */
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
    /** @param {string} id @param {ControlSpec} spec @param {() => void} changed */
    constructor(id, spec, changed) {
      const { kind, label, options = {}, min, max, rows } = spec;
      this.spec = spec;
      this.several = kind === "choice" || kind === "choices";
      this.mistake = html("span", { class: "explorer-mistake", id: `${id}-mistake` });
      const hint = spec.hint ? [html("span", { class: "explorer-hint", id: `${id}-hint` }, spec.hint)] : [];
      const describedBy = [...hint, this.mistake].map((node) => node.id).join(" ");
      const said = { "aria-describedby": describedBy, oninput: changed };
      const text = [label, ...(spec.symbol ? [" ", symbol(spec.symbol)] : [])];
      if (this.several) {
        const [type, role] = kind === "choice" ? ["radio", "radiogroup"] : ["checkbox", "group"];
        const made = Object.entries(options).map(([value, words]) => ({
          input: html("input", { type, name: id, id: `${id}-${value}`, value, ...said }), words,
        }));
        /** @type {(HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement)[]} */
        this.inputs = made.map(({ input }) => input);
        this.box = html("div", { role, "aria-label": label, class: "explorer-choice" },
          made.map(({ input, words }) => html("label", { for: input.id }, input, words)), this.mistake);
      } else {
        /** @type {Record<string, Attributes>} */
        const kinds = {
          number: { type: "number", min, max, step: 1, inputmode: "numeric" },
          range: { type: "range", min, max, step: 1 },
          list: { type: "text", autocomplete: "off", autocapitalize: "off", spellcheck: "false" },
          check: { type: "checkbox" },
        };
        const tag = kind === "select" ? "select" : rows ? "textarea" : "input";
        const input = html(tag, { id, rows, ...kinds[kind], ...said },
          Object.entries(options).map(([value, words]) => html("option", { value }, words)));
        this.inputs = [input];
        if (kind === "range") text.push(" ", this.told = html("span", { "aria-hidden": "true" }));
        this.box = html("div", { class: `explorer-${kind}` },
          html("label", { for: id }, ...text), input, this.mistake, ...hint);
      }
    }

    // Those that can be checked; of all others there is one, the first.
    get #checks() {
      return /** @type {HTMLInputElement[]} */ (this.inputs);
    }

    /** @returns {string} */
    get text() {
      if (this.several) {
        return this.#checks.filter(({ checked }) => checked).map(({ value }) => value).join(",");
      }
      return this.spec.kind === "check" ? (this.#checks[0].checked ? "1" : "") : this.inputs[0].value;
    }

    /** @param {unknown} value as a setting has it */
    set text(value) {
      if (this.several) {
        const wanted = String(value).split(/[\s,]+/);
        // A radio button that is set clears the others; what is none of them clears nothing.
        const one = this.spec.kind === "choice";
        for (const input of this.#checks) {
          input.checked = wanted.includes(input.value) || (one && input.checked);
        }
      } else if (this.spec.kind === "check") this.#checks[0].checked = Boolean(Number(value));
      else this.inputs[0].value = Array.isArray(value) ? value.join(", ") : String(value);
    }

    // What it holds, as its kind of value, or a refusal.
    read() {
      const { kind, unit = "", min = 0, max = 0, least = 0, most = 0, parse } = this.spec;
      if (this.told) {
        this.told.textContent = `${this.text.replace("-", "−")} ${unit}`;
        this.inputs[0].setAttribute("aria-valuetext", this.told.textContent);
      }
      if (kind === "number" || kind === "range") return parseInteger(this.text, min, max);
      if (kind === "choices") {
        const chosen = this.text.split(",").filter(Boolean);
        if (!chosen.length) throw new Refusal("value", "must have at least one chosen");
        return chosen;
      }
      if (kind !== "list") return this.text;
      return parse ? parse(this.text) : parseNumbers(this.text, least, most);
    }

    /** @param {string} message none where it is empty */
    blame(message) {
      this.mistake.textContent = message;
      for (const input of this.inputs) {
        if (message) input.setAttribute("aria-invalid", "true");
        else input.removeAttribute("aria-invalid");
      }
    }
  }

  /** @type {Controls["number"]} */
  const number = (name, label, letter, min, max) =>
    ({ name, kind: "number", label, symbol: letter, min, max });

  window.cnnref.controls = { Control, number, parseInteger, parseNumbers };
})();
