"""Open pages in a real Chromium, and what each has shown and said since it was opened."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypedDict, cast

from playwright.async_api import Browser, BrowserContext, Error, Page, async_playwright

from chaos.live.world import PAGES, is_form
from chaos.ticks.fragments import PRIVATE_ITEM
from e2e.harness.chromium import chromium_binary, chromium_flags

_HERE = Path(__file__).parent
_RECORDER = (_HERE / "recorder.js").read_text()
_COMPARE = (_HERE / "compare.js").read_text()
PAGE_ERRORS = (Error, TimeoutError)
"""What asking a page that is in trouble raises."""

_PATIENCE_MS = 10_000
_ANSWER_SECONDS = 5.0

_SHOWN = """() => ({
  live: document.documentElement.dataset.live ?? "",
  said: `${document.title}, ${document.readyState}, ${document.body?.innerText.length} characters, ` +
    `${document.querySelectorAll("[data-fragment]").length} fragments, ` +
    `${Math.round(performance.now() / 1000)} s old, htmx ${typeof htmx}`,
  items: Object.fromEntries([...document.querySelectorAll("[data-version]")].map((one) =>
    [one.dataset.item, [Number(one.dataset.version), one.closest("[data-fragment]")?.dataset.state ?? "?"]])),
  typed: Object.fromEntries([...document.querySelectorAll("[name=note]")].filter((field) => field.value).map((field) =>
    [field.form.elements.n.value, field.value])),
})"""
_WHOLE = """() => {
  const [{ loadEventEnd }] = performance.getEntriesByType("navigation");
  const runs = document.documentElement.dataset.live || !loadEventEnd || performance.now() - loadEventEnd < 4000;
  return (document.readyState === "loading" && performance.now() < 15000) ||
    Boolean(document.body?.dataset.grant && document.querySelector("footer") && runs);
}"""
_SET_HIDDEN = """(hidden) => {
  const says = (name, value) => Object.defineProperty(document, name, { configurable: true, get: () => value });
  says("hidden", hidden);
  says("visibilityState", hidden ? "hidden" : "visible");
  document.dispatchEvent(new Event("visibilitychange"));
}"""

Span = tuple[float, float]
"""From and to, in Unix seconds."""

What = Literal["version", "state", "live", "seen"]


@dataclass(frozen=True, slots=True)
class Note:
    """From `at` (Unix seconds) on; `item` is 0 for what is said of the page as a whole."""

    at: float
    document: str
    what: What
    item: int
    value: int | str


class _Told(TypedDict):
    document_id: str
    at: float
    entries: list[tuple[What, int, int | str]]


@dataclass(frozen=True, slots=True)
class Shown:
    """`items`: version and state by number. `typed`: what stands in the fields, by number. `said` is for a person."""

    live: str
    said: str
    items: Mapping[int, tuple[int, str]]
    typed: Mapping[int, str]


class OpenPage:
    """`typed` is what the test has typed into which item's form, `unseen` when nobody looked at it, `reloads` how often
    somebody had to load it again because it had not come, or half of it."""

    def __init__(self, name: str, path: str, page: Page, origin: str, locale: str) -> None:
        self.name = name
        self.items = {*PAGES[path], PRIVATE_ITEM}
        self.page = page
        self.notes: list[Note] = []
        self.typed: dict[int, str] = {}
        self.unseen: list[Span] = []
        self.reloads = 0
        self._looked_away_at = 0.0
        self._path = path
        self._origin = origin
        self._locale = locale

    async def open(self) -> None:
        """Load it; raises playwright's Error."""
        await self.page.goto(self._origin + self._path)
        await self.page.wait_for_selector("html[data-live=on]", state="attached")

    async def type(self, text: str) -> None:
        """Into the fields of two forms, after what is there."""
        for item in [item for item in sorted(self.items) if is_form(item)][:2]:
            field = self.page.locator(f'section:has([data-item="{item}"]) [name=note]')
            await field.focus(timeout=_PATIENCE_MS)
            await field.press("End")
            # Typed into whatever has the focus, as a hand would: a swap may come between two letters.
            await self.page.keyboard.type(text, delay=20)
            self.typed[item] = self.typed.get(item, "") + text

    async def shown(self) -> Shown:
        """Raises playwright's Error or TimeoutError when the page cannot answer."""
        async with asyncio.timeout(_ANSWER_SECONDS):
            told = await self.page.evaluate(_SHOWN)
        items = {int(n): (version, state) for n, (version, state) in told["items"].items()}
        return Shown(told["live"], told["said"], items, {int(n): text for n, text in told["typed"].items()})

    async def differences(self, fresh_html: str) -> list[tuple[str, str, str]]:
        """Section by section: id, what this page has, what a fresh load has."""
        async with asyncio.timeout(_ANSWER_SECONDS):
            return cast(list[tuple[str, str, str]], await self.page.evaluate(_COMPARE, fresh_html))

    async def fresh_load(self, origin: str) -> str:
        """This page's address at a worker itself, with this page's cookies and language."""
        headers = {"accept": "text/html", "accept-language": self._locale}
        answer = await self.page.context.request.get(origin + self._path, headers=headers, timeout=_PATIENCE_MS)
        return await answer.text()

    async def hide(self, hidden: bool) -> None:
        """As behind another tab."""
        self._look(not hidden)
        async with asyncio.timeout(_ANSWER_SECONDS):
            await self.page.evaluate(_SET_HIDDEN, hidden)

    async def freeze(self, seconds: float) -> None:
        """As a browser does with a tab that was hidden for long: nothing of it runs. Its debugger is the only way to
        have that here: `Page.setWebLifecycleState` freezes no page that a test looks at."""
        self._look(False)
        session = await self.page.context.new_cdp_session(self.page)
        try:
            await session.send("Debugger.enable")
            await session.send("Debugger.pause")
            await asyncio.sleep(seconds)
        finally:
            await session.detach()  # which also lets it run
            self._look(True)

    async def leave(self) -> None:
        """To another address of the same origin."""
        self._look(False)
        await self.page.goto(f"{self._origin}/livez")

    async def come_back(self) -> None:
        """By the back button."""
        self._look(True)
        await self.page.go_back(wait_until="commit")

    def _look(self, seen: bool) -> None:
        if seen:
            self.unseen.append((self._looked_away_at, time.time()))
        self._looked_away_at = time.time()

    async def is_whole(self) -> bool:
        """Whether it is the portal's page to its end and its script runs: not half of it, nor the browser's error."""
        async with asyncio.timeout(_ANSWER_SECONDS):
            return bool(await self.page.evaluate(_WHOLE))

    async def reload(self) -> None:
        """As a person does whose page did not come."""
        self.reloads += 1
        self.notes.append(Note(time.time(), "", "seen", 0, "loaded again by hand"))
        await self.page.goto(self._origin + self._path)

    def heard(self, told: _Told) -> None:
        self.notes += [Note(told["at"], told["document_id"], *entry) for entry in told["entries"]]

    def steps_back(self) -> list[str]:
        """Where a version became lower within one document."""
        last: dict[tuple[str, int], int] = {}
        found = []
        for note in self.notes:
            if note.what != "version":
                continue
            version, before = int(note.value), last.get((note.document, note.item), 0)
            if version < before:
                found.append(f"{self.name}: item {note.item} went from {before} back to {version} at {note.at:.2f}")
            last[note.document, note.item] = version
        return found


