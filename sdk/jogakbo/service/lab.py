"""``/-/lab``: break this service on purpose. Only where ``LAB=1``."""

from __future__ import annotations

import os
import signal
from typing import Annotated

import structlog
from fastapi import APIRouter
from pydantic import BaseModel, Field
from starlette.background import BackgroundTask
from starlette.responses import Response

from jogakbo.events.losses import Losses


class LoseBody(BaseModel):
    """Which messages to lose; with a count of 0 none any more."""

    type: Annotated[str, Field(min_length=1, max_length=100)]
    count: Annotated[int, Field(ge=0, le=1000)] = 1


class LabBody(BaseModel):
    """How many messages of which types are still to be lost."""

    losing: dict[str, int]


def lab_routes(losses: Losses) -> APIRouter:
    """Lose messages that others send here; end at once, as a crash would."""
    routes = APIRouter(prefix="/-/lab", include_in_schema=False)

    @routes.get("")
    def lab() -> LabBody:
        return LabBody(losing=losses.due)

    @routes.post("/lose", status_code=204)
    def lose(body: LoseBody) -> None:
        losses.lose(body.type, body.count)

    @routes.post("/kill")
    def kill() -> Response:
        structlog.get_logger().warning("killed_on_purpose")
        return Response(status_code=202, background=BackgroundTask(os.kill, os.getpid(), signal.SIGKILL))

    return routes
