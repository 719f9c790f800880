"""How many pages a system composes with a second of its core: all cases in turn, round after round."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from bench.compose.checks import check, said_of_cache
from bench.compose.load import Sample, load
from bench.compose.origin import Origin
from bench.compose.pages import PAGES
from bench.compose.readings import Reading
from bench.compose.systems.system import Mode, System
from bench.progress import Progress

CONNECTIONS = 16
ROUNDS = 4
SHAPES = ("1", "6", "12", "24", "sizes")

_QUICK = (Mode.UNCACHED, Mode.UNSHARED, Mode.FRAGMENTS, Mode.PAGE)


@dataclass(frozen=True, slots=True)
class Case:
    system: System
    mode: Mode
    shape: str = "6"
    connections: int = CONNECTIONS

    @property
    def page(self) -> str:
        return page_of(self.mode, self.shape)

    @property
    def is_first(self) -> bool:
        """Of its system in its mode: worth a warm-up."""
        return (self.shape, self.connections) == ("6", CONNECTIONS)

    def __str__(self) -> str:
        return f"{self.system.label}, {self.mode}, {self.page}, {self.connections} connections"


def page_of(mode: Mode, shape: str) -> str:
    if mode in (Mode.DIFFERING, Mode.UNSHARED):
        return f"u-{shape}"
    return f"{'c' if mode.reads_cache else 'f'}-{shape}"


def cases(systems: Sequence[System], *, wide: bool) -> list[Case]:
    """Six fragments, 16 connections; `wide` has every mode, and other numbers of fragments and of connections."""
    found = [Case(system, mode) for system in systems for mode in system.modes if wide or mode in _QUICK]
    if wide:
        grid = [(shape, CONNECTIONS) for shape in SHAPES if shape != "6"] + [("6", 1), ("6", 64)]
        modes = (Mode.UNCACHED, Mode.FRAGMENTS, Mode.PAGE)
        narrow = [case for case in found if case.mode in modes and case.system.wide]
        found += [Case(case.system, case.mode, "24") for case in found if case.mode is Mode.UNSHARED]
        found += [Case(case.system, case.mode, *at) for at in grid for case in narrow]
    return found


def measure(found: Sequence[Case], origin: Origin, progress: Progress) -> list[Reading]:
    """Interleaved: each round has every case once, so that what disturbs the machine disturbs all."""
    sizes = [check(case.system.target(case.page, case.mode), PAGES[case.page]) for case in found]
    for case in found:
        if case.is_first:
            progress.step(f"warming up: {case}", case.system.warm_up_seconds)
            _load(case, origin, case.system.warm_up_seconds)
    samples: list[list[Sample]] = [[] for _ in found]
    for turn in range(ROUNDS):
        for case, taken in zip(found, samples, strict=True):
            progress.step(f"round {turn + 1} of {ROUNDS}: {case}", case.system.seconds)
            taken.append(_load(case, origin, case.system.seconds))
            progress.note(f"{taken[-1].pages_per_cpu_second:,.0f} pages per CPU-second")
    return [
        Reading(
            system=case.system.name,
            mode=case.mode,
            page=case.page,
            connections=case.connections,
            page_bytes=size,
            said_of_cache=said_of_cache(case.system.target(case.page, case.mode)),
            samples=tuple(taken),
        )
        for case, size, taken in zip(found, sizes, samples, strict=True)
    ]


def planned_seconds(found: Sequence[Case]) -> float:
    warmed = sum(case.system.warm_up_seconds for case in found if case.is_first)
    return warmed + ROUNDS * sum(case.system.seconds for case in found)


def _load(case: Case, origin: Origin, seconds: int) -> Sample:
    target = case.system.target(case.page, case.mode)
    before = origin.answered()
    sample = load(target, connections=case.connections, seconds=seconds, system=case.system.process)
    return msgspec.structs.replace(sample, fetched=origin.answered() - before - 1)
