"""Follow one stream from the own position: read, deliver in order, notice gaps, park what cannot be handled."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import structlog
from prometheus_client import Counter
from sqlalchemy.exc import SQLAlchemyError

from jogakbo.contract.streams import EVENT_FIELD, START, Position, stream_name
from jogakbo.database import TransactionConflict
from jogakbo.events.backoff import LONGEST_PAUSE_SECONDS, Backoff
from jogakbo.events.bus import BUS_ERRORS, Bus, heed_cancellation, read_after, request_refill
from jogakbo.events.inbox import Entry, HandlerFailed, Inbox, continues
from jogakbo.events.wakes import Wakes

IDLE_SECONDS = 0.5
"""How often a stream is read when no wake call comes."""

ATTEMPTS = 10
"""How often a failing handler is tried before its event is parked."""

_BATCH = 100
_HANDLED = Counter("jogakbo_events_read_total", "Events read and done with", ["stream"])
_PARKED = Counter("jogakbo_events_parked_total", "Events set aside after failing", ["stream"])
_GAPS = Counter("jogakbo_event_gaps_total", "Gaps noticed in a stream", ["stream"])


class Follower:
    """Feeds one stream to an inbox."""

    def __init__(
        self,
        stream: str,
        inbox: Inbox,
        redis: Bus,
        wakes: Wakes,
        *,
        paused: Callable[[], bool] = lambda: False,
        idle_seconds: float = IDLE_SECONDS,
        retry_seconds: float = LONGEST_PAUSE_SECONDS,
    ) -> None:
        self._stream = stream
        self._key = stream_name(stream)
        self._inbox = inbox
        self._redis = redis
        self._wakes = wakes
        self._idle_seconds = idle_seconds
        self._paused = paused
        self._retry_seconds = retry_seconds
        self._gap_before: Position | None = None
        self._position: Position | None = None
        self._log = structlog.get_logger().bind(stream=stream)

    async def run(self) -> None:
        """Follow until cancelled. Redis or the database being away only delays it."""
        backoff = Backoff()
        overtaken: Backoff | None = None
        while True:
            try:
                more = not self._paused() and await self.catch_up()
            except TransactionConflict as conflict:
                self._log.info("consumer_starts_again", reason=str(conflict))
                if overtaken:  # at once the first time; but a fault of ours must not become a hot loop
                    await overtaken.pause()
                overtaken = overtaken or Backoff(self._retry_seconds)
                continue
            except (*BUS_ERRORS, SQLAlchemyError) as error:
                if not backoff.failing:
                    self._log.warning("consumer_waits", error=repr(error))
                await backoff.pause()
                continue
            if backoff.failing:
                self._log.info("consumer_resumed")
                backoff.succeeded()
            overtaken = None
            heed_cancellation()
            if not more:
                await self._wakes.wait(self._stream, self._idle_seconds)

    async def catch_up(self) -> bool:
        """Read one batch and deliver what follows the position without a gap; whether there may be more at once."""
        known, self._position = self._position, None
        position = await asyncio.to_thread(self._inbox.position, self._stream) if known is None else known
        batch = [_entry(*found) for found in await read_after(self._redis, self._key, position, _BATCH)]
        if not batch:
            return False
        if not continues(position, batch[0].position):
            if known:  # another replica of this service may be further: ask
                return True
            self._notice_gap(position, batch[0].position)
            await request_refill(self._redis, self._stream, position)
            return False
        if batch[0].position.epoch != position.epoch and position != START:
            self._log.warning("new_epoch", was=str(position), now=str(batch[0].position))
        self._gap_before = None
        self._position = await self._deliver(batch)
        return len(batch) == _BATCH or self._position != batch[-1].position

    async def _deliver(self, batch: Sequence[Entry]) -> Position | None:
        """The position after it, or ``None`` when it must be asked."""
        try:
            position = await asyncio.to_thread(self._inbox.deliver, self._stream, batch)
        except HandlerFailed as failure:
            before = [entry for entry in batch if entry.position < failure.entry.position]
            if before:
                await asyncio.to_thread(self._inbox.deliver, self._stream, before)
            await self._insist(failure)
            return None
        _HANDLED.labels(self._stream).inc(len(batch))
        return position

    async def _insist(self, failure: HandlerFailed) -> None:
        entry, backoff, attempts = failure.entry, Backoff(self._retry_seconds), 1
        while attempts < ATTEMPTS and not failure.hopeless:
            self._log.warning("handler_failed", position=str(entry.position), attempt=attempts, error=str(failure))
            await backoff.pause()
            try:
                await asyncio.to_thread(self._inbox.deliver, self._stream, [entry])
            except HandlerFailed as again:
                failure, attempts = again, attempts + 1
            else:
                return
        _PARKED.labels(self._stream).inc()
        self._log.error(
            "event_parked", position=str(entry.position), attempts=attempts, error=str(failure), exc_info=failure
        )
        await asyncio.to_thread(self._inbox.park, self._stream, entry, str(failure), attempts)

    def _notice_gap(self, position: Position, next: Position) -> None:
        """Say it once per gap. Nothing is skipped: if the sender's outbox cannot fill it, a person must look."""
        if self._gap_before != next:
            self._gap_before = next
            _GAPS.labels(self._stream).inc()
            self._log.error("event_gap", position=str(position), next=str(next))


def _entry(id: bytes, fields: dict[bytes, bytes]) -> Entry:
    return Entry(Position.parse(id.decode()), fields.get(EVENT_FIELD.encode(), b""))
