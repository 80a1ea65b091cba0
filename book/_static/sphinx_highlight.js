// In place of Sphinx's script of this name, which paints what was searched for wherever its letters
// stand: after a search for UT-W1.4, the "ut" in every "output". Here a word of three letters or
// more is marked where another word begins with it, in the text of the page and nowhere else, and
// the button that takes the marks away stands over the page and moves nothing.
"use strict";

const SPHINX_HIGHLIGHT_ENABLED = true; // Sphinx's search asks for this, and calls what follows

const _beginning = (term) => {
  const letters = term.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  return new RegExp(`(?<![\\p{L}\\p{N}_])${letters}`, "giu");
};

const _highlightText = (root, term, className) => {
  if (term.length < 3) return;
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  const texts = [];
  while (walker.nextNode()) texts.push(walker.currentNode);
  const apart = `button, select, textarea, script, style, svg, math, .nohighlight, .${className}`;
  for (const text of texts) {
    const found = [...text.data.matchAll(_beginning(term))];
    if (!found.length || text.parentElement.closest(apart)) continue;
    for (const { 0: word, index } of found.reverse()) {
      const mark = document.createElement("span");
      mark.className = className;
      text.splitText(index).splitText(word.length).before(mark);
      mark.append(mark.previousSibling);
    }
  }
};

const SphinxHighlight = {
  highlightSearchWords: () => {
    const url = new URL(location);
    const asked = localStorage.getItem("sphinx_highlight_terms")
      || url.searchParams.get("highlight") || "";
    localStorage.removeItem("sphinx_highlight_terms");
    if (url.searchParams.has("highlight")) {
      url.searchParams.delete("highlight");
      history.replaceState({}, "", url);
    }
    const article = document.querySelector("article, div.body");
    if (!article) return;
    for (const term of asked.toLowerCase().split(/\s+/)) {
      _highlightText(article, term, "highlighted");
    }
    if (!article.querySelector(".highlighted")) return;
    const button = document.createElement("button");
    button.type = "button";
    button.className = "btn btn-sm hide-matches";
    button.textContent = "Hide search matches";
    button.addEventListener("click", SphinxHighlight.hideSearchWords);
    article.after(button);
  },

  hideSearchWords: () => {
    document.querySelectorAll(".hide-matches").forEach((button) => button.remove());
    document.querySelectorAll("article span.highlighted, div.body span.highlighted")
      .forEach((mark) => mark.replaceWith(...mark.childNodes));
  },
};

_ready(() => {
  if (typeof Search !== "undefined") return; // the page of results marks its own
  SphinxHighlight.highlightSearchWords();
  addEventListener("keydown", (event) => {
    if (event.key === "Escape") SphinxHighlight.hideSearchWords();
  });
});
