"""What a request to a fragment server costs the shell: its own pool against httpx2, `python shell/bench/upstream.py`.

A small origin in a process of its own answers 2 KB on kept connections; both adapters of the port ask it in turn, by
one, by sixteen and by sixty-four at a time. Bounded: four rounds of half a second each. Figures: docs/decisions/0003.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import cast

import uvloop

from jogakbo_shell.upstream.httpx2_adapter import Httpx2Upstream
from jogakbo_shell.upstream.pool import PooledUpstream
from jogakbo_shell.upstream.port import Request, Upstream

_ROUNDS = 4
_SECONDS = 0.5
_BODY = b"<p>" + b"x" * 2045
_ANSWER = (
    b'HTTP/1.1 200 OK\r\ncontent-type: text/html; charset=utf-8\r\ncache-control: max-age=30\r\netag: W/"1a2b3c"\r\n'
    b"surrogate-key: orders order-42\r\nvary: podium-locale\r\nserver-timing: app;dur=1\r\npodlet-version: 1.4.2\r\n"
    b"content-length: %d\r\n\r\n%s" % (len(_BODY), _BODY)
)
# What the shell sends with every request for a fragment.
_HEADERS = {
    "podium-locale": "en",
    "podium-mount-origin": "http://127.0.0.1:8000",
    "podium-mount-pathname": "/",
    "podium-public-pathname": "/-/orders/",
    "podium-requested-by": "shell",
    "podium-device-type": "desktop",
    "podium-debug": "false",
    "accept": "text/html",
    "accept-language": "en",
    "traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    "x-request-id": "4bf92f3577b34da6a3ce929d0e0e4736",
    "authorization": "Bearer " + "x" * 220,
}


class _Origin(asyncio.Protocol):
    """Answers every end of a request's head: GET has nothing after it."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._transport.write(_ANSWER * data.count(b"\r\n\r\n"))


def _serve(told: Connection) -> None:
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


async def _requests_per_cpu_second(upstream: Upstream, url: str, at_once: int) -> float:
    request, until, answered = Request(url, _HEADERS), time.perf_counter() + _SECONDS, 0
    began = time.process_time()

    async def ask() -> None:
        nonlocal answered
        while time.perf_counter() < until:
            answer = await upstream.fetch(request, deadline=2)
            answered += answer.body == _BODY

    await asyncio.gather(*(ask() for _ in range(at_once)))
    return answered / (time.process_time() - began)


def _pool() -> Upstream:
    return PooledUpstream(max_body_bytes=1_048_576, max_header_bytes=32_768, max_connections=64)


def _httpx2() -> Upstream:
    return Httpx2Upstream(max_body_bytes=1_048_576, max_header_bytes=32_768, max_connections=64)


async def _measure(url: str) -> None:
    adapters: dict[str, Callable[[], Upstream]] = {"pool": _pool, "httpx2": _httpx2}
    print("| requests per CPU-second | " + " | ".join(adapters) + " | ratio |\n|---|---|---|---|")
    for at_once in (1, 16, 64):
        rounds: list[tuple[float, ...]] = []
        for _ in range(_ROUNDS):
            rounds.append(tuple([await _round(make, url, at_once) for make in adapters.values()]))
        pool, httpx2 = (statistics.median(column) for column in zip(*rounds, strict=True))
        print(f"| {at_once} at once | {pool:,.0f} | {httpx2:,.0f} | {pool / httpx2:.1f} |", flush=True)


async def _round(make: Callable[[], Upstream], url: str, at_once: int) -> float:
    upstream = make()
    try:
        return await _requests_per_cpu_second(upstream, url, at_once)
    finally:
        await upstream.close()


def main() -> None:
    """Print the table; about fifteen seconds."""
    with _origin() as url:
        uvloop.run(_measure(url))


if __name__ == "__main__":
    main()
