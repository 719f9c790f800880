"""The page around the fragments, for the systems that bring none of their own: as many bytes as this shell's."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from bench.compose.pages import PAGES, Fragment, Page

PEERS = Path(__file__).parent / "peers"
_HEAD, _FOOT = (PEERS / "frame.html").read_text("utf-8").split("{{ pieces }}\n")


Tag = Callable[[int, Fragment], str]
"""What a system writes where a fragment is to stand, given its place on the page and itself."""


def framed(page: Page, tag: Tag) -> str:
    slots = (f"{_opening(one)}{tag(place, one)}</section>\n" for place, one in enumerate(page.fragments))
    return f"{_HEAD}{''.join(slots)}{_FOOT}"


def write_pages(folder: Path, tag: Tag) -> None:
    """`<folder>/<page>.html` for every page."""
    folder.mkdir(parents=True, exist_ok=True)
    for page in PAGES.values():
        (folder / f"{page.name}.html").write_text(framed(page, tag), "utf-8")


def _opening(one: Fragment) -> str:
    return (
        f'<section id="f-{one.server}-{one.name}" class="fragment fragment-{one.server}" data-state="fresh"'
        f' data-fragment="{one.server}/{one.name}" data-etag="0011223344556677" aria-label="{one.name}">'
    )
