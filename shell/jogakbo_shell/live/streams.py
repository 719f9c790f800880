"""All open streams of a worker: opened, kept alive, rotated, cut, and ended."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from typing import Protocol

import structlog

from jogakbo_shell.composition.countdown import Countdown
from jogakbo_shell.live import frames, metrics
from jogakbo_shell.live.connection import Connection
from jogakbo_shell.live.hub import Hub
from jogakbo_shell.live.limits import Limits
from jogakbo_shell.live.link import StreamLink
from jogakbo_shell.live.post import Post
from jogakbo_shell.live.stream import Stream

_STEP_SECONDS = 0.02
_LOOKS = 20  # rounds in which all streams are looked after once: woken for each of them, an idle worker is not idle


class Observer(Protocol):
    """Is told which connections there are."""

    def opened(self, connection: Connection) -> None: ...

    def closed(self, connection: Connection) -> None: ...

    def polled(self, connection: Connection) -> None:
        """It asks every few seconds in place of a stream, and is answered now."""


class Streams:
    """A `Keeper`. One timer for all heartbeats and one for all cuts: an idle stream is a socket and a few small
    objects."""

    def __init__(self, hub: Hub, post: Post, limits: Limits) -> None:
        self.limits = limits
        self.post = post
        half = limits.heartbeat_seconds / 2
        self.quiet = Countdown[Stream](half, self._look_after, step=half / _LOOKS)
        self.stalled = Countdown[Stream](limits.send_seconds, self._stalled)
        self._hub = hub
        self._hello = frames.hello(limits.beacon_share)
        self._hello_owing = frames.hello(limits.beacon_share, owes=True)
        self._streams: dict[Stream, None] = {}
        self._total = 0
        self._per_visitor: Counter[str] = Counter()
        self._observers: list[Observer] = []
        self._log = structlog.get_logger()
        self.leaving = False
        self._is_behind = False

    def __len__(self) -> int:
        return len(self._streams)

    def listen(self, observer: Observer) -> None:
        self._observers.append(observer)

    def refusal(self, visitor: str) -> str:
        """Why this visitor can have no stream here now; empty if it can."""
        if self.leaving:
            return "leaving"
        if self._total >= self.limits.connections:
            return "full"
        return "visitor" if self._per_visitor[visitor] >= self.limits.connections_per_visitor else ""

    def open(self, connection: Connection, link: StreamLink, cursors: tuple[str, ...], ailing: frozenset[str]) -> None:
        """From now on the connection is told what changes, first of all what may have since `cursors`."""
        rotate_seconds = self.limits.rotate_seconds * random.uniform(1, 2)
        stream = Stream(connection, link, self, asyncio.get_running_loop().time() + rotate_seconds)
        self._streams[stream] = None
        self.quiet.put(stream)
        self._count(connection, 1)
        metrics.CONNECTIONS.inc()
        if link.is_paused:
            stream.paused()
        self._welcome(connection, cursors, ailing)
        for observer in self._observers:
            observer.opened(connection)

    async def poll(self, connection: Connection, cursors: tuple[str, ...], ailing: frozenset[str]) -> bytes:
        """What a stream would say until it owes nothing, for a client that gets no stream through."""
        settled = asyncio.Event()
        self._count(connection, 1)
        self._welcome(connection, cursors, ailing)
        for observer in self._observers:
            observer.polled(connection)
        connection.news = settled.set
        try:
            async with asyncio.timeout(self.limits.poll_seconds):
                while connection.owed:
                    settled.clear()
                    await settled.wait()
        except TimeoutError:
            pass  # what is owed may come with the next one; the cursor stays where it was
        finally:
            connection.news = None
            said = connection.take(self._hub.settled())
            self._hub.leave(connection)
            self._count(connection, -1)
        metrics.POLLS.inc()
        return said

    def lost(self, stream: Stream) -> None:
        if stream not in self._streams:
            return
        del self._streams[stream]
        self.quiet.take(stream)
        self.stalled.take(stream)
        connection = stream.connection
        self._hub.leave(connection)
        metrics.CONNECTIONS.dec()
        self._count(connection, -1)
        for observer in self._observers:
            observer.closed(connection)

    def say_behind(self, behind: bool) -> None:
        """Have every page say that what it shows may be old, or that it is not any more."""
        self._is_behind = behind
        for stream in self._streams:
            stream.connection.tell("behind", frames.LOST if behind else self._hello_to(stream.connection))

    def revoke(self, visitor: str) -> None:
        """End every stream of a visitor; their pages shall be loaded anew."""
        for stream in self._streams:
            if stream.connection.visitor == visitor:
                stream.connection.close(frames.RELOAD)

    async def drain(self, seconds: float) -> None:
        """Open no more, and tell those that are open to go elsewhere, a few at a time, all within `seconds`."""
        self.leaving = True
        loop = asyncio.get_running_loop()
        ends = loop.time() + seconds
        left = list(self._streams)
        pace = max(self.limits.goodbyes_per_second, len(left) / max(seconds * 0.8, _STEP_SECONDS))
        step = max(1, round(pace * _STEP_SECONDS))
        within_ms = min(self.limits.return_ms, round(1000 * len(left) / pace))
        random.shuffle(left)
        while left:
            told, left = left[:step], left[step:]
            for stream in told:
                stream.connection.close(frames.goodbye(within_ms))
            await asyncio.sleep(_STEP_SECONDS)
        while self._streams and loop.time() < ends:  # noqa: ASYNC110  # their last words are on their way
            await asyncio.sleep(_STEP_SECONDS)

    def stop(self) -> None:
        """Drop what is left."""
        self.leaving = True
        self.quiet.stop()
        self.stalled.stop()
        self.post.stop()
        for stream in list(self._streams):
            stream.link.abort()
            self.lost(stream)

    def _welcome(self, connection: Connection, cursors: tuple[str, ...], ailing: frozenset[str]) -> None:
        connection.tell("hello", self._hello)
        if self._is_behind:
            connection.tell("behind", frames.LOST)
        self._hub.join(connection, cursors, ailing)
        if connection.owed:
            connection.tell("hello", self._hello_owing)
            connection.awaits_settled = True

    def _hello_to(self, connection: Connection) -> bytes:
        return self._hello_owing if connection.owed else self._hello

    def _count(self, connection: Connection, more: int) -> None:
        self._total += more
        self._per_visitor[connection.visitor] += more
        if not self._per_visitor[connection.visitor]:
            del self._per_visitor[connection.visitor]

    def _look_after(self, stream: Stream) -> None:
        """Looked at twice as often as it may be quiet: noting the time is all that a delivery has to do for this."""
        self.quiet.put(stream)
        stream.beat_if_quiet(frames.HEARTBEAT, asyncio.get_running_loop().time() - self.quiet.seconds)

    def _stalled(self, stream: Stream) -> None:
        if not stream.is_still_taking():
            metrics.CUT.inc()
            self._log.info("live_stream_cut", visitor=stream.connection.visitor, after_seconds=self.limits.send_seconds)
            stream.link.abort()
