"""A request as it goes over the wire, or not at all: nothing in it may start a second one."""

from __future__ import annotations

import re
from functools import lru_cache

from jogakbo_shell.upstream.errors import Unsendable
from jogakbo_shell.upstream.location import Location
from jogakbo_shell.upstream.port import Request

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
# Framing and the connection are the pool's own; whoever else sets them could smuggle (RFC 9112, section 11.2).
_OURS = frozenset(
    {"connection", "content-length", "expect", "host", "keep-alive", "proxy-connection", "te", "trailer"}
    | {"transfer-encoding", "upgrade"}
)
_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})


def write_request(request: Request, location: Location) -> bytes:
    """Raises Unsendable."""
    if not _is_token(request.method):
        raise Unsendable(f"{request.method[:40]!r} is no method")
    lines = [f"{request.method} {location.target} HTTP/1.1", f"host: {location.authority}"]
    if "accept-encoding" not in request.headers:
        lines.append("accept-encoding: identity")
    for name, value in request.headers.items():
        if not _may_be_sent(name):
            raise Unsendable(f"{name[:40]!r} is no header that a caller may set")
        lines.append(f"{name}: {value}")
    if request.body or request.method in _WITH_BODY:
        lines.append(f"content-length: {len(request.body)}")
    text = "\r\n".join(lines)
    # One look at the whole: as many line ends as were put there, or some value brought its own.
    if text.count("\n") != len(lines) - 1 or text.count("\r") != len(lines) - 1 or "\0" in text:
        raise Unsendable("a header's value has a line end or a zero byte in it")
    try:
        return f"{text}\r\n\r\n".encode("latin-1") + request.body
    except UnicodeEncodeError as error:
        raise Unsendable(f"a header's value has letters beyond latin-1: {error.object[error.start]!r}") from error


@lru_cache(maxsize=512)
def _is_token(word: str) -> bool:
    return _TOKEN.fullmatch(word) is not None


@lru_cache(maxsize=512)
def _may_be_sent(name: str) -> bool:
    return _TOKEN.fullmatch(name) is not None and name.lower() not in _OURS
