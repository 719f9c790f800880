"""One head from what several fragments lift into it.

| what | rule |
|---|---|
| title, canonical | of a primary fragment: no other speaks for the page |
| description, author; `prev`, `next`, `author`, `license`, `help` | one |
| keywords | all, each once |
| robots | the strictest of all |
| alternates | one for each language, else one for each type and address |
| `og:`, `twitter:` and other properties | each from one fragment, several times where it may have several values |

Of what a page can have but one, the first primary fragment's counts, else that of the first fragment on the page.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from html import escape
from itertools import accumulate
from typing import NamedTuple

from selectolax.lexbor import LexborHTMLParser, LexborNode

from jogakbo_shell.composition.robots import strictest

_MAX_TAGS = 64
_MAX_CHARACTERS = 8192

_RELATIONS = frozenset({"canonical", "alternate", "prev", "next", "author", "license", "help"})
_FURTHER = ("hreflang", "type", "title", "media")
_NAMES = frozenset({"description", "keywords", "author", "robots"})
# What has several values, in the Open Graph protocol; of `og:image:width` there is one for each `og:image`.
_SEVERAL = re.compile(r"og:(?:image|video|audio)(?::.*)?|og:locale:alternate|(?!og:|twitter:)[^:]+:.*")
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*):", re.IGNORECASE)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class Lifted(NamedTuple):
    """What is lifted out of one fragment: a title as text, `<link …>` and `<meta …>` as they stood there."""

    primary: bool
    title: str
    tags: tuple[str, ...]


class Head(NamedTuple):
    """`title` is text, empty if no primary fragment has one; `html` is safe to stand in a head."""

    title: str
    html: str


class _Link(NamedTuple):
    relation: str
    href: str
    further: tuple[tuple[str, str], ...]

    @property
    def place(self) -> tuple[str, ...]:
        """Two links of one place cannot both be on a page."""
        said = dict(self.further)
        if self.relation != "alternate":
            return (self.relation,)
        return ("alternate", said["hreflang"].lower()) if "hreflang" in said else ("", said.get("type", ""), self.href)


class _Meta(NamedTuple):
    """`attribute` is `name` or `property`."""

    attribute: str
    name: str
    content: str

    @property
    def family(self) -> str:
        """`og:image` of `og:image:width`."""
        return ":".join(self.name.split(":")[:2])


_EMPTY = Head("", "")


def merge_heads(lifted: Iterable[Lifted]) -> Head:
    """The head of a page with these fragments, in the order in which they stand on it."""
    saying = tuple([_bounded(one) for one in lifted if one.tags or (one.primary and one.title)])
    return _merged(saying) if saying else _EMPTY


@lru_cache(maxsize=256)
def _merged(lifted: tuple[Lifted, ...]) -> Head:
    ranked = sorted(lifted, key=lambda one: not one.primary)
    title = next((one.title for one in ranked if one.primary and one.title), "")
    links, metas = _Links(), _Metas()
    for one in ranked:
        parsed = _parsed(one.tags)
        links.add((tag for tag in parsed if isinstance(tag, _Link)), primary=one.primary)
        metas.add(tag for tag in parsed if isinstance(tag, _Meta))
    return Head(title, "".join((*metas.written(), *links.written())))


@dataclass
class _Links:
    _kept: dict[tuple[str, ...], _Link] = field(default_factory=dict)

    def add(self, links: Iterable[_Link], *, primary: bool) -> None:
        for link in links:
            if primary or link.relation != "canonical":
                self._kept.setdefault(link.place, link)

    def written(self) -> Iterator[str]:
        for link in self._kept.values():
            yield _tag("link", (("rel", link.relation), ("href", link.href), *link.further))


@dataclass
class _Metas:
    _robots: list[str] = field(default_factory=list)
    _keywords: dict[str, str] = field(default_factory=dict)
    _kept: dict[str, list[_Meta]] = field(default_factory=dict)

    def add(self, metas: Iterable[_Meta]) -> None:
        """Those of one fragment."""
        families: dict[str, list[_Meta]] = {}
        for meta in metas:
            if meta.name == "robots":
                self._robots.append(meta.content)
            elif meta.name == "keywords":
                for word in filter(None, (word.strip() for word in meta.content.split(","))):
                    self._keywords.setdefault(word.lower(), word)
            elif meta.name not in {one.name for one in families.get(meta.family, ())} or _SEVERAL.fullmatch(meta.name):
                families.setdefault(meta.family, []).append(meta)
        for family, kept in families.items():
            self._kept.setdefault(family, kept)

    def written(self) -> Iterator[str]:
        joined = {"robots": strictest(self._robots), "keywords": ", ".join(self._keywords.values())}
        yield from (_tag("meta", (("name", name), ("content", content))) for name, content in joined.items() if content)
        for meta in (meta for family in self._kept.values() for meta in family):
            yield _tag("meta", ((meta.attribute, meta.name), ("content", meta.content)))


def _bounded(one: Lifted) -> Lifted:
    if len(one.tags) <= _MAX_TAGS and sum(map(len, one.tags)) <= _MAX_CHARACTERS:
        return one
    sizes = accumulate(map(len, one.tags[:_MAX_TAGS]))
    return one._replace(tags=tuple(tag for tag, size in zip(one.tags, sizes, strict=False) if size <= _MAX_CHARACTERS))


@lru_cache(maxsize=256)
def _parsed(tags: tuple[str, ...]) -> tuple[_Link | _Meta, ...]:
    nodes = LexborHTMLParser("".join(tags), is_fragment=True).css("link, meta")
    return tuple(tag for node in nodes if (tag := _link(node) if node.tag == "link" else _meta(node)) is not None)


def _link(node: LexborNode) -> _Link | None:
    said = {name: value.strip() for name, value in node.attributes.items() if value and value.strip()}
    relation, href = said.get("rel", "").lower(), said.get("href", "")
    if relation not in _RELATIONS or not _is_place(href):
        return None
    return _Link(relation, href, tuple((name, said[name]) for name in _FURTHER if name in said))


def _meta(node: LexborNode) -> _Meta | None:
    said = {name: value.strip() for name, value in node.attributes.items() if value and value.strip()}
    attribute = "property" if "property" in said else "name"
    name, content = said.get(attribute, "").lower(), said.get("content", "")
    if not content or not (name in _NAMES or ":" in name or attribute == "property"):
        return None
    return _Meta(attribute, name, content)


def _is_place(href: str) -> bool:
    """A path, which is the page's own where it is relative, or a page somewhere; nothing that a browser would run."""
    scheme = _SCHEME.match(href)
    return bool(href) and not _CONTROL.search(href) and (scheme is None or scheme[1].lower() in ("http", "https"))


def _tag(name: str, attributes: Iterable[tuple[str, str]]) -> str:
    return f"<{name}{''.join(_attribute(*pair) for pair in attributes)}>"


def _attribute(name: str, value: str) -> str:
    return f' {name}="{escape(value)}"'
