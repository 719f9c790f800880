"""One request under way, and whom to tell of its outcome."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Protocol

import structlog

from jogakbo_shell.upstream.errors import TimedOut, UpstreamError
from jogakbo_shell.upstream.port import IDEMPOTENT, Answer, Done

if TYPE_CHECKING:
    from jogakbo_shell.upstream.connection import Connection


class Place(Protocol):
    """Where an exchange has its connection, or waits for one."""

    def abandon(self, exchange: Exchange) -> None:
        """Nobody wants its answer any more."""


class Exchange:
    """A Call of the port. `began` and `expires` are moments of the loop's clock.

    `connection` is None while it waits for one, and when it is over.
    """

    __slots__ = ("_done", "_place", "began", "connection", "deadline", "expires", "method", "repeated", "sent")

    def __init__(self, method: str, sent: bytes, *, began: float, deadline: float, done: Done, place: Place) -> None:
        self.method = method
        self.sent = sent
        self.began = began
        self.deadline = deadline
        self.expires = began + deadline
        self.connection: Connection | None = None
        self._done: Done | None = done
        self._place = place
        self.repeated = False

    def may_repeat(self) -> bool:
        """Once, if it does no harm twice."""
        return not self.repeated and self.method in IDEMPOTENT

    def settle(self, outcome: Answer | UpstreamError) -> None:
        done, self._done = self._done, None
        if done is not None:
            tell(done, outcome)

    def cancel(self) -> None:
        if self._done is not None:
            self._done = None
            self._place.abandon(self)

    def expire(self) -> None:
        heard = self.connection is not None and self.connection.heard
        seen = "the answer began but did not end" if heard else "no answer"
        self._place.abandon(self)
        self.settle(TimedOut(f"{seen} within {self.deadline * 1000:.0f} ms", heard=heard))


class Refused:
    """A call that ended before it began; `done` still hears of it after its caller has it in hand."""

    def __init__(self, error: UpstreamError, done: Done) -> None:
        self._telling = asyncio.get_running_loop().call_soon(tell, done, error)

    def cancel(self) -> None:
        self._telling.cancel()


def tell(done: Done, outcome: Answer | UpstreamError) -> None:
    try:
        done(outcome)
    except Exception:
        # It runs inside the loop's own callback for a connection: others' exchanges must not suffer for it.
        structlog.get_logger().exception("upstream_done_failed")
