"""Brings what waits in mailboxes to the sockets: the same bytes, put together once, for all who get the same."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from typing import Protocol

from jogakbo_shell.live import frames, metrics
from jogakbo_shell.live.connection import Connection

_AT_ONCE = 256

Frames = tuple[bytes, ...]


class Addressee(Protocol):
    """A stream, as the post sees it. `announced` from the moment it is until it has been delivered to."""

    announced: bool
    connection: Connection

    def collect(self, now: float) -> Frames:
        """What waits in its mailbox; nothing if it can take nothing now. `now` is the loop's time."""

    def deliver(self, chunk: bytes) -> None:
        """These frames, as they go over the wire."""


class Settled(Protocol):
    def __call__(self) -> str:
        """The cursor up to which every change is in the mailboxes."""


class Post:
    """Some connections at a time, so that ten thousand of them do not hold up the pages that are asked for meanwhile.

    What several changes have put into one mailbox by then leaves as one write.
    """

    def __init__(self, settled: Settled) -> None:
        self._settled = settled
        self._waiting: deque[Addressee] = deque()
        self._round: asyncio.Handle | None = None
        self._happened: dict[bytes, float] = {}

    def announce(self, addressee: Addressee) -> None:
        """There is something for it, which was not announced before."""
        self._waiting.append(addressee)
        if self._round is None:
            self._round = asyncio.get_running_loop().call_soon(self._carry)

    def note(self, frame: bytes, happened_at: float) -> None:
        """The oldest change that a frame shows happened then, by its service's clock (seconds since 1970)."""
        self._happened[frame] = happened_at

    def stop(self) -> None:
        self._waiting.clear()
        if self._round is not None:
            self._round.cancel()
            self._round = None

    def _carry(self) -> None:
        loop = asyncio.get_running_loop()
        self._round, now, settled = None, loop.time(), self._settled()
        chunks: dict[Frames, bytes] = {}
        last: Frames = ()
        chunk = b""
        for _ in range(min(len(self._waiting), _AT_ONCE)):
            addressee = self._waiting.popleft()
            addressee.announced = False
            waiting = addressee.collect(now)
            if not waiting:
                continue
            if addressee.connection.owed:
                addressee.deliver(frames.chunk(frames.write(waiting, "")))
                continue
            if waiting != last:
                chunk, last = chunks.get(waiting, b""), waiting
                if not chunk:
                    chunk = chunks[waiting] = frames.chunk(frames.write(waiting, settled))
                    self._observe(waiting)
            addressee.deliver(chunk)
        if self._waiting:
            self._round = loop.call_soon(self._carry)
        else:
            self._happened.clear()

    def _observe(self, waiting: Frames) -> None:
        for frame in waiting:
            if (happened_at := self._happened.get(frame)) is not None:
                metrics.FRAME_AGE.observe(max(0.0, time.time() - happened_at))
