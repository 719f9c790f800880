"""When a request is sent a second time: once, harmlessly, and not to a server that is restarting."""

from __future__ import annotations

import asyncio
import ssl
from functools import partial

import pytest

from jogakbo_shell.upstream.answer_reader import Bounds
from jogakbo_shell.upstream.connection import Connection
from jogakbo_shell.upstream.errors import GoingDown, Malformed, UpstreamError
from jogakbo_shell.upstream.exchange import Exchange
from jogakbo_shell.upstream.location import Origin
from jogakbo_shell.upstream.origin_pool import OriginPool
from jogakbo_shell.upstream.pool import PooledUpstream
from jogakbo_shell.upstream.port import Answer, Request, Upstream
from jogakbo_shell.upstream.retry_budget import RetryBudget
from shell.tests.harness import FakeFragmentServer, Received, answer, raw
from shell.tests.listening import ClosesAfter, listening

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, bool]]:
    """The loop that the portal runs on."""
    return "asyncio", {"use_uvloop": True}


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE"])
async def test_a_kept_connection_that_was_dead_is_replaced_once(pool: PooledUpstream, method: str) -> None:
    server = ClosesAfter()
    async with listening(server) as address:
        await pool.fetch(Request(address), deadline=1)
        assert (await pool.fetch(Request(address, method=method), deadline=1)).status == 200
    assert (server.connections, server.unanswered) == (2, 1)


async def test_a_post_on_a_kept_connection_that_was_dead_is_not_sent_again(pool: PooledUpstream) -> None:
    server = ClosesAfter()
    async with listening(server) as address:
        await pool.fetch(Request(address), deadline=1)
        with pytest.raises(Malformed, match="without an answer"):
            await pool.fetch(Request(address, method="POST", body=b"a=1"), deadline=1)
    assert server.connections == 1


async def test_a_new_connection_that_is_closed_is_not_tried_again(pool: PooledUpstream) -> None:
    visits = 0

    async def close(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal visits
        visits += 1
        writer.transport.abort()

    async with listening(close) as address:
        with pytest.raises(Malformed, match="without an answer"):
            await pool.fetch(Request(address), deadline=1)
    assert visits == 1


async def test_an_answer_that_began_is_not_asked_for_again(pool: PooledUpstream, cafe: FakeFragmentServer) -> None:
    cafe.at["/x"] = answer("x")
    await pool.fetch(Request(f"{cafe.address}/x"), deadline=1)

    async def begin(request: Received, writer: asyncio.StreamWriter) -> None:
        await raw(b"HTTP/1.1 2")(request, writer)
        writer.close()

    cafe.at["/x"] = begin
    with pytest.raises(Malformed, match="cut short"):
        await pool.fetch(Request(f"{cafe.address}/x"), deadline=1)
    assert len(cafe.requests("/x")) == 2


class Wire(asyncio.Transport):
    """Takes what is written to it, until it is closed."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[bytes] = []
        self.closed = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.sent.append(bytes(data))

    def get_write_buffer_size(self) -> int:
        return 0

    def is_closing(self) -> bool:
        return self.closed

    def abort(self) -> None:
        self.closed = True


async def test_a_second_kept_connection_that_was_dead_is_the_last(cafe: FakeFragmentServer) -> None:
    bounds = Bounds(1000, 1000)
    origin = OriginPool(
        Origin(False, "127.0.0.1", cafe.port), bounds=bounds, max_connections=2, max_waiting=2, tls=_no_tls
    )
    busy, dead = Connection(origin, bounds), Connection(origin, bounds)
    wires = [Wire(), Wire()]
    for connection, wire in zip((busy, dead), wires, strict=True):
        connection.connection_made(wire)
    told: dict[str, Answer | UpstreamError] = {}

    def asked(name: str) -> Exchange:
        done = partial(told.__setitem__, name)
        return Exchange("GET", name.encode(), began=origin.now(), deadline=2, done=done, place=origin)

    for connection in (busy, dead):
        connection.send(asked("earlier"))
        connection.data_received(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
    origin.place(asked("one"))  # on the last used
    origin.place(asked("two"))
    dead.connection_lost(None)
    busy.data_received(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
    assert [wire.sent for wire in wires] == [[b"earlier", b"two", b"one"], [b"earlier", b"one"]]
    busy.connection_lost(None)
    assert isinstance(told["two"], Answer)
    assert isinstance(told["one"], Malformed)
    origin.close(GoingDown())


def _no_tls() -> ssl.SSLContext:
    raise AssertionError("plain http asks for no context")


async def _failures(upstream: Upstream, address: str, requests: int) -> int:
    failures = 0
    for _ in range(requests):
        try:
            await upstream.fetch(Request(address), deadline=1)
        except Malformed:
            failures += 1
    return failures


async def test_a_server_that_always_closes_is_not_asked_twice_for_everything(upstream: Upstream) -> None:
    server = ClosesAfter()
    async with listening(server) as address:
        failures = await _failures(upstream, address, 100)
    assert server.connections + server.unanswered <= 100 + 100 / 5 + 10
    if isinstance(upstream, PooledUpstream):
        assert failures == 0  # it asks on new connections instead, which httpx2 cannot be told


async def test_many_kept_connections_that_die_at_once_are_not_all_asked_for_again() -> None:
    pool = PooledUpstream(max_body_bytes=1000, max_header_bytes=1000, max_connections=30)
    server, everybody = ClosesAfter(), asyncio.Barrier(30)

    async def visit(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if server.connections < 30:
            await everybody.wait()
        await server(reader, writer)

    async with listening(visit) as address:
        answered = []
        for at_once in (30, 15):
            asking = [pool.fetch(Request(address), deadline=2) for _ in range(at_once)]
            got = await asyncio.gather(*asking, return_exceptions=True)
            answered.append(len([each for each in got if isinstance(each, Answer)]))
        assert answered == [30, 10]  # ten retries were kept, and none earned beyond those
        assert await _failures(pool, address, 10) == 0  # the other fifteen are not even tried
        assert server.unanswered <= 15 + 2
    await pool.close()


async def test_who_waits_for_a_server_that_always_closes_is_answered_all_the_same() -> None:
    pool = PooledUpstream(max_body_bytes=1000, max_header_bytes=1000, max_connections=1)
    async with listening(ClosesAfter()) as address:
        got = await asyncio.gather(*(pool.fetch(Request(address), deadline=5) for _ in range(40)))
    assert [each.body for each in got] == [b"x"] * 40
    await pool.close()


async def test_a_server_that_closes_now_and_then_costs_nobody_an_answer(upstream: Upstream) -> None:
    server = ClosesAfter(answers=6)
    async with listening(server) as address:
        assert await _failures(upstream, address, 120) == 0
    assert server.unanswered > 15


def test_a_fifth_of_the_requests_may_be_sent_again_and_a_few() -> None:
    budget = RetryBudget()
    assert [budget.spend() for _ in range(11)] == [True] * 10 + [False]
    for _ in range(50):
        budget.earn()
        budget.earn()
    assert [budget.spend() for _ in range(11)] == [True] * 10 + [False]
    spent = 0
    for _ in range(1000):
        budget.earn()
        spent += budget.spend()
    assert 190 <= spent <= 200
