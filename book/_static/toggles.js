// @ts-check
// The buttons that open what is folded say what that is: each of them a name of its own, for those
// who hear a list of them, in place of "Toggle hidden content" on all.
const nameToggles = () => {
  const named = [...document.querySelectorAll(".dropdown > .admonition-title")].map((title) => {
    const words = title.textContent.trim().replace(/\s+/g, " ");
    const solution = words.match(/^Solution to Exercise ([\d.]+)/);
    const name = solution ? `the solution of exercise ${solution[1]}` : `“${words}”`;
    return /** @type {[Element, string]} */ ([title.querySelector(".toggle-button"), name]);
  }).filter(([button]) => button);
  /** @param {Element} button @param {string} name */
  const say = (button, name) => {
    const word = button.getAttribute("aria-expanded") === "true" ? "Hide" : "Show";
    button.setAttribute("aria-label", `${word} ${name}`);
  };
  /** @param {Element} button @param {string} name */
  const watch = (button, name) => {
    say(button, name);
    new MutationObserver(() => say(button, name))
      .observe(button, { attributeFilter: ["aria-expanded"] });
  };
  named.forEach(([button, name]) => watch(button, name));
};
// The script that makes the buttons may wait for the page, and was then the first to ask.
if (document.querySelector(".toggle-button")) nameToggles();
else addEventListener("DOMContentLoaded", nameToggles);

// What the search shows of a page begins with its text, not with the buttons above it.
(() => {
  if (typeof Search === "undefined") return;
  const plain = Search.htmlToText;
  const buttons = /<div class="bd-header-article[^]*?(?=<article)/;
  Search.htmlToText = (html, ...rest) => plain(html.replace(buttons, ""), ...rest);
})();
