"""The port on connections of our own; docs/decisions/0003 says why, and `httpx2_adapter` is the same on a library."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterator, Sequence
from itertools import chain

from jogakbo_shell.upstream.answer_reader import Bounds
from jogakbo_shell.upstream.deadlines import Deadlines
from jogakbo_shell.upstream.errors import GoingDown, TimedOut, UpstreamError
from jogakbo_shell.upstream.exchange import Exchange, Refused
from jogakbo_shell.upstream.location import Origin
from jogakbo_shell.upstream.origin_pool import OriginPool
from jogakbo_shell.upstream.port import Answer, Call, Done, HeaderLines, Prepared, Request
from jogakbo_shell.upstream.request_bytes import prepare

_SWEEP_SECONDS = 1.0


class PooledUpstream:
    """HTTP/1.1 to any number of origins, `max_connections` to each, for which `max_waiting` requests wait.

    `tls` is Python's default context if not given.
    """

    def __init__(
        self,
        *,
        max_body_bytes: int,
        max_header_bytes: int,
        max_connections: int,
        max_waiting: int = 256,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._bounds = Bounds(max_header_bytes, max_body_bytes)
        self._max_connections = max_connections
        self._max_waiting = max_waiting
        self._tls = tls
        self._origins: dict[Origin, OriginPool] = {}
        self._deadlines = Deadlines(self._running)
        self._sweeper: asyncio.TimerHandle | None = None
        self._closed = False

    def prepare(self, request: Request) -> Prepared:
        return prepare(request)

    def begin(self, prepared: Prepared, more: Sequence[HeaderLines], *, deadline: float, done: Done) -> Call:
        if self._closed:
            return Refused(GoingDown(), done)
        if deadline <= 0:
            return Refused(TimedOut("no time left to ask", heard=False, asked=False), done)
        origin = prepared.location.origin
        pool = self._origins.get(origin) or self._open(origin)
        sent = b"".join((prepared.head, *[lines.encoded for lines in more], prepared.tail))
        method = prepared.request.method
        exchange = Exchange(method, sent, began=pool.now(), deadline=deadline, done=done, place=pool)
        self._deadlines.add(exchange)
        pool.place(exchange)
        return exchange

    async def fetch(self, request: Request, *, deadline: float) -> Answer:
        outcome: asyncio.Future[Answer | UpstreamError] = asyncio.get_running_loop().create_future()

        def done(got: Answer | UpstreamError) -> None:
            if not outcome.done():  # its waiter may have been cancelled in this very turn of the loop
                outcome.set_result(got)

        call = self.begin(prepare(request), (), deadline=deadline, done=done)
        try:
            got = await outcome
        finally:
            call.cancel()
        if isinstance(got, UpstreamError):
            raise got
        return got

    async def close(self) -> None:
        self._closed = True
        self._deadlines.stop()
        if self._sweeper is not None:
            self._sweeper.cancel()
        for pool in self._origins.values():
            pool.close(GoingDown())
        self._origins.clear()
        await asyncio.sleep(0)  # lets the loop take down what was closed

    def _running(self) -> Iterator[Exchange]:
        return chain.from_iterable(pool.running() for pool in self._origins.values())

    def _open(self, origin: Origin) -> OriginPool:
        pool = OriginPool(
            origin,
            bounds=self._bounds,
            max_connections=self._max_connections,
            max_waiting=self._max_waiting,
            tls=self._tls_context,
        )
        self._origins[origin] = pool
        if self._sweeper is None:
            self._sweeper = asyncio.get_running_loop().call_later(_SWEEP_SECONDS, self._sweep)
        return pool

    def _sweep(self) -> None:
        """Close what has idled for too long and forget origins that nobody asks; ends itself with the last one."""
        loop = asyncio.get_running_loop()
        for origin, pool in list(self._origins.items()):
            pool.expire_idle(loop.time())
            if pool.empty:
                del self._origins[origin]
        self._sweeper = loop.call_later(_SWEEP_SECONDS, self._sweep) if self._origins else None

    def _tls_context(self) -> ssl.SSLContext:
        # Reading the certificates takes 30 ms and more, so it is done once, and only where they are needed.
        if self._tls is None:
            self._tls = ssl.create_default_context()
        return self._tls
