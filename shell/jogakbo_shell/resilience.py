"""A circuit breaker per fragment server: a hung server costs the deadline once, not per page."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    def __call__(self) -> float:
        """Seconds on a scale that only goes forward."""


class Breaker:
    """Open means: ask nothing but by a probe. Who probes, and when, is `composition.healing`'s.

    One silent server opens it at once: no connection, or no byte within the deadline while nothing else of that
    server was answered either. Single bad answers only count, since the server's other fragments may be well.
    """

    def __init__(self, max_failures: int, clock: Clock = time.monotonic) -> None:
        self._max_failures = max_failures
        self._clock = clock
        self._failures = 0
        self._succeeded_at = float("-inf")
        self._opened_by_look = False
        self.open = False

    @property
    def state(self) -> str:
        return "open" if self.open else "closed"

    def now(self) -> float:
        """The moment that a request is sent, to be given to `failed`."""
        return self._clock()

    def succeeded(self) -> None:
        self._failures = 0
        self._succeeded_at = self._clock()
        self.open = self._opened_by_look = False

    def failed(self, *, silent: bool, sent_at: float) -> None:
        self._failures += 1
        hung = silent and self._succeeded_at < sent_at
        self.open = self.open or hung or self._failures >= self._max_failures

    def looked(self, *, silent: bool, sent_at: float) -> None:
        """What the registry's look at the manifest found: then no visitor has to find out.

        A look closes only what a look has opened: a server may show its manifest and hang on all else.
        """
        if silent and not self.open and self._succeeded_at < sent_at:
            self.open = self._opened_by_look = True
        elif not silent and self._opened_by_look:
            self.open = self._opened_by_look = False
