// What each page does before it is printed (paper.py).

// Chromium notes the places that a link of the page leads to, by their ids; so each place gets a
// link, and an id that no other page has. What was a link within the page becomes one to any page.
// The page's own script, which opens what is folded, runs late.
async function readyForPaper(page) {
  while (document.querySelector("script[type=late]") && !document.documentElement.dataset.scripts) {
    await new Promise(requestAnimationFrame);
  }
  for (const link of document.querySelectorAll('article a[href^="#"]')) link.search = "within";
  const links = document.createElement("div");
  links.hidden = true;
  for (const place of document.querySelectorAll("article, article [id]:not(svg *)")) {
    place.id = page + (place.id && `#${place.id}`);
    const link = document.createElement("a");
    link.href = "#" + encodeURIComponent(place.id);
    links.append(link);
  }
  document.body.append(links);
  for (const image of document.images) image.loading = "eager";
  await Promise.all([...document.images].map((image) => image.decode().catch(() => {})));
  await document.fonts.ready;
}

// The page's title and its sections, as lines of the contents.
function linesOfContents() {
  return [...document.querySelectorAll("article :is(h1, h2)")].map((heading) => {
    const copy = heading.cloneNode(true);
    copy.querySelectorAll(".headerlink").forEach((link) => link.remove());
    const text = copy.textContent.trim();
    return heading.localName === "h1"
      ? ["page", text, heading.closest("article").id]
      : ["section", text, heading.closest("section").id];
  });
}
