"""Many deadlines, one timer: a timer for each request would be made and thrown away some thousand times a second."""

from __future__ import annotations

import asyncio

from jogakbo_shell.upstream.exchange import Exchange

# uvloop counts in whole milliseconds, so a timer may ring a trifle early.
_SLACK_SECONDS = 0.001


class Deadlines:
    """The timer is set for the earliest. It is left alone when that exchange ends, and finds the next when it rings."""

    def __init__(self) -> None:
        self._running: set[Exchange] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._rings_at = float("inf")

    def add(self, exchange: Exchange) -> None:
        self._running.add(exchange)
        if exchange.expires < self._rings_at:
            self._set(exchange.expires)

    def discard(self, exchange: Exchange) -> None:
        self._running.discard(exchange)

    def drain(self) -> list[Exchange]:
        """Stop counting; what was still running."""
        self._stop()
        running, self._running = list(self._running), set()
        return running

    def _stop(self) -> None:
        self._rings_at = float("inf")
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _set(self, moment: float) -> None:
        self._stop()
        self._rings_at = moment
        self._timer = asyncio.get_running_loop().call_at(moment, self._ring)

    def _ring(self) -> None:
        self._stop()
        now = asyncio.get_running_loop().time() + _SLACK_SECONDS
        for exchange in [late for late in self._running if late.expires <= now]:
            self._running.discard(exchange)
            exchange.expire()
        if self._running:
            self._set(min(exchange.expires for exchange in self._running))
