"""A request as it goes over the wire, or not at all."""

from __future__ import annotations

from jogakbo_shell.upstream.errors import Unsendable
from jogakbo_shell.upstream.header_lines import HeaderLines, is_token
from jogakbo_shell.upstream.location import locate
from jogakbo_shell.upstream.port import Prepared, Request

_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})


def prepare(request: Request) -> Prepared:
    """Raises Unsendable."""
    if not is_token(request.method):
        raise Unsendable(f"{request.method[:40]!r} is no method")
    location = locate(request.url)
    start = f"{request.method} {location.target} HTTP/1.1\r\nhost: {location.authority}\r\n"
    if "accept-encoding" not in request.headers:
        start += "accept-encoding: identity\r\n"
    head = start.encode("ascii") + HeaderLines.of(request.headers).encoded
    if request.body or request.method in _WITH_BODY:
        return Prepared(request, location, head, b"content-length: %d\r\n\r\n%s" % (len(request.body), request.body))
    return Prepared(request, location, head, b"\r\n")
