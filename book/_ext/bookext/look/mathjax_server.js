// Typesets formulas: reads one JSON request per line, writes one JSON answer per line.
// Request {tex, display}; answer {svg, glyphs, mathml} or {error}. The glyphs that a drawing uses
// are apart from it, by their ids, so that the formulas of a page can share them.
"use strict";

const [, , mathjaxFolder] = process.argv;

async function main() {
  const MathJax = await require(`${mathjaxFolder}/node-main.js`).init({
    loader: { load: ["input/tex-full", "output/svg", "adaptors/liteDOM"] },
    tex: {
      // Without these two a mistake becomes an error instead of red text on the page.
      packages: { "[-]": ["noerrors", "noundefined"] },
      formatError: (_, error) => { throw error; },
    },
    svg: { fontCache: "global" },
    startup: { typeset: false },
  });
  const { adaptor, output } = MathJax.startup;

  function answer({ tex, display }) {
    try {
      MathJax.texReset();
      output.clearFontCache();
      const svg = adaptor.firstChild(MathJax.tex2svg(tex, { display }));
      adaptor.removeAttribute(svg, "role");
      adaptor.setAttribute(svg, "aria-hidden", "true");
      const paths = adaptor.childNodes(output.fontCache.getCache());
      return {
        svg: adaptor.outerHTML(svg),
        glyphs: Object.fromEntries(
          paths.map((path) => [adaptor.getAttribute(path, "id"), adaptor.outerHTML(path)])),
        mathml: MathJax.tex2mml(tex, { display }),
      };
    } catch (error) {
      return { error: error.message };
    }
  }

  const lines = require("readline").createInterface({ input: process.stdin });
  lines.on("line", (line) => {
    process.stdout.write(JSON.stringify(answer(JSON.parse(line))) + "\n");
  });
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
