// @ts-check
// Sphinx's search finds no word that is misspelt, few that are written as one where the book writes
// two, and no American spelling. For each such word the page offers the nearest among those of
// titles and of the index.
"use strict";

(() => {
  const asked = new URLSearchParams(location.search).get("q") ?? "";
  const { terms, titleterms, alltitles, indexentries } = Search._index;
  const found = [...Object.keys(terms), ...Object.keys(titleterms)];

  /**
   * How often letters are changed, put in, left out, or exchanged with the next, from a to b.
   * @param {string} a @param {string} b
   */
  const distance = (a, b) => {
    let [before, last] = /** @type {number[][]} */ ([[], Array.from({ length: b.length + 1 }, (_, j) => j)]);
    for (let i = 1; i <= a.length; i++) {
      const row = [i];
      for (let j = 1; j <= b.length; j++) {
        const change = last[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1);
        row[j] = Math.min(change, last[j] + 1, row[j - 1] + 1);
        if (a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
          row[j] = Math.min(row[j], before[j - 2] + 1);
        }
      }
      [before, last] = [last, row];
    }
    return last[b.length];
  };

  /** What can be meant, as the book writes it, by its letters without spaces. */
  const candidates = () => {
    /** @type {Map<string, string>} */
    const known = new Map();
    for (const line of [...Object.keys(alltitles), ...Object.keys(indexentries)]) {
      const words = line.toLowerCase().match(/\p{L}+/gu) ?? [];
      words.forEach((word, i) => {
        if (word.length > 3) known.set(word, word);
        if (words[i + 1]) known.set(word + words[i + 1], `${word} ${words[i + 1]}`);
      });
    }
    return known;
  };

  /**
   * The word as the book writes it, or the word itself.
   * @param {string} word @param {Map<string, string>} known
   */
  const nearest = (word, known) => {
    const lower = word.toLowerCase();
    const british = lower.replace(/iz(?=[aei])/, "is").replace("color", "colour");
    for (const spelling of [lower, british]) {
      const written = known.get(spelling);
      if (written) return written === lower ? word : written;
    }
    const stem = new Stemmer().stemWord(lower);
    if (found.some((term) => term.includes(stem))) return word;
    let [best, least] = [word, word.length < 7 ? 1.5 : 2.5];
    for (const [letters, written] of known) {
      if (Math.abs(letters.length - word.length) >= least) continue;
      const far = distance(lower, letters) + (written === letters ? 0 : 0.25);
      if (far < least) [best, least] = [written, far];
    }
    return best;
  };

  const known = candidates();
  const meant = asked.replace(/\p{L}{4,}/gu, (word) => nearest(word, known));
  if (meant === asked) return;
  const line = document.createElement("p");
  const link = document.createElement("a");
  link.href = `?${new URLSearchParams({ q: meant })}`;
  link.textContent = meant;
  line.setAttribute("role", "status");
  line.append("Did you mean ", link, "?");
  /** @type {Element} */ (document.querySelector("#search-results")).before(line);
})();
