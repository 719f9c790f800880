"""A circuit breaker per fragment server: a hung server costs the deadline once, not per page.

closed ──(silence, failures in a row, or too many of the last answers)──▶ open ──(a probe begins)──▶ half-open
   ▲                                                                       ▲                          │     │
   │                                                                       └────(the probe failed)────┘     │
   └────────────────────────────────(an answer came)────────────────────────────────────────────────────────┘
"""

from __future__ import annotations

import time
from collections import defaultdict, deque
from typing import Protocol, TypeAlias

_WINDOW_SECONDS = 10.0
_SLOT_SECONDS = 1.0
_MIN_ANSWERS = 20
_MAX_RATE = 0.5

_Counts: TypeAlias = defaultdict[str, int]


class Clock(Protocol):
    def __call__(self) -> float:
        """Seconds on a scale that only goes forward."""


class Breaker:
    """Open means: ask nothing but by a probe. Who probes, and when, is `composition.healing`'s.

    One silent server opens it at once: no connection, or no byte within the deadline while nothing else of that
    server was answered either. Bad answers only count: `max_failures` in a row open it, or half of those of the last
    ten seconds (twenty at least), unless some fragment of the server is well throughout. For one that always fails is
    no reason to do without the others.
    """

    def __init__(self, max_failures: int, clock: Clock = time.monotonic) -> None:
        self._max_failures = max_failures
        self._clock = clock
        self._failures = 0
        self._succeeded_at = float("-inf")
        self._opened_at = float("-inf")
        self._opened_by_rate = False
        self._opened_by_look = False
        self._window = _Window()
        self._probe: Probe | None = None
        self.open = False

    @property
    def state(self) -> str:
        """`closed`, `open`, or `half-open` while a probe is under way."""
        if not self.open:
            return "closed"
        return "open" if self._probe is None else "half-open"

    def now(self) -> float:
        """The moment that a request is sent, to be given to `succeeded` or `failed`."""
        return self._clock()

    def probing(self) -> Probe | None:
        """Begin a probe, past an open breaker; None while another is under way. Its `ended` must be called."""
        probe = Probe(self)
        if self.open:
            if self._probe is not None:
                return None
            self._probe = probe
        return probe

    def succeeded(self, *, of: str = "", sent_at: float = float("inf")) -> None:
        """`of` names the fragment. Without `sent_at` it counts as sent just now."""
        now = self._clock()
        self._failures = 0
        self._succeeded_at = now
        window = self._window
        if now >= window.ends_at:
            window.turn(now)
        window.good[of] += 1
        if self.open:
            self._refuted(sent_at)

    def failed(self, *, silent: bool, sent_at: float, of: str = "") -> None:
        now = self._clock()
        self._failures += 1
        window = self._window
        if now >= window.ends_at:
            window.turn(now)
        window.bad[of] += 1
        hung = silent and self._succeeded_at < sent_at
        if self.open:
            return
        if hung or self._failures >= self._max_failures:
            self._trip(now)
        elif window.is_bad():
            self._trip(now)
            self._opened_by_rate = True

    def looked(self, *, silent: bool, sent_at: float) -> None:
        """What the registry's look at the manifest found: then no visitor has to find out.

        A look closes only what a look has opened: a server may show its manifest and hang on all else.
        """
        if silent and not self.open and self._succeeded_at < sent_at:
            self._trip(self._clock())
            self._opened_by_look = True
        elif not silent and self._opened_by_look:
            self._close()

    def _refuted(self, sent_at: float) -> None:
        """Any answer refutes silence and a row of failures; a rate only one to what was sent since: a probe's."""
        if sent_at >= self._opened_at:
            self._window = _Window()
            self._close()
        elif not self._opened_by_rate:
            self._close()

    def _trip(self, now: float) -> None:
        self.open, self._opened_at = True, now

    def _close(self) -> None:
        self.open = self._opened_by_rate = self._opened_by_look = False


class Probe:
    """One request that an open breaker lets through. What it found is told as of any other."""

    __slots__ = ("_breaker",)

    def __init__(self, breaker: Breaker) -> None:
        self._breaker = breaker

    def ended(self) -> None:
        """It was answered, has failed or was given up."""
        if self._breaker._probe is self:
            self._breaker._probe = None


class _Window:
    """The answers of the last ten seconds, by fragment. `good` and `bad` are those of the second under way, until
    `ends_at`: so that counting one costs an addition."""

    __slots__ = ("_seconds", "bad", "ends_at", "good")

    def __init__(self) -> None:
        self._seconds: deque[tuple[float, _Counts, _Counts]] = deque()
        self.ends_at = float("-inf")
        self.good: _Counts = defaultdict(int)
        self.bad: _Counts = defaultdict(int)

    def turn(self, now: float) -> None:
        """Begin a second, and forget those that reach back further than the window."""
        self.ends_at = now + _SLOT_SECONDS
        self.good, self.bad = defaultdict(int), defaultdict(int)
        self._seconds.append((now, self.good, self.bad))
        while self._seconds[0][0] < now - _WINDOW_SECONDS + _SLOT_SECONDS:
            self._seconds.popleft()

    def is_bad(self) -> bool:
        good = sum(sum(good.values()) for _, good, _ in self._seconds)
        bad = sum(sum(bad.values()) for _, _, bad in self._seconds)
        if good + bad < _MIN_ANSWERS or bad < _MAX_RATE * (good + bad):
            return False
        well = {name for _, good, _ in self._seconds for name in good}
        return well <= {name for _, _, bad in self._seconds for name in bad}
