"""The end of a session as an event in the shell's own stream: every worker hears of it within a moment."""

from __future__ import annotations

from typing import Protocol
from uuid import uuid4

import msgspec

from jogakbo.contract.cloudevent import CloudEvent, utc_now
from jogakbo_shell.identity.session import is_subject
from jogakbo_shell.live.purges import STREAM

REVOKED = "shell.SessionRevoked"

_NO_DATA = msgspec.Raw(b"{}")  # whose session it is, is the event's subject


class Appends(Protocol):
    """`purges.PurgeStream`."""

    async def append(self, event: CloudEvent) -> None:
        """Raises NotTold."""


class Ends(Protocol):
    """`identity.revoked.RevokedSessions`."""

    def revoke(self, subject: str, at: float) -> bool: ...


class Revocations:
    """Tells the other workers, and hears what they tell.

    The stream holds the last thousand events of the shell's own, purges among them: a worker that was away while more
    came, and whose file of revoked sessions is not shared with one that was there, does not learn of the oldest.
    """

    def __init__(self, sessions: Ends, stream: Appends | None) -> None:
        self._sessions = sessions
        self._stream = stream

    async def tell(self, subject: str) -> None:
        """Raises NotTold. A portal without a bus has one worker, and nobody to tell."""
        if self._stream is not None:
            event = CloudEvent(
                id=uuid4().hex,
                source=STREAM,
                type=REVOKED,
                time=utc_now(),
                subject=subject,
                data=_NO_DATA,
            )
            await self._stream.append(event)

    def heard(self, event: CloudEvent) -> None:
        """A `reader.Follower`."""
        if event.type == REVOKED and is_subject(event.subject):
            self._sessions.revoke(event.subject, event.time.timestamp())
