"""Many deadlines, one timer: a timer for each request would be made and thrown away some thousand times a second."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

from jogakbo_shell.upstream.exchange import Exchange

# uvloop counts in whole milliseconds, so a timer may ring a trifle early.
_SLACK_SECONDS = 0.001


class Deadlines:
    """The timer is set for the earliest. It is left alone when that exchange ends, and finds the next when it rings.

    `running` names all exchanges that are not over; it is asked when the timer rings, so that an exchange costs no
    more than a comparison.
    """

    def __init__(self, running: Callable[[], Iterable[Exchange]]) -> None:
        self._running = running
        self._timer: asyncio.TimerHandle | None = None
        self._rings_at = float("inf")

    def add(self, exchange: Exchange) -> None:
        if exchange.expires < self._rings_at:
            self._set(exchange.expires)

    def stop(self) -> None:
        self._rings_at = float("inf")
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _set(self, moment: float) -> None:
        self.stop()
        self._rings_at = moment
        self._timer = asyncio.get_running_loop().call_at(moment, self._ring)

    def _ring(self) -> None:
        self.stop()
        now = asyncio.get_running_loop().time() + _SLACK_SECONDS
        for exchange in [late for late in self._running() if late.expires <= now]:
            exchange.expire()
        following = min((exchange.expires for exchange in self._running()), default=None)
        if following is not None and following < self._rings_at:
            self._set(following)
