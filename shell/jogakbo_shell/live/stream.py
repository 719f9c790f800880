"""One open stream: its mailbox, its socket, and how long it may go on."""

from __future__ import annotations

from typing import Protocol

from jogakbo_shell.composition.countdown import Countdown
from jogakbo_shell.live import metrics
from jogakbo_shell.live.connection import Connection
from jogakbo_shell.live.frames import END, goodbye
from jogakbo_shell.live.limits import Limits
from jogakbo_shell.live.link import StreamLink
from jogakbo_shell.live.post import Frames, Post


class Keeper(Protocol):
    """Looks after all streams of a worker: `streams.Streams`.

    `stalled` are those whose client takes nothing.
    """

    limits: Limits
    post: Post
    stalled: Countdown[Stream]

    def lost(self, stream: Stream) -> None: ...


class Stream:
    """`rotate_at` is by the loop's clock."""

    __slots__ = ("_keeper", "_sent_at", "_unsent", "announced", "connection", "link", "rotate_at")

    def __init__(self, connection: Connection, link: StreamLink, keeper: Keeper, rotate_at: float) -> None:
        self.connection = connection
        self.link = link
        self.rotate_at = rotate_at
        self.announced = False
        self._keeper = keeper
        self._sent_at = 0.0
        self._unsent = 0
        connection.news = self.news
        link.attended_by(self)

    def news(self) -> None:
        """The connection has something to say, or nothing more."""
        if self.link.is_paused:
            self._hold()
        elif not self.announced:
            self.announced = True
            self._keeper.post.announce(self)

    def beat_if_quiet(self, frame: bytes, since: float) -> None:
        """Unless something was sent after `since`, by the loop's clock."""
        if self._sent_at <= since:
            self.connection.tell("heartbeat", frame)

    def is_still_taking(self) -> bool:
        """Whether the client has taken some since it was asked last; if so it is watched on."""
        unsent, before = self.link.unsent_bytes, self._unsent
        if unsent >= before:
            return False
        self._unsent = unsent
        self._keeper.stalled.put(self)
        return True

    # For the post.

    def collect(self, now: float) -> Frames:
        mailbox = self.connection.mailbox
        if self.link.is_paused or not self.link.is_open:
            return ()
        if mailbox.closed and not mailbox:
            self._end()
            return ()
        if now >= self.rotate_at and not mailbox.closed:
            metrics.ROTATIONS.inc()
            mailbox.close(goodbye(self._keeper.limits.return_ms))
        self._sent_at = now
        return mailbox.take()

    def deliver(self, chunk: bytes) -> None:
        self.link.write(chunk)
        if self.connection.mailbox.closed:
            self._end()

    # For the link.

    def paused(self) -> None:
        self._unsent = self.link.unsent_bytes
        self._keeper.stalled.put(self)

    def resumed(self) -> None:
        self._keeper.stalled.take(self)
        self.news()

    def lost(self) -> None:
        self.connection.news = None
        self._keeper.lost(self)

    def _hold(self) -> None:
        """Let it wait until the client takes something, unless it is the last word or too much."""
        mailbox = self.connection.mailbox
        if mailbox.size > self._keeper.limits.mailbox_bytes:
            metrics.MAILBOX_OVERFLOWS.inc()
            mailbox.abandon()
        if mailbox.closed:
            self.link.abort()

    def _end(self) -> None:
        self.link.write(END)
        self.link.close()
