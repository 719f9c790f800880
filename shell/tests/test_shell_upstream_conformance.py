"""HTTP/1.1 as awkward servers speak it, through every adapter of the port."""

from __future__ import annotations

import asyncio
import gzip
import time

import pytest

from jogakbo_shell.upstream.errors import Malformed, TimedOut, TooLarge, UpstreamError
from jogakbo_shell.upstream.pool import PooledUpstream
from jogakbo_shell.upstream.port import Answer, Request, Upstream
from shell.tests.harness import Behaviour, FakeFragmentServer, Received, answer, eventually, raw
from shell.tests.listening import reset

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, bool]]:
    """The loop that the portal runs on."""
    return "asyncio", {"use_uvloop": True}


OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"transfer-encoding: chunked\r\n\r\n"


def then_closed(payload: bytes) -> Behaviour:
    async def behave(request: Received, writer: asyncio.StreamWriter) -> None:
        await raw(payload)(request, writer)
        writer.close()

    return behave


def then_reset(payload: bytes) -> Behaviour:
    async def behave(request: Received, writer: asyncio.StreamWriter) -> None:
        await raw(payload)(request, writer)
        reset(writer)

    return behave


def endless(head: bytes, piece: bytes) -> Behaviour:
    async def behave(request: Received, writer: asyncio.StreamWriter) -> None:
        writer.write(head)
        while True:
            writer.write(piece)
            await writer.drain()

    return behave


async def ask(upstream: Upstream, cafe: FakeFragmentServer, behaviour: Behaviour, method: str = "GET") -> Answer:
    cafe.at["/x"] = behaviour
    return await upstream.fetch(Request(f"{cafe.address}/x", method=method), deadline=2)


@pytest.mark.parametrize(
    ("payload", "body"),
    [
        (CHUNKED + b"5\r\nhello\r\n0\r\n\r\n", b"hello"),
        (CHUNKED + b'3;a=b;c="d\\""\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n', b"hello"),
        (CHUNKED + b"005\r\nhello\r\n000\r\nx-checksum: 1\r\nset-cookie: a=1\r\n\r\n", b"hello"),
        (OK + b"content-length: 5\r\nconnection: close\r\n\r\nhello", b"hello"),
        (b"HTTP/1.0 200 OK\r\ncontent-length: 5\r\n\r\nhello", b"hello"),
        (OK + b"content-length: 0\r\n\r\n", b""),
        (OK + b"connection: upgrade\r\nupgrade: h2c\r\ncontent-length: 5\r\n\r\nhello", b"hello"),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nlink: </a>\r\n\r\n" + CHUNKED + b"0\r\n\r\n", b""),
        (b"HTTP/1.1 200\r\ncontent-length: 5\r\n\r\nhello", b"hello"),
    ],
    ids=["chunks", "extensions", "trailers", "close", "1.0", "empty", "upgrade", "interim", "no reason"],
)
async def test_a_body_ends_where_its_framing_says(
    upstream: Upstream, cafe: FakeFragmentServer, payload: bytes, body: bytes
) -> None:
    got = await ask(upstream, cafe, raw(payload))
    assert (got.status, got.body) == (200, body)
    assert not {"set-cookie", "x-checksum", "link"} & {name for name, _ in got.headers}
    assert not got.header("set-cookie") + got.header("link")


async def test_a_body_without_framing_ends_with_its_connection(upstream: Upstream, cafe: FakeFragmentServer) -> None:
    assert (await ask(upstream, cafe, then_closed(OK + b"\r\nhello"))).body == b"hello"


async def test_padding_around_a_value_is_not_the_value(upstream: Upstream, cafe: FakeFragmentServer) -> None:
    got = await ask(upstream, cafe, raw(OK + b"Content-Length:\t 1 \r\nX-Two: a\r\nETag:  x \r\nx-two: b\r\n\r\nx"))
    assert (got.header("etag"), got.header("x-two")) == ("x", "a, b")


async def test_an_answer_in_single_bytes_is_the_same_answer(upstream: Upstream, cafe: FakeFragmentServer) -> None:
    async def byte_by_byte(request: Received, writer: asyncio.StreamWriter) -> None:
        for byte in CHUNKED + b"5\r\nhello\r\n0\r\n\r\n":
            writer.write(bytes([byte]))
            await asyncio.sleep(0)

    assert (await ask(upstream, cafe, byte_by_byte)).body == b"hello"


