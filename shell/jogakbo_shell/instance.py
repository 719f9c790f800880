"""What one slot shows: a fragment of a server, with its parameters, in one language."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from hashlib import sha256
from typing import NamedTuple
from urllib.parse import parse_qsl, urlencode

_NAME = re.compile(r"[a-z][a-z0-9-]{0,39}/[a-z][a-z0-9-]{0,39}")


class NotAnInstance(ValueError):
    """The text is not `server/fragment` with an optional query, as in `orders/track?id=42`."""


class Instance(NamedTuple):
    """Equal instances in one locale are the same HTML (for a private fragment: per subject).

    `params` is sorted by name, so that one thing has one name; build it with `parse` or `of`. It is the key of almost
    everything, and a tuple is the fastest there is.
    """

    server: str
    fragment: str
    params: tuple[tuple[str, str], ...] = ()
    locale: str = "en"

    @classmethod
    def of(cls, name: str, params: Iterable[tuple[str, str]] = (), locale: str = "en") -> Instance:
        """`of("orders/track", [("id", "42")])`; raises NotAnInstance."""
        if not _NAME.fullmatch(name):
            raise NotAnInstance(f"expected server/fragment, as in orders/board, not {name!r}")
        server, _, fragment = name.partition("/")
        return cls(server, fragment, tuple(sorted(params)), locale)

    @classmethod
    def parse(cls, text: str, locale: str = "en") -> Instance:
        """The inverse of `text`: `parse("orders/track?id=42", "ko")`; raises NotAnInstance."""
        name, _, query = text.partition("?")
        return cls.of(name, parse_qsl(query, keep_blank_values=True), locale)

    @property
    def name(self) -> str:
        return f"{self.server}/{self.fragment}"

    @property
    def query(self) -> str:
        """Canonical: sorted by name, percent-encoded, without the question mark."""
        return _encoded(self.params)

    @property
    def text(self) -> str:
        """`orders/track?id=42`: everything but the locale."""
        return f"{self.name}?{self.query}" if self.params else self.name

    @property
    def dom_id(self) -> str:
        """The id of the element that holds it; a hash of the query, for a query is no CSS identifier."""
        base = f"f-{self.server}-{self.fragment}"
        return f"{base}-{sha256(self.query.encode()).hexdigest()[:8]}" if self.params else base


@lru_cache(maxsize=4096)
def _encoded(params: tuple[tuple[str, str], ...]) -> str:
    return urlencode(params)
