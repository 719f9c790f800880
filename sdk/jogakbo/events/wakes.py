"""The wake calls of pub/sub: news of news, never the news itself."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

import structlog
from redis.asyncio import Redis

from jogakbo.contract.streams import WAKE_CHANNEL
from jogakbo.events.backoff import Backoff
from jogakbo.events.bus import BUS_ERRORS, heed_cancellation

_SILENCE_SECONDS = 5.0


class Wakes:
    """Hears on pub/sub which streams have news and sets their events.

    Nothing may depend on a wake call: pub/sub loses messages at a cut link without a word. Readers look at their
    streams after a pause in any case; a wake call only ends the pause sooner.
    """

    def __init__(self, redis: Redis, streams: Iterable[str]) -> None:
        self._redis = redis
        self._events = {stream.encode(): asyncio.Event() for stream in streams}

    async def wait(self, stream: str, seconds: float) -> None:
        """Return when ``stream`` has news, or after ``seconds``."""
        event = self._events[stream.encode()]
        try:
            async with asyncio.timeout(seconds):
                await event.wait()
        except TimeoutError:
            return
        event.clear()

    async def run(self) -> None:
        """Listen until cancelled; a lost link is made again."""
        backoff = Backoff()
        while True:
            try:
                await self._listen(backoff)
            except BUS_ERRORS as error:
                structlog.get_logger().debug("wake_link_lost", error=repr(error))
                await backoff.pause()

    async def _listen(self, backoff: Backoff) -> None:
        async with self._redis.pubsub(ignore_subscribe_messages=True) as pubsub:
            await pubsub.subscribe(WAKE_CHANNEL)
            self._wake(self._events)  # whatever was said while nobody listened
            heard = True
            while True:
                heed_cancellation()
                message = await pubsub.get_message(timeout=_SILENCE_SECONDS)
                backoff.succeeded()
                if message is not None:
                    heard = True
                    if message["type"] == "message":
                        self._wake([message["data"]])
                elif heard:
                    # A link into a black hole is silent too: ask, and expect the answer before the next silence.
                    heard = False
                    await pubsub.ping()
                else:
                    raise TimeoutError("no answer to a ping on the wake link")

    def _wake(self, streams: Iterable[bytes]) -> None:
        for stream in streams:
            if event := self._events.get(stream):
                event.set()
