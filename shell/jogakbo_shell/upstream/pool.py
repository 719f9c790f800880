"""The port on connections of our own; docs/decisions/0003 says why, and `httpx2_adapter` is the same on a library."""

from __future__ import annotations

import asyncio
import ssl

from jogakbo_shell.upstream.answer_reader import Bounds
from jogakbo_shell.upstream.deadlines import Deadlines
from jogakbo_shell.upstream.errors import TimedOut, Unreachable
from jogakbo_shell.upstream.exchange import Exchange
from jogakbo_shell.upstream.location import Origin, locate
from jogakbo_shell.upstream.origin_pool import OriginPool
from jogakbo_shell.upstream.port import Answer, Request
from jogakbo_shell.upstream.request_bytes import write_request

_SWEEP_SECONDS = 1.0


class PooledUpstream:
    """HTTP/1.1 to any number of origins, `max_connections` to each; `tls` is Python's default context if not given."""

    def __init__(
        self, *, max_body_bytes: int, max_header_bytes: int, max_connections: int, tls: ssl.SSLContext | None = None
    ) -> None:
        self._bounds = Bounds(max_header_bytes, max_body_bytes)
        self._max_connections = max_connections
        self._tls = tls
        self._origins: dict[Origin, OriginPool] = {}
        self._deadlines = Deadlines()
        self._sweeper: asyncio.TimerHandle | None = None
        self._closed = False

    async def fetch(self, request: Request, *, deadline: float) -> Answer:
        location = locate(request.url)
        sent = write_request(request, location)
        if self._closed:
            raise Unreachable("the shell is going down")
        if deadline <= 0:
            raise TimedOut("no answer within 0 ms", heard=False)
        exchange = Exchange(request.method, sent, self._bounds, deadline=deadline)
        pool = self._origins.get(location.origin) or self._open(location.origin)
        self._deadlines.add(exchange)
        try:
            pool.place(exchange)
            return await exchange.result
        except BaseException:
            pool.abandon(exchange)
            raise
        finally:
            self._deadlines.discard(exchange)

    async def close(self) -> None:
        """Requests under way fail; none is taken any more."""
        self._closed = True
        for exchange in self._deadlines.drain():
            exchange.fail(Unreachable("the shell is going down"))
        if self._sweeper is not None:
            self._sweeper.cancel()
        for pool in self._origins.values():
            pool.close()
        self._origins.clear()
        await asyncio.sleep(0)  # lets the loop take down what was closed

    def _open(self, origin: Origin) -> OriginPool:
        pool = OriginPool(origin, max_connections=self._max_connections, tls=self._tls_context)
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
