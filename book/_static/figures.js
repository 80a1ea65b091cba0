// A drawing as a PNG for slides, made here, in the reader's browser. What a page that was opened from
// a disk has drawn, browsers do not hand out; then the reader is told so.
(() => {
  const WIDTH = 2400;
  const paint = async (address) => {
    const drawing = new Image();
    drawing.src = address;
    await drawing.decode();
    const height = Math.round((WIDTH * drawing.naturalHeight) / drawing.naturalWidth);
    const canvas = Object.assign(document.createElement("canvas"), { width: WIDTH, height });
    const pen = canvas.getContext("2d");
    pen.fillStyle = "#fff";
    pen.fillRect(0, 0, WIDTH, height);
    pen.drawImage(drawing, 0, 0, WIDTH, height);
    return new Promise((done) => { canvas.toBlob(done, "image/png"); });
  };
  const save = (href, download) => {
    const link = Object.assign(document.createElement("a"), { href, download });
    document.body.append(link);
    link.click();
    link.remove();
  };
  const take = async (card) => {
    const link = card.querySelector(".take-files a");
    const button = card.querySelector(".save-png");
    if (!button) { save(link.href, link.download); return; } // a PNG already
    const address = URL.createObjectURL(await paint(link.href));
    save(address, `${button.dataset.name}.png`);
    setTimeout(() => URL.revokeObjectURL(address), 60000);
  };
  const tell = (button) => {
    const words = Object.assign(document.createElement("span"), { className: "take-told" });
    words.setAttribute("role", "status");
    button.after(words);
    words.textContent = " Browsers make no PNG on a page opened from a disk. Take the SVG, or the book on the web.";
    button.disabled = true;
  };
  document.querySelectorAll(".save-png").forEach((button) => {
    const card = button.closest(".take-card");
    const cards = card ? [card] : [...button.closest("section").querySelectorAll(".take-card")];
    button.addEventListener("click", async () => {
      try {
        for (const one of cards) await take(one);
      } catch (error) {
        if (error.name !== "SecurityError") throw error;
        tell(button);
      }
    });
  });
})();
