"""The `Link` header field (RFC 8288), read as the RFC's appendix B has it: leniently, and never wrongly."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import unquote

_TARGET = re.compile(r"[ \t,]*<([^>]*)>")
_PARAMETER = re.compile(
    r"[ \t]*;[ \t]*(?P<name>[^ \t=;,]*)[ \t]*"
    r'(?:=[ \t]*(?:"(?P<quoted>(?:[^"\\]|\\.)*)(?:"|\\?\Z)|(?P<plain>[^;,]*)))?',
    re.DOTALL,
)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Link:
    """`<target>; rel="stylesheet"; …`: of parameters that come twice the first one, their names in lower case."""

    target: str
    parameters: Mapping[str, str]

    @property
    def relations(self) -> frozenset[str]:
        return frozenset(self.parameters.get("rel", "").lower().split())


def parse_links(field: str) -> tuple[Link, ...]:
    """The links of a field value, which several fields may be joined to; from the first fault on there are no more."""
    return tuple(_links(field))


def _links(field: str) -> Iterator[Link]:
    position = 0
    while (target := _TARGET.match(field, position)) is not None:
        position = target.end()
        parameters: dict[str, str] = {}
        while (parameter := _PARAMETER.match(field, position)) is not None:
            position = parameter.end()
            name, value = _pair(parameter)
            if name:
                parameters.setdefault(name, value)
        yield Link(target[1].strip(), parameters)


def _pair(parameter: re.Match[str]) -> tuple[str, str]:
    name = parameter["name"].lower()
    if parameter["quoted"] is not None:
        return name, _ESCAPED.sub(r"\1", parameter["quoted"])
    value = (parameter["plain"] or "").rstrip(" \t")
    return name, _decoded(value) if name.endswith("*") else value


def _decoded(value: str) -> str:
    """`UTF-8'ko'%EC%B9%B4%ED%8E%98` (RFC 8187); what is in another charset stays as it is."""
    charset, _, rest = value.partition("'")
    _, mark, encoded = rest.partition("'")
    return unquote(encoded) if mark and charset.lower() == "utf-8" else value
