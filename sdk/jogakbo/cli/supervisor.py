"""Keeps the processes of a portal running until it is told to stop."""

import os
import signal
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from jogakbo.cli.loop import Loop, watch_signals
from jogakbo.cli.memory import megabytes, resident_bytes
from jogakbo.cli.output import Output
from jogakbo.cli.ports import VALKEY
from jogakbo.cli.preload import preload
from jogakbo.cli.state import PortalState, Running
from jogakbo.cli.table import table
from jogakbo.cli.unit import Program, State, Unit

_OVER = (State.STOPPED, State.LENT)
_VALKEY_HEAD_START_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Plan:
    """What one `jogak up` runs, in the order of its start."""

    programs: tuple[Program, ...]
    preload: tuple[str, ...]
    url: str
    redis_url: str


class Supervisor:
    """Starts a plan, starts again what dies, and leaves nothing behind."""

    def __init__(self, plan: Plan, loop: Loop, output: Output) -> None:
        self.stopping = False
        self._plan = plan
        self._loop = loop
        self._output = output
        self._born = time.monotonic()
        self._told_ready = False
        self._news = False
        self._listeners: list[Callable[[], None]] = []
        for program in plan.programs:
            output.add(program.name, quiet=program.quiet)
        self.units: Mapping[str, Unit] = {p.name: Unit(p, loop, self) for p in plan.programs}
        watch_signals(loop, (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD), self._signalled)

    def on_change(self, listener: Callable[[], None]) -> None:
        """Call `listener` after each turn in which any unit's state changed."""
        self._listeners.append(listener)

    def run(self) -> None:
        """Start everything, and return when everything has ended."""
        self._start()
        while not (self.stopping and all(unit.state in _OVER for unit in self.units.values())):
            self._turn()
        self._turn_news()
        self.say("stopped")

    def stop(self) -> None:
        """Members first, the bus after them; asked a second time, kill what is left."""
        if self.stopping:
            self.say("killing what is left")
            for unit in self.units.values():
                unit.kill()
            return
        self.stopping = True
        self.say("stopping")
        self._stop_next()

    def snapshot(self) -> PortalState:
        """What runs now."""
        members = {
            name: Running(unit.state.value, unit.program.question.port, unit.pid, unit.ready_after, unit.restarts)
            for name, unit in self.units.items()
        }
        ready = all(unit.state in (State.READY, State.LENT) for unit in self.units.values())
        return PortalState(os.getpid(), self._plan.url, self._plan.redis_url, ready and not self.stopping, members)

    def say(self, text: str) -> None:
        """A line in the log."""
        self._output.say(text)

    def heard(self, unit: Unit, output: bytes) -> None:
        """A unit's process wrote something, or closed its output."""
        if output:
            self._output.feed(unit.name, output)
        else:
            self._output.finish(unit.name)

    def remarked(self, unit: Unit, text: str) -> None:
        """Something about a unit that people should read."""
        self.say(f"{unit.name} {text}")

    def changed(self, unit: Unit) -> None:
        """A unit's state changed."""
        self._news = True
        if self.stopping:
            self._stop_next()
        elif unit.state is State.READY:
            self.say(f"{unit.name} is ready after {unit.ready_after or 0:.2f} s on port {unit.program.question.port}")

    def _start(self) -> None:
        self.say(f"starting {', '.join(self.units)}")
        bus = self.units.get(VALKEY)
        if bus is not None:
            bus.start()
            head_start = time.monotonic() + _VALKEY_HEAD_START_SECONDS
            while bus.state is State.STARTING and time.monotonic() < head_start:
                self._turn()
        for module, error in preload(self._plan.preload).items():
            self.say(f"{module} could not be imported ahead: {error!r}")
        if not self.stopping:
            for unit in self.units.values():
                unit.start()

    def _turn(self) -> None:
        self._loop.turn()
        self._turn_news()
        if self._output.lost and not self.stopping:
            self.stop()

    def _turn_news(self) -> None:
        while self._news:  # a listener may make news itself
            self._news = False
            for listener in self._listeners:
                listener()
            self._tell_ready()

    def _tell_ready(self) -> None:
        if self._told_ready or not self.snapshot().ready:
            return
        self._told_ready = True
        sizes = {name: resident_bytes(unit.pid) if unit.pid else None for name, unit in self.units.items()}
        own = resident_bytes(os.getpid())
        rows = [
            (name, str(unit.program.question.port), f"{unit.ready_after or 0:.2f} s", megabytes(sizes[name]))
            for name, unit in self.units.items()
        ]
        total = sum(size for size in (own, *sizes.values()) if size is not None)
        self.say(table(("", "port", "ready", "memory"), rows))
        took = time.monotonic() - self._born
        self._output.say(f"ready after {took:.1f} s in {megabytes(total)}: {self._plan.url}", bold=True)

    def _stop_next(self) -> None:
        members = [unit for unit in self.units.values() if unit.name != VALKEY]
        self._stop_all(members)
        if all(unit.state in _OVER for unit in members):
            self._stop_all([unit for unit in self.units.values() if unit.name == VALKEY])

    def _stop_all(self, units: list[Unit]) -> None:
        for unit in units:
            if unit.state not in (*_OVER, State.STOPPING):
                unit.stop()

    def _signalled(self, number: signal.Signals) -> None:
        if number is not signal.SIGCHLD:
            self.stop()
            return
        for unit in self.units.values():
            unit.reap()
