"""uvicorn, with a goodbye to open streams: by itself it never exits while one is open."""

from __future__ import annotations

import socket

import uvicorn
from starlette.applications import Starlette

from jogakbo_shell.live.protocol import LiveProtocol
from jogakbo_shell.seams import Live
from jogakbo_shell.settings import Settings


class Server(uvicorn.Server):
    """At SIGTERM the streams are ended first, so that what remains to wait for are answers under way."""

    def __init__(self, config: uvicorn.Config, live: Live) -> None:
        super().__init__(config)
        self._live = live

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._live.goodbye()
        await super().shutdown(sockets)


def build_server(app: Starlette, settings: Settings) -> Server:
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        loop="uvloop",
        http=LiveProtocol,
        ws="none",
        lifespan="on",
        access_log=False,
        log_level="warning",
        server_header=False,
        timeout_graceful_shutdown=max(settings.drain_ms // 1000, 1),
    )
    return Server(config, app.state.live)
