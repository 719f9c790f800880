"""Is what an open page shows what it should show? Compared with a fresh load, and with what the servers say now."""

from __future__ import annotations

import difflib
import time
from collections.abc import Mapping, Sequence
from typing import cast

import httpx2
from playwright.sync_api import Error, Page

from e2e.harness.portal import Portal

Lines = list[str]

# What may differ between two views of one state, and nothing else: what a load is signed with, what marks the path
# a piece came by, what is being spoken of, and what the hand at this page has done. What is typed is no markup.
_SCRIPT = """async (truths) => {
  const MAY_DIFFER = new Set(["data-grant", "data-cursor", "nonce", "data-etag", "data-changed", "data-htmx-powered",
    "aria-busy", "open"]);
  const lines = (node, into = []) => {
    if (node.nodeType === Node.TEXT_NODE) {
      const text = node.textContent.replace(/\\s+/g, " ").trim();
      if (text) into.push(text);
    } else if (node.nodeType === Node.ELEMENT_NODE) {
      const attributes = [...node.attributes].filter(({ name }) => !MAY_DIFFER.has(name))
        .map(({ name, value }) => `${name}=${JSON.stringify(value)}`).sort();
      into.push(`<${[node.localName, ...attributes].join(" ")}>`);
      if (!node.classList.contains("live-said")) for (const child of node.childNodes) lines(child, into);
      into.push(`</${node.localName}>`);
    }
    return into;
  };
  const parsed = (html) => new DOMParser().parseFromString(html, "text/html");
  const whole = (page) => [page.title, ...lines(page.body)];
  const inside = (section) => [...section.childNodes].flatMap((node) => lines(node));
  const answer = await fetch(location.href, {
    headers: { Accept: "text/html" }, cache: "no-store", signal: AbortSignal.timeout(5000) });
  const pairs = { "a fresh load": [whole(document), whole(parsed(await answer.text()))] };
  for (const [id, html] of Object.entries(truths))
    pairs[id] = [inside(document.getElementById(id)), inside(parsed(html).body)];
  return pairs;
}"""

_SHOWN = """() => [...document.querySelectorAll("[data-fragment]")].map(({ id, dataset, lang }) =>
  ({ id, name: dataset.fragment, params: dataset.params ?? "" }))"""


class Servers:
    """What the fragment servers answer when they are asked without a shell in between."""

    def __init__(self, portal: Portal) -> None:
        self._portal = portal
        self._paths: dict[str, str] = {}

    def html(self, name: str, params: str, locale: str) -> str | None:
        """A public fragment; None for a private one, which no one but the shell may ask for."""
        server, _, fragment = name.partition("/")
        address = self._portal.url_of(f"{server}-fragment")
        path = self._path(server, fragment, address)
        if not path:
            return None
        answer = httpx2.get(f"{address}{path}?{params}", headers={"podium-locale": locale}, trust_env=False)
        answer.raise_for_status()
        return answer.text

    def _path(self, server: str, fragment: str, address: str) -> str:
        if server not in {name.partition("/")[0] for name in self._paths}:
            manifest = httpx2.get(f"{address}/manifest.json", trust_env=False).json()
            for name, declared in manifest["jogakbo"]["fragments"].items():
                self._paths[f"{server}/{name}"] = "" if declared.get("audience") == "private" else declared["path"]
        return self._paths[f"{server}/{fragment}"]


def differences(page: Page, servers: Servers) -> str:
    """How an open page differs from a fresh load and from its servers; empty when it does not."""
    locale = page.locator("html").get_attribute("lang") or "en"
    shown = cast(Sequence[Mapping[str, str]], page.evaluate(_SHOWN))
    asked = {one["id"]: servers.html(one["name"], one["params"], locale) for one in shown}
    truths = {id: html for id, html in asked.items() if html is not None}
    pairs = cast(Mapping[str, tuple[Lines, Lines]], page.evaluate(_SCRIPT, truths))
    return "\n".join(_difference(page.url, against, *pair) for against, pair in pairs.items() if pair[0] != pair[1])


def await_likeness(portal: Portal, pages: Sequence[Page], seconds: float) -> float:
    """Return as soon as every page shows what it should, with the seconds that took. Raises after `seconds`."""
    servers = Servers(portal)
    started = time.monotonic()
    while wrong := [text for page in pages if (text := _differences_or_error(page, servers))]:
        if time.monotonic() - started > seconds:
            raise AssertionError(f"after {seconds:g} s pages show something else:\n" + "\n".join(wrong))
    return time.monotonic() - started


def _differences_or_error(page: Page, servers: Servers) -> str:
    """A shell or a server that is just coming back is no likeness yet."""
    try:
        return differences(page, servers)
    except (Error, httpx2.HTTPError) as error:
        return f"{page.url}: {error}"


def _difference(url: str, against: str, open_page: Lines, other: Lines) -> str:
    return "\n".join(difflib.unified_diff(open_page, other, f"{url}, open", against, lineterm="", n=2))
