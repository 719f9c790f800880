"""So many fetches of one fragment server at a time, so many more in line; the rest are shed at once.

A slow server so fills its own compartment, and neither the shell's memory nor the time of other servers' fragments.
"""

from __future__ import annotations

from typing import Protocol


class Aboard(Protocol):
    """What wants to be let in."""

    def enter(self) -> None:
        """There is room now. Whoever has entered must say `leave` to the bulkhead, once."""

    def line_up(self) -> None:
        """There is none yet; `enter` comes later, unless it steps out before."""


class Bulkhead:
    def __init__(self, max_running: int, max_waiting: int) -> None:
        self._max_running = max_running
        self._max_waiting = max_waiting
        self._line: dict[Aboard, None] = {}
        self.running = 0
        self.shed = 0

    @property
    def waiting(self) -> int:
        return len(self._line)

    def admit(self, fetch: Aboard) -> bool:
        """Let in, now or in its turn; False if the line is full."""
        if self.running < self._max_running:
            self.running += 1
            fetch.enter()
            return True
        if len(self._line) >= self._max_waiting:
            self.shed += 1
            return False
        self._line[fetch] = None
        fetch.line_up()
        return True

    def step_out(self, fetch: Aboard) -> None:
        """It no longer wants to wait in line."""
        self._line.pop(fetch, None)

    def leave(self) -> None:
        """One that was let in has ended: the next in line takes its place."""
        if self._line:
            fetch = next(iter(self._line))
            del self._line[fetch]
            fetch.enter()
        else:
            self.running -= 1
