"""The pages of the portal: the shell's own table, and what the manifests contribute."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path

from jogakbo.contract.manifest import PageDeclaration
from jogakbo_shell.composition.templates import OWN, PLAIN
from jogakbo_shell.registry.page_table import PARAM, RESERVED, read_table
from jogakbo_shell.registry.registry import Registry

_CONTRIBUTED = "pieces.html"


@dataclass(frozen=True, slots=True)
class Page:
    """`fragments` is empty where the template itself places them; `server` is empty for the shell's own pages."""

    path: str
    template: str
    title: Mapping[str, str] = field(hash=False)
    nav: Mapping[str, str] = field(default_factory=dict, hash=False)
    fragments: tuple[str, ...] = ()
    server: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    page: Page
    params: Mapping[str, str]


def own_pages() -> tuple[Page, ...]:
    """`pages/pages.toml` of this package."""
    rows = read_table(Path(str(files("jogakbo_shell"))) / "pages")
    return tuple(Page(row.path, row.template, row.title, row.nav) for row in rows)


def pages_of(folder: Path) -> tuple[Page, ...]:
    """`pages.toml` of whoever runs the portal. Raises PagesFault."""
    return tuple(
        Page(row.path, f"{PLAIN if row.plain else OWN}{row.template}", row.title, row.nav) for row in read_table(folder)
    )


class Catalogue:
    """Built anew when a manifest changes; of pages at one path the first of `own` wins."""

    def __init__(self, own: tuple[Page, ...], registry: Registry) -> None:
        self._own = own
        self._registry = registry
        self._generation = -1
        self._pages: tuple[Page, ...] = ()
        self._plain: dict[str, Page] = {}
        self._patterns: list[tuple[re.Pattern[str], Page]] = []

    def pages(self) -> tuple[Page, ...]:
        self._refresh()
        return self._pages

    def find(self, path: str) -> Found | None:
        """The page at a decoded path, with what its `{…}` segments hold."""
        self._refresh()
        if (page := self._plain.get(path)) is not None:
            return Found(page, {})
        for pattern, page in self._patterns:
            if (match := pattern.fullmatch(path)) is not None:
                return Found(page, match.groupdict())
        return None

    def _refresh(self) -> None:
        if self._generation == self._registry.generation:
            return
        self._generation = self._registry.generation
        taken: dict[str, Page] = {}
        for page in (*self._own, *self._contributed()):
            taken.setdefault(page.path, page)
        self._pages = tuple(taken.values())
        self._plain = {path: page for path, page in taken.items() if not PARAM.search(path)}
        self._patterns = [(_pattern(path), page) for path, page in taken.items() if PARAM.search(path)]

    def _contributed(self) -> Iterator[Page]:
        for server in self._registry.servers.values():
            extension = server.manifest.jogakbo if server.manifest else None
            for declared in extension.pages if extension else ():
                if not declared.path.startswith(RESERVED):
                    yield _contributed_page(server.name, declared)


def _contributed_page(server: str, declared: PageDeclaration) -> Page:
    return Page(declared.path, _CONTRIBUTED, declared.title, declared.nav, declared.fragments, server)


def _pattern(path: str) -> re.Pattern[str]:
    literals = PARAM.split(path)
    names = literals[1::2]
    parts = [re.escape(literals[0])]
    for name, literal in zip(names, literals[2::2], strict=True):
        parts += [f"(?P<{name}>[^/]{{1,200}})", re.escape(literal)]
    return re.compile("".join(parts))
