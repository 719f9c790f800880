"""Stylesheets and scripts of the fragment servers: fetched ahead, and kept."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from urllib.parse import urlsplit

import structlog

from jogakbo_shell.proxy.targets import is_versioned
from jogakbo_shell.registry.ahead import FetchedAhead
from jogakbo_shell.registry.server import FragmentServer
from jogakbo_shell.upstream.errors import UpstreamError
from jogakbo_shell.upstream.port import Answer, Request, Upstream

_DEADLINE_SECONDS = 2.0
_MAX_PER_SERVER = 16
_TYPES = frozenset({"text/css", "text/javascript", "application/javascript"})


class KeptAssets(FetchedAhead):
    """Versioned assets that a manifest declares.

    What stands in for a fragment while its server is away still looks as it should, and a hung server cannot hold up
    the whole page through its stylesheet, for which every browser waits.
    """

    def __init__(self, upstream: Upstream) -> None:
        super().__init__()
        self._upstream = upstream
        self._kept: defaultdict[str, dict[str, Answer]] = defaultdict(dict)
        self._log = structlog.get_logger()

    def find(self, server: str, path_and_query: str) -> Answer | None:
        return self._kept[server].get(path_and_query) if server in self._kept else None

    async def _fetch_all(self, server: FragmentServer) -> None:
        kept = self._kept[server.name]
        for path in _versioned(server):
            if path in kept:
                continue
            try:
                answer = await self._upstream.fetch(Request(server.url(path)), deadline=_DEADLINE_SECONDS)
            except UpstreamError as error:
                self._log.warning("asset_not_fetched", server=server.name, path=path, error=str(error))
                continue
            if answer.status == 200 and answer.media_type in _TYPES:
                kept[path] = answer
        # Those of the releases before this one stay for the pages that are still open.
        while len(kept) > _MAX_PER_SERVER:
            del kept[next(iter(kept))]


def _versioned(server: FragmentServer) -> Iterator[str]:
    for asset in (*server.manifest.css, *server.manifest.js) if server.manifest else ():
        path = asset.value.removeprefix(server.address)
        if is_versioned(urlsplit(path).path, urlsplit(path).query):
            yield path
