"""The page around the fragments, for the systems that bring none of their own: as many bytes as this shell's."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from bench.compose.pages import PAGES, Fragment, Page

PEERS = Path(__file__).parent / "peers"
_HEAD, _FOOT = (PEERS / "frame.html").read_text("utf-8").split("{{ pieces }}\n")


def framed(page: Page, tag: Callable[[Fragment], str]) -> str:
    """The page with `tag` where each fragment stands."""
    slots = (f"{opening(one)}{tag(one)}</section>\n" for one in page.fragments)
    return f"{_HEAD}{''.join(slots)}{_FOOT}"


def opening(one: Fragment) -> str:
    return (
        f'<section id="f-{one.server}-{one.name}" class="fragment fragment-{one.server}" data-state="fresh"'
        f' data-fragment="{one.server}/{one.name}" data-etag="0011223344556677" aria-label="{one.name}">'
    )


def write_pages(folder: Path, tag: Callable[[Fragment], str], pages: Iterable[Page] = PAGES.values()) -> None:
    """`<folder>/<page>.html` for every page."""
    folder.mkdir(parents=True, exist_ok=True)
    for page in pages:
        (folder / f"{page.name}.html").write_text(framed(page, tag), "utf-8")
