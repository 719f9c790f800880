"""Surrogate keys that the shell adds to what an edge may keep, beside those of the fragments."""

from __future__ import annotations

EVERYTHING = "jogakbo"
"""On whatever the shell put together."""

PAGES = "jogakbo-pages"
"""On every page: its navigation and its styles come from all manifests."""


def server_key(name: str) -> str:
    """On whatever a fragment server has a part in: `jogakbo-server-orders`."""
    return f"jogakbo-server-{name}"
