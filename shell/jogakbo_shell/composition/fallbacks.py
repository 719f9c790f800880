"""What a team wants to be seen while its fragment cannot be: fetched ahead, and kept."""

from __future__ import annotations

import msgspec
import structlog

from jogakbo.contract.context import LOCALES
from jogakbo_shell.composition.containment import contain
from jogakbo_shell.composition.errors import BadAnswer, FragmentError
from jogakbo_shell.context import Context
from jogakbo_shell.instance import Instance
from jogakbo_shell.registry.ahead import FetchedAhead
from jogakbo_shell.registry.server import FragmentServer
from jogakbo_shell.registry.shelf import Shelf
from jogakbo_shell.upstream.errors import UpstreamError
from jogakbo_shell.upstream.port import Request, Upstream

_DEADLINE_SECONDS = 2.0


class Fallbacks(FetchedAhead):
    """Fallbacks by fragment and locale."""

    def __init__(self, upstream: Upstream, context: Context, shelf: Shelf) -> None:
        super().__init__()
        self._upstream = upstream
        self._context = context
        self._shelf = shelf
        self._kept: dict[str, dict[str, str]] = {}
        self._log = structlog.get_logger()

    def find(self, instance: Instance) -> str | None:
        """The contained HTML; None if the team declared none or it never came."""
        if instance.server not in self._kept:
            self._kept[instance.server] = self._recalled(instance.server)
        return self._kept[instance.server].get(f"{instance.fragment}.{instance.locale}")

    async def _fetch_all(self, server: FragmentServer) -> None:
        if server.manifest is None:
            return
        kept = dict(self._kept.get(server.name) or self._recalled(server.name))
        for name, declared in server.manifest.fragments.items():
            for locale in LOCALES if declared.fallback else ():
                html = await self._fetch(server, declared.fallback, locale)
                if html is not None:
                    kept[f"{name}.{locale}"] = html
        self._kept[server.name] = kept
        self._shelf.write(server.name, msgspec.json.encode(kept))

    async def _fetch(self, server: FragmentServer, path: str, locale: str) -> str | None:
        request = Request(server.url(path), self._context.headers(server.name, locale, None))
        try:
            answer = await self._upstream.fetch(request, deadline=_DEADLINE_SECONDS)
            if answer.status != 200 or answer.media_type != "text/html":
                raise BadAnswer(answer.status)
            return contain(answer.body).html
        except (UpstreamError, FragmentError) as error:
            self._log.warning("fallback_not_fetched", server=server.name, path=path, error=str(error))
            return None

    def _recalled(self, server: str) -> dict[str, str]:
        try:
            return msgspec.json.decode(self._shelf.read(server) or b"{}", type=dict[str, str])
        except (msgspec.DecodeError, ValueError):
            return {}
