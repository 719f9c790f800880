"""One seed: the small world, its pages, the storm, and what the oracle says when it is over."""

from __future__ import annotations

import asyncio
import random
import shutil
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from playwright.async_api import Browser

from chaos.live import oracle
from chaos.live.faults import FAULTS, Place, Stage
from chaos.live.pages import PAGE_ERRORS, Span, Windows, windows
from chaos.live.schedule import Blow, plan, tick_times
from chaos.live.slow_reader import slow_readers
from chaos.live.ticker import Ticker
from chaos.live.world import small_world

_TYPED = ("kim", " minsu", " 민수")
_SLOW_READERS = 2
_LATE_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class Struck:
    """A fault that has happened, in Unix seconds."""

    name: str
    began: float
    ended: float
    error: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """Of one seed; it is well if `faults` is empty."""

    seed: int
    struck: Sequence[Struck]
    updates: int
    settled: oracle.Settled
    staleness: oracle.Staleness
    faults: Sequence[str]
    reloads: int
    began: float
    folder: Path

    @property
    def line(self) -> str:
        """`seed 7: green, 31 faults, 118 updates, converged in 0.4 s, …`"""
        converged = "never" if self.settled.seconds is None else f"in {self.settled.seconds:.1f} s"
        if self.settled.later is not None:
            converged = f"late, after {self.settled.later:.1f} s"
        return (
            f"seed {self.seed}: {'RED' if self.faults else 'green'}, {len(self.struck)} faults, "
            f"{self.updates} updates, converged {converged}, oldest {self.staleness.longest:.1f} s, "
            f"unannounced {max(0.0, self.staleness.longest_unannounced):.1f} s"
            + (f", {self.reloads} loads that did not come" if self.reloads else "")
        )

    @property
    def story(self) -> str:
        """Everything that somebody needs who looks for the reason."""
        blows = [
            f"  {blow.began - self.began:6.2f} – {blow.ended - self.began:6.2f}  {blow.name}"
            + (f"  ({blow.error})" if blow.error else "")
            for blow in self.struck
        ]
        return "\n".join(
            [
                f"seed {self.seed} failed:",
                *(f"  {fault}" for fault in self.faults),
                f"what was broken, in seconds from {self.began:.2f}:",
                *blows,
                f"logs: {self.folder}",
            ]
        )


async def weather(browser: Browser, seed: int, seconds: float, folder: Path, *, lossy: bool, calm: bool) -> Outcome:
    """Raises NotWithin when the world cannot even be set up."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)  # noqa: ASYNC240 - before anything runs
    async with small_world(folder, lossy=lossy) as world, windows(browser) as both:
        ticker = Ticker(world, random.Random(f"items {seed}"))
        stage = Stage(world, both, ticker)
        await both.open(world.front.origin)
        await both.typing.type(_TYPED[0])
        async with slow_readers(both.typing, world, _SLOW_READERS):
            began = time.time()
            struck = await _storm(stage, {} if calm else plan(seed, seconds), seed, seconds)
            over = time.monotonic()
            settled = await oracle.settle(world, both, over, 0 if lossy else _LATE_SECONDS)
        silent: list[Span] = [(one.began, one.ended) for one in struck if FAULTS[one.name].silent]
        staleness = oracle.staleness(both.pages, ticker.commits, silent, time.time())
        faults = [*settled.faults, *oracle.steps_back(both.pages), *staleness.faults]
        _keep(folder, both, ticker, began)
        reloads = sum(page.reloads for page in both.pages)
    return Outcome(seed, struck, ticker.count, settled, staleness, faults, reloads, began, folder)


def _keep(folder: Path, both: Windows, ticker: Ticker, began: float) -> None:
    """What each page has shown and said, and when what became true, line by line in seconds from the beginning."""
    lines = [
        (note.at, f"{page.name}: {note.what} {note.item} {note.value} ({note.document})")
        for page in both.pages
        for note in page.notes
    ]
    lines += [(at, f"true: {item} {version}") for item, told in ticker.commits.items() for at, version in told]
    (folder / "pages.log").write_text("".join(f"{at - began:7.2f} {text}\n" for at, text in sorted(lines)))


async def _storm(stage: Stage, tracks: Mapping[Place, Sequence[Blow]], seed: int, seconds: float) -> list[Struck]:
    """Returns when the last fault is over; by then everything has been changed that will be."""
    struck: list[Struck] = []
    async with asyncio.TaskGroup() as tasks:
        for blows in tracks.values():
            tasks.create_task(_strike(stage, blows, seconds, struck))
        tasks.create_task(_tick(stage.ticker, tick_times(seed, seconds, stage.ticker.left)))
        tasks.create_task(_type(stage.windows, seconds))
    return sorted(struck, key=lambda one: one.began)


async def _strike(stage: Stage, blows: Sequence[Blow], seconds: float, struck: list[Struck]) -> None:
    """One after the other; what could not begin in time, because a process took long to start again, is left out."""
    started = time.monotonic()
    for blow in blows:
        await asyncio.sleep(started + blow.at - time.monotonic())
        left = started + seconds - time.monotonic()
        if left < 0:
            return
        began, error = time.time(), ""
        try:
            await FAULTS[blow.fault].strike(stage, random.Random(blow.seed), min(blow.seconds, left))
        except PAGE_ERRORS as fault:
            error = str(fault).splitlines()[0] if str(fault) else type(fault).__name__
        struck.append(Struck(blow.fault, began, time.time(), error))


async def _tick(ticker: Ticker, times: Sequence[float]) -> None:
    started = time.monotonic()
    for at in times:
        await asyncio.sleep(started + at - time.monotonic())
        await ticker.tick()


async def _type(both: Windows, seconds: float) -> None:
    for more in _TYPED[1:]:
        await asyncio.sleep(seconds / 3)
        with suppress(*PAGE_ERRORS):
            await both.typing.type(more)
