"""What one stream shows, and what it has been sent."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import Protocol

from jogakbo_shell.instance import Instance
from jogakbo_shell.live import frames
from jogakbo_shell.live.mailbox import Mailbox

_AILING = "ailing"
_NOTHING: frozenset[Instance] = frozenset()  # nearly always, for all: a set of one's own would be a miss of the cache


class News(Protocol):
    def __call__(self) -> None:
        """There is something in the mailbox, or nothing is owed any more."""


class Connection:
    """`owed` are instances that may have changed since the page's cursor: until they are sent, no frame moves it.

    `ailing` are instances of which the page shows an old or a stand-in version and knows it; they get a frame as
    soon as there is a fresh one, but hold no cursor back, for the page says so itself when it comes again.
    `awaits_settled` if its page has been told that it is owed something. `visitor` is whose session it is, `subject`
    whom the private instances are for. `joined` is the hub's count when it came, `unchanged_since` the moment since
    which its pages have shown the same, by the loop's clock.
    """

    __slots__ = (
        "_seen",
        "ailing",
        "awaits_settled",
        "instances",
        "joined",
        "mailbox",
        "news",
        "owed",
        "private",
        "subject",
        "unchanged_since",
        "visitor",
    )

    def __init__(
        self, instances: Iterable[Instance], private: Iterable[Instance], subject: str, visitor: str = ""
    ) -> None:
        self.private = frozenset(private)
        self.instances = frozenset(instances) - self.private
        self.subject = subject
        self.visitor = visitor or subject
        self.joined = 0
        self.awaits_settled = False
        self.unchanged_since = float("inf")
        self.owed = self.ailing = _NOTHING
        self.mailbox = Mailbox()
        self.news: News | None = None
        self._seen: dict[Instance, str] = {}

    def wants(self, instance: Instance) -> bool:
        """Whether what its page shows of it may be old."""
        return instance in self.owed or instance in self.ailing

    def offer(self, instance: Instance, frame: bytes, etag: str) -> bool:
        """Send a fresh version, unless it is what was sent last. Returns whether it was news."""
        if is_news := self._seen.get(instance) != etag:
            self._seen[instance] = etag
            self.tell(instance, frame)
        if self.ailing:
            self.ailing = self.ailing - {instance} or _NOTHING
        if self.owed:
            self._settle(instance)
        return is_news

    def ail(self, instance: Instance) -> None:
        """Say that there is no fresh version for now: what the page shows may be old."""
        self.ailing |= {instance}
        if self._seen.get(instance) != _AILING:
            self._seen[instance] = _AILING
            # Another slot than the fragment's: an unsent fresh version must not be lost to this notice.
            self.tell((instance, _AILING), frames.ailing(instance))
        self._settle(instance)

    def notify(self, instance: Instance, within_ms: int) -> None:
        """Have the page fetch a private fragment itself."""
        self.tell(instance, frames.refresh(instance, within_ms))

    def tell(self, slot: Hashable, frame: bytes) -> None:
        """Send a frame, in place of one of the same slot that has not left yet."""
        mailbox = self.mailbox
        if not mailbox.closed or mailbox:
            mailbox.put(slot, frame)
            if self.news is not None:
                self.news()

    def close(self, last_word: bytes = b"") -> None:
        """End the stream, after what is in the mailbox."""
        if not self.mailbox.closed:
            self.mailbox.close(last_word)
            self._announce()

    def take(self, settled: str) -> bytes:
        """Everything that waits, as bytes; `settled` is the cursor up to which all frames are in mailboxes."""
        waiting = self.mailbox.take()
        return frames.write(waiting, "" if self.owed else settled) if waiting else b""

    def _settle(self, instance: Instance) -> None:
        if instance in self.owed:
            self.owed = self.owed - {instance} or _NOTHING
            if not self.owed:
                self._announce()
                if self.awaits_settled:
                    self.tell("settled", frames.SETTLED)

    def _announce(self) -> None:
        if self.news is not None:
            self.news()
