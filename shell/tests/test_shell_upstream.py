"""The port to fragment servers, against servers that are slow, wrong or gone."""

from __future__ import annotations

import asyncio
import gzip
import time
import zlib
from collections.abc import Callable
from contextlib import nullcontext

import brotli
import pytest

from jogakbo_shell.upstream.errors import Malformed, TimedOut, TooLarge, Unreachable
from jogakbo_shell.upstream.port import Request, Upstream
from shell.tests.harness import FakeFragmentServer, Received, answer, eventually, hang, raw

pytestmark = pytest.mark.anyio

DEADLINE = 0.5


async def test_an_answer_comes_whole(upstream: Upstream, cafe: FakeFragmentServer) -> None:
    cafe.at["/x"] = answer("<p>hello", headers={"Surrogate-Key": "a b"})
    got = await upstream.fetch(Request(f"{cafe.address}/x"), deadline=1)
    assert (got.status, got.body, got.header("surrogate-key")) == (200, b"<p>hello", "a b")


async def test_a_hung_server_costs_the_deadline_and_no_more(upstream: Upstream, cafe: FakeFragmentServer) -> None:
    cafe.at["/x"] = hang
    began = time.perf_counter()
    with pytest.raises(TimedOut, match="no answer") as caught:
        await upstream.fetch(Request(f"{cafe.address}/x"), deadline=DEADLINE)
    assert caught.value.silent
    assert time.perf_counter() - began < 2 * DEADLINE


