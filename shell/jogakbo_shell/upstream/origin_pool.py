"""The connections to one origin, and the requests that wait for one."""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from typing import Protocol

from jogakbo_shell.upstream.answer_reader import Bounds
from jogakbo_shell.upstream.connection import Connection
from jogakbo_shell.upstream.errors import Overloaded, Unreachable, UpstreamError
from jogakbo_shell.upstream.exchange import Exchange
from jogakbo_shell.upstream.location import Origin
from jogakbo_shell.upstream.retry_budget import RetryBudget

# Below the 5 s after which uvicorn, and most servers, close an idle connection.
_IDLE_SECONDS = 4.0


class Tls(Protocol):
    def __call__(self) -> ssl.SSLContext:
        """How the other side has to prove who it is."""


class OriginPool:
    """At most `max_connections`, those being made included, so that a hung server can only use up its own.

    Beyond those, `max_waiting` requests wait for one to come free; more fail at once. Of a server that spends its
    retries no connection is kept until it has earned some again.
    """

    def __init__(self, origin: Origin, *, bounds: Bounds, max_connections: int, max_waiting: int, tls: Tls) -> None:
        self._origin = origin
        self._bounds = bounds
        self._max_connections = max_connections
        self._max_waiting = max_waiting
        self._tls = tls
        self._open: set[Connection] = set()
        self._idle: list[Connection] = []
        self._waiting: deque[Exchange] = deque()
        self._dials: set[asyncio.Task[None]] = set()
        self._retries = RetryBudget()
        self.now = asyncio.get_running_loop().time

    @property
    def empty(self) -> bool:
        return not (self._open or self._waiting or self._dials)

    def place(self, exchange: Exchange) -> None:
        """Give it a kept connection, the last used first, or a place in the queue for one."""
        self._retries.earn()
        while self._idle:
            connection = self._idle.pop()
            if exchange.began - connection.idle_since <= _IDLE_SECONDS:
                connection.send(exchange)
                return
            connection.drop()
        if self._is_full():
            error = Overloaded(f"{self._max_waiting} requests wait for this server already")
            asyncio.get_running_loop().call_soon(exchange.settle, error)
            return
        self._waiting.append(exchange)
        self._dial()

    def again(self, exchange: Exchange) -> bool:
        if not self._retries.spend():
            self._drop_idle()
            return False
        # Not from the idle ones: if one was dead, so may be the others.
        self._waiting.appendleft(exchange)
        self._dial()
        return True

    def abandon(self, exchange: Exchange) -> None:
        """Its caller has gone: a connection in the midst of an answer cannot be used for another."""
        if exchange.connection is not None:
            exchange.connection.drop()
            exchange.connection = None
        elif exchange in self._waiting:
            self._waiting.remove(exchange)
            if len(self._dials) > len(self._waiting):
                self._dials.pop().cancel()

    def release(self, connection: Connection) -> None:
        if self._retries.spent:
            # What fails on a kept connection could not be repeated now; a new one fails for better reasons.
            connection.drop()
        else:
            self._give(connection)

    def lose(self, connection: Connection) -> None:
        self._open.discard(connection)
        if connection in self._idle:
            self._idle.remove(connection)
        self._dial()

    def expire_idle(self, now: float) -> None:
        for connection in [kept for kept in self._idle if now - kept.idle_since > _IDLE_SECONDS]:
            connection.drop()

    def running(self) -> list[Exchange]:
        """What is not over, under way or waiting."""
        under_way = [connection.exchange for connection in self._open if connection.exchange is not None]
        return [*under_way, *self._waiting]

    def close(self, error: UpstreamError) -> None:
        """Everything fails with `error`."""
        running = self.running()
        self._waiting.clear()
        for dial in self._dials:
            dial.cancel()
        for connection in list(self._open):
            connection.drop()
        for exchange in running:
            exchange.settle(error)

    def _drop_idle(self) -> None:
        while self._idle:
            self._idle.pop().drop()

    def _is_full(self) -> bool:
        if len(self._open) + len(self._dials) < self._max_connections:
            return False
        return len(self._waiting) - len(self._dials) >= self._max_waiting

    def _dial(self) -> None:
        """One attempt for each that waits, within the bound."""
        while len(self._dials) < len(self._waiting) and len(self._open) + len(self._dials) < self._max_connections:
            dial = asyncio.create_task(self._connect(self._waiting[len(self._dials)].expires))
            self._dials.add(dial)
            dial.add_done_callback(self._dialled)

    def _dialled(self, dial: asyncio.Task[None]) -> None:
        self._dials.discard(dial)
        self._dial()

    async def _connect(self, expires: float) -> None:
        secure, host, port = self._origin
        try:
            async with asyncio.timeout_at(expires) as bound:
                _, connection = await asyncio.get_running_loop().create_connection(
                    lambda: Connection(self, self._bounds),
                    host,
                    port,
                    ssl=self._tls() if secure else None,
                    server_hostname=host if secure else None,
                )
        except OSError as error:  # also a name that is unknown, a certificate that does not hold, a kernel's timeout
            if not bound.expired():
                self._fail_next(Unreachable(f"no connection: {error}"))
            return
        self._open.add(connection)
        self._give(connection)

    def _give(self, connection: Connection) -> None:
        if self._waiting:
            connection.send(self._waiting.popleft())
        else:
            connection.idle_since = self.now()
            self._idle.append(connection)

    def _fail_next(self, error: Unreachable) -> None:
        if self._waiting:
            self._waiting.popleft().settle(error)
