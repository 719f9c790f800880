"""Reads every stream from a cursor of its own, and notices when something between two reads is missing."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol, cast

import structlog

from jogakbo.contract.cloudevent import CloudEvent, EventError, decode_event
from jogakbo.contract.streams import EVENT_FIELD, START, Position, stream_name
from jogakbo_shell.composition.purges import Purge
from jogakbo_shell.live import metrics
from jogakbo_shell.live.bus import BUS_ERRORS, Backoff, Bus, Wakes, is_cancelled
from jogakbo_shell.live.ports import Catalog
from jogakbo_shell.live.purges import PURGED, STREAM, read_purge

_IDLE_SECONDS = 0.5
_BATCH = 256
_UNSAID_SECONDS = 1.0  # a cut link is there again sooner: thousands of pages need not be told
_FIELD = EVENT_FIELD.encode()

Entry = tuple[bytes, dict[bytes, bytes]]


class Listener(Protocol):
    """The hub, as the reader sees it."""

    def changed(self, stream: str, position: Position, keys: frozenset[str], happened_at: float) -> None:
        """`happened_at` by the clock of the service, in seconds since 1970."""

    def purged(self, stream: str, position: Position, purge: Purge) -> None: ...

    def resynced(self, stream: str, position: Position) -> None: ...

    def dropped(self, streams: frozenset[str]) -> None:
        """Only `streams` are read from now on."""


class Follower(Protocol):
    """Whoever does more with the events of a stream than to know what they change."""

    def heard(self, event: CloudEvent) -> None:
        """Comes again after a gap, for every event that the stream still holds."""


class Behind(Protocol):
    def __call__(self, behind: bool, /) -> None:
        """Changes may have happened that are not known here; or, after that, all are known again."""


@dataclass(slots=True)
class Track:
    """Where reading stands in one stream.

    `payload` is what the entry at `position` held: another one in its place is another history.
    `behind_since` is set while the stream is shorter than what was read of it: wiped, or without its last entries
    after a failover. Its owner will append the very same entries again, so the position is kept for a while.
    """

    position: Position
    payload: bytes = b""
    behind_since: float | None = None
    lag_ms: int = 0
    resyncs: int = 0
    last_resync: str = ""


class LiveReader:
    """One per worker. Reads again from the last entry inclusive: getting it back proves that nothing was lost.

    Ids made by Redis (for a team without an outbox) are told by the sequence 0 with which each of its milliseconds
    begins, and an outbox never; there only a cut or vanished stream is noticed.
    """

    def __init__(
        self,
        redis: Bus,
        listener: Listener,
        catalog: Catalog,
        *,
        idle_seconds: float = _IDLE_SECONDS,
        patience_seconds: float = 5.0,
    ) -> None:
        self._redis = redis
        self._listener = listener
        self._catalog = catalog
        self._wakes = Wakes(redis)
        self._idle_seconds = idle_seconds
        self._patience_seconds = patience_seconds
        self._followers: dict[str, Follower] = {}
        self._log = structlog.get_logger()
        self.tracks: dict[str, Track] = {}
        self.away_since: float | None = None
        self._behind: list[Behind] = []
        self._is_behind = False
        self._knew_all_at = time.monotonic()
        self.looked = asyncio.Event()

    def follow(self, stream: str, follower: Follower) -> None:
        """Let it hear the events of a stream, whatever they change."""
        self._followers[stream] = follower

    def on_behind(self, behind: Behind) -> None:
        """Call it when nothing could be read for a second, and when all is read again."""
        self._behind.append(behind)

    async def run(self) -> None:
        """Read until cancelled; the bus being away only delays it."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._wakes.run(), name="live wakes")
            tasks.create_task(self._read(), name="live reader")

    async def _read(self) -> None:
        backoff = Backoff()
        while not is_cancelled():
            try:
                more = await self.look()
            except BUS_ERRORS as error:
                self._note_away(error)
                self._say_behind(time.monotonic() - self._knew_all_at > _UNSAID_SECONDS)
                await backoff.pause()
                continue
            except Exception:
                # Whatever broke, nothing may be taken for known that was not handed on.
                self._log.exception("live_reader_failed")
                self.tracks.clear()
                await backoff.pause()
                continue
            backoff.succeeded()
            self._note_back()
            if not more:
                self._knew_all_at = time.monotonic()
                self._say_behind(False)
                await self._wakes.wait(self._idle_seconds)

    async def look(self) -> bool:
        """Read once what is new in every stream; returns whether there is more right now."""
        streams = self._catalog.streams()
        self._wakes.follow(streams)
        if gone := self.tracks.keys() - streams:
            for stream in gone:
                del self.tracks[stream]
            self._listener.dropped(streams)
        for stream in sorted(streams - self.tracks.keys()):
            await self._take_up(stream)
        known = sorted(self.tracks)
        if not known:
            return False
        async with self._redis.pipeline(transaction=False) as pipeline:
            for stream in known:
                pipeline.xrange(stream_name(stream), min=str(self.tracks[stream].position), count=_BATCH)
            answers: list[list[Entry]] = await pipeline.execute()
        for stream, entries in zip(known, answers, strict=True):
            await self._follow(stream, self.tracks[stream], entries)
        return any(len(entries) == _BATCH for entries in answers)

    async def _take_up(self, stream: str) -> None:
        """Begin at the top: what happened before is in every render from now on."""
        top, payload = await self._top(stream)
        await self._recall(stream)
        self.tracks[stream] = Track(top, payload)
        self._log.info("live_stream_taken_up", stream=stream, position=str(top))
        self._listener.resynced(stream, top)

    async def _top(self, stream: str) -> tuple[Position, bytes]:
        newest = cast(list[Entry], await self._redis.xrevrange(stream_name(stream), count=1))
        return _read(*newest[0]) if newest else (START, b"")

    async def _recall(self, stream: str) -> None:
        """A follower hears again what the stream holds: what we have missed may be among it."""
        follower = self._followers.get(stream)
        if follower is None:
            return
        for _, fields in cast(list[Entry], await self._redis.xrange(stream_name(stream))):
            with suppress(EventError):
                follower.heard(decode_event(fields.get(_FIELD, b"")))

    async def _follow(self, stream: str, track: Track, entries: Sequence[Entry]) -> None:
        if not entries:
            if track.position != START:
                await self._wait_for_refill(stream, track)
            return
        anchored = False
        for entry in entries:
            position, payload = _read(*entry)
            if position == track.position:
                fault = "" if payload == track.payload else "rewritten"
            else:
                fault = _fault(position, track.position, anchored=anchored)
                fault = fault or self._hand_on(stream, track, position, payload)
            if fault:
                await self._resync(stream, track, fault)
                return
            anchored = True
        if track.behind_since is not None:
            track.behind_since = None
            self._log.info("live_stream_refilled", stream=stream, position=str(track.position))

    def _hand_on(self, stream: str, track: Track, position: Position, payload: bytes) -> str:
        """Returns why it cannot be done, or nothing."""
        try:
            event = decode_event(payload)
            purge = read_purge(event) if stream == STREAM and event.type == PURGED else None
        except EventError as error:
            self._log.warning("live_event_unreadable", stream=stream, position=str(position), error=str(error))
            return "unreadable"
        track.position, track.payload = position, payload
        happened_at = event.time.timestamp()
        lag = max(0.0, time.time() - happened_at)
        track.lag_ms = round(lag * 1000)
        metrics.LAG.observe(lag)
        metrics.EVENTS.labels(stream).inc()
        if purge is None:
            self._listener.changed(stream, position, event.changed, happened_at)
        else:
            self._listener.purged(stream, position, purge)
        if (follower := self._followers.get(stream)) is not None:
            follower.heard(event)
        return ""

    async def _wait_for_refill(self, stream: str, track: Track) -> None:
        """The stream ends before our position."""
        now = time.monotonic()
        if track.behind_since is None:
            track.behind_since = now
            self._renew(stream, track, "vanished", track.position)
            return
        top, _ = await self._top(stream)
        # A refill brings the same ids, of the same epoch, within moments. Another epoch, or a stream that stays
        # short, is another history: a restored database, for one.
        if top.epoch not in (0, track.position.epoch) or (
            top != START and now - track.behind_since > self._patience_seconds
        ):
            await self._resync(stream, track, "rewritten")

    async def _resync(self, stream: str, track: Track, reason: str) -> None:
        # The top, read before anything is rendered: what lies below it is in every render that follows.
        top, payload = await self._top(stream)
        await self._recall(stream)
        was, track.position, track.payload, track.behind_since = track.position, top, payload, None
        self._renew(stream, track, reason, was)

    def _renew(self, stream: str, track: Track, reason: str, was: Position) -> None:
        position = track.position
        self._log.warning("live_resync", stream=stream, reason=reason, was=str(was), position=str(position))
        metrics.RESYNCS.labels(stream, reason).inc()
        track.resyncs += 1
        track.last_resync = reason
        self._listener.resynced(stream, position)

    def _say_behind(self, behind: bool) -> None:
        if behind != self._is_behind:
            self._is_behind = behind
            for listener in self._behind:
                listener(behind)

    def _note_away(self, error: BaseException) -> None:
        if self.away_since is None:
            self.away_since = time.monotonic()
            metrics.BUS_AWAY.set(1)
            self._log.warning("live_bus_away", error=str(error))

    def _note_back(self) -> None:
        self.looked.set()
        if self.away_since is not None:
            away_ms = round((time.monotonic() - self.away_since) * 1000)
            self.away_since = None
            metrics.BUS_AWAY.set(0)
            self._log.info("live_bus_back", away_ms=away_ms)


def _read(entry_id: bytes, fields: dict[bytes, bytes]) -> tuple[Position, bytes]:
    return Position.parse(entry_id.decode()), fields.get(_FIELD, b"")


def _fault(position: Position, last: Position, *, anchored: bool) -> str:
    """Why `position` cannot be the next entry after `last`; empty if it can.

    `anchored` says that the stream still holds `last`. In a stream that was empty there is nothing to hold on to: what
    comes first in it does not prove that nothing came before, or that it is the life which was rendered so far.
    """
    if last == START:
        return "unproven"
    if position.follows(last):
        return ""
    if position.seq == 0:
        return "" if anchored else "trimmed"
    if position.epoch != last.epoch:
        return "new-epoch" if position.seq == 1 else "trimmed"
    return "gap" if anchored else "trimmed"
