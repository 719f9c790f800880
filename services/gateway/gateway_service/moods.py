"""What may go wrong with a gateway, switched on by hand. Only a lab has this (``LAB=1``)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Annotated, Literal, TypeAlias

from fastapi import APIRouter
from pydantic import BaseModel, Field
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from jogakbo.contract.problem import PROBLEM_JSON, Problem, encode_problem
from jogakbo.service.openapi import problems

Mood: TypeAlias = Literal["accept", "decline", "time_out", "late", "down"]

_HELD_SECONDS = 60.0
"""How long a connection that will not be answered is held at most."""


class MoodBody(BaseModel):
    """``seconds``: how long it lasts; then the gateway accepts again."""

    mood: Mood
    seconds: Annotated[int, Field(ge=1, le=3600)] = 30


class MoodNow(BaseModel):
    mood: Mood
    seconds_left: float


class Moods:
    """The mood of this process; forgotten when it ends."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._mood: Mood = "accept"
        self._until = 0.0

    def set(self, mood: Mood, seconds: float) -> None:
        self._mood, self._until = mood, self._now() + seconds

    def now(self) -> Mood:
        return self._mood if self._now() < self._until else "accept"

    def told(self) -> MoodNow:
        mood = self.now()
        left = 0.0 if mood == "accept" else self._until - self._now()
        return MoodNow(mood=mood, seconds_left=round(left, 1))


class Moody:
    """Lets the API answer as the mood has it; health and the mood itself always answer."""

    def __init__(self, app: ASGIApp, moods: Moods, late_seconds: float) -> None:
        self._app = app
        self._moods = moods
        self._late_seconds = late_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith(("/charges", "/totals")):
            await self._app(scope, receive, send)
            return
        match self._moods.now():
            case "down":
                await _refuse(send)
            case "time_out" if scope["method"] == "POST":
                await self._app(scope, receive, _unheard)
                await _until_it_hangs_up(receive)
            case "late" if scope["method"] == "POST":
                await self._app(scope, receive, self._later(send))
            case _:
                await self._app(scope, receive, send)

    def _later(self, send: Send) -> Send:
        async def wait_and_send(message: Message) -> None:
            if message["type"] == "http.response.start":
                await asyncio.sleep(self._late_seconds)
            await send(message)

        return wait_and_send


def mood_router(moods: Moods) -> APIRouter:
    router = APIRouter(tags=["lab"])

    @router.get("/mood")
    def mood() -> MoodNow:
        return moods.told()

    @router.put("/mood", responses=problems(422))
    def change(body: MoodBody) -> MoodNow:
        moods.set(body.mood, body.seconds)
        return moods.told()

    return router


async def _refuse(send: Send) -> None:
    problem = Problem(title="Service Unavailable", status=503, detail="The gateway is down.", code="gateway_down")
    headers = [(b"content-type", PROBLEM_JSON.encode()), (b"retry-after", b"1")]
    await send({"type": "http.response.start", "status": 503, "headers": headers})
    await send({"type": "http.response.body", "body": encode_problem(problem)})


async def _unheard(message: Message) -> None:
    """The answer that never arrives."""


async def _until_it_hangs_up(receive: Receive) -> None:
    try:
        async with asyncio.timeout(_HELD_SECONDS):
            while (await receive())["type"] != "http.disconnect":
                pass
    except TimeoutError:
        return
