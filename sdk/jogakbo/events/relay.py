"""The relay: carries the outbox to its stream, again and again, with the same ids."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import cast

import structlog
from prometheus_client import Counter, Gauge
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from jogakbo.contract.cloudevent import CloudEvent, EventError, decode_event, encode_event
from jogakbo.contract.streams import EVENT_FIELD, KEPT_ENTRIES, START, Position, stream_name, wake_channel
from jogakbo.database import Database
from jogakbo.events.backoff import Backoff
from jogakbo.events.bus import BUS_ERRORS, Bus, heed_cancellation, read_newest, take_refill_request
from jogakbo.events.outbox import CHANGED, Outbox

_BATCH = 200
_IDLE_SECONDS = 0.5
_UNBOUNDED = 2**53
_UNTRIMMED_SECONDS = 600.0
_PUBLISHED = Counter("jogakbo_outbox_published_total", "Events appended to the stream", ["service"])
_UNPUBLISHED = Gauge("jogakbo_outbox_unpublished", "Events that wait for the bus", ["service"])

# Compare and append, in one step: a stream that was wiped or lost its tail between two batches would otherwise get
# a hole that no later append could fill, because ids only go up. Entries whose ids were used and deleted by hand
# cannot be appended again; then the stream is dropped and told anew from the outbox. "anew" begins by dropping it.
_APPEND = """
local newest = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)
local top = newest[1] and newest[1][1] or '0-0'
if top ~= ARGV[1] then return false end
if ARGV[4] == 'anew' then redis.call('DEL', KEYS[1]) end
for i = 5, #ARGV, 2 do
  local added = redis.pcall('XADD', KEYS[1], 'MAXLEN', '~', ARGV[2], ARGV[i], '{field}', ARGV[i + 1])
  if type(added) == 'table' and added.err then
    if string.find(added.err, 'equal or smaller', 1, true) then
      redis.call('DEL', KEYS[1])
      return false
    end
    return added
  end
  top = ARGV[i]