@pytest.mark.parametrize(
    "payload",
    [
        OK + b"content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        OK + b"transfer-encoding: chunked\r\ncontent-length: 5\r\n\r\nhello",
        OK + b"content-length: -5\r\n\r\nhello",
        OK + b"content-length: 99999999999999999999999\r\n\r\nhello",
        OK + b"transfer-encoding: gzip\r\n\r\nhello",
        OK + b"x-a: b\x00c\r\ncontent-length: 5\r\n\r\nhello",
        OK + b"x a: b\r\ncontent-length: 5\r\n\r\nhello",
        CHUNKED + b"zz\r\nhello\r\n0\r\n\r\n",
        b"HTTP/1.1 2x0 OK\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"<!doctype html><p>hello\r\n\r\n",
        b"HTTP/1.1 101 Switching\r\nconnection: upgrade\r\nupgrade: x\r\n\r\nabc",
    ],
    ids=[
        "length, then chunked",
        "chunked, then length",
        "negative length",
        "length too great to be one",
        "unknown transfer coding",
        "zero byte",
        "space in a name",
        "chunk size that is no number",
        "status that is no number",
        "another protocol",
        "body only",
        "protocol changed unasked",
    ],
)
async def test_two_ways_to_read_it_or_none_is_no_answer(
    pool: PooledUpstream, cafe: FakeFragmentServer, payload: bytes
) -> None:
    with pytest.raises(Malformed):
        await ask(pool, cafe, then_closed(payload))
    await eventually(lambda: cafe.open_connections == 0)


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"HTTP/1.1 2",
        OK + b"content-le",
        OK + b"content-length: 9\r\n\r\nhalf",
        CHUNKED + b"5\r\nhel",
        CHUNKED + b"5\r\nhello\r\n",
        CHUNKED + b"5\r\nhello\r\n0\r\nx-check",
    ],
    ids=["nothing", "status", "headers", "length", "chunk", "last chunk", "trailer"],
)
async def test_what_is_cut_short_is_no_answer(upstream: Upstream, cafe: FakeFragmentServer, payload: bytes) -> None:
    with pytest.raises(Malformed):
        await ask(upstream, cafe, then_closed(payload))


async def test_a_whole_answer_counts_though_a_reset_follows(upstream: Upstream, cafe: FakeFragmentServer) -> None:
    for _ in range(8):
        assert (await ask(upstream, cafe, then_reset(OK + b"content-length: 5\r\n\r\nhello"))).body == b"hello"


@pytest.mark.parametrize(
    "payload",
    [b"", OK + b"content-le", OK + b"\r\nhello", OK + b"content-length: 9\r\n\r\nhalf", CHUNKED + b"5\r\nhello\r\n"],
    ids=["nothing", "headers", "until closed", "length", "chunks"],
)
async def test_what_is_cut_off_by_a_reset_is_no_answer(
    upstream: Upstream, cafe: FakeFragmentServer, payload: bytes
) -> None:
    with pytest.raises(Malformed):
        await ask(upstream, cafe, then_reset(payload))


@pytest.mark.parametrize("status", [204, 304])
async def test_an_answer_that_has_no_body_gets_none(upstream: Upstream, cafe: FakeFragmentServer, status: int) -> None:
    head = f"HTTP/1.1 {status} Whatever\r\netag: x\r\ncontent-encoding: gzip\r\ncontent-length: 5\r\n\r\n"
    got = await ask(upstream, cafe, raw(head.encode()))
    assert (got.status, got.body, got.header("etag")) == (status, b"", "x")


@pytest.mark.parametrize(
    ("payload", "method"),
    [
        (b"HTTP/1.1 204 None\r\n\r\nhello", "GET"),
        (b"HTTP/1.1 304 Same\r\ncontent-length: 5\r\n\r\nhello", "GET"),
        (OK + b"content-length: 5\r\n\r\nhello", "HEAD"),
        (OK + b"content-length: 0\r\n\r\n" + OK + b"content-length: 6\r\n\r\nstolen", "GET"),
        (OK + b"content-length: 0\r\n\r\njunk", "GET"),
        (OK + b"content-length: 0\r\nconnection: close\r\n\r\njunk", "GET"),
    ],
    ids=["204", "304", "HEAD", "second answer", "junk", "junk after close"],
)
async def test_what_comes_after_an_answer_is_never_the_next_one(
    pool: PooledUpstream, cafe: FakeFragmentServer, payload: bytes, method: str
) -> None:
    assert (await ask(pool, cafe, raw(payload), method)).body == b""
    assert (await ask(pool, cafe, answer("own"))).body == b"own"
    assert cafe.connections == 2


async def test_what_comes_while_nothing_was_asked_is_never_the_next_answer(
    pool: PooledUpstream, cafe: FakeFragmentServer
) -> None:
    async def more_later(request: Received, writer: asyncio.StreamWriter) -> None:
        await answer("first")(request, writer)
        await asyncio.sleep(0.02)
        await answer("stolen")(request, writer)

    assert (await ask(pool, cafe, more_later)).body == b"first"
    await eventually(lambda: cafe.open_connections == 0, seconds=2)  # idle ones are left for longer
    assert (await ask(pool, cafe, answer("own"))).body == b"own"


async def test_the_head_of_a_page_comes_without_its_body(upstream: Upstream, cafe: FakeFragmentServer) -> None:
    head = raw(OK + b"content-length: 5000000\r\ncontent-encoding: gzip\r\n\r\n")
    for _ in range(2):
        got = await ask(upstream, cafe, head, "HEAD")
        assert (got.body, got.header("content-length")) == (b"", "5000000")


