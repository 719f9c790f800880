"""How fast a message reaches everybody, and how many a second of the system's core delivers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median

import msgspec

from bench.live.audience import Audience, Delivery, Numbers, audience
from bench.live.messages import FRAGMENTS
from bench.live.systems.system import System
from bench.progress import Progress

SIZES = (1_000, 5_000, 10_000)
ROUNDS = 4

_DELIVERIES = 120_000
"""About so many in a round, one message at a time; a tick of the kernel's accounts of CPU time is 10 ms."""

_WARM_UP = 2
_OPEN_SECONDS = {"nchan": 0.1, "shell": 0.4, "node": 0.4, "naive": 1.0}
_DELIVERY_SECONDS = 60e-6


class Round(msgspec.Struct, frozen=True):
    """Messages one at a time, then in bursts of six. `renders` per message, of whoever renders.

    CPU is user and system time of the system's process tree, in microseconds for each delivery.
    """

    alone: tuple[Delivery, ...]
    alone_us: float
    bursts: tuple[Delivery, ...]
    burst_us: float
    opened_ms: float
    renders: float


class Fanout(msgspec.Struct, frozen=True):
    """One system with one number of connections, in every round."""

    system: str
    connections: int
    rounds: tuple[Round, ...]

    @property
    def median_ms(self) -> float:
        return median(one.median_ms for taken in self.rounds for one in taken.alone)

    @property
    def last_ms(self) -> float:
        return median(one.last_ms for taken in self.rounds for one in taken.alone)

    @property
    def longest_ms(self) -> float:
        return max(one.last_ms for taken in self.rounds for one in taken.alone)

    @property
    def burst_last_ms(self) -> float:
        return median(one.last_ms for taken in self.rounds for one in taken.bursts)

    @property
    def alone_us(self) -> float:
        return median(taken.alone_us for taken in self.rounds)

    @property
    def burst_us(self) -> float:
        return median(taken.burst_us for taken in self.rounds)

    @property
    def opened_ms(self) -> float:
        return median(taken.opened_ms for taken in self.rounds)

    @property
    def missed(self) -> int:
        return sum(one.missed for taken in self.rounds for one in (*taken.alone, *taken.bursts))

    @property
    def renders(self) -> float:
        """Per message, the most of all rounds."""
        return max(taken.renders for taken in self.rounds)


def paired_ratio(one: Fanout, other: Fanout) -> float:
    """Deliveries per CPU-second of the one for each of the other: the median of what each round gave."""
    return median(b.alone_us / a.alone_us for a, b in zip(one.rounds, other.rounds, strict=True))


def measure(
    systems: Sequence[System], sizes: Sequence[int], rounds: int, binary: Path, numbers: Numbers, progress: Progress
) -> list[Fanout]:
    """Interleaved: each round has every system once, so that what disturbs the machine disturbs all."""
    found = []
    for connections in sizes:
        taken: Mapping[str, list[Round]] = {system.name: [] for system in systems}
        for turn in range(rounds):
            for system in systems:
                what = f"round {turn + 1} of {rounds}: {connections:,} connections, {system.label}"
                progress.step(what, _seconds(system, connections))
                one = _round(system, connections, binary, numbers)
                taken[system.name].append(one)
                last = median(delivery.last_ms for delivery in one.alone)
                progress.note(f"{one.alone_us:.1f} µs a delivery, last client {last:.0f} ms")
        found += [Fanout(system.name, connections, tuple(taken[system.name])) for system in systems]
    return found


def planned_seconds(systems: Sequence[System], sizes: Sequence[int], rounds: int) -> float:
    return rounds * sum(_seconds(system, connections) for system in systems for connections in sizes)


def _round(system: System, connections: int, binary: Path, numbers: Numbers) -> Round:
    with audience(system, binary, numbers, connections) as listeners:
        before = listeners.subscribers.state()
        opened = listeners.open(connections)
        for _ in range(_WARM_UP):
            listeners.send()
        messages, bursts = _counts(connections)
        rendered = system.renders()
        alone, alone_us = _sent(listeners, connections, messages, 1)
        renders = (system.renders() - rendered) / messages
        together, burst_us = _sent(listeners, connections, bursts, FRAGMENTS)
        return Round(alone, alone_us, together, burst_us, (opened.now - before.now) / 1e6, renders)


def _sent(listeners: Audience, connections: int, times: int, at_once: int) -> tuple[tuple[Delivery, ...], float]:
    process = listeners.system.process
    before = process.cpu_seconds()
    deliveries = tuple(listeners.send(at_once) for _ in range(times))
    spent = process.cpu_seconds() - before
    return deliveries, spent / (times * at_once * connections) * 1e6


def _counts(connections: int) -> tuple[int, int]:
    """Messages, and bursts."""
    messages = max(5, _DELIVERIES // connections)
    return messages, max(2, messages // FRAGMENTS)


def _seconds(system: System, connections: int) -> float:
    messages, bursts = _counts(connections)
    sent = (messages + bursts * FRAGMENTS + _WARM_UP) * (connections * _DELIVERY_SECONDS + system.lead_ms / 1000)
    return 0.7 + _OPEN_SECONDS.get(system.name, 1) * connections / 1000 + sent
