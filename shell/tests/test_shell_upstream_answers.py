"""One answer cut at every byte, without a network in between."""

from __future__ import annotations

import gzip
import tracemalloc
from collections.abc import Callable

import brotli
import pytest

from jogakbo_shell.upstream.answer_reader import AnswerReader, Bounds
from jogakbo_shell.upstream.decoding import BodyReader
from jogakbo_shell.upstream.errors import Malformed, TooLarge
from jogakbo_shell.upstream.port import Answer

_OK = b"HTTP/1.1 200 OK\r\nEtag: x\r\n"
_PACKED = gzip.compress(b"hello")
_pack: Callable[[bytes], bytes] = brotli.compress
_BROTLI = _pack(b"hello")
ANSWERS = {
    "length": _OK + b"Content-Length: 5\r\n\r\nhello",
    "chunks": _OK + b"Transfer-Encoding: chunked\r\n\r\n3;a=b\r\nhel\r\n2\r\nlo\r\n0\r\nx-a: b\r\n\r\n",
    "interim": b"HTTP/1.1 103 Early\r\nlink: </a>\r\n\r\n" + _OK + b"content-length: 5\r\n\r\nhello",
    "gzip": _OK + b"content-encoding: gzip\r\ncontent-length: %d\r\n\r\n" % len(_PACKED) + _PACKED,
    "brotli": _OK + b"content-encoding: br\r\ncontent-length: %d\r\n\r\n" % len(_BROTLI) + _BROTLI,
}

_BOUNDS = Bounds(max_header_bytes=1000, max_body_bytes=1000)


def read(*pieces: bytes, method: str = "GET") -> AnswerReader:
    reader = AnswerReader(_BOUNDS)
    reader.expect(method)
    for piece in pieces:
        reader.feed(piece)
    return reader


def essence(answer: Answer | None) -> tuple[int, str, bytes]:
    assert answer is not None
    return answer.status, answer.header("etag"), answer.body


@pytest.mark.parametrize("kind", ANSWERS)
def test_an_answer_is_the_same_wherever_it_is_cut_in_two(kind: str) -> None:
    whole = ANSWERS[kind]
    for at in range(1, len(whole)):
        reader = read(whole[:at], whole[at:])
        assert essence(reader.answer) == (200, "x", b"hello")
        assert reader.reusable


IN_A_ROW = {
    "length": ("GET", _OK + b"content-length: 5\r\n\r\nhello"),
    "empty": ("GET", b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"),
    "trailers": (
        "GET",
        _OK + b"transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nx-left: 1\r\nset-cookie: a=1\r\n\r\n",
    ),
    "gzip": ("GET", ANSWERS["gzip"]),
    "interim": ("GET", ANSWERS["interim"]),
    "HEAD": ("HEAD", b"HTTP/1.1 200 OK\r\netag: head\r\ncontent-length: 9\r\n\r\n"),
    "204": ("GET", b"HTTP/1.1 204 None\r\nx-empty: 1\r\n\r\n"),
    "304": ("GET", b"HTTP/1.1 304 Same\r\netag: same\r\ncontent-encoding: gzip\r\ncontent-length: 7\r\n\r\n"),
    "error": ("GET", b"HTTP/1.1 503 Busy\r\nretry-after: 1\r\ncontent-length: 4\r\n\r\nbusy"),
}


@pytest.mark.parametrize("first", IN_A_ROW)
@pytest.mark.parametrize("second", IN_A_ROW)
def test_an_answer_is_the_same_whatever_came_before_it(first: str, second: str) -> None:
    reader = AnswerReader(_BOUNDS)
    for kind in (first, second, first):
        method, whole = IN_A_ROW[kind]
        reader.expect(method)
        reader.feed(whole)
        assert reader.reusable
        assert reader.answer is not None
        alone = read(whole, method=method).answer
        assert alone is not None
        assert reader.answer.status == alone.status
        assert reader.answer.headers == alone.headers
        assert reader.answer.body == alone.body


@pytest.mark.parametrize("kind", ANSWERS)
def test_an_answer_is_never_whole_before_its_last_byte(kind: str) -> None:
    whole = ANSWERS[kind]
    for at in range(1, len(whole)):
        reader = read(whole[:at])
        assert reader.answer is None
        with pytest.raises(Malformed, match="cut short"):
            reader.end()


def test_a_body_that_ends_with_its_connection_must_not_end_with_a_broken_one() -> None:
    head = _OK + b"\r\nhel"
    reader = read(head)
    reader.end()
    assert essence(reader.answer) == (200, "x", b"hel")
    with pytest.raises(Malformed, match="cut short"):
        read(head).end(ConnectionResetError())


@pytest.mark.parametrize(
    ("whole", "method", "reusable"),
    [
        (_OK + b"content-length: 5\r\n\r\n", "HEAD", True),
        (_OK + b"\r\n", "HEAD", False),
        (_OK + b"content-length: 5\r\n\r\nhello", "HEAD", False),
        (_OK + b"connection: close\r\ncontent-length: 5\r\n\r\nhello", "GET", False),
        (b"HTTP/1.0 200 OK\r\ncontent-length: 5\r\n\r\nhello", "GET", False),
        (b"HTTP/1.0 200 OK\r\nconnection: keep-alive\r\ncontent-length: 5\r\n\r\nhello", "GET", True),
        (_OK + b"content-length: 5\r\n\r\nhelloH", "GET", False),
        (b"HTTP/1.1 204 None\r\n\r\n", "GET", True),
    ],
)
def test_a_connection_is_kept_only_at_the_clean_start_of_the_next_answer(
    whole: bytes, method: str, reusable: bool
) -> None:
    reader = read(whole, method=method)
    assert reader.answer is not None
    assert reader.reusable == reusable


@pytest.mark.parametrize(("pack", "encoding"), [(gzip.compress, "gzip"), (_pack, "br")])
def test_what_is_beyond_the_bound_is_not_even_unpacked(pack: Callable[[bytes], bytes], encoding: str) -> None:
    bomb = pack(b"x" * 20_000_000)
    reader = BodyReader(encoding, max_bytes=100_000)
    tracemalloc.start()
    try:
        with pytest.raises(TooLarge):
            reader.feed(bomb)
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak_bytes < 500_000
