"""What most would write first: FastAPI, sse-starlette, one subscription, a queue for each client. Run by uvicorn."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from redis.asyncio import Redis
from sse_starlette.sse import EventSourceResponse  # type: ignore[import-not-found]  # in an environment of its own

redis = Redis.from_url(os.environ["REDIS_URL"], decode_responses=True)
queues: set[asyncio.Queue[str]] = set()


async def listen() -> None:
    async with redis.pubsub() as pubsub:
        await pubsub.subscribe(os.environ["CHANNEL"])
        async for message in pubsub.listen():
            if message["type"] == "message":
                for queue in queues:
                    queue.put_nowait(message["data"])


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    listening = asyncio.create_task(listen())
    yield
    listening.cancel()


app = FastAPI(lifespan=lifespan)


@app.get("/sse")
async def stream() -> EventSourceResponse:
    return EventSourceResponse(events())


async def events() -> AsyncIterator[dict[str, str]]:
    queue: asyncio.Queue[str] = asyncio.Queue()
    queues.add(queue)
    try:
        while True:
            yield {"event": "fragment", "data": await queue.get()}
    finally:
        queues.discard(queue)
