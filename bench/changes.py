"""From a change in a service to the changed HTML in somebody else's browser, in a whole portal of its own."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import cast

import httpx2
import msgspec
from playwright.sync_api import Page, sync_playwright
from redis import Redis

from bench.progress import Progress
from e2e.harness.chromium import launch_chromium
from e2e.harness.portal import Portal

INGREDIENT = "beans"

_SERVICE = "inventory"
_STREAM = f"jogakbo:stream:{_SERVICE}"  # docs/contract.md, "Publish"
_SAME_ORIGIN = {"sec-fetch-site": "same-origin", "sec-fetch-mode": "cors", "hx-request": "true"}
_WATCH = """([selector, wanted]) => {
  const section = document.querySelector(selector);
  window.arrived = new Promise((resolve, reject) => {
    setTimeout(() => reject(new Error(`${wanted} has not come within 10 s`)), 10000);
    const look = () => section.textContent.includes(wanted) && resolve(performance.timeOrigin + performance.now());
    new MutationObserver(look).observe(section, {subtree: true, childList: true, characterData: true});
  });
}"""


class Change(msgspec.Struct, frozen=True):
    """Milliseconds until the other browser's DOM showed it: since the form was sent, and since the event was written
    into the transaction that was committed a moment later."""

    since_sent_ms: float
    since_commit_ms: float


class Changes(msgspec.Struct, frozen=True):
    """In which browser they were seen: `Chromium 140.0`."""

    browser: str
    found: tuple[Change, ...]


def changes(portal: Portal, count: int) -> Changes:
    """One after the other; the next when the last has been seen."""
    with sync_playwright() as playwright, Redis.from_url(portal.redis_url) as redis:
        browser = launch_chromium(playwright)
        page = browser.new_page(base_url=portal.url, locale="en-US")
        page.goto("/stock")
        page.wait_for_selector("html[data-live=on]")
        with httpx2.Client(base_url=portal.url, headers=_SAME_ORIGIN) as client:
            client.get("/stock").raise_for_status()
            found = tuple(_one_change(portal, client, page, redis) for _ in range(count))
        version = f"Chromium {browser.version}"
        browser.close()
    return Changes(version, found)


def measure_changes(count: int, folder: Path, progress: Progress) -> Changes:
    """In a portal that nobody else uses."""
    progress.step(f"{count} changes, seen in a browser", 15 + count * 0.15)
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as data:
        portal = Portal(Path(data))
        try:
            portal.wait_ready()
            found = changes(portal, count)
        finally:
            portal.stop()
    progress.note(f"p50 {percentile([one.since_commit_ms for one in found.found], 0.5):.0f} ms")
    return found


def percentile(values: Sequence[float], part: float) -> float:
    """The smallest value that at least so many are not above: `percentile(delays, 0.99)`."""
    ranked = sorted(values)
    return ranked[min(len(ranked) - 1, int(len(ranked) * part))]


def _one_change(portal: Portal, client: httpx2.Client, page: Page, redis: Redis) -> Change:
    stock = portal.ask(f"{_SERVICE}-service", f"/ingredients/{INGREDIENT}")
    wanted = f"{int(str(stock['on_hand'])) + 1:,}"
    page.evaluate(_WATCH, ['[data-fragment="inventory/levels"]', wanted])
    newest = _newest(redis)
    sent = time.time() * 1000
    form = {"ingredient_id": INGREDIENT, "delivered": "1", "revision": str(stock["revision"])}
    client.post("/-/inventory/actions/restock", data=form).raise_for_status()
    arrived: float = page.evaluate("window.arrived")
    return Change(arrived - sent, arrived - _committed_ms(redis, newest))


def _newest(redis: Redis) -> str:
    (position, _), *_ = _entries(redis.xrevrange(_STREAM, count=1))
    return position.decode()


def _committed_ms(redis: Redis, after: str) -> float:
    """When the first event after that position was written, in milliseconds since 1970."""
    (_, fields), *_ = _entries(redis.xrange(_STREAM, min=f"({after}", count=1))
    told = json.loads(fields[b"event"])["time"]
    return datetime.fromisoformat(told).timestamp() * 1000


def _entries(answer: object) -> list[tuple[bytes, dict[bytes, bytes]]]:
    return cast(list[tuple[bytes, dict[bytes, bytes]]], answer)
