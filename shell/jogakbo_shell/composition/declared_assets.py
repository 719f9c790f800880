"""Which assets a fragment brings: those that its answer's `Link` names, else its server's manifest.

The head of a page may leave before a fragment is known. What `scope` promises is therefore kept like this:

| the slot's state when the head leaves | assets with that `scope` |
|---|---|
| fresh, stale, failed | `content`, `all`, none; a slot that failed heals in place, with content |
| fallback | `fallback`, `all`, none |
| not known yet | every one |
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol
from urllib.parse import quote, urlsplit

from jogakbo.contract.addresses import is_absolute, rooted
from jogakbo.contract.manifest import Asset, Manifest
from jogakbo_shell.composition.asset_attributes import (
    Pair,
    UnknownRelation,
    is_module,
    link_attributes,
    script_attributes,
)
from jogakbo_shell.composition.assets import LAZY, NO_ASSETS, SHADOW, Assets, HeadAsset
from jogakbo_shell.composition.link_assets import link_assets
from jogakbo_shell.composition.rendered import State
from jogakbo_shell.proxy.targets import BadTarget, read_target
from jogakbo_shell.registry.server import FragmentServer

_MAX_LINK_CHARACTERS = 8192
_OVERLONG = "overlong"
_STANDS = "/:@!$&'()*+,;=-._~%?"


class NotOwn(Exception):
    """The address is not below the fragment server's own; the message says what is expected."""


class _AttributesOf(Protocol):
    def __call__(self, asset: Asset, /) -> Iterator[Pair]: ...


@dataclass(frozen=True, slots=True, eq=False)
class _Release:
    """A manifest as a key: by identity, for it is compared on every page view."""

    name: str
    address: str
    manifest: Manifest
    digests: Mapping[str, str]

    def __hash__(self) -> int:
        return id(self.manifest)

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, _Release)
            and self.manifest is other.manifest
            and self.digests is other.digests
            and self.name == other.name
        )


def assets_of(server: FragmentServer, link: str | None = None, state: State | None = None) -> Assets:
    """What a page's head has to hold for a fragment of this server; the same object for the same answer.

    `link` is the `Link` field of the fragment's answer, None if it had none; `state` None while nothing is known.
    """
    if server.manifest is None:
        return NO_ASSETS
    release = _Release(server.name, server.address, server.manifest, server.digests)
    bounded = link or "" if len(link or "") <= _MAX_LINK_CHARACTERS else _OVERLONG
    return _assets_of(release, bounded, state and ("fallback" if state == "fallback" else "content"))


def is_scoped(server: FragmentServer) -> bool:
    """Whether what is shown of the server's fragments decides about its assets; an answer's `Link` always may."""
    declared = (*server.manifest.css, *server.manifest.js) if server.manifest else ()
    return any(asset.scope in ("content", "fallback") for asset in declared)


def asset_path(name: str, address: str, value: str) -> str:
    """Path and query on the fragment server: `/assets/orders.css?v=1`. Raises NotOwn."""
    path = value.removeprefix(address) if value.startswith(f"{address}/") else value
    if is_absolute(path) or path.startswith("//"):
        raise NotOwn(f"{value!r} is on another origin; expected a path, or an address below {address}")
    path = quote(rooted(path).partition("#")[0], safe=_STANDS)
    try:
        read_target(f"/-/{name}{urlsplit(path).path}".encode(), urlsplit(path).query.encode())
    except BadTarget as error:
        raise NotOwn(f"{value!r}: {error}") from error
    return path


@lru_cache(maxsize=512)
def _assets_of(release: _Release, link: str, shown: str | None) -> Assets:
    faults: list[str] = []
    if link == _OVERLONG:
        faults.append(f"Link has too many characters; expected at most {_MAX_LINK_CHARACTERS}")
    named = link_assets(link)
    css = _wanted(named.css, shown) or _wanted(release.manifest.css, shown)
    js = _wanted(named.js, shown) or _wanted(release.manifest.js, shown)
    links = tuple(_placed(release, (*css, *named.modules), link_attributes, faults))
    scripts = tuple(_placed(release, js, script_attributes, faults))
    return Assets(
        styles=tuple(asset for asset in links if not is_module(asset)),
        scripts=tuple(asset for asset in scripts if asset.strategy != LAZY),
        lazy=tuple(asset for asset in scripts if asset.strategy == LAZY),
        modules=tuple(asset for asset in links if is_module(asset)),
        left_out=tuple(faults),
    )


def _wanted(assets: Iterable[Asset], shown: str | None) -> tuple[Asset, ...]:
    scopes = ("", "all", shown) if shown else ("", "all", "content", "fallback")
    return tuple(asset for asset in assets if asset.scope in scopes and asset.strategy != SHADOW)


def _placed(
    release: _Release, assets: Iterable[Asset], attributes_of: _AttributesOf, faults: list[str]
) -> Iterator[HeadAsset]:
    for asset in assets:
        try:
            path = asset_path(release.name, release.address, asset.value)
            more = tuple(attributes_of(asset))
        except (NotOwn, UnknownRelation) as fault:
            faults.append(str(fault))
            continue
        integrity = asset.integrity or release.digests.get(path, "")
        yield HeadAsset(f"/-/{release.name}{path}", integrity, more, asset.strategy)
