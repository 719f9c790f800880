"""One open page: what it shows, and what it has been sent."""

from __future__ import annotations

from collections.abc import Iterable

from jogakbo_shell.instance import Instance
from jogakbo_shell.live import frames
from jogakbo_shell.live.mailbox import Mailbox

_AILING = "ailing"


class Connection:
    """`owed` are instances that may have changed since the page's cursor: until they are sent, no frame moves it.

    `ailing` are instances of which the page shows an old or a stand-in version and knows it; they get a frame as
    soon as there is a fresh one, but hold no cursor back, for the page says so itself when it comes again.
    """

    __slots__ = ("_seen", "ailing", "instances", "joined", "mailbox", "owed", "private", "subject")

    def __init__(self, instances: Iterable[Instance], private: Iterable[Instance], subject: str) -> None:
        self.private = frozenset(private)
        self.instances = frozenset(instances) - self.private
        self.subject = subject
        self.joined = 0
        self.owed: set[Instance] = set()
        self.ailing: set[Instance] = set()
        self.mailbox = Mailbox()
        self._seen: dict[Instance, str] = {}

    def offer(self, instance: Instance, frame: bytes, etag: str) -> bool:
        """Send a fresh version, unless it is what was sent last. Returns whether it was news."""
        self.owed.discard(instance)
        self.ailing.discard(instance)
        if self._seen.get(instance) == etag:
            return False
        self._seen[instance] = etag
        self.mailbox.put(instance.dom_id, frame)
        return True

    def ail(self, instance: Instance) -> None:
        """Say that there is no fresh version for now: what the page shows may be old."""
        self.owed.discard(instance)
        self.ailing.add(instance)
        if self._seen.get(instance) != _AILING:
            self._seen[instance] = _AILING
            # Another slot than the fragment's: an unsent fresh version must not be lost to this notice.
            self.mailbox.put(f"{instance.dom_id} ailing", frames.ailing(instance))

    def notify(self, instance: Instance, within_ms: int) -> None:
        """Have the page fetch a private fragment itself."""
        self.mailbox.put(instance.dom_id, frames.refresh(instance, within_ms))

    def take(self, settled: str) -> bytes:
        """Everything that waits, as bytes; `settled` is the cursor up to which all frames are in mailboxes."""
        waiting = self.mailbox.take()
        return frames.write(waiting, "" if self.owed else settled) if waiting else b""
