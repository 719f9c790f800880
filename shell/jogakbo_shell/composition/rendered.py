"""What became of one slot."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

State = Literal["fresh", "stale", "fallback", "failed"]


@dataclass(slots=True)
class Rendered:
    """One fragment, contained and wrapped, ready to be put into a page or onto a stream; never changed once made.

    `markup` is the whole `<section id="f-…" …>`; `status` is the fragment server's answer (504 when there was
    none in time), which only a primary fragment passes on to its page. `links` is the answer's Link header.
    """

    markup: bytes
    state: State
    status: int
    etag: str
    keys: frozenset[str]
    private: bool
    cache_status: str
    duration_ms: float
    head: tuple[str, ...] = ()
    title: str = ""
    location: str = ""
    links: str = ""
    hit: bool = False

    @property
    def html(self) -> str:
        return self.markup.decode()
