"""The way to Redis or Valkey: a client that never waits for ever, pauses after failures, and wake calls."""

from __future__ import annotations

import asyncio
import random

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from jogakbo.contract.streams import WAKE_CHANNEL

BUS_ERRORS = (RedisError, OSError, TimeoutError)

_TIMEOUT_SECONDS = 2.0  # a black hole gives no error: only a limit notices it
_SILENCE_SECONDS = 5.0
_FIRST_PAUSE_SECONDS = 0.05
_LONGEST_PAUSE_SECONDS = 1.0


def connect(redis_url: str) -> Redis:
    client: Redis = Redis.from_url(
        redis_url,
        socket_timeout=_TIMEOUT_SECONDS,
        socket_connect_timeout=_TIMEOUT_SECONDS,
        socket_keepalive=True,
        retry=Retry(NoBackoff(), 0),
    )
    return client


def is_cancelled() -> bool:
    """Whether this task has been told to end. redis-py may lose that: closing a broken link on the way out, it raises
    the link's error in place of the cancellation. So a loop around it asks before it goes on."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


class Backoff:
    """Doubling pauses with jitter, so that the workers of a portal do not march in step."""

    def __init__(self) -> None:
        self._failures = 0

    def succeeded(self) -> None:
        self._failures = 0

    async def pause(self) -> None:
        longest = min(_LONGEST_PAUSE_SECONDS, _FIRST_PAUSE_SECONDS * 2.0**self._failures)
        self._failures = min(self._failures + 1, 10)
        await asyncio.sleep(random.uniform(longest / 2, longest))


class Wakes:
    """Hears on pub/sub that some stream has news, which only ends the reader's pause sooner.

    Nothing depends on it: pub/sub loses messages at a cut link without a word.
    """

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._news = asyncio.Event()

    async def wait(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._news.wait()
        except TimeoutError:
            return
        finally:
            self._news.clear()

    async def run(self) -> None:
        backoff = Backoff()
        while not is_cancelled():
            try:
                await self._listen(backoff)
            except BUS_ERRORS:
                await backoff.pause()

    async def _listen(self, backoff: Backoff) -> None:
        async with self._redis.pubsub(ignore_subscribe_messages=True) as pubsub:
            await pubsub.subscribe(WAKE_CHANNEL)
            self._news.set()
            asked = False
            while not is_cancelled():
                message = await pubsub.get_message(timeout=_SILENCE_SECONDS)
                backoff.succeeded()
                if message is not None:
                    asked = False
                    self._news.set()
                elif asked:
                    raise TimeoutError("the wake link does not answer a ping")
                else:
                    asked = True
                    await pubsub.ping()
