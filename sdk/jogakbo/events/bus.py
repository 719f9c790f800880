"""The way to Redis or Valkey: one client with limits, and the wake calls of pub/sub."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterable
from typing import cast

import structlog
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from jogakbo.contract.streams import START, WAKE_CHANNEL, Position

TIMEOUT_SECONDS = 2.0
"""A command that takes longer has met a dead or paused server; the caller backs off and comes again."""

_HEALTH_CHECK_SECONDS = 10
_SILENCE_SECONDS = 5.0
_REFILL_PREFIX = "jogakbo:refill:"
_REFILL_SECONDS = 60
_LONGEST_PAUSE_SECONDS = 1.0
_FIRST_PAUSE_SECONDS = 0.05

BUS_ERRORS = (RedisError, OSError, TimeoutError)
"""What a call to the bus may raise while Redis is away."""


def connect_bus(redis_url: str) -> Redis:
    """A client for ``redis_url`` that connects at first use, never waits for ever and retries nothing itself."""
    client: Redis = Redis.from_url(
        redis_url,
        socket_timeout=TIMEOUT_SECONDS,
        socket_connect_timeout=TIMEOUT_SECONDS,
        socket_keepalive=True,
        health_check_interval=_HEALTH_CHECK_SECONDS,
        protocol=2,  # RESP3 shapes the answers of XREAD differently
        retry=Retry(NoBackoff(), 0),
    )
    return client


def heed_cancellation() -> None:
    """Raise ``CancelledError`` when this task was told to end; to be called between two calls to the bus.

    redis-py sends through ``asyncio.wait_for``, which in Python 3.11 swallows a cancellation that meets a finished
    send (mended in 3.12). A loop that goes on after that would never end.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


StreamEntry = tuple[bytes, dict[bytes, bytes]]
"""Id and fields of an entry, as redis-py returns it."""


async def read_after(redis: Redis, key: str, position: Position, count: int) -> list[StreamEntry]:
    """Up to ``count`` entries of the stream ``key`` above ``position``."""
    answer = await redis.xread({key: str(position)}, count=count)
    return cast(list[tuple[bytes, list[StreamEntry]]], answer)[0][1] if answer else []


async def read_top(redis: Redis, key: str) -> Position:
    """The newest position that the stream ``key`` holds; ``START`` when it is empty or missing."""
    newest = cast(list[StreamEntry], await redis.xrevrange(key, count=1))
    return Position.parse(newest[0][0].decode()) if newest else START


async def request_refill(redis: Redis, service: str, position: Position) -> None:
    """Ask the relay of ``service`` for everything after ``position``: the stream no longer holds it.

    One request stands at a time and is forgotten after a minute; who still misses something asks again.
    """
    await redis.set(_REFILL_PREFIX + service, str(position), nx=True, ex=_REFILL_SECONDS)


async def take_refill_request(redis: Redis, service: str) -> Position | None:
    """The position that a consumer of ``service`` cannot read on from, if one has asked."""
    asked = cast(bytes | None, await redis.getdel(_REFILL_PREFIX + service))
    return Position.parse(asked.decode()) if asked else None


class Backoff:
    """Pauses that double with each failure in a row, up to 1 s, with jitter so that members do not march in step."""

    def __init__(self) -> None:
        self._failures = 0

    @property
    def failing(self) -> bool:
        """Whether the last attempt failed."""
        return self._failures > 0

    def succeeded(self) -> None:
        """Forget earlier failures."""
        self._failures = 0

    async def pause(self) -> None:
        """Count one failure and wait."""
        longest = min(_LONGEST_PAUSE_SECONDS, _FIRST_PAUSE_SECONDS * 2**self._failures)
        self._failures = min(self._failures + 1, 10)
        await asyncio.sleep(random.uniform(longest / 2, longest))


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
