"""What crawlers may do with a page, when several fragments say something of it: the strictest of all."""

from __future__ import annotations

from collections.abc import Iterable

_MEANS = {"none": ("noindex", "nofollow"), "all": ("index", "follow")}
_REFUSALS = {"index": "noindex", "follow": "nofollow"}
_PREVIEWS = ("none", "standard", "large")
_LIMITS = frozenset({"max-snippet", "max-image-preview", "max-video-preview"})


def strictest(contents: Iterable[str]) -> str:
    """`strictest(["index, max-snippet:50", "noindex, max-snippet:20"]) == "noindex, max-snippet:20"`

    Google's directives: https://developers.google.com/search/docs/crawling-indexing/robots-meta-tag
    """
    said: dict[str, str] = {}
    for content in contents:
        for word in content.lower().split(","):
            name, _, value = (part.strip() for part in word.partition(":"))
            for meant in _MEANS.get(name, (name,)):
                stricter = meant in _LIMITS and meant in said and _room(value) < _room(said[meant])
                if meant and (meant not in said or stricter):
                    said[meant] = value
    return ", ".join(
        f"{name}:{value}" if value else name for name, value in said.items() if _REFUSALS.get(name) not in said
    )


def _room(value: str) -> float:
    """How much a limit leaves: -1 is no limit, and what is no limit at all leaves nothing."""
    if value in _PREVIEWS:
        return _PREVIEWS.index(value)
    if value == "-1":
        return float("inf")
    return float(value) if value.isascii() and value.isdigit() else 0.0
