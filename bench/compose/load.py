"""The load: wrk on the other core, as many requests as the system answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import msgspec

from bench.processes import LOAD_CORE, Process, run

_SCRIPT = Path(__file__).parent / "load.lua"

Query = Literal["", "count", "visitor", "variant"]


@dataclass(frozen=True, slots=True)
class Target:
    """`query` gives each request one of its own.

    `count` is a new one each time that nobody reads (`?n=1`), `visitor` a new one that the fragments read (`?v=1`),
    `variant` one of a thousand that they read (`?v=7`).
    """

    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    query: Query = ""


class Sample(msgspec.Struct, frozen=True):
    """What one run of wrk saw, what the system used for it, and how many fragments it fetched."""

    pages: int
    seconds: float
    cpu_seconds: float
    p50_ms: float
    p99_ms: float
    longest_ms: float
    failed: int
    fetched: int = 0

    @property
    def pages_per_cpu_second(self) -> float:
        return self.pages / self.cpu_seconds if self.cpu_seconds else 0.0

    @property
    def pages_per_second(self) -> float:
        return self.pages / self.seconds

    @property
    def cpu_us(self) -> float:
        return self.cpu_seconds / self.pages * 1e6 if self.pages else 0.0

    @property
    def busy(self) -> float:
        """How much of a core the system used; well below 1 the load or the origin was the limit."""
        return self.cpu_seconds / self.seconds


class _Told(msgspec.Struct):
    requests: int
    duration_us: float
    p50_us: float
    p99_us: float
    longest_us: float
    failed: int


def load(target: Target, *, connections: int, seconds: float, system: Process) -> Sample:
    """Ask for as long as `seconds` (whole tenths) over kept connections."""
    words = ["wrk", "-t1", f"-c{connections}", f"-d{seconds:g}s", "--timeout", "5s", "-s", str(_SCRIPT)]
    for name, value in target.headers.items():
        words += ["-H", f"{name}: {value}"]
    before = system.cpu_seconds()
    printed = run([*words, target.url], core=LOAD_CORE, environment={"LOAD_QUERY": target.query})
    cpu_seconds = system.cpu_seconds() - before
    told = msgspec.json.decode(printed.rsplit("LOAD ", 1)[1].strip(), type=_Told)
    return Sample(
        pages=told.requests,
        seconds=told.duration_us / 1e6,
        cpu_seconds=cpu_seconds,
        p50_ms=told.p50_us / 1e3,
        p99_ms=told.p99_us / 1e3,
        longest_ms=told.longest_us / 1e3,
        failed=told.failed,
    )
