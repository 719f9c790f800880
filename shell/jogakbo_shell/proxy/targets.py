"""Which path of a fragment server a request under `/-/` means."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote

_SERVER = re.compile(r"[a-z][a-z0-9-]{0,39}")
# Encoded slashes and backslashes are read in different ways by different servers; so are control characters.
_REFUSED = re.compile(r"%(?:2f|5c|00|0a|0d)|[\x00-\x20\\\x7f-\xff]|//", re.IGNORECASE)
_OPERATIONS = frozenset({"/manifest.json", "/metrics", "/livez", "/readyz"})


class BadTarget(Exception):
    """The path is not one that can only mean one thing; the request is refused with 400."""


@dataclass(frozen=True, slots=True)
class Target:
    """`/-/orders/actions/take?x=1` is `Target("orders", "/actions/take", "x=1")`."""

    server: str
    path: str
    query: str

    @property
    def path_and_query(self) -> str:
        return f"{self.path}?{self.query}" if self.query else self.path

    @property
    def for_operators(self) -> bool:
        """Health, figures and manifest are for the inside, not for browsers."""
        return unquote(self.path) in _OPERATIONS


def is_versioned(path: str, query: str) -> bool:
    """An asset whose address changes with its content, so that it may be kept for ever."""
    return path.startswith("/assets/") and query.startswith("v=")


def read_target(raw_path: bytes, query: bytes) -> Target:
    """Raises BadTarget for traversal, encoded slashes and everything ambiguous."""
    path, text = raw_path.decode("latin-1"), query.decode("latin-1")
    if _REFUSED.search(path) or _REFUSED.search(text.replace("//", "")):
        raise BadTarget("the path holds an encoded slash, a backslash or a control character")
    server, slash, rest = path.removeprefix("/-/").partition("/")
    if not slash or not _SERVER.fullmatch(server):
        raise BadTarget("expected /-/<fragment server>/<path>")
    if any(unquote(segment) in (".", "..") for segment in rest.split("/")):
        raise BadTarget("the path climbs out of its folder")
    return Target(server, f"/{rest}", text)
