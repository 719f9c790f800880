"""Presence put together, as the rest of live sees it."""

from __future__ import annotations

from collections.abc import Iterable

from starlette.routing import BaseRoute, Route
from starlette.types import Scope

from jogakbo_shell.live.bus import Bus
from jogakbo_shell.live.grants import Grants
from jogakbo_shell.live.presence.channel import PresenceChannel
from jogakbo_shell.live.presence.endpoint import PresenceEndpoint
from jogakbo_shell.live.presence.presence import Declares, Presence, Viewer
from jogakbo_shell.web.visit import visit_of


class PresencePart:
    """`presence` is what listens to the streams (`Streams.listen`)."""

    def __init__(self, redis: Bus, secret: bytes, grants: Grants, declares: Declares) -> None:
        self.presence = Presence(secret, declares)
        self._channel = PresenceChannel(redis, self.presence)
        self._endpoint = PresenceEndpoint(self.presence, grants)

    def routes(self) -> list[BaseRoute]:
        return [Route("/-/presence", self._endpoint.serve, methods=["POST"])]

    async def run(self) -> None:
        try:
            await self._channel.run()
        finally:
            self.presence.stop()

    def cookies(self, scope: Scope, connection: Viewer) -> Iterable[str]:
        """Whose page shows who else is there has to stay the same person: a page that is one for all sets no cookie."""
        return visit_of(scope).cookies if self.presence.concerns(connection) else ()
