"""The gateway's mood, passed on: who breaks things on purpose reaches the till, and only the till the gateway."""

from __future__ import annotations

from typing import Annotated, Literal

import httpx2
from fastapi import APIRouter
from pydantic import BaseModel, Field, ValidationError

from jogakbo.http import http_client
from jogakbo.service import ApiError
from jogakbo.service.openapi import problems

_TIMEOUT_SECONDS = 0.7


class GatewayAway(ApiError):
    """The gateway does not even tell its mood; it may have been killed."""

    status = 503


class MoodBody(BaseModel):
    mood: Literal["accept", "decline", "time_out", "late", "down"]
    seconds: Annotated[int, Field(ge=1, le=3600)] = 30


class MoodNow(BaseModel):
    mood: str
    seconds_left: float


def lab_router(gateway_url: str) -> APIRouter:
    router = APIRouter(tags=["lab"])

    @router.get("/lab/gateway", responses=problems(503))
    async def mood() -> MoodNow:
        return await _ask("GET")

    @router.put("/lab/gateway", responses=problems(422, 503))
    async def change(body: MoodBody) -> MoodNow:
        return await _ask("PUT", body)

    async def _ask(method: str, body: MoodBody | None = None) -> MoodNow:
        content = body.model_dump_json() if body else None
        headers = {"content-type": "application/json"}
        async with http_client(gateway_url, max_connections=1, timeout_seconds=_TIMEOUT_SECONDS) as client:
            try:
                answer = await client.request(method, "/mood", content=content, headers=headers)
                return MoodNow.model_validate_json(answer.raise_for_status().content)
            except (httpx2.HTTPError, ValidationError) as error:
                raise GatewayAway(f"the gateway does not tell its mood: {error!r}") from error

    return router