@pytest.mark.parametrize(
    ("head", "piece"),
    [
        (OK, b"x-more: " + b"y" * 60 + b"\r\n"),
        (OK + b"x-endless: ", b"y" * 64),
        (b"HTTP/1.1 200 ", b"O" * 64),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        (CHUNKED, b"1;" + b"e" * 100 + b"\r\nx\r\n"),
        (CHUNKED + b"1;", b"e" * 64),
        (CHUNKED + b"0\r\n", b"x-trailer: " + b"y" * 60 + b"\r\n"),
        (CHUNKED, b"1\r\nx\r\n" * 50),
        (OK + b"\r\n", b"x" * 64),
        (OK + b"content-encoding: gzip\r\n\r\n" + gzip.compress(b"x"), b"\0" * 64),
    ],
    ids=["headers", "header", "reason", "interim", "extensions", "extension", "trailers", "chunks", "body", "padding"],
)
async def test_what_never_ends_is_left_at_a_bound(
    pool: PooledUpstream, cafe: FakeFragmentServer, head: bytes, piece: bytes
) -> None:
    with pytest.raises((TooLarge, Malformed)):
        await ask(pool, cafe, endless(head, piece))
    await eventually(lambda: cafe.open_connections == 0)


async def test_a_drip_of_headers_ends_at_the_deadline_too(upstream: Upstream, cafe: FakeFragmentServer) -> None:
    async def drip(request: Received, writer: asyncio.StreamWriter) -> None:
        writer.write(OK)
        while True:
            writer.write(b"x: y\r\n")
            await writer.drain()
            await asyncio.sleep(0.02)

    cafe.at["/x"] = drip
    began = time.perf_counter()
    with pytest.raises(TimedOut):
        await upstream.fetch(Request(f"{cafe.address}/x"), deadline=0.15)
    assert time.perf_counter() - began < 1


async def test_a_compressed_body_may_be_of_several_parts(upstream: Upstream, cafe: FakeFragmentServer) -> None:
    parts = gzip.compress(b"hel") + gzip.compress(b"lo")
    assert (await ask(upstream, cafe, answer(parts, headers={"content-encoding": "gzip"}))).body == b"hello"


async def test_many_small_parts_that_unpack_to_much_are_left_at_the_bound(
    upstream: Upstream, cafe: FakeFragmentServer
) -> None:
    parts = gzip.compress(b"x" * 4_000) * 3
    with pytest.raises(TooLarge):
        await ask(upstream, cafe, answer(parts, headers={"content-encoding": "gzip"}))


@pytest.mark.parametrize("text", ["/x\r\nx-a: b", "/x y\x00"], ids=["line end", "zero byte"])
async def test_an_address_cannot_bring_a_request_of_its_own(
    upstream: Upstream, cafe: FakeFragmentServer, text: str
) -> None:
    with pytest.raises(UpstreamError, match="control characters"):
        await upstream.fetch(Request(cafe.address + text), deadline=1)
    assert cafe.connections == 0


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("x-a", "b\r\nx-c: d"),
        ("x-a", "b\nx-c: d"),
        ("x-a", "b\rc"),
        ("x-a", "b\0c"),
        ("x-a", "커피"),
        ("x a", "b"),
        ("", "b"),
        ("x-a:b\r\nx-c", "d"),
        ("content-length", "5"),
        ("Transfer-Encoding", "chunked"),
        ("host", "elsewhere"),
        ("connection", "upgrade"),
    ],
)
async def test_a_header_cannot_bring_a_request_of_its_own(
    upstream: Upstream, cafe: FakeFragmentServer, name: str, value: str
) -> None:
    with pytest.raises(UpstreamError, match=r"header"):
        await upstream.fetch(Request(f"{cafe.address}/x", {name: value}), deadline=1)
    assert cafe.connections == 0


@pytest.mark.parametrize("url", ["ftp://a/x", "/x", "http://", "http://a b/", "http://a:x/", "http://a:99999/"])
async def test_what_is_no_http_address_is_refused(upstream: Upstream, url: str) -> None:
    with pytest.raises(UpstreamError):
        await upstream.fetch(Request(url), deadline=1)


async def test_a_request_arrives_as_it_was_meant(upstream: Upstream, cafe: FakeFragmentServer) -> None:
    cafe.at["/caf%C3%A9/a%20b"] = answer("x")
    request = Request(f"{cafe.address}/café/a b?id=%2F&q=é#part", {"x-a": "b"}, "POST", b"body")
    assert (await upstream.fetch(request, deadline=1)).body == b"x"
    got = cafe.received[-1]
    assert (got.method, got.target, got.body) == ("POST", "/caf%C3%A9/a%20b?id=%2F&q=%C3%A9", b"body")
    assert got.header("host") == cafe.address.removeprefix("http://")
    assert (got.header("x-a"), got.header("accept-encoding")) == ("b", "identity")
