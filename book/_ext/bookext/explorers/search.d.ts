// What the book's scripts use of Sphinx's search, as Sphinx 7.4 has it. No page loads this file.

/** Page, title, anchor, description, score and file. A page that holds the words has no description. */
type SearchResult = [
  page: string, title: string, anchor: string, described: string | null, score: number, file: string,
];

/** What Sphinx knows of the pages, which it numbers from 0. */
interface SearchIndex {
  docnames: string[];
  filenames: string[];
  titles: string[];
  /** By title, the pages that have it, each with the section's anchor; a page's own title has none. */
  alltitles: Record<string, [page: number, anchor: string | null][]>;
  /** By stem, the pages that hold it; a single one is no list. */
  terms: Record<string, number | number[] | undefined>;
  titleterms: Record<string, number | number[] | undefined>;
  indexentries: Record<string, unknown>;
}

/** Words that are not searched for. */
declare const stopwords: string[];
declare class Stemmer {
  stemWord(word: string): string;
}
declare const Search: {
  _index: SearchIndex;
  /** Pages that hold all of some stems, and none of others. */
  performTermsSearch(terms: Set<string>, excluded: Set<string>): SearchResult[];
  /** The text of a page, or of the section with this anchor. */
  htmlToText(html: string, anchor?: string): string;
};
declare const Scorer: {
  /** What a word in a page's text counts. */
  term: number;
  /** The score that a result has in the end. */
  score?(result: SearchResult): number;
};
