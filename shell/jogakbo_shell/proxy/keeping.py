"""Stylesheets and scripts of the fragment servers: fetched ahead, and kept."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from typing import Protocol
from urllib.parse import urlsplit

import structlog

from jogakbo.contract.manifest import Asset
from jogakbo_shell.composition.declared_assets import NotOwn, asset_path
from jogakbo_shell.integrity import digest, fits
from jogakbo_shell.proxy.targets import is_versioned
from jogakbo_shell.registry.ahead import FetchedAhead
from jogakbo_shell.registry.server import FragmentServer
from jogakbo_shell.upstream.errors import UpstreamError
from jogakbo_shell.upstream.port import Answer, Request, Upstream

_DEADLINE_SECONDS = 2.0
_MAX_PER_SERVER = 16
_CHANGING = frozenset({"no-cache", "no-store"})
_TYPES = frozenset({"text/css", "text/javascript", "application/javascript"})


class Generation(Protocol):
    """`Registry`: what is rendered of the manifests is rendered anew when its `generation` is another."""

    generation: int


class KeptAssets(FetchedAhead):
    """Assets that a manifest declares and that never change under their address.

    What stands in for a fragment while its server is away still looks as it should, and a hung server cannot hold up
    the whole page through its stylesheet, for which every browser waits. `server.digests` says what pages may rely on:
    the bytes that are kept here are the ones that are served, whatever the server answers later.
    """

    def __init__(self, upstream: Upstream, registry: Generation) -> None:
        super().__init__()
        self._upstream = upstream
        self._registry = registry
        self._kept: defaultdict[str, dict[str, Answer]] = defaultdict(dict)
        self._log = structlog.get_logger()

    def find(self, server: str, path_and_query: str) -> Answer | None:
        return self._kept[server].get(path_and_query) if server in self._kept else None

    async def _fetch_all(self, server: FragmentServer) -> None:
        kept = self._kept[server.name]
        for path, asset in _own(server):
            answer = kept.pop(path, None)
            if answer is None or not fits(asset.integrity, answer.body):
                answer = await self._fetch(server, path, asset)
            if answer is not None:
                kept[path] = answer
        # Those of the releases before this one stay for the pages that are still open.
        while len(kept) > _MAX_PER_SERVER:
            del kept[next(iter(kept))]
        digests = {path: digest(answer.body) for path, answer in kept.items()}
        if digests != server.digests:
            server.digests = digests
            self._registry.generation += 1

    async def _fetch(self, server: FragmentServer, path: str, asset: Asset) -> Answer | None:
        try:
            answer = await self._upstream.fetch(Request(server.url(path)), deadline=_DEADLINE_SECONDS)
            if answer.status != 200 or answer.media_type not in _TYPES:
                raise NoAsset(f"status {answer.status}, {answer.media_type or 'no type'}; expected a style or script")
            if not fits(asset.integrity, answer.body):
                raise NoAsset(f"it is not what its integrity says: it has {digest(answer.body)}")
        except (UpstreamError, NoAsset) as error:
            server.note_fault(path, error)
            self._log.warning("asset_not_fetched", server=server.name, path=path, error=str(error))
            return None
        return answer if _is_immutable(path, answer) else None


class NoAsset(Exception):
    """What came is not what the manifest declares."""


def _own(server: FragmentServer) -> Iterator[tuple[str, Asset]]:
    for asset in (*server.manifest.css, *server.manifest.js) if server.manifest else ():
        with suppress(NotOwn):
            yield asset_path(server.name, server.address, asset.value), asset


def _is_immutable(path: str, answer: Answer) -> bool:
    """By its address, or as the server says (RFC 8246). One that says no-cache may be another release's."""
    says = {directive.strip() for directive in answer.header("cache-control").lower().split(",")}
    versioned = is_versioned(urlsplit(path).path, urlsplit(path).query)
    return "immutable" in says or (versioned and not says & _CHANGING)
