"""What a fragment server may come to answer when it is not itself: to every question the same."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from functools import cache
from itertools import repeat
from threading import Event

_DRIP_SECONDS = 0.05


def _http(body: bytes, status: str = "200 OK", *headers: str, media_type: str = "text/html; charset=utf-8") -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Type: {media_type}", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join([*lines, "Connection: close", "", ""]).encode() + body


def binary() -> Iterator[bytes]:
    """No HTTP at all."""
    yield bytes(range(256)) * 16


def nothing() -> Iterator[bytes]:
    """Hangs up without a word."""
    yield from ()


def error_500() -> Iterator[bytes]:
    """Its own error page."""
    yield _http(b"<h1>Internal Server Error</h1>", "500 Internal Server Error")


def redirect() -> Iterator[bytes]:
    """Somebody put a login page in front of it."""
    yield _http(b"", "302 Found", "Location: https://login.example/?next=/warnings")


def wrong_type() -> Iterator[bytes]:
    """JSON where HTML is asked for."""
    yield _http(b'{"warnings": []}', media_type="application/json")


def not_utf8() -> Iterator[bytes]:
    """Bytes that are no text."""
    yield _http(b"<p>caf\xe9 \xff\xfe</p>")


def nested() -> Iterator[bytes]:
    """Markup deeper than any parser should go."""
    yield _http(b"<div>" * 50_000)


def cut_short() -> Iterator[bytes]:
    """Promises more than it sends."""
    yield _http(b"<p>half a").replace(b"Content-Length: 9", b"Content-Length: 9000")


def drip() -> Iterator[bytes]:
    """A body without end, a byte at a time: always just alive."""
    yield b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nConnection: close\r\n\r\n<p>"
    yield from _slowly()


def dripping_head() -> Iterator[bytes]:
    """A head without end."""
    yield b"HTTP/1.1 200 OK\r\nX-Long: "
    yield from _slowly()


def flood() -> Iterator[bytes]:
    """A body without end, as fast as it is taken."""
    yield b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nConnection: close\r\n\r\n"
    yield from repeat(b"<p>more</p>" * 6_000)


def bomb() -> Iterator[bytes]:
    """Small on the wire, 16 MB when unpacked."""
    yield _http(_zeros(), "200 OK", "Content-Encoding: gzip")


RUBBISH = (
    binary, nothing, error_500, redirect, wrong_type, not_utf8, nested, cut_short, drip, dripping_head, flood, bomb,
)  # fmt: skip


def unclosed() -> Iterator[bytes]:
    """Markup that would swallow the rest of the page, and an include of somebody else's file."""
    yield _http(b'</section></main><table><td><form><textarea><!--#include file="/etc/passwd"--><esi:include src="/"/>')


@cache
def _zeros() -> bytes:
    return gzip.compress(bytes(16 * 1024 * 1024), compresslevel=1)


def _slowly() -> Iterator[bytes]:
    pace = Event()
    while not pace.wait(_DRIP_SECONDS):
        yield b"x"
