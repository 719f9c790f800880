"""What a request to a fragment server costs the shell: its own pool against httpx2, `python shell/bench/upstream.py`.

A small origin in a process of its own answers 2 KB on kept connections; it is asked by callbacks (`begin`, as pages
do) and by awaiting (`fetch`), by one, by sixteen and by sixty-four at a time, each way in turn. CPU is this process's
own, in user mode and in the kernel. Bounded: four rounds of half a second each. Figures: docs/decisions/0003.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import resource
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import NamedTuple, cast

import uvloop

from jogakbo_shell.upstream.errors import UpstreamError
from jogakbo_shell.upstream.httpx2_adapter import Httpx2Upstream
from jogakbo_shell.upstream.pool import PooledUpstream
from jogakbo_shell.upstream.port import Answer, HeaderLines, Request, Upstream

_ROUNDS = 4
_SECONDS = 0.5
_BODY = b"<p>" + b"x" * 2045
_ANSWER = (
    b'HTTP/1.1 200 OK\r\ncontent-type: text/html; charset=utf-8\r\ncache-control: max-age=30\r\netag: W/"1a2b3c"\r\n'
    b"surrogate-key: orders order-42\r\nvary: podium-locale\r\nserver-timing: app;dur=1\r\npodlet-version: 1.4.2\r\n"
    b"content-length: %d\r\n\r\n%s" % (len(_BODY), _BODY)
)
# What the shell sends with every request for a fragment, by how often it changes.
_PREPARED = {
    "podium-mount-origin": "http://127.0.0.1:8000",
    "podium-public-pathname": "/-/orders/",
    "accept": "text/html",
}
_COMMON = {
    "podium-locale": "en",
    "podium-mount-pathname": "/",
    "podium-requested-by": "shell",
    "podium-device-type": "desktop",
    "podium-debug": "false",
    "accept-language": "en",
    "authorization": "Bearer " + "x" * 220,
}
_OWN = {
    "traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    "x-request-id": "4bf92f3577b34da6a3ce929d0e0e4736",
}
_LOOKED_AT = ("cache-control", "age", "vary", "surrogate-key", "etag", "content-type")


class _Origin(asyncio.Protocol):
    """Answers every end of a request's head: GET has nothing after it."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._transport.write(_ANSWER * data.count(b"\r\n\r\n"))


def _stay_on(core: int) -> None:
    """Two that wander between cores cost each other twice as much, now and then."""
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {cores[core % len(cores)]})


def _serve(told: Connection) -> None:
    _stay_on(1)

    async def serve() -> None:
        server = await asyncio.get_running_loop().create_server(_Origin, "127.0.0.1", 0)
        told.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    uvloop.run(serve())


@contextmanager
def _origin() -> Iterator[str]:
    told, tell = multiprocessing.Pipe(duplex=False)
    process = multiprocessing.get_context("spawn").Process(target=_serve, args=(tell,), daemon=True)
    process.start()
    try:
        yield f"http://127.0.0.1:{told.recv()}/board?id=42"
    finally:
        process.terminate()
        process.join()


class _Cost(NamedTuple):
    """What one request took: microseconds of CPU."""

    user: float
    system: float

    @property
    def together(self) -> float:
        return self.user + self.system


Way = Callable[[Upstream, str, int], Awaitable[int]]
"""Asks so many at once until the time is up; the number of good answers."""


async def _by_awaiting(upstream: Upstream, url: str, at_once: int) -> int:
    until, answered = time.perf_counter() + _SECONDS, 0
    request = Request(url, {**_PREPARED, **_COMMON, **_OWN})

    async def ask() -> None:
        nonlocal answered
        while time.perf_counter() < until:
            answer = await upstream.fetch(request, deadline=2)
            answered += _is_good(answer)

    await asyncio.gather(*(ask() for _ in range(at_once)))
    return answered


async def _by_callbacks(upstream: Upstream, url: str, at_once: int) -> int:
    until, answered, going = time.perf_counter() + _SECONDS, 0, at_once
    # A page makes its lines once, for all its fragments.
    prepared, page = upstream.prepare(Request(url, _PREPARED)), (HeaderLines.of(_COMMON), HeaderLines.of(_OWN))
    over = asyncio.get_running_loop().create_future()

    def ask() -> None:
        upstream.begin(prepared, page, deadline=2, done=done)

    def done(outcome: Answer | UpstreamError) -> None:
        nonlocal answered, going
        answered += _is_good(outcome)
        if time.perf_counter() < until:
            ask()
            return
        going -= 1
        if not going:
            over.set_result(None)

    for _ in range(at_once):
        ask()
    await over
    return answered


def _is_good(outcome: Answer | UpstreamError) -> bool:
    """Looks at what a page needs of an answer."""
    if not isinstance(outcome, Answer):
        raise outcome
    for name in _LOOKED_AT:
        outcome.header(name)
    return outcome.body == _BODY


def _pool() -> Upstream:
    return PooledUpstream(max_body_bytes=1_048_576, max_header_bytes=32_768, max_connections=64)


def _httpx2() -> Upstream:
    return Httpx2Upstream(max_body_bytes=1_048_576, max_header_bytes=32_768, max_connections=64)


_WAYS: dict[str, tuple[Callable[[], Upstream], Way]] = {
    "pool, callbacks": (_pool, _by_callbacks),
    "pool, awaiting": (_pool, _by_awaiting),
    "httpx2": (_httpx2, _by_awaiting),
}


async def _measure(url: str) -> None:
    print(f"| requests per CPU-second (CPU us: user + system) | {' | '.join(_WAYS)} |\n|---|{'---|' * len(_WAYS)}")
    for at_once in (1, 16, 64):
        rounds = [[await _round(*way, url, at_once) for way in _WAYS.values()] for _ in range(_ROUNDS)]
        medians = [sorted(costs, key=lambda cost: cost.together)[_ROUNDS // 2] for costs in zip(*rounds, strict=True)]
        cells = (f"{1e6 / cost.together:,.0f} ({cost.user:.1f} + {cost.system:.1f})" for cost in medians)
        print(f"| {at_once} at once | {' | '.join(cells)} |", flush=True)


async def _round(make: Callable[[], Upstream], ask: Way, url: str, at_once: int) -> _Cost:
    upstream = make()
    try:
        began = resource.getrusage(resource.RUSAGE_SELF)
        answered = await ask(upstream, url, at_once)
        ended = resource.getrusage(resource.RUSAGE_SELF)
    finally:
        await upstream.close()
    per_request = 1e6 / answered
    return _Cost((ended.ru_utime - began.ru_utime) * per_request, (ended.ru_stime - began.ru_stime) * per_request)


def main() -> None:
    """Print the table; about twenty seconds."""
    with _origin() as url:
        _stay_on(0)
        uvloop.run(_measure(url))


if __name__ == "__main__":
    main()
