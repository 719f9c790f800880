"""Header fields as they go over the wire, or not at all: none of them may start a second request."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from jogakbo_shell.upstream.errors import Unsendable

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
# Framing and the connection are the adapter's own; whoever else sets them could smuggle (RFC 9112, section 11.2).
_OURS = frozenset(
    {"connection", "content-length", "expect", "host", "keep-alive", "proxy-connection", "te", "trailer"}
    | {"transfer-encoding", "upgrade"}
)


@dataclass(frozen=True, slots=True)
class HeaderLines:
    """Fields that go with many requests, checked and encoded once; `encoded` ends with a line end unless empty."""

    fields: tuple[tuple[str, str], ...]
    encoded: bytes

    @classmethod
    def of(cls, fields: Mapping[str, str]) -> HeaderLines:
        """Raises Unsendable for framing, and for what could end its line before its time."""
        for name in fields:
            if not _may_be_sent(name):
                raise Unsendable(f"{name[:40]!r} is no header that a caller may set")
        text = "".join([f"{name}: {value}\r\n" for name, value in fields.items()])
        # One look at the whole: as many line ends as were put there, or some value brought its own.
        if text.count("\n") != len(fields) or text.count("\r") != len(fields) or "\0" in text:
            raise Unsendable("a header's value has a line end or a zero byte in it")
        try:
            return cls(tuple(fields.items()), text.encode("latin-1"))
        except UnicodeEncodeError as error:
            raise Unsendable(f"a header's value has letters beyond latin-1: {error.object[error.start]!r}") from error


@lru_cache(maxsize=512)
def is_token(word: str) -> bool:
    return _TOKEN.fullmatch(word) is not None


@lru_cache(maxsize=512)
def _may_be_sent(name: str) -> bool:
    return _TOKEN.fullmatch(name) is not None and name.lower() not in _OURS
