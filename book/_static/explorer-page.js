// @ts-check
// The explorers of a page, each made when it comes near.
// A kind of explorer gives `cnnref.explorer.define` its name and, or a function of preset and data that gives,
//   groups            [{ name, legend, controls, actions }]: what can be set; a legend may be a
//                     function of the values, an action gives new values (or is `ofTexts`, to help
//                     out of a mistake, too), and a control starts as the preset says, `like`
//                     another one, or with its own `start`; it is in the link unless it is `derived`
//                     from others. The groups are folded below the picture until they are asked for;
//                     one that is in `front` comes before it, one whose front is "below" after
//                     the player
//   hidden(values)    names of controls and groups that mean nothing in this setting
//   model(values, data)   what is to be drawn, with `steps`, the number of stops, and `stop`, what
//                     one is called; or it throws a Refusal, whose field `blame` translates into the
//                     control that is to be corrected
//   draw(parts, model, values), step(parts, model, at)    the picture, and one stop of it; a picture
//                     may move the player, too, by `parts.go(at)`
//   words(model, at)  what there is to see at a stop
//   longest(model)    optional: words as long as any, where it would take long to look through all
//   adapt(texts, changed)   optional: controls that follow the one that was changed, and `at`, the
//                     stop to go to
//   first             optional: the number of the first stop, where it is not 1
//   line(model)       optional: the setting in a few words, which stand on the fold
//   ready(data)       optional: a promise of what is to be loaded before it is made
//   fluid             optional: the picture depends on the width of its box, and not on the values
// `parts` has the box `stage` for the picture and, in the fold, `formula` and `below`;
// `choose(texts, at)`, to set controls from the picture; `preview(words, live)`, to say what is pointed
// at, until `preview()`; and `held`, whether the reader holds a grip of the picture (explorer-hold.js).
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
