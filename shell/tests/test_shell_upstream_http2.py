"""HTTP/2 to a fragment server, through the adapter that speaks it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from ssl import create_default_context
from typing import cast

import pytest
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import DataReceived, RequestReceived, StreamEnded

from jogakbo_shell.upstream.errors import TimedOut, TooLarge
from jogakbo_shell.upstream.httpx2_adapter import Httpx2Upstream
from jogakbo_shell.upstream.port import HeaderLines, Request
from shell.tests.certificates import THIS_MACHINE, certificate, server_context
from shell.tests.listening import ClosesAfter

pytestmark = pytest.mark.anyio


class Http2Origin:
    """Speaks HTTP/2 alone. `/hung` is never answered, `/long` with much; else with what it was sent."""

    def __init__(self) -> None:
        self.connections = 0
        self.headers: list[dict[str, str]] = []

    def __call__(self) -> _Http2Connection:
        self.connections += 1
        return _Http2Connection(self)


class _Http2Connection(asyncio.Protocol):
    def __init__(self, origin: Http2Origin) -> None:
        self._origin = origin
        self._http2 = H2Connection(H2Configuration(client_side=False, header_encoding="utf-8"))
        self._bodies: dict[int, bytes] = {}

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._http2.initiate_connection()
        self._flush()

    def data_received(self, data: bytes) -> None:
        for event in self._http2.receive_data(data):
            if isinstance(event, RequestReceived):
                self._origin.headers.append({str(name): str(value) for name, value in event.headers})
                self._bodies[event.stream_id] = b""
            elif isinstance(event, DataReceived):
                self._bodies[event.stream_id] += event.data
            elif isinstance(event, StreamEnded):
                self._answer(event.stream_id, self._origin.headers[-1][":path"])
        self._flush()

    def _answer(self, stream: int, path: str) -> None:
        if path != "/hung":
            self._http2.send_headers(stream, [(":status", "200"), ("etag", '"1"')])
            self._http2.send_data(stream, b"x" * 5_000 if path == "/long" else self._bodies[stream], end_stream=True)

    def _flush(self) -> None:
        self._transport.write(self._http2.data_to_send())


@asynccontextmanager
async def serving(origin: Http2Origin | ClosesAfter, folder: Path) -> AsyncIterator[tuple[str, Httpx2Upstream]]:
    """Its address, and an upstream that trusts it."""
    file = certificate(folder, THIS_MACHINE)
    context = server_context(file)
    loop = asyncio.get_running_loop()
    if isinstance(origin, Http2Origin):
        context.set_alpn_protocols(["h2"])
        server = await loop.create_server(origin, "127.0.0.1", 0, ssl=context)
    else:
        server = await asyncio.start_server(origin, "127.0.0.1", 0, ssl=context)
    upstream = Httpx2Upstream(
        max_body_bytes=1000,
        max_header_bytes=1000,
        max_connections=4,
        tls=create_default_context(cafile=file),
        http2=True,
    )
    async with server:
        yield f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}", upstream
        await upstream.close()


async def test_a_server_that_speaks_http2_alone_is_asked_on_one_connection(tmp_path: Path) -> None:
    origin = Http2Origin()
    async with serving(origin, tmp_path) as (address, upstream):
        await upstream.fetch(Request(f"{address}/first"), deadline=5)
        sent = [Request(f"{address}/x?id={number}", {"x-a": "b"}, "POST", b"%d" % number) for number in range(8)]
        answers = await asyncio.gather(*(upstream.fetch(request, deadline=5) for request in sent))
    assert [answer.body for answer in answers] == [request.body for request in sent]
    assert {answer.header("etag") for answer in answers} == {'"1"'}
    assert origin.connections == 1
    asked = origin.headers[-1]
    assert (asked["x-a"], asked["accept-encoding"], asked[":method"]) == ("b", "identity", "POST")


async def test_callbacks_come_over_http2_too(tmp_path: Path) -> None:
    async with serving(Http2Origin(), tmp_path) as (address, upstream):
        told: asyncio.Future[object] = asyncio.get_running_loop().create_future()
        prepared = upstream.prepare(Request(f"{address}/long"))
        upstream.begin(prepared, [HeaderLines.of({"x-a": "b"})], deadline=5, done=told.set_result)
        assert isinstance(await told, TooLarge)


async def test_a_hung_stream_takes_no_other_with_it(tmp_path: Path) -> None:
    origin = Http2Origin()
    async with serving(origin, tmp_path) as (address, upstream):
        await upstream.fetch(Request(f"{address}/first"), deadline=5)
        hung = asyncio.create_task(upstream.fetch(Request(f"{address}/hung"), deadline=0.2))
        assert (await upstream.fetch(Request(f"{address}/x"), deadline=5)).status == 200
        with pytest.raises(TimedOut, match="no answer"):
            await hung
        assert (await upstream.fetch(Request(f"{address}/x"), deadline=5)).status == 200
    assert origin.connections == 1


async def test_a_server_that_does_not_offer_it_is_asked_in_http1(tmp_path: Path) -> None:
    async with serving(ClosesAfter(), tmp_path) as (address, upstream):
        assert (await upstream.fetch(Request(address), deadline=5)).body == b"x"
