"""The attributes of an asset's element, of which a manifest may say anything."""

from __future__ import annotations

import re
from collections.abc import Iterator

from jogakbo.contract.manifest import Asset
from jogakbo_shell.composition.assets import BEFORE, LAZY, HeadAsset

_RELATIONS = frozenset({"stylesheet", "alternate stylesheet", "preload", "modulepreload", "prefetch"})
_STYLE_TYPES = frozenset({"", "text/css"})
_MODULES = frozenset({"module", "esm"})
_PRIORITIES = frozenset({"high", "low", "auto"})
_KEY = re.compile(r"[a-z0-9][a-z0-9-]*")

Pair = tuple[str, str]


class UnknownRelation(Exception):
    """A `<link>` that is no stylesheet and no hint; the message says what is expected."""


def link_attributes(asset: Asset) -> Iterator[Pair]:
    """All but `href` and `integrity`; `rel` only where it is another than `stylesheet`. Raises UnknownRelation."""
    relation = " ".join(asset.rel.lower().split()) or "stylesheet"
    if relation not in _RELATIONS:
        raise UnknownRelation(f"{asset.value!r} has rel {asset.rel!r}; expected one of {', '.join(sorted(_RELATIONS))}")
    if relation != "stylesheet":
        yield "rel", relation
    if asset.type not in _STYLE_TYPES:
        yield "type", asset.type
    said = {"as": asset.as_, "media": asset.media, "title": asset.title, "hreflang": asset.hreflang}
    yield from ((name, value) for name, value in said.items() if value)
    yield from _fetching(asset)
    if asset.disabled:
        yield "disabled", ""


def script_attributes(asset: Asset) -> Iterator[Pair]:
    """All but `src` and `integrity`. Of `async` and `defer` the second counts, as in Podium."""
    is_module = asset.type in _MODULES or asset.strategy == LAZY
    is_async = asset.async_ and not asset.defer
    if is_module:
        yield "type", "module"
    yield from _fetching(asset)
    if asset.referrerpolicy:
        yield "referrerpolicy", asset.referrerpolicy
    if asset.nomodule:
        yield "nomodule", ""
    if is_async:
        yield "async", ""
    elif asset.defer or not (is_module or asset.strategy == BEFORE):
        yield "defer", ""
    for item in asset.data:
        if _KEY.fullmatch(item.key):
            yield f"data-{item.key}", str(item.value).lower() if isinstance(item.value, bool) else str(item.value)


def is_module(link: HeadAsset) -> bool:
    """Whether a `<link>` fetches what only a script could run."""
    more = dict(link.more)
    return more.get("rel") == "modulepreload" or (more.get("rel") == "preload" and more.get("as") == "script")


def _fetching(asset: Asset) -> Iterator[Pair]:
    if asset.crossorigin not in (None, False):
        yield "crossorigin", "use-credentials" if asset.crossorigin == "use-credentials" else "anonymous"
    if asset.fetchpriority in _PRIORITIES:
        yield "fetchpriority", asset.fetchpriority
