"""What became of one slot."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

State = Literal["fresh", "stale", "fallback", "failed"]


class Hole(NamedTuple):
    """Where a nested fragment goes: what is between these bytes of the outer one's markup is shown without it."""

    name: str
    start: int
    end: int


@dataclass(slots=True)
class Rendered:
    """One fragment, contained and wrapped, ready to be put into a page or onto a stream; never changed once made.

    `markup` is the whole `<section id="f-…" …>`; `status` is the fragment server's answer (504 when there was
    none in time), which only a primary fragment passes on to its page. `links` is the answer's Link header,
    `holes` are in the order of the markup.
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
    holes: tuple[Hole, ...] = ()

    @property
    def html(self) -> str:
        return self.markup.decode()