class Windows:
    """Two people: the first, in English, types; the second, in Korean, may lose their session."""

    def __init__(self, first: BrowserContext, second: BrowserContext) -> None:
        self.first = first
        self.second = second
        self.pages: list[OpenPage] = []

    async def open(self, origin: str) -> None:
        for context, who, locale, path in (
            (self.first, "first", "en-US", "/left"),
            (self.first, "first", "en-US", "/all"),
            (self.second, "second", "ko-KR", "/right"),
            (self.second, "second", "ko-KR", "/all"),
        ):
            page = await context.new_page()
            self.pages.append(OpenPage(f"{who} {path}", path, page, origin, locale))
            await self.pages[-1].open()

    def of(self, context: BrowserContext) -> list[OpenPage]:
        return [page for page in self.pages if page.page.context == context]

    @property
    def typing(self) -> OpenPage:
        return self.pages[0]

    def hear(self, source: Mapping[str, object], told: _Told) -> None:
        for page in self.pages:
            if page.page == source["page"]:
                page.heard(told)


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """Without a window; leaves nothing running."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=chromium_binary(playwright.chromium.executable_path),
            args=chromium_flags(),
            ignore_default_args=["--disable-back-forward-cache"],
            handle_sigint=False,
        )
        try:
            yield browser
        finally:
            await browser.close()


@asynccontextmanager
async def windows(browser: Browser) -> AsyncIterator[Windows]:
    contexts = [await browser.new_context(locale=locale) for locale in ("en-US", "ko-KR")]
    both = Windows(*contexts)
    try:
        for context in contexts:
            context.set_default_timeout(_PATIENCE_MS)
            await context.add_init_script(_RECORDER)
            await context.expose_binding("chaosTell", both.hear)
        yield both
    finally:
        for context in contexts:
            await context.close()
