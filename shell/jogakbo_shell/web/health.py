"""For whoever runs the shell: alive, ready, figures, and the keys that its tokens are signed with."""

from __future__ import annotations

import hmac

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from jogakbo_shell import __version__
from jogakbo_shell.composition.cache import FragmentCache
from jogakbo_shell.composition.fetching import Fetcher
from jogakbo_shell.identity.keys import SigningKeys
from jogakbo_shell.registry.registry import Registry
from jogakbo_shell.seams import Live
from jogakbo_shell.web import metrics
from jogakbo_shell.web.kept_pages import KeptPages


class Health:
    def __init__(
        self,
        registry: Registry,
        cache: FragmentCache,
        pages: KeptPages,
        fetcher: Fetcher,
        keys: SigningKeys,
        live: Live,
        metrics_token: str,
    ) -> None:
        self._registry = registry
        self._cache = cache
        self._pages = pages
        self._fetcher = fetcher
        self._keys = keys
        self._live = live
        self._metrics_token = metrics_token

    def routes(self) -> list[Route]:
        return [
            Route("/livez", self._livez),
            Route("/readyz", self._readyz),
            Route("/metrics", self._metrics),
            Route("/.well-known/jwks.json", self._jwks),
        ]

    async def _livez(self, request: Request) -> Response:
        return JSONResponse({"status": "ok", "name": "shell", "version": __version__})

    async def _readyz(self, request: Request) -> Response:
        """Ready once every fragment server was looked at: without some of them the portal still serves."""
        servers = self._registry.servers.values()
        status = "leaving" if self._live.leaving else "ok" if all(server.looked for server in servers) else "starting"
        checks = {server.name: {"status": server.health, "version": server.version} for server in servers}
        body = {"status": status, "name": "shell", "version": __version__, "checks": checks}
        return JSONResponse(body, 200 if status == "ok" else 503, {"Cache-Control": "no-store"})

    async def _metrics(self, request: Request) -> Response:
        if not self._may_see_metrics(request.headers.get("authorization", "")):
            return Response("Unauthorized\n", 401, {"WWW-Authenticate": "Bearer"}, "text/plain")
        metrics.CACHE_BYTES.set(self._cache.bytes)
        metrics.CACHE_ENTRIES.set(len(self._cache))
        metrics.PAGE_CACHE_BYTES.set(self._pages.size)
        metrics.PAGE_CACHE_ENTRIES.set(len(self._pages))
        for server in self._registry.servers.values():
            bulkhead = self._fetcher.bulkhead(server.name)
            metrics.FETCHES_RUNNING.labels(server.name).set(bulkhead.running)
            metrics.FETCHES_WAITING.labels(server.name).set(bulkhead.waiting)
            metrics.FETCHES_SHED.labels(server.name).set(bulkhead.shed)
            metrics.BREAKER_OPEN.labels(server.name).set(server.breaker.open)
            metrics.SERVER_UP.labels(server.name).set(server.health == "ok")
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    def _may_see_metrics(self, authorization: str) -> bool:
        if not self._metrics_token:
            return True
        return hmac.compare_digest(authorization.encode(), f"Bearer {self._metrics_token}".encode())

    async def _jwks(self, request: Request) -> Response:
        return JSONResponse(self._keys.jwks(), headers={"Cache-Control": "public, max-age=300"})
