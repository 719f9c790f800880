"""Run one ASGI app as a process: uvicorn on uvloop and httptools."""

from __future__ import annotations

import uvicorn
from starlette.types import ASGIApp

GRACE_SECONDS = 3
"""What requests under way get after SIGTERM before they are cut."""


def serve(app: ASGIApp, *, host: str, port: int, grace_seconds: int = GRACE_SECONDS) -> None:
    """Serve ``app`` until SIGTERM or SIGINT, then let running requests finish within ``grace_seconds``.

    The app's lifespan runs around it; a failing start ends the process with status 3. There is no access log:
    the ``request`` line of ``jogakbo.logs.RequestLog`` says more.
    """
    uvicorn.run(
        app,
        host=host,
        port=port,
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="on",
        access_log=False,
        log_level="warning",
        server_header=False,
        date_header=False,
        timeout_graceful_shutdown=grace_seconds,
    )
