"""A load balancer in small: connections go in turn to the workers that say they are ready."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from shell.tests.closing import close
from shell.tests.harness import eventually
from shell.tests.wire import wire

_LOOK_SECONDS = 0.1
_BACKLOG = 4_096


class Balancer:
    """Asks every worker for /readyz every tenth of a second, and leaves out whoever does not say 200."""

    def __init__(self, workers: Sequence[int]) -> None:
        self.ready: set[int] = set()
        self.port = 0
        self._workers = tuple(workers)
        self._turn = itertools.count()
        self.calls: set[asyncio.Task[None]] = set()
        self.ends: set[_End] = set()

    def pick(self) -> int:
        """The port of the worker whose turn it is; 0 while there is none."""
        ready = [worker for worker in self._workers if worker in self.ready]
        return ready[next(self._turn) % len(ready)] if ready else 0

    async def watch(self, worker: int) -> None:
        while True:
            if await _is_ready(worker):
                self.ready.add(worker)
            else:
                self.ready.discard(worker)
            await asyncio.sleep(_LOOK_SECONDS)

    def end(self) -> _End:
        """One that leads to a worker."""
        return _End(self)

    def browser(self) -> _End:
        """One that a browser has connected to."""
        return _End(self, calls=True)

    def call(self, browser: _End) -> None:
        """Find a worker for a browser."""
        task = asyncio.create_task(self._connect(browser))
        self.calls.add(task)
        task.add_done_callback(self.calls.discard)

    async def _connect(self, browser: _End) -> None:
        while worker := self.pick():
            try:
                _, end = await asyncio.get_running_loop().create_connection(self.end, "127.0.0.1", worker)
            except OSError:
                self.ready.discard(worker)  # until it has answered again
            else:
                browser.join(end)
                return
        browser.close()


class _End(asyncio.Protocol):
    """One end of a connection through the balancer; what it reads, the other writes."""

    def __init__(self, balancer: Balancer, *, calls: bool = False) -> None:
        self._balancer = balancer
        self._calls = calls
        self._other: _End | None = None
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._balancer.ends.add(self)
        if self._calls:
            transport.pause_reading()
            self._balancer.call(self)

    def join(self, other: _End) -> None:
        self._other, other._other = other, self
        if self._transport is None or self._transport.is_closing():
            other.close()
        else:
            self._transport.resume_reading()

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def data_received(self, data: bytes) -> None:
        if self._other is not None and self._other._transport is not None:
            self._other._transport.write(data)

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self._balancer.ends.discard(self)
        if self._other is not None:
            self._other.close()


@asynccontextmanager
async def balancing(*workers: int) -> AsyncIterator[Balancer]:
    balancer = Balancer(workers)
    server = await asyncio.get_running_loop().create_server(balancer.browser, "127.0.0.1", 0, backlog=_BACKLOG)
    balancer.port = server.sockets[0].getsockname()[1]
    watching = [asyncio.create_task(balancer.watch(worker)) for worker in workers]
    try:
        yield balancer
    finally:
        await close(server)
        for task in (*watching, *balancer.calls):
            task.cancel()
        await asyncio.gather(*watching, *balancer.calls, return_exceptions=True)
        for end in tuple(balancer.ends):
            end.abort()
        await eventually(lambda: not balancer.ends)


async def _is_ready(worker: int) -> bool:
    try:
        async with wire(f"http://127.0.0.1:{worker}") as asking:
            await asking.get("/readyz")
            return (await asking.head()).status == 200
    except (OSError, EOFError, TimeoutError):
        return False
