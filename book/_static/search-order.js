// @ts-check
// Sphinx ranks a page by whether a word stands in one of its titles, finds a section only by half of
// its title, and puts the library's many pages, which repeat the words of the chapters, among these.
// Here chapters and their sections come first; of the library, only what bears the name. Sphinx also wants
// every word of a question on the page, its "what" and its "my" included.
"use strict";

(() => {
  const LIBRARY = /^(book\/api\/|_modules\/)/;
  const CLAIMS = /experiments\.claims/; // sentences of the chapters once more
  const BESIDE = /^book\/about\//;
  const FOLDED = /^(\s*\(|Solution to |Proof: )/; // exercises, what answers them, and proofs

  const ASKING = "what which who whose where when why how should would could can do does did have has my me i we you your get";
  stopwords.push(...ASKING.split(" "));

  const stemmer = new Stemmer();
  /** @param {string} line */
  const stems = (line) => {
    const words = line.replace(/<[^>]*>/g, " ").toLowerCase().match(/[\p{L}_]+/gu) ?? [];
    return new Set(words.map((word) => stemmer.stemWord(word)));
  };

  /**
   * Chapters and sections that have all words in their title; the shorter it is, the better.
   * @param {Set<string>} terms as stems
   */
  const sections = (terms) => {
    const { alltitles, docnames, filenames, titles } = Search._index;
    /** @type {SearchResult[]} */
    const found = [];
    for (const [title, places] of Object.entries(alltitles)) {
      if (FOLDED.test(title)) continue;
      const words = stems(title);
      if (![...terms].every((term) => words.has(term))) continue;
      for (const [file, id] of places) {
        found.push([
          docnames[file], id ? `${titles[file]} > ${title}` : titles[file], id ? `#${id}` : "", null,
          60 + (40 * terms.size) / words.size + (id ? 0 : 10), filenames[file],
        ]);
      }
    }
    return found;
  };

  /** How much a word tells: the fewer pages have it, the more. @param {string} term its stem */
  const rarity = (term) => {
    const { docnames, terms } = Search._index;
    const pages = [terms[term] ?? []].flat().length;
    return Math.log((docnames.length + 1) / (pages + 1));
  };

  const anywhere = Search.performTermsSearch;
  Search.performTermsSearch = (terms, excluded) => {
    const all = [...terms].reduce((sum, term) => sum + rarity(term), 0);
    const pages = anywhere(terms, excluded);
    for (const page of pages) {
      const title = stems(page[1]);
      const named = [...terms].filter((term) => title.has(term));
      page[4] = Scorer.term + 10 * (named.reduce((sum, term) => sum + rarity(term), 0) / (all || 1));
    }
    const kept = new Set(pages.map(([page]) => page));
    return [...pages, ...(terms.size ? sections(terms).filter(([page]) => kept.has(page)) : [])];
  };

  Scorer.score = ([page, , , described, score]) => {
    if (BESIDE.test(page)) return score - 4;
    if (!LIBRARY.test(page)) return score;
    if (CLAIMS.test(page)) return score / 100;
    return described === null ? score / 10 : score;
  };
})();

// What the search shows of a page begins with its text, not with the buttons above it.
(() => {
  const plain = Search.htmlToText;
  const buttons = /<div class="bd-header-article[^]*?(?=<article)/;
  Search.htmlToText = (html, ...rest) => plain(html.replace(buttons, ""), ...rest);
})();
