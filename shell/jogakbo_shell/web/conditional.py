"""ETags of pages, and whether a client has the page already (RFC 9110, section 13.1.2)."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b


def weak_etag(parts: Iterable[str]) -> str:
    """`W/"…"` of what makes a page what it is; weak, for compressed or not it is the same page."""
    return f'W/"{blake2b(chr(0).join(parts).encode(), digest_size=12).hexdigest()}"'


def is_known(etag: str, if_none_match: str) -> bool:
    """Whether the header names the ETag; weak comparison."""
    if not if_none_match:
        return False
    opaque = etag.removeprefix("W/")
    return any(tag.strip().removeprefix("W/") in (opaque, "*") for tag in if_none_match.split(","))
