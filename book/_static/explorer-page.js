// @ts-check
// The explorers of a page, each made when it comes near.
// A kind of explorer gives `cnnref.explorer.define` its name and its `Definition` (scripts.d.ts), or a
// function of preset and data that gives one.
// An explorer is placed by `<div class="explorer" data-explorer="name" data-preset="{...}">`, on a
// page once or more often, with the data, if any, as JSON in a script in it. It may have a
// `data-tour="[{ ask, query }]"`: settings that ask a question, of which it opens on the first.
(() => {
  "use strict";
  const { nextTask } = window.cnnref.drawing;

  // An explorer is made when it comes near, or when the address leads to it or past it: a phone that
  // makes one cannot scroll meanwhile. Until then its figure stands there.
  /** @type {Map<Element, () => void>} */
  const waiting = new Map();
  /** @param {Element} root */
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
  /** @param {Element} root */
  const isOnTheWay = (root) => {
    const aim = document.getElementById(location.hash.slice(1).split("?")[0]);
    return aim && !(root.compareDocumentPosition(aim) & Node.DOCUMENT_POSITION_PRECEDING);
  };
  // A link to the setting that the address names already sets it again.
  document.addEventListener("click", ({ target }) => {
    const link = target instanceof Element && target.closest("a.explorer-try");
    if (link instanceof HTMLAnchorElement && link.hash === location.hash) window.dispatchEvent(new Event("hashchange"));
  });
  window.addEventListener("hashchange", () => [...waiting.keys()].filter(isOnTheWay).forEach(begin));

  /** @type {Explorers["define"]} */
  function define(name, definition) {
    /** @type {NodeListOf<HTMLElement>} */
    const roots = document.querySelectorAll(`.explorer[data-explorer="${name}"]`);
    for (const root of roots) {
      waiting.set(root, async () => {
        const preset = JSON.parse(root.dataset.preset ?? "{}");
        const data = JSON.parse(root.querySelector("script")?.textContent ?? "null");
        const defined = typeof definition === "function" ? definition(preset, data) : definition;
        if (defined.ready) await defined.ready(data);
        const made = new window.cnnref.Explorer(root, defined, preset, { data, tour: JSON.parse(root.dataset.tour ?? "[]") });
        if (defined.ready) await nextTask();
        made.begin();
      });
      if (isOnTheWay(root)) begin(root);
      else near.observe(root);
    }
  }

  window.cnnref.explorer = { define };
})();
