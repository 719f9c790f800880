"""One request under way, and the promise of its answer."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from jogakbo_shell.upstream.answer_reader import AnswerReader, Bounds
from jogakbo_shell.upstream.errors import TimedOut, UpstreamError
from jogakbo_shell.upstream.port import IDEMPOTENT, Answer

if TYPE_CHECKING:
    from jogakbo_shell.upstream.connection import Connection


class Exchange:
    """`began` and `expires` are moments of the loop's clock.

    `connection` is None while it waits for one, and when it is done.
    """

    __slots__ = (
        "_bounds",
        "_method",
        "_repeated",
        "began",
        "connection",
        "deadline",
        "expires",
        "reader",
        "result",
        "sent",
    )

    def __init__(self, method: str, sent: bytes, bounds: Bounds, *, deadline: float) -> None:
        loop = asyncio.get_running_loop()
        self.sent = sent
        self.deadline = deadline
        self.began = loop.time()
        self.expires = self.began + deadline
        self.result: asyncio.Future[Answer] = loop.create_future()
        self.connection: Connection | None = None
        self.reader = AnswerReader(method, bounds)
        self._method = method
        self._bounds = bounds
        self._repeated = False

    def may_repeat(self) -> bool:
        """Once, if it does no harm twice and not a byte of an answer has come."""
        return not (self._repeated or self.reader.heard or self.result.done()) and self._method in IDEMPOTENT

    def repeat(self) -> None:
        self._repeated = True

    def succeed(self, answer: Answer) -> None:
        if not self.result.done():
            self.result.set_result(answer)

    def fail(self, error: UpstreamError) -> None:
        if not self.result.done():
            self.result.set_exception(error)

    def expire(self) -> None:
        heard = self.reader.heard
        seen = "the answer began but did not end" if heard else "no answer"
        self.fail(TimedOut(f"{seen} within {self.deadline * 1000:.0f} ms", heard=heard))
