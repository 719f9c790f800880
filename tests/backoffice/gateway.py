"""The gateway's own app at the end of a wire that obeys: it refuses, loses answers, brings requests late."""

from __future__ import annotations

import asyncio
from typing import Literal, TypeAlias

import httpx2
from fastapi import FastAPI

from till_service.adapters.gateway import HttpGateway

Mood: TypeAlias = Literal["accept", "decline", "time_out", "late", "down"]


class Wire(httpx2.AsyncBaseTransport):
    """`time_out`: the gateway does it, the answer is lost. `late`: it does it when `deliver_late` is called."""

    def __init__(self, app: FastAPI) -> None:
        self._way = httpx2.ASGITransport(app)
        self._late: list[httpx2.Request] = []
        self.mood: Mood = "accept"

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        match self.mood:
            case "down":
                raise httpx2.ConnectError("refused")
            case "late":
                self._late.append(request)
                raise httpx2.ReadTimeout("no answer yet")
            case "time_out":
                await self._way.handle_async_request(request)
                raise httpx2.ReadTimeout("no answer")
        return await self._way.handle_async_request(request)

    def forget(self) -> None:
        self._late.clear()

    async def deliver_late(self) -> None:
        while self._late:
            await self._way.handle_async_request(self._late.pop())


class Gateway:
    """As the till sees it."""

    def __init__(self, app: FastAPI, loop: asyncio.Runner) -> None:
        self._wire = Wire(app)
        self._loop = loop
        self._client = httpx2.AsyncClient(transport=self._wire, base_url="http://gateway")
        self.port = HttpGateway(self._client, timeout_seconds=60)

    def become(self, mood: Mood) -> None:
        if "decline" in (mood, self._wire.mood):
            own = "decline" if mood == "decline" else "accept"
            self._wire.mood = "accept"
            self._loop.run(self._client.put("/mood", json={"mood": own, "seconds": 3600}))
        self._wire.mood = mood

    def forget(self) -> None:
        self._wire.forget()
        self.become("accept")

    def deliver_late(self) -> None:
        """What was asked for long ago arrives."""
        self._loop.run(self._wire.deliver_late())
