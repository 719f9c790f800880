"""What must never be: a step back, lost text, a page that is old without saying so, a page that stays old."""

from __future__ import annotations

import asyncio
import difflib
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass

import httpx2

from chaos.live.pages import PAGE_ERRORS, Note, OpenPage, Span, Windows
from chaos.live.world import World

CONVERGED_SECONDS = 5.0
"""From the end of the last fault until every page shows what a fresh load shows."""

UNANNOUNCED_SECONDS = 6.0
"""For so long a page may be older than the truth while it says that it is live and that the fragment is fresh: the
longest debounce (0.5), two time limits of 2 s towards a bus that went away, the pause before a page says so (2.5)."""

SILENT_SECONDS = 32.5
"""Time in which a silent fault was on does not count, up to this: what a page needs to miss its heartbeats (25 s of
silence, looked for every 5) and to say so (2.5)."""

_LIVE = ("on", "polling")
_LOOK_SECONDS = 0.1
_LEFT_OUT = 12


@dataclass(frozen=True, slots=True)
class Settled:
    """`seconds` until all was well, or None; then `faults` say what was not at the end of the bound, and `later` when
    it was in the end, if it was."""

    seconds: float | None
    faults: Sequence[str] = ()
    later: float | None = None


async def settle(world: World, windows: Windows, since: float, late_seconds: float) -> Settled:
    """Wait until every page equals a fresh load of itself from either worker. `since` is on time.monotonic();
    `late_seconds` after the bound it is no longer waited to see whether that comes after all."""
    truth = await world.truth()
    faults_at_bound: list[str] = []
    while True:
        looked_at = time.monotonic() - since
        await _reload_what_did_not_come(windows)
        faults = await _faults(world, windows, truth)
        if not faults:
            return Settled(looked_at) if not faults_at_bound else Settled(None, faults_at_bound, looked_at)
        if looked_at > CONVERGED_SECONDS and not faults_at_bound:
            faults_at_bound = faults
        if looked_at > CONVERGED_SECONDS + late_seconds:
            return Settled(None, faults_at_bound)
        await asyncio.sleep(_LOOK_SECONDS)


async def _reload_what_did_not_come(windows: Windows) -> None:
    """As a person does; a page that came whole gets no such help."""
    for page in windows.pages:
        with suppress(*PAGE_ERRORS):
            if not await page.is_whole():
                await page.reload()


async def _faults(world: World, windows: Windows, truth: dict[int, int]) -> list[str]:
    found = [fault for page in windows.pages for fault in await _against_truth(page, truth)]
    for page in windows.pages if not found else ():
        found += (await _against_loads(world, page))[:_LEFT_OUT]
    return found


async def _against_truth(page: OpenPage, truth: dict[int, int]) -> list[str]:
    try:
        shown = await page.shown()
    except PAGE_ERRORS as error:
        return [f"{page.name}: cannot be asked: {error}"]
    found = [
        f"{page.name}: item {item} is {_said(shown.items.get(item))}, should be version {truth[item]}, fresh"
        for item in sorted(page.items)
        if shown.items.get(item) != (truth[item], "fresh")
    ]
    if found or shown.live not in _LIVE:
        found.insert(0, f"{page.name} says it is {shown.live or 'nothing'} ({shown.said})")
    if len(found) > _LEFT_OUT:
        found = [*found[:_LEFT_OUT], f"{page.name}: … {len(found) - _LEFT_OUT} more"]
    return found + [
        f"{page.name}: typed {text!r} for item {item}, there is {shown.typed.get(item, '')!r}"
        for item, text in page.typed.items()
        if shown.typed.get(item) != text
    ]


def _said(shown: tuple[int, str] | None) -> str:
    return f"version {shown[0]}, {shown[1]}" if shown else "not there"


async def _against_loads(world: World, page: OpenPage) -> list[str]:
    found = []
    for worker in world.workers:
        try:
            differences = await page.differences(await page.fresh_load(worker.url))
        except (*PAGE_ERRORS, httpx2.HTTPError) as error:
            return [f"{page.name}: no fresh load from {worker.name}: {error}"]
        for id, open_page, load in differences:
            lines = difflib.ndiff(open_page.splitlines(), load.splitlines())
            told = "\n    ".join(line for line in lines if line[0] in "+-")
            found.append(f"{page.name}: {id} differs from a fresh load (+) of {worker.name}:\n    {told}")
    return found


def steps_back(pages: Iterable[OpenPage]) -> list[str]:
    return [step for page in pages for step in page.steps_back()]


@dataclass(frozen=True, slots=True)
class Staleness:
    """Seconds: how long a page was ever older than the truth, and how long without saying so, silent faults and times
    when nobody looked taken off. `faults` are the pages that were so for too long."""

    longest: float
    longest_unannounced: float
    faults: Sequence[str]


def staleness(
    pages: Iterable[OpenPage], commits: dict[int, list[tuple[float, int]]], silent: Sequence[Span], over: float
) -> Staleness:
    """`over` is when to stop looking."""
    longest, unannounced, faults = 0.0, 0.0, []
    for page in pages:
        quiet = _quiet_spans(page, over)
        excused = [*silent, *page.unseen]
        for item in page.items:
            told = [note for note in page.notes if note.item == item and note.what == "version"]
            for at, version in commits.get(item, ()):
                if not told or told[0].at > at:
                    continue  # it was opened later
                until = next((note.at for note in told if int(note.value) >= version), over)
                longest = max(longest, until - at)
                for span in _cut(quiet[item], (at, until)):
                    seconds = span[1] - span[0] - min(_overlap(span, excused), SILENT_SECONDS)
                    unannounced = max(unannounced, seconds)
                    if seconds > UNANNOUNCED_SECONDS:
                        faults.append(
                            f"{page.name}: item {item} was not yet version {version} for {seconds:.1f} s "
                            f"(from {span[0]:.2f} to {span[1]:.2f}), and the page said nothing"
                        )
    return Staleness(longest, unannounced, faults)


def _quiet_spans(page: OpenPage, over: float) -> dict[int, list[Span]]:
    """By item, when the page claimed that what it showed of it was as it is."""
    spans: dict[int, list[Span]] = {item: [] for item in page.items}
    live, states, since = "", dict.fromkeys(page.items, ""), dict[int, float]()

    def claims(item: int) -> bool:
        return live == "on" and states[item] == "fresh"

    for note in [*page.notes, Note(over, "", "live", 0, "over")]:
        if note.what == "live":
            live = str(note.value)
        elif note.what == "state" and note.item in states:
            states[note.item] = str(note.value)
        else:
            continue
        for item in page.items if note.what == "live" else [note.item]:
            if claims(item):
                since.setdefault(item, note.at)
            elif item in since:
                spans[item].append((since.pop(item), note.at))
    return spans


def _cut(spans: Iterable[Span], window: Span) -> list[Span]:
    cut = [(max(span[0], window[0]), min(span[1], window[1])) for span in spans]
    return [span for span in cut if span[0] < span[1]]


def _overlap(span: Span, others: Sequence[Span]) -> float:
    """Seconds of `span` that any of the others covers."""
    covered, reached = 0.0, span[0]
    for begins, ends in sorted(_cut(others, span)):
        covered += max(0.0, ends - max(begins, reached))
        reached = max(reached, ends)
    return covered


def tally(names: Iterable[str]) -> str:
    return ", ".join(f"{name} ×{count}" if count > 1 else name for name, count in sorted(Counter(names).items()))
