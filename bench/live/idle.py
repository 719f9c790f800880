"""Connections that nothing is sent to: what they hold, and what they cost while the minutes pass."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import msgspec

from bench.live.audience import Audience, Numbers, audience
from bench.live.systems.system import System
from bench.progress import Progress

WARM_UP = 100

_SETTLE_SECONDS = 3.0
_EVERY_SECONDS = 5.0


class Idle(msgspec.Struct, frozen=True):
    """Memory (PSS of the process tree) without connections, with them, and by the seconds that they were there.

    `cpu_seconds` is what the system used in all those seconds; `lost` connections had to come again.
    """

    system: str
    connections: int
    without_bytes: int
    with_bytes: int
    opened_ms: float
    memory: tuple[tuple[float, int], ...] = ()
    cpu_seconds: float = 0.0
    lost: int = 0

    @property
    def bytes_each(self) -> float:
        return (self.with_bytes - self.without_bytes) / self.connections

    @property
    def seconds(self) -> float:
        return self.memory[-1][0] - self.memory[0][0] if self.memory else 0.0

    @property
    def core_share(self) -> float:
        return self.cpu_seconds / self.seconds if self.seconds else 0.0

    @property
    def growth(self) -> float:
        """What the second half added to the most that the first half had, as a part of it."""
        half = self.memory[0][0] + self.seconds / 2
        first = max(memory for at, memory in self.memory if at <= half)
        return max(memory for at, memory in self.memory if at >= half) / first - 1


def measure(
    systems: Sequence[System], connections: int, seconds: float, binary: Path, numbers: Numbers, progress: Progress
) -> list[Idle]:
    """Opened one system after the other, then idle all at the same time."""
    with ExitStack() as stack:
        opened = [_open(system, connections, binary, numbers, progress, stack) for system in systems]
        return _sit(opened, seconds, progress)


def planned_seconds(systems: Sequence[System], seconds: float) -> float:
    return _opening_seconds() * len(systems) + seconds


def _opening_seconds() -> float:
    return 10 + 2 * _SETTLE_SECONDS


def _open(
    system: System, connections: int, binary: Path, numbers: Numbers, progress: Progress, stack: ExitStack
) -> tuple[Audience, Idle]:
    progress.step(f"{connections:,} idle connections: {system.label}", _opening_seconds())
    with audience(system, binary, numbers, WARM_UP) as few:
        few.open(WARM_UP)
        few.send()
    time.sleep(_SETTLE_SECONDS)
    without = system.process.pss_bytes()
    listeners = stack.enter_context(audience(system, binary, numbers, connections))
    before = listeners.subscribers.state()
    after = listeners.subscribers.open(connections)
    time.sleep(_SETTLE_SECONDS)
    found = Idle(
        system=system.name,
        connections=connections,
        without_bytes=without,
        with_bytes=system.process.pss_bytes(),
        opened_ms=(after.now - before.now) / 1e6,
    )
    progress.note(f"{found.bytes_each / 1024:.1f} KiB each, opened in {found.opened_ms / 1000:.1f} s")
    return listeners, found


def _sit(opened: Sequence[tuple[Audience, Idle]], seconds: float, progress: Progress) -> list[Idle]:
    progress.step("all of them idle", seconds)
    began = time.monotonic()
    processes = [listeners.system.process for listeners, _ in opened]
    cpu = [process.cpu_seconds() for process in processes]
    memory: list[list[tuple[float, int]]] = [[] for _ in opened]
    while True:
        passed = time.monotonic() - began
        for process, points in zip(processes, memory, strict=True):
            points.append((passed, process.pss_bytes()))
        if passed >= seconds:
            break
        time.sleep(min(_EVERY_SECONDS, max(0.0, began + seconds - time.monotonic())))
    found = [
        msgspec.structs.replace(
            one,
            memory=tuple(points),
            cpu_seconds=listeners.system.process.cpu_seconds() - used,
            lost=listeners.subscribers.state().lost,
        )
        for (listeners, one), points, used in zip(opened, memory, cpu, strict=True)
    ]
    for one in found:
        progress.say(f"{one.system}: {one.core_share:.1%} of a core, memory {one.growth:+.1%}")
    return found
