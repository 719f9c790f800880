"""Where a request goes: an address taken apart."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import quote, urlsplit

from jogakbo_shell.upstream.errors import Unsendable

_PORTS = {"http": 80, "https": 443}
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
# What RFC 3986 lets stand in a path or a query, and the sign of what is quoted already.
_PLAIN_QUERY = re.compile(r"[A-Za-z0-9._~%&=+-]*")
_STANDS = "/?:@!$&'()*+,;=-._~[]%"


class Origin(NamedTuple):
    secure: bool
    host: str
    port: int


@dataclass(frozen=True, slots=True)
class Location:
    """`authority` is the Host header; `target` the path and query as they stand in the request line."""

    origin: Origin
    authority: str
    target: str


def locate(url: str) -> Location:
    """Raises Unsendable for what is no http address, or could end the request line before its time."""
    address, mark, query = url.partition("?")
    if mark and _PLAIN_QUERY.fullmatch(query):
        # Most addresses differ from others in their query alone.
        location = _located(address)
        return Location(location.origin, location.authority, f"{location.target}?{query}" if query else location.target)
    return _located(url)


@lru_cache(maxsize=2048)
def _located(url: str) -> Location:
    if _CONTROL.search(url):
        raise Unsendable(f"the address has control characters: {url[:80]!r}")
    try:
        parts = urlsplit(url)
        port, host = parts.port, (parts.hostname or "").encode("idna").decode("ascii")
    except ValueError as error:
        raise Unsendable(f"{url[:80]!r} is no address: {error}") from error
    if parts.scheme not in _PORTS or not host or quote(host, safe="!$&'()*+,;=:-._~") != host:
        raise Unsendable(f"expected http://host or https://host, not {url[:80]!r}")
    usual = _PORTS[parts.scheme]
    name = f"[{host}]" if ":" in host else host
    authority = name if port in (None, usual) else f"{name}:{port}"
    query = f"?{parts.query}" if parts.query else ""
    return Location(
        Origin(parts.scheme == "https", host, port or usual),
        authority,
        quote((parts.path or "/") + query, safe=_STANDS),
    )
