"""Everybody is cut off, everything changes, everybody comes back at the same moment."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import msgspec

from bench.live.audience import Numbers, audience
from bench.live.messages import FRAGMENTS
from bench.live.systems.system import System
from bench.progress import Progress

_GONE_SECONDS = 10.0
_SETTLE_SECONDS = 0.5
_LOOK_SECONDS = 0.1
_CURRENT_SECONDS = 30.0
_STEP_SECONDS = 25.0


class Reconnect(msgspec.Struct, frozen=True):
    """Milliseconds from the first attempt until all were open, and all had what had changed; `current` have it.

    `refused` attempts had to be made again. `renders` of all `fragments`, from the change on.
    """

    system: str
    connections: int
    fragments: int
    opened_ms: float
    all_current_ms: float
    current: int
    refused: int
    renders: int
    cpu_seconds: float


def measure(
    systems: Sequence[System], connections: int, binary: Path, numbers: Numbers, progress: Progress
) -> list[Reconnect]:
    return [_measure(system, connections, binary, numbers, progress) for system in systems]


def planned_seconds(systems: Sequence[System]) -> float:
    return len(systems) * _STEP_SECONDS


def _measure(system: System, connections: int, binary: Path, numbers: Numbers, progress: Progress) -> Reconnect:
    progress.step(f"{connections:,} come back at once: {system.label}", _STEP_SECONDS)
    with audience(system, binary, numbers, connections) as listeners:
        subscribers = listeners.subscribers
        listeners.open(connections)
        listeners.send()
        changed = listeners.expect(FRAGMENTS)
        subscribers.close()
        _wait_until_gone(system)
        rendered, used = system.renders(), system.process.cpu_seconds()
        system.publish(changed)
        time.sleep(_SETTLE_SECONDS)
        before = subscribers.state()
        opened = subscribers.open(connections, at_once=connections)
        arrived = subscribers.arrivals(_CURRENT_SECONDS if system.resumes else 0.1)
        found = Reconnect(
            system=system.name,
            connections=connections,
            fragments=FRAGMENTS,
            opened_ms=(opened.now - before.now) / 1e6,
            all_current_ms=(arrived.last - before.now) / 1e6 if arrived.got else 0.0,
            current=arrived.got,
            refused=opened.refused - before.refused,
            renders=system.renders() - rendered,
            cpu_seconds=system.process.cpu_seconds() - used,
        )
    progress.note(f"open in {found.opened_ms / 1000:.1f} s, {found.current:,} current, {found.renders} renders")
    return found


def _wait_until_gone(system: System) -> None:
    """Until the system has noticed: a change while some are still there would be rendered for them."""
    until = time.monotonic() + _GONE_SECONDS
    while system.process.connections(system.port) and time.monotonic() < until:
        time.sleep(_LOOK_SECONDS)
