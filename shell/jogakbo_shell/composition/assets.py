"""Stylesheets and scripts of a page's head: each once, in the order of the fragments, the portal's own first.

Assets differ in when they load (`strategy`, Podium's word):

| strategy | a script | how |
|---|---|---|
| `beforeInteractive` | runs before the page is there | first of the scripts, `async` and `defer` only if declared |
| `afterInteractive`, none | runs when the page is there, in order | `defer`, unless it is `async` or a module |
| `lazy` | runs, as a module, once the page has loaded | in a `<template>` that `lazy.js` opens |
| `shadow-dom` | is the fragment's own affair | left out, a stylesheet too |
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Protocol

BEFORE = "beforeInteractive"
LAZY = "lazy"
SHADOW = "shadow-dom"

_OWN_STYLES = ("portal.css",)
_WATCHER = "whole.js"
_OWN_SCRIPTS = ("vendor/htmx/htmx.min.js", "live.js")
_LOADER = "lazy.js"
_PRESENCE = "presence.js"
_PRESENCE_STYLE = "presence.css"


@dataclass(frozen=True, slots=True)
class HeadAsset:
    """A file by its address on the portal; `more` are the further attributes of its `<link>` or `<script>`."""

    href: str
    integrity: str = ""
    more: tuple[tuple[str, str], ...] = ()
    strategy: str = ""

    @property
    def link_attributes(self) -> dict[str, str]:
        """`{"rel": "stylesheet", "href": …, "integrity": …, …}`"""
        more = dict(self.more)
        return {"rel": more.pop("rel", "stylesheet"), "href": self.href, **self._integrity, **more}

    @property
    def script_attributes(self) -> dict[str, str]:
        return {"src": self.href, **self._integrity, **dict(self.more)}

    @property
    def _integrity(self) -> dict[str, str]:
        return {"integrity": self.integrity} if self.integrity else {}


@dataclass(frozen=True, eq=False)
class Assets:
    """`modules` are what scripts import, or fetch later: known to the policy, and preloaded. `left_out` says why.

    Compared by identity: whoever makes them keeps them, and two that are equal are one.
    """

    styles: tuple[HeadAsset, ...] = ()
    scripts: tuple[HeadAsset, ...] = ()
    lazy: tuple[HeadAsset, ...] = ()
    modules: tuple[HeadAsset, ...] = ()
    left_out: tuple[str, ...] = ()

    @cached_property
    def script_paths(self) -> tuple[str, ...]:
        """What `web/security.py` lets run."""
        return tuple(asset.href for asset in (*self.scripts, *self.lazy, *self.modules))


NO_ASSETS = Assets()


class Files(Protocol):
    """The shell's own static files, by their address with the hash of their content."""

    def asset(self, name: str) -> HeadAsset: ...


@dataclass(frozen=True, eq=False)
class OwnAssets:
    """The portal's own: on every page `assets`, `loader` where something is lazy, `presence` where it shows who else
    looks at something."""

    assets: Assets
    loader: HeadAsset
    presence: Assets = NO_ASSETS

    @classmethod
    def of(cls, files: Files) -> OwnAssets:
        styles = tuple(files.asset(name) for name in _OWN_STYLES)
        # Before live.js, so that it hears the first frame.
        presence = replace(_deferred(files, _PRESENCE), strategy=BEFORE)
        return cls(
            Assets(styles, (_early(files, _WATCHER), *(_deferred(files, name) for name in _OWN_SCRIPTS))),
            _deferred(files, _LOADER),
            Assets((files.asset(_PRESENCE_STYLE),), (presence,)),
        )


@lru_cache(maxsize=1024)
def page_assets(own: OwnAssets, parts: tuple[Assets, ...]) -> Assets:
    """All that the fragments of a page need, from `assets_of` for each in their order, after the portal's own."""
    everything = (own.assets, *parts)
    scripts = _once(sorted((script for part in everything for script in part.scripts), key=_is_later))
    lazy = _once((script for part in everything for script in part.lazy), but=scripts)
    return Assets(
        styles=_once(style for part in everything for style in part.styles),
        scripts=(*scripts, own.loader) if lazy else scripts,
        lazy=lazy,
        modules=_once((module for part in everything for module in part.modules), but=(*scripts, *lazy)),
        left_out=tuple(dict.fromkeys(fault for part in everything for fault in part.left_out)),
    )


def _early(files: Files, name: str) -> HeadAsset:
    """Runs as soon as it is there, even if the page never is."""
    asset = files.asset(name)
    return HeadAsset(asset.href, asset.integrity, (("async", ""),), BEFORE)


def _deferred(files: Files, name: str) -> HeadAsset:
    asset = files.asset(name)
    return HeadAsset(asset.href, asset.integrity, (("defer", ""),))


def _is_later(script: HeadAsset) -> bool:
    return script.strategy != BEFORE


def _once(assets: Iterable[HeadAsset], *, but: Iterable[HeadAsset] = ()) -> tuple[HeadAsset, ...]:
    """One of each address, and of each content: two teams may bring the same library. The first one counts."""
    taken = {asset.href for asset in but}
    kept: dict[object, HeadAsset] = {}
    for asset in assets:
        if asset.href not in taken:
            taken.add(asset.href)
            kept.setdefault((asset.integrity or asset.href, asset.more), asset)
    return tuple(kept.values())
