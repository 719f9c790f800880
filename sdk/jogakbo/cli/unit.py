"""One supervised process: started, probed until ready, started again when it dies, stopped in order."""

import os
import signal
import time
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from jogakbo.cli.loop import READABLE, Loop, Timer
from jogakbo.cli.probe import Probe, Question
from jogakbo.cli.process import Child, Run, fork

_READ_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class Pace:
    """How long a supervisor waits for what, in seconds."""

    probe: float = 0.05
    """Between two looks at a process that is starting."""
    slow: float = 15.0
    """Until a process that is not ready is remarked upon."""
    grace: float = 8.0
    """For leaving after SIGTERM, until SIGKILL; a member's own grace must be shorter."""
    first_pause: float = 0.25
    """Before a process that died is started again; doubles with each death up to `longest_pause`."""
    longest_pause: float = 10.0
    settled: float = 10.0
    """A process that lived this long begins with the first pause again when it dies."""


DEFAULT_PACE = Pace()


class State(StrEnum):
    """Where a unit is in its life."""

    STOPPED = "stopped"
    STARTING = "starting"
    READY = "ready"
    STOPPING = "stopping"
    PAUSED = "paused"  # it died, and waits to be started again
    LENT = "lent"  # another `jogak up --only` runs it


@dataclass(frozen=True, slots=True)
class Program:
    """What to run, with what, and how to see that it is ready."""

    name: str
    run: Run
    environment: Mapping[str, str]
    question: Question
    quiet: bool = False


class Watcher(Protocol):
    """Who wants to know what happens to a unit."""

    def heard(self, unit: "Unit", output: bytes) -> None:
        """The process wrote something; nothing when it closed its output."""

    def changed(self, unit: "Unit") -> None:
        """`unit.state` is another one now."""

    def remarked(self, unit: "Unit", text: str) -> None:
        """Something that people should read."""


class Unit:
    """The process of one program, across restarts."""

    def __init__(self, program: Program, loop: Loop, watcher: Watcher, pace: Pace = DEFAULT_PACE) -> None:
        self.program = program
        self._pace = pace
        self.state = State.STOPPED
        self.restarts = 0
        self.ready_after: float | None = None
        self.started_at = 0.0
        self._loop = loop
        self._watcher = watcher
        self._child: Child | None = None
        self._output: int | None = None
        self._probe: Probe | None = None
        self._probe_timer: Timer | None = None
        self._why_not: str | None = None
        self._timer: Timer | None = None
        self._start_again = False
        self._pause_seconds = self._pace.first_pause

    @property
    def name(self) -> str:
        """The name of its program."""
        return self.program.name

    @property
    def pid(self) -> int | None:
        """The process, while there is one."""
        return self._child.pid if self._child else None

    def start(self) -> None:
        """Fork it now; does nothing while it runs."""
        if self._child is not None:
            return
        self._cancel_timer()
        self.started_at = time.monotonic()
        self.ready_after = None
        self._child = fork(self.program.run, self.name, self.program.environment)
        self._output = self._child.output
        self._loop.watch(self._output, READABLE, self._read)
        self._timer = self._loop.after(self._pace.slow, self._remark_slowness)
        self._change(State.STARTING)
        self._ask()

    def stop(self, *, start_again: bool = False) -> None:
        """Ask it to leave; it is killed if it has not left within the grace."""
        self._start_again = start_again
        self._cancel_timer()
        self._stop_asking()
        if self._child is None:
            self._change(State.STOPPED)
            if start_again:
                self.start()
            return
        if self.state is not State.STOPPING:
            os.kill(self._child.pid, signal.SIGTERM)
            os.kill(self._child.pid, signal.SIGCONT)  # a stopped process would not see the first signal
        self._timer = self._loop.after(self._pace.grace, self._kill_late)
        self._change(State.STOPPING)

    def kill(self) -> None:
        """End it without asking."""
        self._start_again = False
        if self._child is not None:
            os.kill(self._child.pid, signal.SIGKILL)

    def lend(self) -> None:
        """Someone else runs it from now on; the process must have ended."""
        self._change(State.LENT)

    def reap(self) -> None:
        """Collect the process if it has ended; called for every unit when any child has."""
        if self._child is None:
            return
        pid, status = os.waitpid(self._child.pid, os.WNOHANG)
        if pid:
            self._ended(status)

    def _ended(self, status: int) -> None:
        self._stop_asking()
        self._cancel_timer()
        self._read()
        self._close_output()
        self._child = None
        if self.state is not State.STOPPING:
            self._recover(status)
            return
        self._change(State.STOPPED)
        if self._start_again:
            self._start_again = False
            self.start()

    def _recover(self, status: int) -> None:
        self.restarts += 1
        if time.monotonic() - self.started_at >= self._pace.settled:
            self._pause_seconds = self._pace.first_pause
        pause, self._pause_seconds = self._pause_seconds, min(self._pause_seconds * 2, self._pace.longest_pause)
        self._timer = self._loop.after(pause, self.start)
        self._watcher.remarked(self, f"{how_it_ended(status)}; starting it again in {pause:g} s")
        self._change(State.PAUSED)

    def _read(self) -> None:
        if self._output is None:
            return
        try:
            while received := os.read(self._output, _READ_BYTES):
                self._watcher.heard(self, received)
        except BlockingIOError:
            return
        self._close_output()

    def _close_output(self) -> None:
        if self._output is not None:
            self._loop.forget(self._output)
            os.close(self._output)
            self._output = None
            self._watcher.heard(self, b"")

    def _ask(self) -> None:
        self._probe = Probe(self._loop, self.program.question, self._answered)

    def _answered(self, why_not: str | None) -> None:
        self._probe = None
        self._why_not = why_not
        if why_not is not None:
            self._probe_timer = self._loop.after(self._pace.probe, self._ask)
            return
        self.ready_after = time.monotonic() - self.started_at
        self._cancel_timer()
        self._change(State.READY)

    def _stop_asking(self) -> None:
        if self._probe is not None:
            self._probe.abandon()
            self._probe = None
        if self._probe_timer is not None:
            self._probe_timer.cancel()

    def _remark_slowness(self) -> None:
        self._watcher.remarked(self, f"not ready after {self._pace.slow:g} s: its health path {self._why_not}")

    def _kill_late(self) -> None:
        if self._child is not None:
            self._watcher.remarked(self, f"has not left within {self._pace.grace:g} s; killing it")
            os.kill(self._child.pid, signal.SIGKILL)

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _change(self, state: State) -> None:
        self.state = state
        self._watcher.changed(self)


def how_it_ended(status: int) -> str:
    """A wait status in words: `exited with code 1`, `was killed by SIGKILL`."""
    if os.WIFSIGNALED(status):
        return f"was killed by {signal.Signals(os.WTERMSIG(status)).name}"
    return f"exited with code {os.WEXITSTATUS(status)}"
