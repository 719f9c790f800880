"""Stylesheets and scripts of the fragment servers on a page: each once, in the order of the fragments."""

from __future__ import annotations

from collections.abc import Iterable

from jogakbo.contract.manifest import Asset
from jogakbo_shell.composition.templates import HeadAsset
from jogakbo_shell.registry.server import FragmentServer

OWN_STYLES = ("portal.css",)
OWN_SCRIPTS = ("vendor/htmx/htmx.min.js", "live.js")


def styles_of(servers: Iterable[FragmentServer]) -> tuple[HeadAsset, ...]:
    return _unique(server_asset for server in servers for server_asset in _proxied(server, _css(server)))


def scripts_of(servers: Iterable[FragmentServer]) -> tuple[HeadAsset, ...]:
    return _unique(server_asset for server in servers for server_asset in _proxied(server, _js(server)))


def _css(server: FragmentServer) -> tuple[Asset, ...]:
    return server.manifest.css if server.manifest else ()


def _js(server: FragmentServer) -> tuple[Asset, ...]:
    return server.manifest.js if server.manifest else ()


def _proxied(server: FragmentServer, assets: Iterable[Asset]) -> Iterable[HeadAsset]:
    """`/assets/orders.css?v=1` is `/-/orders/assets/orders.css?v=1`; other origins are against the policy."""
    for asset in assets:
        path = asset.value.removeprefix(server.address)
        if path.startswith("/") and not path.startswith("//"):
            yield HeadAsset(f"/-/{server.name}{path}", asset.integrity)


def _unique(assets: Iterable[HeadAsset]) -> tuple[HeadAsset, ...]:
    return tuple({asset.href: asset for asset in assets}.values())
