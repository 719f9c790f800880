"""What a page says about itself and its parts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache

from jogakbo.contract.surrogate import SURROGATE_KEY
from jogakbo_shell.composition.rendered import Rendered
from jogakbo_shell.composition.slots import Placed
from jogakbo_shell.web.header_block import Header, HeaderBlock
from jogakbo_shell.web.security import page_policy, secured

HTML = (b"content-type", b"text/html; charset=utf-8")
# A private page is one visitor's; any page must be asked for again, and may then be confirmed by its ETag.
_PRIVATE = (b"cache-control", b"private, no-cache")
_PUBLIC = (b"cache-control", b"no-cache")
# A page is made anew each time: a part of one cannot be put beside a part of another.
_NO_RANGES = (b"accept-ranges", b"none")
_VARY = (b"vary", b"Cookie, Accept-Language, Accept-Encoding")


def page_headers(
    locale: str, origin: str, scripts: tuple[str, ...], *, secure: bool, private: bool = True
) -> list[Header]:
    """What all pages in one language with these scripts have in common; `origin` is where the browser sees them."""
    headers = [
        HTML,
        (b"content-security-policy", page_policy(origin, scripts)),
        _PRIVATE if private else _PUBLIC,
        _VARY,
        _NO_RANGES,
        (b"content-language", locale.encode()),
    ]
    return secured(headers, secure=secure)


def parts_headers(known: Sequence[tuple[Placed, Rendered]], total: int, seconds: float) -> HeaderBlock:
    """What is known of the fragments when the head leaves; later ones are in the log and on the status page."""
    lines = (
        f"server-timing: {server_timing(known, seconds)}\r\n"
        f"cache-status: {cache_status(known, total)}\r\n"
        f"{SURROGATE_KEY}: {_keys(tuple([rendered.keys for _, rendered in known]))}\r\n"
    )
    return HeaderBlock.checked(lines.encode(), 3)


def etag_header(etag: str) -> HeaderBlock:
    return HeaderBlock(f"etag: {etag}\r\n".encode())


def server_timing(known: Iterable[tuple[Placed, Rendered]], seconds: float) -> str:
    """`f-orders-board;dur=12.1;desc="fresh", …, page;dur=14.0`"""
    entries = [
        piece.hit_timing if rendered.hit else f'{piece.timing}{rendered.duration_ms:.1f};desc="{rendered.state}"'
        for piece, rendered in known
    ]
    return ", ".join([*entries, f"page;dur={seconds * 1000:.1f}"])


def cache_status(known: Sequence[tuple[Placed, Rendered]], total: int) -> str:
    """One member for the page (RFC 9211): a hit only if all its fragments were."""
    hits = sum([rendered.hit for _, rendered in known])
    if hits == total:
        return "jogakbo; hit"
    return f'jogakbo; fwd=miss; detail="{hits} of {total} fragments from the cache"'


@lru_cache(maxsize=1024)
def _keys(sets: tuple[frozenset[str], ...]) -> str:
    return " ".join(sorted(frozenset().union(*sets)))
