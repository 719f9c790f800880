"""Parts of a running shell that a test looks into or pulls at, since nothing outside tells or does the same."""

from __future__ import annotations

from jogakbo_shell.composition.cache import FragmentCache
from jogakbo_shell.composition.page_cache import PageCache
from jogakbo_shell.web.kept_pages import Head, PageKey
from jogakbo_shell.web.pages import Pages
from shell.tests.harness import Portal


def pages_of(shell: Portal) -> Pages:
    pages: Pages = shell.app.router.default  # type: ignore[assignment]
    return pages


def kept_pages(shell: Portal) -> PageCache[PageKey, Head]:
    return pages_of(shell).kept._cache


def fragments_of(shell: Portal) -> FragmentCache:
    return kept_pages(shell)._fragments


def purge(shell: Portal, *keys: str) -> None:
    """As an event does that names these keys."""
    fragments_of(shell).purge(keys)
