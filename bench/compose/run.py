"""One run: the systems started side by side, and each part measured in turn."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, get_args

from bench.compose import faults, late, memory, slow_readers, throughput
from bench.compose.load import Target, load
from bench.compose.origin import Origin, start_origin
from bench.compose.pages import PAGES
from bench.compose.results import Measured, Results
from bench.compose.systems import STARTS
from bench.compose.systems.system import Ground, System
from bench.compose.systems.varnish import layouts
from bench.installs import Missing
from bench.machine import Watch, this_machine
from bench.progress import Progress

Part = Literal["throughput", "late", "faults", "memory", "slow"]

_OURS = "shell"
_SLOW = ("shell", "nginx-ssi")
_ORIGIN_SECONDS = 2


@dataclass(frozen=True, slots=True)
class Plan:
    """What to measure. `quick` is six fragments, 16 connections, fewer modes; all other parts of our shell alone."""

    systems: Sequence[str]
    parts: Sequence[Part]
    quick: bool
    tree: Path
    folder: Path

    @property
    def is_whole(self) -> bool:
        return not self.quick and list(self.systems) == list(STARTS) and list(self.parts) == list(get_args(Part))


def run(plan: Plan, progress: Progress) -> Results:
    """Everything that was started has ended when this returns or raises."""
    results, watch = Results(machine=this_machine(), quick=plan.quick), Watch()
    with ExitStack() as stack:
        origin = start_origin(plan.folder / "origin", layouts(), stack)
        ground = Ground(plan.folder, plan.tree, origin, stack)
        systems = _start(plan, ground, results, progress)
        _measure(plan, systems, ground, results, progress)
    results.surroundings = watch.surroundings(progress.elapsed_seconds)
    return results


def _start(plan: Plan, ground: Ground, results: Results, progress: Progress) -> list[System]:
    systems = []
    for name in plan.systems:
        progress.step(f"starting {name}", 0)
        try:
            systems.append(STARTS[name](name, ground))
        except Missing as missing:
            results.left_out[name] = str(missing)
            progress.say(f"left out: {missing}")
    return systems


def _measure(plan: Plan, systems: list[System], ground: Ground, results: Results, progress: Progress) -> None:
    ours = [system for system in systems if system.name == _OURS]
    watched = ours if plan.quick else systems
    slow = [system.name for system in watched if system.name in _SLOW]
    found = throughput.cases(systems, wide=not plan.quick)
    pages, seconds = (memory.PAGES // 10, 15.0) if plan.quick else (memory.PAGES, 90.0)
    progress.plan(_ORIGIN_SECONDS)
    planned: dict[Part, float] = {
        "throughput": throughput.planned_seconds(found),
        "late": late.planned_seconds(watched),
        "faults": faults.planned_seconds(watched),
        "memory": seconds * bool(ours),
        "slow": slow_readers.planned_seconds() * len(slow),
    }
    progress.plan(sum(planned[part] for part in plan.parts))
    results.origin_per_second = _origin_per_second(ground.origin, progress)
    if "throughput" in plan.parts:
        results.readings = throughput.measure(found, ground.origin, progress)
    results.systems = [_measured(system) for system in systems]
    if "late" in plan.parts:
        results.late = late.measure(watched, progress)
    if "memory" in plan.parts and ours:
        results.memory = _memory(ground, pages, seconds, progress)
    if "slow" in plan.parts:
        results.slow = [_slow(name, ground, progress) for name in slow]
    if "faults" in plan.parts:
        results.faults = faults.measure(watched, ground.origin, progress)


def _measured(system: System) -> Measured:
    return Measured(system.name, system.label, system.version, system.process.rss_bytes() / 1e6)


def _memory(ground: Ground, pages: int, seconds: float, progress: Progress) -> memory.Growth:
    """Of a shell that has done nothing else."""
    with ExitStack() as stack:
        system = STARTS[_OURS]("shell-memory", replace(ground, stack=stack))
        return memory.measure(system, pages=pages, seconds=seconds, progress=progress)


def _slow(name: str, ground: Ground, progress: Progress) -> slow_readers.Slowness:
    with ExitStack() as stack:
        alone = replace(ground, folder=ground.folder / "slow", stack=stack)
        return slow_readers.measure(STARTS[name](name, alone), alone.folder, progress)


def _origin_per_second(origin: Origin, progress: Progress) -> float:
    """What the fragment servers and the load can do by themselves, on the one core they share."""
    progress.step("the fragment servers by themselves", _ORIGIN_SECONDS)
    target = Target(origin.url(PAGES["f-1"].fragments[0]))
    sample = load(target, connections=16, seconds=_ORIGIN_SECONDS, system=origin.servers["bench"])
    progress.note(f"{sample.pages_per_second:,.0f} fragments per second")
    return sample.pages_per_second
