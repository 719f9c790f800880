"""One fragment of six comes late: when does a visitor see the first byte, something useful, and the end?"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

import msgspec

from bench.compose.pages import LATE_AT, LATE_MS, PAGES
from bench.compose.probe import Arrival, probe
from bench.compose.systems.system import System
from bench.progress import Progress

VIEWS = 21
USUAL_MS = 200

_USEFUL = PAGES[f"late-{USUAL_MS}"].fragments[LATE_AT - 1].end
_OURS = "shell"


class Lateness(msgspec.Struct, frozen=True):
    """Milliseconds, p50 of all views; `useful_ms` is the end of the last fragment before the late one, None where
    that did not always come."""

    system: str
    delay_ms: int
    first_ms: float
    useful_ms: float | None
    last_ms: float


def measure(systems: Sequence[System], progress: Progress) -> list[Lateness]:
    """One view of each in turn, `VIEWS` times over; other delays than the usual one for this shell alone."""
    watched = [(one, ms) for one in systems for ms in LATE_MS if ms == USUAL_MS or one.name == _OURS]
    arrivals: dict[tuple[str, int], list[Arrival]] = {(one.name, ms): [] for one, ms in watched}
    for view in range(VIEWS):
        progress.step(f"view {view + 1} of {VIEWS} with one late fragment", _seconds(watched))
        for system, ms in watched:
            arrivals[system.name, ms].append(probe(system.target(f"late-{ms}"), [_USEFUL]))
    progress.note("done")
    return [_lateness(name, ms, views) for (name, ms), views in arrivals.items()]


def planned_seconds(systems: Sequence[System]) -> float:
    return VIEWS * _seconds([(one, ms) for one in systems for ms in LATE_MS if ms == USUAL_MS or one.name == _OURS])


def _seconds(watched: Sequence[tuple[System, int]]) -> float:
    return sum(ms + 10 for _, ms in watched) / 1000


def _lateness(name: str, ms: int, views: Sequence[Arrival]) -> Lateness:
    useful = [at for view in views for at in view.marks_ms if at is not None]
    return Lateness(
        name,
        ms,
        median(view.first_ms for view in views),
        median(useful) if len(useful) == len(views) else None,
        median(view.last_ms for view in views),
    )
