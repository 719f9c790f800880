"""What an answer's `Link` header says of its assets, in the manifest's terms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from jogakbo.contract.manifest import Asset, AssetData
from jogakbo_shell.composition.links import Link, parse_links

_PRELOADS = {"style": "css", "script": "js"}
_ASSET_TYPES = {"style": "css", "script": "js"}
_SCRIPT_TYPES = {"default": "", "esm": "module"}
_DATA = "data-"


@dataclass(frozen=True, slots=True)
class LinkAssets:
    """`modules` are what scripts import: they are fetched, not run."""

    css: tuple[Asset, ...]
    js: tuple[Asset, ...]
    modules: tuple[Asset, ...]


def link_assets(field: str) -> LinkAssets:
    """The assets that a `Link` field names, in its order.

    | link | asset |
    |---|---|
    | `rel=stylesheet`, `rel=preload; as=style`, Podium's `asset-type=style` | stylesheet |
    | `rel=preload; as=script`, Podium's `asset-type=script` | script: what an answer preloads is what it would run |
    | `rel=modulepreload` | module |
    """
    found: dict[str, list[Asset]] = {"css": [], "js": [], "modules": []}
    for link in parse_links(field):
        kind = _kind(link)
        if kind and "anchor" not in link.parameters:  # with an anchor it is said of something else
            found[kind].append(_asset(link.target, link.parameters, kind))
    return LinkAssets(tuple(found["css"]), tuple(found["js"]), tuple(found["modules"]))


def _kind(link: Link) -> str:
    podium = _ASSET_TYPES.get(link.parameters.get("asset-type", ""))
    if podium is not None:
        return podium
    if "stylesheet" in link.relations:
        return "css"
    if "modulepreload" in link.relations:
        return "modules"
    return _PRELOADS.get(link.parameters.get("as", "").lower(), "") if "preload" in link.relations else ""


def _asset(target: str, said: Mapping[str, str], kind: str) -> Asset:
    media_type = said.get("type", "")
    return Asset(
        value=target,
        type=_SCRIPT_TYPES.get(media_type, media_type),
        scope=said.get("scope", ""),
        strategy=said.get("strategy", ""),
        crossorigin=said.get("crossorigin"),
        fetchpriority=said.get("fetchpriority", ""),
        rel={"css": _style_relation(said), "modules": "modulepreload"}.get(kind, ""),
        media=said.get("media", ""),
        title=said.get("title*", said.get("title", "")),
        hreflang=said.get("hreflang", ""),
        disabled=_is_set(said, "disabled"),
        integrity=said.get("integrity", ""),
        referrerpolicy=said.get("referrerpolicy", ""),
        nomodule=_is_set(said, "nomodule"),
        async_=_is_set(said, "async"),
        defer=_is_set(said, "defer"),
        data=tuple(
            AssetData(key=name.removeprefix(_DATA), value=value)
            for name, value in said.items()
            if name.startswith(_DATA)
        ),
    )


def _style_relation(said: Mapping[str, str]) -> str:
    relation = said.get("rel", "")
    return "stylesheet" if relation.lower() == "preload" else relation


def _is_set(said: Mapping[str, str], name: str) -> bool:
    return said.get(name, "false") != "false"
