"""Many waits of the same length, one timer: who began first is due first."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from typing import Generic, Protocol, TypeVar

T = TypeVar("T")
T_contra = TypeVar("T_contra", contravariant=True)

# uvloop counts in whole milliseconds, so a timer may ring a trifle early.
_SLACK_SECONDS = 0.0005


class Due(Protocol[T_contra]):
    def __call__(self, item: T_contra, /) -> None:
        """The time of this one has come."""


class Countdown(Generic[T]):
    """Calls `due` for whatever was put in `seconds` ago and not taken out since.

    A timer for each would be made and thrown away some thousand times a second, and would keep what is done alive. With
    a `step` it rings no more often than that, for all that are due by then: so much later at the most.
    """

    def __init__(self, seconds: float, due: Due[T], *, step: float = 0.0) -> None:
        self.seconds = seconds
        self._step = step
        self._due = due
        self._began: OrderedDict[T, float] = OrderedDict()
        self._timer: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._began)

    def put(self, item: T) -> None:
        """From now on; what is in already begins anew."""
        loop = asyncio.get_running_loop()
        self._began[item] = loop.time()
        self._began.move_to_end(item)
        if self._timer is None:
            self._timer = loop.call_later(self.seconds, self._ring)

    def take(self, item: T) -> bool:
        """Whether it was still in."""
        return self._began.pop(item, None) is not None

    def stop(self) -> None:
        self._began.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _ring(self) -> None:
        latest = asyncio.get_running_loop().time() + _SLACK_SECONDS - self.seconds
        try:
            for _ in range(len(self._began)):
                if not self._ring_first(latest):
                    break
        finally:
            self._wind_up(latest)

    def _ring_first(self, latest: float) -> bool:
        """Whether there was one that began by then."""
        first = next(iter(self._began.items()), None)
        if first is None or first[1] > latest:
            return False
        del self._began[first[0]]
        self._due(first[0])
        return True

    def _wind_up(self, latest: float) -> None:
        """For the first of those that are left, whoever has put them in."""
        self._timer = None
        if self._began:
            began = next(iter(self._began.values()))
            self._timer = asyncio.get_running_loop().call_later(max(began - latest, self._step), self._ring)