async def test_headers_followed_by_silence_end_at_the_deadline(upstream: Upstream, cafe: FakeFragmentServer) -> None:
    async def head_then_hang(request: Received, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n")
        await hang(request, writer)

    cafe.at["/x"] = head_then_hang
    with pytest.raises(TimedOut, match="began but did not end") as caught:
        await upstream.fetch(Request(f"{cafe.address}/x"), deadline=DEADLINE)
    assert not caught.value.silent


async def test_a_slow_drip_ends_at_the_deadline(upstream: Upstream, cafe: FakeFragmentServer) -> None:
    async def drip(request: Received, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 10000\r\n\r\n")
        while True:
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.01)

    cafe.at["/x"] = drip
    began = time.perf_counter()
    with pytest.raises(TimedOut):
        await upstream.fetch(Request(f"{cafe.address}/x"), deadline=DEADLINE)
    assert time.perf_counter() - began < 2 * DEADLINE


async def test_a_refused_connection_is_told_apart(upstream: Upstream, cafe: FakeFragmentServer) -> None:
    await cafe.stop()
    with pytest.raises(Unreachable):
        await upstream.fetch(Request(f"{cafe.address}/x"), deadline=1)


async def test_an_endless_body_is_left_at_the_bound(upstream: Upstream, cafe: FakeFragmentServer) -> None:
    async def endless(request: Received, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000000\r\n\r\n")
        while True:
            writer.write(b"x" * 65536)
            await writer.drain()

    cafe.at["/x"] = endless
    with pytest.raises(TooLarge, match="10000 bytes"):
        await upstream.fetch(Request(f"{cafe.address}/x"), deadline=2)
    await eventually(lambda: cafe.open_connections == 0)


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "br": brotli.compress,
}


@pytest.mark.parametrize("encoding", PACKERS)
async def test_a_body_is_bounded_after_decompression_too(
    upstream: Upstream, cafe: FakeFragmentServer, encoding: str
) -> None:
    bomb = PACKERS[encoding](b"x" * 5_000_000)
    cafe.at["/x"] = answer(bomb, headers={"content-encoding": encoding})
    with pytest.raises(TooLarge):
        await upstream.fetch(Request(f"{cafe.address}/x"), deadline=2)


@pytest.mark.parametrize("encoding", PACKERS)
async def test_a_compressed_body_is_unpacked(upstream: Upstream, cafe: FakeFragmentServer, encoding: str) -> None:
    cafe.at["/x"] = answer(PACKERS[encoding](b"hello"), headers={"content-encoding": encoding.upper()})
    assert (await upstream.fetch(Request(f"{cafe.address}/x"), deadline=1)).body == b"hello"


@pytest.mark.parametrize("encoding", PACKERS)
async def test_a_body_may_have_exactly_as_many_bytes_as_are_allowed(
    upstream: Upstream, cafe: FakeFragmentServer, encoding: str
) -> None:
    for size, fits in ((10_000, True), (10_001, False)):
        cafe.at["/x"] = answer(PACKERS[encoding](b"x" * size), headers={"content-encoding": encoding})
        with nullcontext() if fits else pytest.raises(TooLarge):
            assert len((await upstream.fetch(Request(f"{cafe.address}/x"), deadline=1)).body) == size


@pytest.mark.parametrize(
    ("body", "encoding"),
    [
        (gzip.compress(b"hello")[:-9], "gzip"),
        (PACKERS["br"](b"hello")[:-1], "br"),
        (b"not packed", "gzip"),
        (b"\xff\xffnot packed", "br"),
        (PACKERS["br"](b"hello") + b"more", "br"),
        (b"x", "zstd"),
        (b"x", "gzip, br"),
    ],
    ids=["gzip cut short", "br cut short", "no gzip", "no br", "more than br", "not asked for", "two of them"],
)
async def test_a_body_that_is_not_what_it_says_is_refused(
    upstream: Upstream, cafe: FakeFragmentServer, body: bytes, encoding: str
) -> None:
    cafe.at["/x"] = answer(body, headers={"content-encoding": encoding})
    with pytest.raises(Malformed):
        await upstream.fetch(Request(f"{cafe.address}/x"), deadline=1)


async def test_headers_are_bounded(upstream: Upstream, cafe: FakeFragmentServer) -> None:
    cafe.at["/x"] = answer("x", headers={"x-long": "y" * 3_000})
    with pytest.raises(TooLarge, match="headers"):
        await upstream.fetch(Request(f"{cafe.address}/x"), deadline=1)


@pytest.mark.parametrize(
    "payload",
    [b"\x00\x01 rubbish \r\n\r\n", b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nxx"],
    ids=["rubbish", "two lengths"],
)
async def test_what_is_not_http_is_refused(upstream: Upstream, cafe: FakeFragmentServer, payload: bytes) -> None:
    cafe.at["/x"] = raw(payload)
    with pytest.raises(Malformed):
        await upstream.fetch(Request(f"{cafe.address}/x"), deadline=1)


async def test_a_body_cut_short_is_no_answer(upstream: Upstream, cafe: FakeFragmentServer) -> None:
    async def cut(request: Received, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf")
        await writer.drain()
        writer.close()

    cafe.at["/x"] = cut
    with pytest.raises(Malformed):
        await upstream.fetch(Request(f"{cafe.address}/x"), deadline=1)


async def test_connections_are_kept_and_used_again(upstream: Upstream, cafe: FakeFragmentServer) -> None:
    cafe.at["/x"] = answer("x")
    for _ in range(5):
        await upstream.fetch(Request(f"{cafe.address}/x"), deadline=1)
    assert cafe.connections == 1


async def test_a_kept_connection_closed_by_the_server_is_replaced(upstream: Upstream, cafe: FakeFragmentServer) -> None:
    calls = 0

    async def close_before_second(request: Received, writer: asyncio.StreamWriter) -> None:
        nonlocal calls
        calls += 1
        if calls == 2:
            writer.close()
            return
        await answer("x")(request, writer)

    cafe.at["/x"] = close_before_second
    await upstream.fetch(Request(f"{cafe.address}/x"), deadline=1)
    assert (await upstream.fetch(Request(f"{cafe.address}/x"), deadline=1)).body == b"x"


async def test_a_post_is_never_sent_twice(upstream: Upstream, cafe: FakeFragmentServer) -> None:
    async def close(request: Received, writer: asyncio.StreamWriter) -> None:
        writer.close()

    cafe.at["/x"] = close
    with pytest.raises(Malformed):
        await upstream.fetch(Request(f"{cafe.address}/x", method="POST", body=b"a=1"), deadline=1)
    assert len(cafe.requests("/x")) == 1


async def test_redirects_are_answers_and_cookies_are_forgotten(upstream: Upstream, cafe: FakeFragmentServer) -> None:
    cafe.at["/x"] = answer("", 302, {"location": "/y", "set-cookie": "a=1"})
    assert (await upstream.fetch(Request(f"{cafe.address}/x"), deadline=1)).status == 302
    await upstream.fetch(Request(f"{cafe.address}/x"), deadline=1)
    assert cafe.received[-1].header("cookie") == ""
    assert not cafe.requests("/y")


async def test_cancelling_drops_the_connection(upstream: Upstream, cafe: FakeFragmentServer) -> None:
    cafe.at["/x"] = hang
    task = asyncio.create_task(upstream.fetch(Request(f"{cafe.address}/x"), deadline=5))
    await eventually(lambda: cafe.open_connections == 1)
    task.cancel()
    await eventually(lambda: cafe.open_connections == 0)


async def test_more_requests_than_connections_wait_within_their_deadline(
    upstream: Upstream, cafe: FakeFragmentServer
) -> None:
    cafe.at["/x"] = hang
    request = Request(f"{cafe.address}/x")
    holding = [asyncio.create_task(upstream.fetch(request, deadline=5)) for _ in range(4)]
    await eventually(lambda: cafe.open_connections == 4)
    with pytest.raises(TimedOut):
        await upstream.fetch(request, deadline=DEADLINE)
    assert cafe.connections == 4
    for task in holding:
        task.cancel()
    await asyncio.gather(*holding, return_exceptions=True)
