"""What a team wants to be seen while its fragment cannot be: fetched ahead, and kept."""

from __future__ import annotations

import asyncio

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
_MAX_AT_ONCE = 4


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
        """The contained HTML, in another language for want of it; None if the team declared none or it never came."""
        if instance.server not in self._kept:
            self._kept[instance.server] = self._recalled(instance.server)
        kept = self._kept[instance.server]
        return kept.get(_key(instance.fragment, instance.locale), kept.get(_key(instance.fragment, LOCALES[0])))

    async def _fetch_all(self, server: FragmentServer) -> None:
        if server.manifest is None:
            return
        declared = {name: fragment.fallback for name, fragment in server.manifest.fragments.items()}
        # A podlet's is the same in every language: Podium asks for it without a context.
        locales = LOCALES if server.manifest.jogakbo else LOCALES[:1]
        asked = [(name, locale) for name, path in declared.items() if path for locale in locales]
        turns = asyncio.Semaphore(_MAX_AT_ONCE)
        fetched = await asyncio.gather(*(self._fetch(server, declared[name], locale, turns) for name, locale in asked))
        keys = [_key(name, locale) for name, locale in asked]
        known = self._kept.get(server.name) or self._recalled(server.name)
        kept = {key: html for key, html in known.items() if key in keys}
        kept |= {key: html for key, html in zip(keys, fetched, strict=True) if html is not None}
        self._kept[server.name] = kept
        self._shelf.write(server.name, msgspec.json.encode(kept))

    async def _fetch(self, server: FragmentServer, path: str, locale: str, turns: asyncio.Semaphore) -> str | None:
        request = Request(server.url(path), self._context.headers(server, locale, None))
        try:
            async with turns:
                answer = await self._upstream.fetch(request, deadline=_DEADLINE_SECONDS)
            if answer.status != 200 or answer.media_type not in ("text/html", ""):
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


def _key(fragment: str, locale: str) -> str:
    return f"{fragment}.{locale}"
