"""A page template, rendered once: bytes that never change, and what is filled in between."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Literal

ValueName = Literal["title", "head", "grant", "cursor"]
"""What is known of a request when the head of its page leaves."""


@dataclass(frozen=True, slots=True)
class PageParam:
    """A parameter of the page, from its path or its query, as a template names it: `params.id`.

    `default` stands in where the page has none, or an empty one.
    """

    name: str
    default: str = ""


@dataclass(frozen=True, slots=True)
class FragmentSlot:
    """`params` maps parameters of the fragment to the page's, or to a fixed text; None gives it the page's own.

    Where the fragment cannot be had, `alt` is tried in its place; where that cannot either, `onerror_continue`
    shows nothing instead of a placeholder.
    """

    name: str
    primary: bool = False
    params: tuple[tuple[str, PageParam | str], ...] | None = None
    alt: FragmentSlot | None = None
    onerror_continue: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """Every fragment that may stand here."""
        return (self.name, *(self.alt.names if self.alt else ()))

    def given(self, page: Mapping[str, str]) -> dict[str, str]:
        """What a page with these parameters gives to the fragment, before its manifest has a say; nothing empty."""
        if self.params is None:
            return dict(page)
        pairs = ((name, _value(source, page)) for name, source in self.params)
        return {name: value for name, value in pairs if value}


@dataclass(frozen=True, slots=True)
class ValueSlot:
    name: ValueName


def _value(source: PageParam | str, page: Mapping[str, str]) -> str:
    return source if isinstance(source, str) else page.get(source.name) or source.default


@dataclass(frozen=True, slots=True)
class LateSlot:
    """Where the fragments follow that did not come in time."""


@dataclass(frozen=True, slots=True)
class QuerySlot:
    """Where a link that changes one thing about this page has the rest of its query."""


Slot = FragmentSlot | ValueSlot | LateSlot | QuerySlot
Segment = bytes | FragmentSlot | ValueSlot | LateSlot | QuerySlot
Part = bytes | FragmentSlot | LateSlot | QuerySlot


class Marks:
    """Stand-ins for slots while a template renders; unguessable, so that no text can be mistaken for one."""

    def __init__(self) -> None:
        self._token = secrets.token_hex(8)
        self._slots: list[Slot] = []
        self._pattern = re.compile(rf"\[{self._token}:(\d+)\]")

    def put(self, slot: Slot) -> str:
        self._slots.append(slot)
        return f"[{self._token}:{len(self._slots) - 1}]"

    def split(self, rendered: str) -> tuple[Segment, ...]:
        """The segments of what has been rendered with these marks in it."""
        parts = self._pattern.split(rendered)
        segments: list[Segment] = []
        for position, part in enumerate(parts):
            if position % 2:
                segments.append(self._slots[int(part)])
            elif part:
                segments.append(part.encode())
        return tuple(segments)


def fill_values(segments: tuple[Segment, ...], values: Mapping[ValueName, bytes]) -> list[Part]:
    """Put values in, and join what is then adjacent."""
    filled: list[Part] = []
    run: list[bytes] = []
    for segment in segments:
        if isinstance(segment, bytes):
            run.append(segment)
        elif isinstance(segment, ValueSlot):
            run.append(values[segment.name])
        else:
            filled += (b"".join(run), segment)
            run = []
    filled.append(b"".join(run))
    return filled


def fill_query(parts: Sequence[Part], query: str) -> list[Part]:
    """The last to be put in, for it differs most from one view to the next."""
    text = escape(query).encode()
    return [text if isinstance(part, QuerySlot) else part for part in parts]
