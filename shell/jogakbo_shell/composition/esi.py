"""ESI tags in a page template: the part of https://www.w3.org/TR/esi-lang that places fragments.

`<esi:include src alt onerror/>`, `<esi:remove>…</esi:remove>`, `<esi:comment text/>` and `<!--esi … -->`. Everything
else of the language decides or computes, which is a fragment's business; it is refused with the line it stands on.
Tags in an ordinary comment are left alone, as other ESI processors do.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from html import unescape

_TAG = re.compile(r"<!--esi\b|<!--.*?(?:-->|\Z)|<(/?)esi:(\w*)((?:[^>\"']|\"[^\"]*\"|'[^']*')*)>|<esi:", re.DOTALL)
_END = re.compile("-->")
_ATTRIBUTE = re.compile(r"\s*([\w:-]+)\s*=\s*(?:\"([^\"]*)\"|'([^']*)')")
_UNDERSTOOD = "expected include, remove, comment or <!--esi … -->"
_ATTRIBUTES = {"include": ("src", "alt", "onerror"), "comment": ("text",), "remove": ()}


class EsiFault(Exception):
    """The tag cannot be understood, or what it names cannot be found; `line` counts from 1, 0 is not known."""

    def __init__(self, message: str, line: int = 0) -> None:
        super().__init__(message)
        self.line = line


@dataclass(frozen=True, slots=True)
class Include:
    """`<esi:include>`: `alt` is tried when `src` fails; `onerror_continue` then shows nothing, not a placeholder."""

    src: str
    alt: str = ""
    onerror_continue: bool = False
    line: int = 0


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a template: text, what is to be included, or what is gone; `lines` is how many line ends it had."""

    text: str = ""
    include: Include | None = None
    lines: int = 0


def read_esi(source: str) -> tuple[Part, ...]:
    """The template in parts, in order. Raises EsiFault with the line."""
    return tuple(_parts(source))


def _parts(source: str) -> Iterator[Part]:
    at, unwrapping = 0, False
    while (match := _next(source, at, unwrapping)) is not None:
        yield Part(source[at : match.start()])
        at = match.end()
        if match[0] == "-->":
            unwrapping = False
        elif match[0] == "<!--esi":
            if "-->" not in source[at:]:
                raise EsiFault("<!--esi is never closed with -->", _line(source, match.start()))
            unwrapping = True
        elif match[0].startswith("<!--"):
            yield Part(match[0])
        else:
            part, at = _tag(source, match)
            yield part
    yield Part(source[at:])


def _next(source: str, at: int, unwrapping: bool) -> re.Match[str] | None:
    match = _TAG.search(source, at)
    end = _END.search(source, at) if unwrapping else None
    return end if end and (match is None or end.start() < match.start()) else match


def _tag(source: str, match: re.Match[str]) -> tuple[Part, int]:
    line = _line(source, match.start())
    try:
        return _read(source, match, line)
    except EsiFault as fault:
        raise EsiFault(str(fault), line) from None


def _read(source: str, match: re.Match[str], line: int) -> tuple[Part, int]:
    closing, name, inside = match[1], match[2], match[3]
    if name not in _ATTRIBUTES:
        raise EsiFault(f"<esi:{name or '…'}> is not understood; {_UNDERSTOOD}")
    end = match.end()
    if closing:
        if name == "remove":
            raise EsiFault("</esi:remove> has no beginning")
        return Part(lines=match[0].count("\n")), end  # the end of <esi:include …></esi:include>
    given = _attributes(name, inside)
    if name == "remove" and not inside.rstrip().endswith("/"):
        end = source.find("</esi:remove>", end) + len("</esi:remove>")
        if end < match.end():
            raise EsiFault("<esi:remove> is never closed")
    include = _include(given, line) if name == "include" else None
    return Part(include=include, lines=source.count("\n", match.start(), end)), end


def _attributes(name: str, inside: str) -> dict[str, str]:
    rest = inside.rstrip().removesuffix("/").rstrip()
    found: dict[str, str] = {}
    while rest:
        match = _ATTRIBUTE.match(rest)
        if match is None:
            raise EsiFault(f'<esi:{name}> holds {rest.strip()[:40]!r}; expected name="value"')
        if match[1] not in _ATTRIBUTES[name]:
            expected = " and ".join(_ATTRIBUTES[name]) or "none"
            raise EsiFault(f"<esi:{name}> has the attribute {match[1]!r}; those understood are: {expected}")
        found[match[1]] = unescape(match[2] if match[2] is not None else match[3]).strip()
        rest = rest[match.end() :]
    return found


def _include(given: dict[str, str], line: int) -> Include:
    if not given.get("src"):
        raise EsiFault("<esi:include> has no src")
    if given.get("onerror", "continue") != "continue":
        raise EsiFault(f"onerror is {given['onerror']!r}; expected 'continue' or no such attribute")
    return Include(given["src"], given.get("alt", ""), "onerror" in given, line)


def _line(source: str, at: int) -> int:
    return source.count("\n", 0, at) + 1
