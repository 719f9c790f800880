"""The pages that every system composes, and the fragments on them: the same bytes for all."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

Kind = Literal["plain", "count", "hang"]

MOST = 24
SIZES = (200, 1_000, 2_048, 8_000, 20_000, 60_000)
LATE_MS = (50, 200, 400)
LATE_AT = 3
"""Place of the late, hung or refusing fragment on its page of six."""
BIG = 72

_BYTES = 2_048
_BIG_BYTES = 60_000
_VARIANT_BYTES = 5_000
_DIGITS = "0000000000"


@dataclass(frozen=True, slots=True)
class Fragment:
    """`server/name`; `cacheable` for ten minutes, under a path of its own, so that peers can tell by the address."""

    server: str
    name: str
    size: int = _BYTES
    kind: Kind = "plain"
    delay_ms: int = 0
    cacheable: bool = False

    @property
    def path(self) -> str:
        return f"/{self.server}/{'kept/' if self.cacheable else ''}{self.name}"

    @property
    def takes_variant(self) -> bool:
        """It has the parameter `v`, which its page's address may have too."""
        return self.kind == "count"

    @property
    def end(self) -> str:
        """The last words of its body, on no other fragment."""
        return f"<small>{self.server} {self.name}</small></article>"

    @property
    def body(self) -> str:
        """Exactly `size` bytes, written as an HTML parser writes it out again; `count` has ten digits to fill in."""
        return _body(f"{self.server} {self.name}", self.size, self.end, counted=self.kind == "count")


@dataclass(frozen=True, slots=True)
class Page:
    name: str
    fragments: tuple[Fragment, ...]


def _row(
    letter: str, count: int, *, size: int = _BYTES, kind: Kind = "plain", cacheable: bool = False
) -> tuple[Fragment, ...]:
    return tuple(Fragment("bench", f"{letter}{number}", size, kind, cacheable=cacheable) for number in range(count))


def _sized(letter: str, *, cacheable: bool) -> tuple[Fragment, ...]:
    return tuple(Fragment("bench", f"{letter}{n}", size, cacheable=cacheable) for n, size in enumerate(SIZES))


_PLAIN = _row("f", MOST)
_CACHEABLE = _row("c", MOST, cacheable=True)
_DIFFERING = _row("u", MOST, kind="count")
_VARIANTS = _row("v", 6, kind="count", cacheable=True, size=_VARIANT_BYTES)
_BIG = _row("x", BIG, size=_BIG_BYTES, cacheable=True)  # more than the kernel keeps for one connection
_LATE = {ms: Fragment("bench", f"d{ms}-{LATE_AT}", delay_ms=ms) for ms in LATE_MS}
_HUNG = Fragment("hung", "silent", kind="hang")
_AWAY = Fragment("away", "absent")


def _with(fragment: Fragment) -> tuple[Fragment, ...]:
    return (*_PLAIN[:LATE_AT], fragment, *_PLAIN[LATE_AT + 1 : 6])


def _pages() -> Iterator[Page]:
    for count in (1, 6, 12, 24):
        yield Page(f"f-{count}", _PLAIN[:count])
        yield Page(f"c-{count}", _CACHEABLE[:count])
        yield Page(f"u-{count}", _DIFFERING[:count])
    yield Page("f-sizes", _sized("s", cacheable=False))
    yield Page("c-sizes", _sized("t", cacheable=True))
    yield Page("v-6", _VARIANTS)
    yield Page("big", _BIG)
    for ms, fragment in _LATE.items():
        yield Page(f"late-{ms}", _with(fragment))
    yield Page("hung", _with(_HUNG))
    yield Page("away", _with(_AWAY))


PAGES: Mapping[str, Page] = {page.name: page for page in _pages()}
SERVERS: Mapping[str, tuple[Fragment, ...]] = {
    server: tuple({one.name: one for page in PAGES.values() for one in page.fragments if one.server == server}.values())
    for server in ("bench", "hung", "away")
}


def manifest(server: str) -> str:
    """What this shell reads of a fragment server."""
    fragments = {one.name: _declaration(one) for one in SERVERS[server]}
    extension = {"contract": 1, "fragments": fragments}
    first = SERVERS[server][0].path
    return json.dumps({"name": server, "version": "1.0.0", "content": first, "jogakbo": extension})


def _declaration(one: Fragment) -> dict[str, object]:
    declared: dict[str, object] = {"path": one.path, "title": {"en": one.name}, "audience": "public"}
    return declared | {"params": {"v": {"pattern": "[0-9]{1,9}"}}} if one.takes_variant else declared


def podium_manifest(fragment: Fragment, address: str) -> str:
    """A podlet for each fragment."""
    names = {"name": f"{fragment.server}-{fragment.name}", "version": "1.0.0"}
    return json.dumps(
        names | {"content": f"{address}{fragment.path}", "fallback": "", "css": [], "js": [], "proxy": {}}
    )


def _body(name: str, size: int, end: str, *, counted: bool) -> str:
    """An article with a list that is as long as it has to be, and a last sentence that is cut to fit."""
    number = f"<data>{_DIGITS}</data>\n" if counted else ""
    top, bottom = f'<article class="card">\n<h2>Piece {name}</h2>\n{number}<ul>\n', f"{end}\n"
    rows: list[str] = []
    room = size - len(top) - len(bottom) - len("</ul>\n<p></p>\n")
    while (row := _item(name, len(rows))) and len(row) <= room:
        rows.append(row)
        room -= len(row)
    sentence = "Everything that this team knows about it is here, and it is looked after every day. " * 3
    return f"{top}{''.join(rows)}</ul>\n<p>{sentence[:room]}</p>\n{bottom}"


def _item(name: str, number: int) -> str:
    label = name.replace(" ", "-")
    price = f"{(number * 37) % 90 + 10}.{(number * 53) % 90 + 10}"
    return f'<li class="entry"><a href="/{label}/{number}">Entry {number} of {name}</a> <span>{price} EUR</span></li>\n'
