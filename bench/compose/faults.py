"""One fragment of six never answers, or its server refuses connections: the first page, and those after it."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from typing import Literal

import msgspec

from bench.compose.load import Sample, load
from bench.compose.origin import Origin
from bench.compose.probe import probe
from bench.compose.systems.system import System
from bench.compose.throughput import CONNECTIONS
from bench.progress import Progress

Kind = Literal["hung", "away"]

HEALTHY = "f-6"
ROUNDS = 4

_OURS = "shell"
_VIEWS = 20
_LONG_VIEWS = 3  # of a page that takes a second each time
_LONG_MS = 500


class Fault(msgspec.Struct, frozen=True):
    """Milliseconds until the last byte: the first view, and the p50 and longest of `views` after it, one at a time.

    `under_load` are rounds of the healthy page and of this one in turn; of our shell only.
    """

    system: str
    kind: Kind
    first_ms: float
    healthy_ms: float
    later_ms: float
    longest_ms: float
    views: int
    under_load: tuple[tuple[Sample, Sample], ...] = ()

    @property
    def ratio(self) -> float:
        return self.later_ms / self.healthy_ms


def measure(systems: Sequence[System], origin: Origin, progress: Progress) -> list[Fault]:
    """Ends the server of one fragment, for good."""
    for system in systems:
        probe(system.target("away"))  # so that all know what it offers
    found = [_measure(system, "hung", progress) for system in systems]
    origin.servers["away"].stop()
    return found + [_measure(system, "away", progress) for system in systems]


def planned_seconds(systems: Sequence[System]) -> float:
    ours = sum(system.name == _OURS for system in systems)
    return len(systems) * (_LONG_VIEWS + 3) + ours * 4 * ROUNDS


def _measure(system: System, kind: Kind, progress: Progress) -> Fault:
    progress.step(f"one fragment {kind}: {system.label}", _LONG_VIEWS + 1 if kind == "hung" else 2)
    healthy, faulty = system.target(HEALTHY), system.target(kind)
    first_ms = probe(faulty).last_ms
    pairs: list[tuple[float, float]] = []
    while len(pairs) < _VIEWS and (len(pairs) < _LONG_VIEWS or median(later for _, later in pairs) < _LONG_MS):
        pairs.append((probe(healthy).last_ms, probe(faulty).last_ms))
    usual, later = zip(*pairs, strict=True)
    loaded = _under_load(system, kind, progress) if system.name == _OURS else ()
    progress.note(f"first {first_ms:.0f} ms, then {median(later):.1f} ms; healthy {median(usual):.1f} ms")
    return Fault(system.name, kind, first_ms, median(usual), median(later), max(later), len(pairs), loaded)


def _under_load(system: System, kind: Kind, progress: Progress) -> tuple[tuple[Sample, Sample], ...]:
    rounds = []
    for turn in range(ROUNDS):
        progress.step(f"one fragment {kind}, {CONNECTIONS} connections, round {turn + 1} of {ROUNDS}", 2)
        pages = (system.target(page) for page in (HEALTHY, kind))
        healthy, faulty = (load(page, connections=CONNECTIONS, seconds=1, system=system.process) for page in pages)
        rounds.append((healthy, faulty))
    return tuple(rounds)
