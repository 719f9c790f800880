"""Memory of our shell after many pages of many variants: does the cache's bound hold?"""

from __future__ import annotations

import time

import msgspec

from bench.compose.load import Target, load
from bench.compose.systems.system import System
from bench.compose.throughput import CONNECTIONS
from bench.progress import Progress

PAGES = 200_000
VARIANTS = 1_000
PAGE = "v-6"

_SLICE_SECONDS = 2


class Growth(msgspec.Struct, frozen=True):
    """`resident_mb` by the pages served until then: `[(0, 61.2), (9_812, 118.0), …]`."""

    wanted: int
    resident_mb: tuple[tuple[int, float], ...]

    @property
    def pages(self) -> int:
        return self.resident_mb[-1][0]

    @property
    def most_mb(self) -> float:
        return max(megabytes for _, megabytes in self.resident_mb)

    @property
    def later_growth(self) -> float:
        """What the second half added to the most that the first half had, as a part of it."""
        halves: tuple[list[float], list[float]] = ([], [])
        for pages, megabytes in self.resident_mb:
            halves[pages > self.pages / 2].append(megabytes)
        return max(halves[1]) / max(halves[0]) - 1


def measure(system: System, *, pages: int, seconds: float, progress: Progress) -> Growth:
    """Until so many pages were served or so many seconds have passed; every view is of one of a thousand variants."""
    target = Target(system.target(PAGE).url, query="variant")
    served = 0
    points = [(0, _resident_mb(system))]
    until = time.monotonic() + seconds
    while served < pages and time.monotonic() < until:
        progress.step(f"memory: {served:,} pages of {VARIANTS:,} variants", _SLICE_SECONDS)
        served += load(target, connections=CONNECTIONS, seconds=_SLICE_SECONDS, system=system.process).pages
        points.append((served, _resident_mb(system)))
    progress.note(f"{served:,} pages, {points[-1][1]:.0f} MB")
    return Growth(pages, tuple(points))


def _resident_mb(system: System) -> float:
    return system.process.rss_bytes() / 1e6
