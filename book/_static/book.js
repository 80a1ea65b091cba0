// @ts-check
// Lets the keyboard scroll what is wider than its box: such a box must be able to have focus, and
// one that does not scroll should be no stop on the way through the page. The observer tells when a
// box is laid out, inside a folded solution or far below, and changes nothing before.
(() => {
  /** @param {Element} box */
  const isHigh = (box) => box.scrollHeight > box.clientHeight && !box.matches(".formula");
  /** @param {Element} box */
  const scrolls = (box) => box.scrollWidth > box.clientWidth || isHigh(box);
  const sizes = ["clientHeight", "clientWidth", "scrollHeight", "scrollWidth"];
  const observer = new ResizeObserver((entries) => {
    const boxes = entries.map(({ target }) => /** @type {HTMLElement} */ (target));
    boxes.forEach((box) => sizes.forEach((size) => { delete /** @type {any} */ (box)[size]; }));
    // First all is read, then a little written: to write in between costs a layout each time.
    const changed = boxes.filter((box) => scrolls(box) !== (box.tabIndex === 0));
    changed.forEach((box) => { box.tabIndex = box.tabIndex === 0 ? -1 : 0; });
  });
  const boxes = ".formula, .pst-scrollable-table-container, pre, .cell_output > .output";
  document.querySelectorAll(boxes).forEach((box) => {
    // The theme's script, which comes next, asks every box for its size, and would have all of the
    // page laid out for the answer. Until it is laid out, a box says that it has none.
    sizes.forEach((size) => { Object.defineProperty(box, size, { value: 0, configurable: true }); });
    observer.observe(box);
  });
})();

// Paper is white, and what is folded on it stays folded: printing opens it, apart from code of figures, and
// from solutions in the list of exercises, which is a sheet for a class.
(() => {
  const root = document.documentElement;
  /** @type {string | undefined} */
  let theme;
  /** @type {HTMLDetailsElement[]} */
  let opened;
  addEventListener("beforeprint", () => {
    theme = root.dataset.theme;
    root.dataset.theme = "light";
    opened = [.../** @type {NodeListOf<HTMLDetailsElement>} */ (
      document.querySelectorAll("article details:not(.above-input, .trained, .sheet, [open])"))];
    opened.forEach((fold) => { fold.open = true; });
  });
  addEventListener("afterprint", () => {
    root.dataset.theme = theme;
    opened.forEach((fold) => { fold.open = false; });
  });
})();

// Who is sent into a fold finds it open; most browsers see to that themselves. Names of places are
// plain ASCII, and an address may hold anything.
(() => {
  const open = () => {
    const place = document.getElementById(location.hash.slice(1));
    /** @type {HTMLDetailsElement[]} */
    const folds = [];
    for (let at = place; at; at = at.parentElement) {
      if (at.matches("details:not([open])")) folds.push(/** @type {HTMLDetailsElement} */ (at));
    }
    folds.forEach((fold) => { fold.open = true; });
    if (folds.length) /** @type {HTMLElement} */ (place).scrollIntoView();
  };
  addEventListener("hashchange", open);
  open();
})();

// One button for all proofs and checks of the page.
(() => {
  const button = document.querySelector(".btn-show-all");
  if (!button) return;
  let shown = false;
  button.setAttribute("aria-pressed", String(shown));
  button.addEventListener("click", () => {
    shown = !shown;
    /** @type {NodeListOf<HTMLDetailsElement>} */ (
      document.querySelectorAll("article details:not(.above-input, .trained, .solution)"))
      .forEach((fold) => { fold.open = shown; });
    button.setAttribute("aria-pressed", String(shown));
  });
})();

// One button for all solutions of the page; its words say what it will do.
(() => {
  const button = document.querySelector(".show-solutions");
  if (!button) return;
  const folds = [.../** @type {NodeListOf<HTMLDetailsElement>} */ (
    document.querySelectorAll("details.solution"))];
  const allOpen = () => folds.every((fold) => fold.open);
  const say = () => { button.textContent = allOpen() ? "Hide all solutions" : "Show all solutions"; };
  button.addEventListener("click", () => {
    const open = !allOpen();
    folds.forEach((fold) => { fold.open = open; });
    say(); // the folds tell of themselves only in a later task
  });
  // A reader may also open them one by one.
  folds.forEach((fold) => fold.addEventListener("toggle", say));
})();
