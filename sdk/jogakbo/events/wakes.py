"""The wake calls of pub/sub: news of news, never the news itself."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable

import structlog
from redis.asyncio import RedisCluster
from redis.asyncio.cluster import ClusterPubSub

from jogakbo.contract.streams import wake_channel
from jogakbo.events.backoff import Backoff
from jogakbo.events.bus import BUS_ERRORS, Bus, heed_cancellation

_SILENCE_SECONDS = 5.0


class Wakes:
    """Hears on sharded pub/sub which streams have news and sets their events.

    Nothing may depend on a wake call: pub/sub loses messages at a cut link without a word. Readers look at their
    streams after a pause in any case; a wake call only ends the pause sooner. A link that is silent for
    ``silence_seconds`` is asked, and given up after as long again.
    """

    def __init__(self, redis: Bus, streams: Iterable[str], *, silence_seconds: float = _SILENCE_SECONDS) -> None:
        self._redis = redis
        self._silence_seconds = silence_seconds
        self._events = {stream: asyncio.Event() for stream in streams}

    async def wait(self, stream: str, seconds: float) -> None:
        """Return when ``stream`` has news, or after ``seconds``."""
        event = self._events[stream]
        try:
            async with asyncio.timeout(seconds):
                await event.wait()
        except TimeoutError:
            return
        event.clear()

    async def run(self) -> None:
        """Listen until cancelled; a lost link is made again.

        In a cluster each stream has a link of its own, for the next may be at another node, and may move there alone.
        """
        links = [[stream] for stream in self._events] if isinstance(self._redis, RedisCluster) else [list(self._events)]
        async with asyncio.TaskGroup() as tasks:
            for streams in links:
                tasks.create_task(self._keep_listening(streams))

    async def _keep_listening(self, streams: Collection[str]) -> None:
        backoff = Backoff()
        while True:
            try:
                await self._listen(streams, backoff)
            except BUS_ERRORS as error:
                structlog.get_logger().debug("wake_link_lost", error=repr(error))
                await backoff.pause()

    async def _listen(self, streams: Collection[str], backoff: Backoff) -> None:
        channels = [wake_channel(stream) for stream in streams]
        if isinstance(self._redis, RedisCluster):
            await self._redis.exists(*channels)  # so the client learns where their slot is now
        async with self._redis.pubsub() as pubsub:
            receive = pubsub.get_sharded_message if isinstance(pubsub, ClusterPubSub) else pubsub.get_message
            await pubsub.ssubscribe(*channels)
            self._wake(streams)  # whatever was said while nobody listened
            asked = True
            while True:
                heed_cancellation()
                message = await receive(timeout=self._silence_seconds)
                if message is not None:
                    backoff.succeeded()
                    asked = False
                    self._heed(message["type"], message["data"])
                elif not asked:
                    # A link into a black hole is silent too, and one to a node that the stream has left. To subscribe
                    # once more changes nothing and is answered; expect that before the next silence.
                    asked = True
                    await pubsub.ssubscribe(*channels)
                else:
                    raise TimeoutError("no answer on the wake link")

    def _heed(self, kind: str, data: bytes | int) -> None:
        if kind == "smessage" and isinstance(data, bytes):
            self._wake([data.decode(errors="replace")])
        elif kind == "sunsubscribe":
            raise ConnectionError("the stream has moved to another node")

    def _wake(self, streams: Iterable[str]) -> None:
        for stream in streams:
            if event := self._events.get(stream):
                event.set()
