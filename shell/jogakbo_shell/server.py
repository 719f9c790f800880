"""uvicorn, with a goodbye to open streams: by itself it never exits while one is open."""

from __future__ import annotations

import asyncio
import gc
import socket
from typing import Any

import uvicorn
from starlette.applications import Starlette

from jogakbo_shell.live.protocol import LiveProtocol
from jogakbo_shell.seams import Live
from jogakbo_shell.settings import Settings
from jogakbo_shell.web.desk import Desk
from jogakbo_shell.web.protocol import PortalProtocol

_GC_THRESHOLDS = (20_000, 20, 20)


class Server(uvicorn.Server):
    """At SIGTERM the streams are ended first, so that what remains to wait for are answers under way."""

    def __init__(self, config: uvicorn.Config, live: Live) -> None:
        super().__init__(config)
        self._live = live

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        # What is here now stays: the collector need not look through it again with every few hundred requests.
        gc.collect()
        gc.freeze()
        gc.set_threshold(*_GC_THRESHOLDS)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._live.goodbye()
        await super().shutdown(sockets)


def _protocol(app: Starlette, settings: Settings) -> type[asyncio.Protocol]:
    if not settings.pages_before_asgi:
        return LiveProtocol
    desk: Desk = app.state.desk

    class Protocol(PortalProtocol):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, desk=desk, **kwargs)

    return Protocol


def build_server(app: Starlette, settings: Settings) -> Server:
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        loop="uvloop",
        http=_protocol(app, settings),
        ws="none",
        lifespan="on",
        access_log=False,
        log_level="warning",
        server_header=False,
        timeout_graceful_shutdown=max(settings.drain_ms // 1000, 1),
    )
    return Server(config, app.state.live)
