"""Stylesheets and scripts of the fragment servers: fetched ahead, and kept."""

from __future__ import annotations

from base64 import b64encode
from collections import defaultdict
from collections.abc import Iterator
from hashlib import sha384
from typing import Protocol
from urllib.parse import urlsplit

import structlog

from jogakbo.contract.manifest import Asset
from jogakbo_shell.composition.declared_assets import NotOwn, asset_path
from jogakbo_shell.proxy.targets import is_versioned
from jogakbo_shell.registry.ahead import FetchedAhead
from jogakbo_shell.registry.server import FragmentServer
from jogakbo_shell.upstream.errors import UpstreamError
from jogakbo_shell.upstream.port import Answer, Request, Upstream

_DEADLINE_SECONDS = 2.0
_MAX_PER_SERVER = 16
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
        kept, before = self._kept[server.name], server.digests
        for path, asset in _own(server):
            answer = kept.get(path) or await self._fetch(server, path)
            if answer is None:
                continue
            kept[path] = answer
            self._compare(server, asset, integrity(answer.body))
        # Those of the releases before this one stay for the pages that are still open.
        while len(kept) > _MAX_PER_SERVER:
            del kept[next(iter(kept))]
        digests = {path: integrity(answer.body) for path, answer in kept.items()}
        if digests != before:
            server.digests = digests
            self._registry.generation += 1

    async def _fetch(self, server: FragmentServer, path: str) -> Answer | None:
        try:
            answer = await self._upstream.fetch(Request(server.url(path)), deadline=_DEADLINE_SECONDS)
        except UpstreamError as error:
            self._log.warning("asset_not_fetched", server=server.name, path=path, error=str(error))
            return None
        return answer if answer.status == 200 and answer.media_type in _TYPES and _is_immutable(path, answer) else None

    def _compare(self, server: FragmentServer, asset: Asset, digest: str) -> None:
        """Whatever the browser would refuse is found out before."""


def integrity(body: bytes) -> str:
    """What a page demands of a file (SRI): `sha384-…`."""
    return f"sha384-{b64encode(sha384(body).digest()).decode()}"


def _own(server: FragmentServer) -> Iterator[tuple[str, Asset]]:
    for asset in (*server.manifest.css, *server.manifest.js) if server.manifest else ():
        try:
            yield asset_path(server.name, server.address, asset.value), asset
        except NotOwn:
            continue


def _is_immutable(path: str, answer: Answer) -> bool:
    """By its address, or as the server itself says (RFC 8246)."""
    says = {directive.strip() for directive in answer.header("cache-control").lower().split(",")}
    return is_versioned(urlsplit(path).path, urlsplit(path).query) or "immutable" in says
