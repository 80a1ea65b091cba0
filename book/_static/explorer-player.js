// @ts-check
// What leads through an explorer: a player that steps, scrubs and runs, and a tour of settings that
// each ask a question.
(() => {
  "use strict";
  const { html, inTask, range } = window.cnnref.drawing;
  const calm = window.matchMedia("(prefers-reduced-motion: reduce)");

  // --- the player --------------------------------------------------------------------------------

  class Player {
    /** @param {string} id of the explorer @param {(at: number) => void} moved told of each stop */
    constructor(id, moved) {
      this.moved = moved;
      this.at = 0;
      this.steps = 1;
      /** @type {number | undefined} */
      this.timer = undefined;
      /** @param {string} words @param {() => void} act */
      const button = (words, act) => html("button", { type: "button", onclick: act }, words);
      /** @param {number} by */
      const step = (by) => () => { this.stop(); this.go((this.at + by + this.steps) % this.steps); };
      this.run = button("Play", () => (this.timer ? this.stop() : this.start()));
      let isDragged = false;
      const dragged = inTask(() => this.go(Number(this.scrub.value)));
      this.scrub = html("input", {
        type: "range", id: `${id}-at`, min: 0, step: 1,
        onpointerdown: () => { isDragged = true; },
        onpointerup: () => { isDragged = false; },
        onpointercancel: () => { isDragged = false; },
        oninput: () => {
          this.stop();
          if (isDragged) dragged();
          else this.go(Number(this.scrub.value));
        },
      });
      this.label = html("label", { for: this.scrub.id });
      this.box = html("div", { class: "explorer-player" },
        this.run, button("Back", step(-1)), button("Step", step(1)), this.label, this.scrub);
    }

    /** @param {number} at */
    go(at) {
      this.at = Math.max(0, Math.min(at, this.steps - 1));
      this.scrub.max = String(this.steps - 1);
      this.scrub.value = String(this.at);
      this.moved(this.at);
    }

    // It runs to the end once. Those who want less motion get fewer stops, and no gliding (by CSS).
    start() {
      if (this.at === this.steps - 1) this.go(0);
      this.run.textContent = "Pause";
      this.timer = window.setInterval(() => {
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

  // --- the tour ------------------------------------------------------------------------------------

  // Numbered buttons, whose names are the questions; that of the last setting stands beside them. It
  // stays when a reader changes the setting, to answer it.
  class Tour {
    /** @param {TourStep[]} steps @param {(i: number) => void} begin opens a step */
    constructor(steps, begin) {
      this.steps = steps;
      this.asked = html("span");
      const longest = steps.map(({ ask }) => ask).sort((a, b) => b.length - a.length)[0];
      this.buttons = steps.map(({ ask }, i) =>
        html("button", { type: "button", "aria-label": `${i + 1}: ${ask}`, onclick: () => begin(i) },
          String(i + 1)));
      this.box = html("div", { class: "explorer-tour", role: "group", "aria-label": "Questions" },
        html("div", { class: "explorer-steps" }, this.buttons),
        html("p", { class: "explorer-question" },
          html("span", { "aria-hidden": "true" }, longest), this.asked));
    }

    /** The number of the step that a query names, or -1. @param {string} query */
    find(query) {
      return this.steps.findIndex((step) => step.query === query);
    }

    /** @param {number} at */
    mark(at) {
      for (const i of range(0, this.steps.length - 1)) {
        if (i === at) this.buttons[i].setAttribute("aria-current", "step");
        else this.buttons[i].removeAttribute("aria-current");
      }
      if (this.steps[at]) this.asked.textContent = this.steps[at].ask;
    }
  }

  window.cnnref.player = { Player, Tour };
})();
