// Put into every document before anything else: tells the test what the page shows, and what it says of itself.
(() => {
  const document_id = Math.random().toString(36).slice(2);
  const shown = new Map(), states = new Map();
  let live = "";
  const tell = (entries) => {
    if (entries.length) window.chaosTell?.({ document_id, at: Date.now() / 1000, entries });
  };
  function look() {
    const entries = [];
    for (const element of document.querySelectorAll("[data-version]")) {
      const item = Number(element.dataset.item), version = Number(element.dataset.version);
      if (shown.get(item) !== version) entries.push(["version", item, version]);
      shown.set(item, version);
      const state = element.closest("[data-fragment]")?.dataset.state ?? "";
      if (states.get(item) !== state) entries.push(["state", item, state]);
      states.set(item, state);
    }
    const says = document.documentElement?.dataset.live ?? "";
    if (says !== live) entries.push(["live", 0, says]);
    live = says;
    tell(entries);
  }
  new MutationObserver(look).observe(document, {
    subtree: true, childList: true, attributes: true, attributeFilter: ["data-version", "data-state", "data-live"],
  });
  addEventListener("pagehide", () => tell([["seen", 0, "no"]]));
  addEventListener("pageshow", ({ persisted }) => tell([["seen", 0, persisted ? "bfcache" : "yes"]]));
})();
