// Typesets formulas: reads one JSON request per line, writes one JSON answer per line.
// Request {tex, display}; answer {svg, mathml} or {error}.
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
    svg: { fontCache: "local" },
    startup: { typeset: false },
  });
  const adaptor = MathJax.startup.adaptor;

  function answer({ tex, display }) {
    try {
      MathJax.texReset();
      const container = MathJax.tex2svg(tex, { display });
      return {
        svg: adaptor.outerHTML(adaptor.firstChild(container)),
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