end
redis.call('SPUBLISH', KEYS[2], ARGV[3])
return top
""".replace("{field}", EVENT_FIELD)


class Relay:
    """Publishes one service's outbox. Several may run for one database: an append happens once.

    ``max_length`` bounds the stream (approximately, as Redis trims whole nodes): how long a reader may be away, in
    seconds, times events a second. What was trimmed is still in the outbox, and comes back for a while when a
    consumer asks for it. ``idle_seconds`` is how often it looks at the stream; in between it goes on from where it
    has left it, whenever something is put into the outbox here.
    """

    def __init__(
        self,
        outbox: Outbox,
        database: Database,
        redis: Bus,
        *,
        idle_seconds: float = _IDLE_SECONDS,
        max_length: int = KEPT_ENTRIES,
    ) -> None:
        self._outbox = outbox
        self._database = database
        self._redis = redis
        self._stream = stream_name(outbox.service)
        self._idle_seconds = idle_seconds
        self._max_length = max_length
        self._untrimmed_until = 0.0
        self._left: tuple[Position, bytes] | None = None
        self._looked_at = 0.0
        self._committed = asyncio.Event()
        self._log = structlog.get_logger().bind(stream=outbox.service)

    async def run(self) -> None:
        """Publish until cancelled. Redis or the database being away only delays it."""
        loop = asyncio.get_running_loop()
        with self._database.on_commit(lambda: _call_if_open(loop, self._committed), of=CHANGED):
            await self._publish_for_ever()

    async def _publish_for_ever(self) -> None:
        backoff = Backoff()
        while True:
            self._committed.clear()
            left, self._left = self._left, None
            try:
                if left is None or time.monotonic() - self._looked_at >= self._idle_seconds:
                    await self.catch_up()
                else:
                    await self._publish(*left)
            except (*BUS_ERRORS, SQLAlchemyError) as error:
                if not backoff.failing:
                    self._log.warning("relay_waits", error=repr(error))
                await backoff.pause()
                continue
            if backoff.failing:
                self._log.info("relay_resumed")
                backoff.succeeded()
            heed_cancellation()
            await self._wait()

    async def catch_up(self) -> Position:
        """Append everything that the stream does not hold and return its newest position."""
        self._looked_at = time.monotonic()
        top, newest = await read_newest(self._redis, self._stream)
        if wanted := await take_refill_request(self._redis, self._outbox.service):
            top, newest = await self._tell_anew(top, newest, wanted)
        return await self._publish(top, newest)

    async def _publish(self, top: Position, newest: bytes) -> Position:
        """Append what comes after ``top``; if that is not the stream's newest any more, after what is."""
        while True:
            last, known, events = await asyncio.to_thread(self._unsent, top, newest)
            _UNPUBLISHED.labels(self._outbox.service).set(last.seq - known)
            if not events:
                break
            if top == START and last.seq > _BATCH:
                self._log.warning("stream_refilled", entries=last.seq - known)
            top, newest = await self._append(top, last.epoch, known, events)
            if top == last:  # what was committed since has set the event that `_wait` waits for
                _UNPUBLISHED.labels(self._outbox.service).set(0)
                break
        self._left = top, newest
        return top

    async def _tell_anew(self, top: Position, newest: bytes, wanted: Position) -> tuple[Position, bytes]:
        """Begin the stream again right after ``wanted``, where a consumer found a gap, and let it grow for a while.

        Readers that are further lose nothing: the entries come back under the same ids.
        """
        last, _, _ = await asyncio.to_thread(self._unsent, top, newest)
        known = min(wanted.seq, last.seq) if wanted.epoch == last.epoch else 0
        if known >= last.seq:
            return top, newest
        self._log.warning("stream_told_anew", after=str(wanted), entries=last.seq - known)
        self._untrimmed_until = time.monotonic() + _UNTRIMMED_SECONDS
        events = await asyncio.to_thread(self._after, known)
        return await self._append(top, last.epoch, known, events, anew=True)

    def _unsent(self, top: Position, newest: bytes) -> tuple[Position, int, Sequence[CloudEvent]]:
        """The place of the newest event, up to which number the stream has them, and the next ones.

        The stream's newest event must be ours. It is not when the database lost its own newest ones, to an older
        backup or in a failover, and may have given their numbers to others since.
        """
        with self._database.read() as connection:
            last = self._outbox.last(connection)
            if self._is_ours(connection, last, top, newest):
                # A stream of an earlier life, or none: tell this life's events from the first that may be kept.
                known = top.seq if top.epoch == last.epoch else max(0, last.seq - self._max_length)
                return last, known, self._outbox.after(connection, known, _BATCH) if known < last.seq else ()
        self._be_reborn(top, newest)
        return self._unsent(top, newest)

    def _be_reborn(self, top: Position, newest: bytes) -> None:
        with self._database.write() as connection:
            last = self._outbox.last(connection)
            if self._is_ours(connection, last, top, newest):  # another relay of this service has been here
                return
            event = "outbox_behind_its_stream" if top > last else "outbox_unlike_its_stream"
            last = self._outbox.be_reborn(connection, above=top)
        self._log.error(event, stream_top=str(top), new_epoch=last.epoch)

    def _is_ours(self, connection: Connection, last: Position, top: Position, newest: bytes) -> bool:
        if top.epoch != last.epoch or top > last:
            return top < last
        # By what is in it, not by its bytes: a release may write the same event otherwise.
        with suppress(EventError):
            told = decode_event(newest)
            return all(_is_same(event, told) for event in self._outbox.after(connection, top.seq - 1, 1))
        return True

    def _after(self, seq: int) -> Sequence[CloudEvent]:
        with self._database.read() as connection:
            return self._outbox.after(connection, seq, _BATCH)

    async def _append(
        self, top: Position, epoch: int, known: int, events: Sequence[CloudEvent], *, anew: bool = False
    ) -> tuple[Position, bytes]:
        """The stream's newest position and event afterwards: not ours when somebody else has changed it meanwhile."""
        bound = _UNBOUNDED if time.monotonic() < self._untrimmed_until else self._max_length
        arguments: list[str | bytes | int] = [str(top), bound, self._outbox.service, "anew" if anew else ""]
        for seq, event in enumerate(events, known + 1):
            arguments += [str(Position(epoch, seq)), encode_event(event)]
        # EVAL rather than EVALSHA: whichever node is asked, it need not know the script from before.
        keys = (self._stream, wake_channel(self._outbox.service))
        answer = cast(bytes | None, await self._redis.eval(_APPEND, len(keys), *keys, *arguments))
        if answer is None:
            return await read_newest(self._redis, self._stream)
        _PUBLISHED.labels(self._outbox.service).inc(len(events))
        return Position.parse(answer.decode()), encode_event(events[-1])

    async def _wait(self) -> None:
        try:
            async with asyncio.timeout(self._idle_seconds):
                await self._committed.wait()
        except TimeoutError:
            return


def _is_same(one: CloudEvent, other: CloudEvent) -> bool:
    return (one.type, one.subject, one.time) == (other.type, other.subject, other.time)


def _call_if_open(loop: asyncio.AbstractEventLoop, event: asyncio.Event) -> None:
    if not loop.is_closed():
        loop.call_soon_threadsafe(event.set)
