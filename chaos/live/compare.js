// What an open page shows beside a fresh load of it: [[id, what the page has, what the load has], …] where they differ.
(html) => {
  const MAY_DIFFER = new Set(["data-grant", "data-cursor", "nonce", "data-changed", "data-htmx-powered", "data-etag", "tabindex"]);
  const lines = (node, into = []) => {
    if (node.nodeType === Node.TEXT_NODE) {
      const text = node.textContent.replace(/\s+/g, " ").trim();
      if (text) into.push(text);
    } else if (node.nodeType === Node.ELEMENT_NODE) {
      const attributes = [...node.attributes].filter(({ name }) => !MAY_DIFFER.has(name))
        .map(({ name, value }) => `${name}=${JSON.stringify(value)}`).sort();
      into.push(`<${[node.localName, ...attributes].join(" ")}>`);
      for (const child of node.childNodes) lines(child, into);
      into.push(`</${node.localName}>`);
    }
    return into;
  };
  const sections = (root) => new Map([...root.querySelectorAll("[data-fragment]")].map((one) => [one.id, one]));
  const here = sections(document), fresh = sections(new DOMParser().parseFromString(html, "text/html"));
  const differences = [];
  for (const id of new Set([...here.keys(), ...fresh.keys()])) {
    const [open, load] = [here.get(id), fresh.get(id)].map((one) => (one ? lines(one).join("\n") : "nothing"));
    const [mine, its] = [here.get(id)?.dataset.etag, fresh.get(id)?.dataset.etag];
    if (open !== load) differences.push([id, open, load]);
    else if (mine && its && mine !== its) differences.push([id, `etag ${mine}`, `etag ${its}`]);
  }
  return differences;
}
