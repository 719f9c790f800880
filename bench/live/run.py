"""One run: the systems started side by side, and each part measured in turn."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from bench.changes import measure_changes
from bench.installs import Missing
from bench.live import fanout, idle, reconnect, stalled
from bench.live.audience import Numbers
from bench.live.bus import Bus
from bench.live.checks import check
from bench.live.eyes import check_eyes
from bench.live.origin import start_origin
from bench.live.results import Measured, Results
from bench.live.subscribers import compile_subscribers
from bench.live.systems import STARTS
from bench.live.systems.shell import LEAD_MS
from bench.live.systems.system import Ground, System
from bench.machine import Watch, this_machine
from bench.progress import Progress

Part = Literal["idle", "fanout", "stalled", "reconnect", "changes"]

_OURS = "shell"
_CHANGES_SECONDS = 45.0


@dataclass(frozen=True, slots=True)
class Plan:
    """What to measure. `quick` has fewer rounds, and of stalled readers and reconnects our shell alone."""

    systems: Sequence[str]
    parts: Sequence[Part]
    quick: bool
    idle_minutes: float
    tree: Path
    folder: Path

    @property
    def is_whole(self) -> bool:
        return not self.quick and list(self.systems) == list(STARTS) and list(self.parts) == list(get_args(Part))

    @property
    def sizes(self) -> tuple[int, ...]:
        return (fanout.SIZES[0], fanout.SIZES[-1]) if self.quick else fanout.SIZES

    @property
    def most(self) -> int:
        return self.sizes[-1]

    @property
    def rounds(self) -> int:
        return 2 if self.quick else fanout.ROUNDS

    @property
    def changes(self) -> int:
        return 50 if self.quick else 200


def run(plan: Plan, progress: Progress) -> Results:
    """Everything that was started has ended when this returns or raises."""
    results, watch = Results(plan.quick, machine=this_machine(), lead_ms=LEAD_MS), Watch()
    binary = compile_subscribers(plan.folder)
    check_eyes(binary)
    if set(plan.parts) != {"changes"}:
        with ExitStack() as stack:
            bus = Bus(plan.folder / "bus", stack)
            results.bus = bus.version
            ground = Ground(plan.folder, plan.tree, bus, start_origin(stack), stack)
            systems = _start(plan, ground, results, progress)
            _measure(plan, systems, binary, results, progress)
    if "changes" in plan.parts:
        progress.plan(_CHANGES_SECONDS)
        results.changes = measure_changes(plan.changes, plan.folder / "portal", progress)
    results.surroundings = watch.surroundings(progress.elapsed_seconds)
    return results


def _start(plan: Plan, ground: Ground, results: Results, progress: Progress) -> list[System]:
    systems = []
    for name in plan.systems:
        progress.step(f"starting {name}", 0)
        try:
            systems.append(STARTS[name](ground))
        except Missing as missing:
            results.left_out[name] = str(missing)
            progress.say(f"left out: {missing}")
    results.systems = [Measured(one.name, one.label, one.version) for one in systems]
    return systems


def _measure(plan: Plan, systems: Sequence[System], binary: Path, results: Results, progress: Progress) -> None:
    watched = [system for system in systems if system.name == _OURS] if plan.quick else systems
    idle_seconds = plan.idle_minutes * 60
    planned: dict[Part, float] = {
        "idle": idle.planned_seconds(systems, idle_seconds),
        "fanout": fanout.planned_seconds(systems, plan.sizes, plan.rounds),
        "stalled": stalled.planned_seconds(watched),
        "reconnect": reconnect.planned_seconds(watched),
    }
    progress.plan(sum(planned.get(part, 0.0) for part in plan.parts))
    numbers = Numbers()
    if "idle" in plan.parts:  # first: what a process has held once, it does not always give back
        results.idle = idle.measure(systems, plan.most, idle_seconds, binary, numbers, progress)
    for system in systems:
        check(system, binary, numbers)
    if "fanout" in plan.parts:
        results.fanout = fanout.measure(systems, plan.sizes, plan.rounds, binary, numbers, progress)
    if "stalled" in plan.parts:
        results.stalled = stalled.measure(watched, binary, numbers, progress)
    if "reconnect" in plan.parts:
        results.reconnect = reconnect.measure(watched, plan.most, binary, numbers, progress)
