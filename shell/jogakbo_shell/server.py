"""uvicorn, which by itself never exits while a stream is open, with an orderly end."""

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

_STREAMS_SHARE = 0.7  # of the time to drain; what is left is for answers under way
_BACKLOG = 8_192  # every browser may come back at the same moment
_GC_THRESHOLDS = (20_000, 20, 20)


class Server(uvicorn.Server):
    """At SIGTERM it is not ready any more, and the open streams go elsewhere while all else is still answered; what
    remains to wait for then are answers under way."""

    def __init__(self, config: uvicorn.Config, live: Live, drain_seconds: float) -> None:
        super().__init__(config)
        self._live = live
        self._drain_seconds = drain_seconds

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        # What is here now stays: the collector need not look through it again with every few hundred requests.
        gc.collect()
        gc.freeze()
        gc.set_threshold(*_GC_THRESHOLDS)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await self._live.drain(self._drain_seconds)
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
        timeout_graceful_shutdown=max(round(settings.drain_ms * (1 - _STREAMS_SHARE) / 1000), 1),
        backlog=_BACKLOG,
    )
    return Server(config, app.state.live, settings.drain_ms * _STREAMS_SHARE / 1000)
