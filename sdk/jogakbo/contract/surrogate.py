"""Surrogate keys: what a fragment's HTML depends on, and what an event has changed."""

from __future__ import annotations

import re
from collections.abc import Iterable

SURROGATE_KEY = "surrogate-key"

_KEY = re.compile(r"[!-~]{1,100}")


def parse_keys(text: str) -> frozenset[str]:
    """The keys of a ``Surrogate-Key`` header or of an event's ``keys``: ``"orders order-42"``.

    Words that are not 1 to 100 printable ASCII characters are dropped: they could never be matched.
    """
    return frozenset(word for word in text.split() if _KEY.fullmatch(word))


def format_keys(keys: Iterable[str]) -> str:
    """Keys as one header value, sorted. Raises ``ValueError`` for a key that could not be read back."""
    ordered = sorted(set(keys))
    for key in ordered:
        if not _KEY.fullmatch(key):
            raise ValueError(f"a surrogate key is 1 to 100 printable ASCII characters without spaces, not {key!r}")
    return " ".join(ordered)
