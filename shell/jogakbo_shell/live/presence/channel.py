"""The sharded pub/sub channel of all workers: who is where. Nothing is stored, and what is lost is said again."""

from __future__ import annotations

import asyncio
import random
from typing import Protocol

import structlog

from jogakbo_shell.live import metrics
from jogakbo_shell.live.bus import BUS_ERRORS, Backoff, Bus, is_cancelled, listen
from jogakbo_shell.live.presence.message import NotAMessage, read_message
from jogakbo_shell.live.presence.presence import Presence

CHANNEL = "jogakbo:presence"

_BEAT_SECONDS = 2.0  # two of them may be lost before a worker is taken for silent
_GAP_SECONDS = 0.05


class _Work(Protocol):
    async def __call__(self, backoff: Backoff) -> None:
        """Until cancelled, or a bus error."""


class PresenceChannel:
    """Says at once what changes, and every `beat_seconds` all of it, while anybody is here."""

    def __init__(self, redis: Bus, presence: Presence, beat_seconds: float = _BEAT_SECONDS) -> None:
        self._redis = redis
        self._presence = presence
        self._beat_seconds = beat_seconds
        self._ignored = ""
        self._log = structlog.get_logger()

    async def run(self) -> None:
        """Until cancelled; the bus being away only means to know nothing of others."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._with_patience(self._listen), name="presence listens")
            tasks.create_task(self._with_patience(self._tell), name="presence tells")

    async def _with_patience(self, work: _Work) -> None:
        backoff = Backoff()
        while not is_cancelled():
            try:
                await work(backoff)
            except BUS_ERRORS:
                await backoff.pause()
            except Exception:
                self._log.exception("presence_failed")
                await backoff.pause()

    async def _tell(self, backoff: Backoff) -> None:
        loop, presence = asyncio.get_running_loop(), self._presence
        beat_at = loop.time()
        while not is_cancelled():
            is_news = await self._news(beat_at - loop.time() if presence.is_anybody_here else None)
            for message in presence.messages(everything=not is_news):
                await self._redis.spublish(CHANNEL, message)
            backoff.succeeded()
            if not is_news:
                beat_at = loop.time() + random.uniform(0.8, 1.2) * self._beat_seconds
            await asyncio.sleep(_GAP_SECONDS)

    async def _news(self, seconds: float | None) -> bool:
        """Whether there is any within this time."""
        try:
            async with asyncio.timeout(seconds):
                return await self._presence.news.wait()
        except TimeoutError:
            return False

    async def _listen(self, backoff: Backoff) -> None:
        await listen(self._redis, [CHANNEL], self._hear, backoff)

    def _hear(self, payload: bytes | None) -> None:
        if payload is None:
            return
        try:
            message = read_message(payload)
        except NotAMessage as error:
            metrics.PRESENCE_IGNORED.inc()
            if str(error) != self._ignored:
                self._ignored = str(error)
                self._log.warning("presence_message_ignored", error=self._ignored)
        else:
            self._presence.hear(message)
