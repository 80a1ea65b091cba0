// @ts-check
// A drawing as a PNG for slides, made here, in the reader's browser. What a page that was opened from
// a disk has drawn, browsers do not hand out; then the reader is told so.
(() => {
  const WIDTH = 2400;
  /** @type {(address: string) => Promise<Blob>} */
  const paint = async (address) => {
    const drawing = new Image();
    drawing.src = address;
    await drawing.decode();
    const height = Math.round((WIDTH * drawing.naturalHeight) / drawing.naturalWidth);
    const canvas = Object.assign(document.createElement("canvas"), { width: WIDTH, height });
    const pen = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    pen.fillStyle = "#fff";
    pen.fillRect(0, 0, WIDTH, height);
    pen.drawImage(drawing, 0, 0, WIDTH, height);
    return new Promise((done) => { canvas.toBlob(/** @type {BlobCallback} */ (done), "image/png"); });
  };
  /** @param {string} href @param {string} download the file's name */
  const save = (href, download) => {
    const link = Object.assign(document.createElement("a"), { href, download });
    document.body.append(link);
    link.click();
    link.remove();
  };
  /** @param {Element} card */
  const take = async (card) => {
    const link = /** @type {HTMLAnchorElement} */ (card.querySelector(".take-files a"));
    /** @type {HTMLButtonElement | null} */
    const button = card.querySelector(".save-png");
    if (!button) { save(link.href, link.download); return; } // a PNG already
    const address = URL.createObjectURL(await paint(link.href));
    save(address, `${button.dataset.name}.png`);
    setTimeout(() => URL.revokeObjectURL(address), 60000);
  };
  /** @param {HTMLButtonElement} button */
  const tell = (button) => {
    const words = Object.assign(document.createElement("span"), { className: "take-told" });
    words.setAttribute("role", "status");
    button.after(words);
    words.textContent = " Browsers make no PNG on a page opened from a disk. Take the SVG, or the book on the web.";
    button.disabled = true;
  };
  /** @type {NodeListOf<HTMLButtonElement>} */ (document.querySelectorAll(".save-png")).forEach((button) => {
    const card = button.closest(".take-card");
    const cards = card ? [card]
      : [.../** @type {Element} */ (button.closest("section")).querySelectorAll(".take-card")];
    button.addEventListener("click", async () => {
      try {
        for (const one of cards) await take(one);
      } catch (error) {
        if (/** @type {Error} */ (error).name !== "SecurityError") throw error;
        tell(button);
      }
    });
  });
})();
