"""One page on its way to one client."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import structlog
from starlette.responses import Response

from jogakbo_shell.composition.composition import Composition
from jogakbo_shell.composition.flow import Flow, Late
from jogakbo_shell.composition.patience import Patience
from jogakbo_shell.composition.segments import Part
from jogakbo_shell.composition.slots import Renders
from jogakbo_shell.web.encoding import Encoding, Packer, packer
from jogakbo_shell.web.header_block import HeaderBlock
from jogakbo_shell.web.sink import Sink


@dataclass(slots=True)
class Opening:
    """How a page begins: `headers` without framing; `parts` are what follows, `body` is that where all is there."""

    status: int
    headers: list[HeaderBlock]
    parts: Sequence[Part]
    body: bytes | None = None


class Host(Protocol):
    """What decides about a page once its primary fragments are there."""

    def opening(self, view: PageView) -> Opening | Response:
        """The page's head; or a whole answer in place of the page, such as a redirect."""

    def whole(self, view: PageView, opening: Opening, body: bytes) -> None:
        """Send a page that was complete before its head left."""

    def ended(self, view: PageView) -> None:
        """All has been sent, or the client has gone."""

    def broke(self, view: PageView) -> Response:
        """The words for a page that could not be made, by a fault of the shell."""


@dataclass(slots=True)
class Surroundings:
    """What all views share."""

    renders: Renders
    patience: Patience
    late: Late


class Step(Protocol):
    def __call__(self) -> None: ...


class PageView:
    """Waits for the primary fragments and for a moment more, then sends: in one piece where that is all, else as it
    comes. All of it in calls; nothing is waited for.

    `head_only` is for HEAD.
    """

    __slots__ = (
        "_around",
        "_done",
        "_flow",
        "_flushing",
        "_held",
        "_host",
        "_overdue",
        "_packer",
        "composition",
        "encoding",
        "head_only",
        "sink",
    )

    def __init__(self, host: Host, around: Surroundings, sink: Sink, *, encoding: Encoding, head_only: bool) -> None:
        self.sink = sink
        self.encoding = encoding
        self.head_only = head_only
        self.composition: Composition
        self._host = host
        self._around = around
        self._flow: Flow | None = None
        self._flushing = False
        self._packer: Packer | None = None
        self._held = False
        self._overdue = False
        self._done = False

    def begin(self, composition: Composition) -> None:
        self.composition = composition
        if not composition.complete:
            composition.watch(self)
            self._around.patience.begin(self)
        self.advance()

    def advance(self) -> None:
        """Something has changed: send whatever may leave now."""
        if self._flow is None:
            self._try(self._open)
        elif not self._flushing:
            # What comes in one turn of the loop leaves in one write.
            self._flushing = True
            asyncio.get_running_loop().call_soon(self._flush)

    def _flush(self) -> None:
        self._flushing = False
        if self._flow is not None:
            self._try(partial(self._send, self._flow))

    def _try(self, step: Step) -> None:
        if self._done:
            return
        try:
            step()
        except Exception:
            structlog.get_logger().exception("page_broke")
            self._break()

    def held(self) -> None:
        self._held = self.composition.eager = True
        self.advance()

    def overdue(self) -> None:
        self._overdue = True
        if self._flow is not None:
            self._flow.overdue = True
        self.composition.hurry(self._around.patience.budget)
        self.advance()

    def expired(self) -> None:
        self.composition.give_up(self._around.patience.deadline)
        self.advance()

    def resume(self) -> None:
        self.advance()

    def gone(self) -> None:
        self._end()

    def _open(self) -> None:
        composition = self.composition
        if composition.waiting_primaries or not (composition.complete or self._held):
            return
        opening = self._host.opening(self)
        if isinstance(opening, Response):
            self._end()
            self.sink.respond(opening)
            return
        if opening.body is not None:
            self._end()
            self._host.whole(self, opening, opening.body)
            return
        self._flow = flow = Flow(opening.parts, composition, self._around.late)
        flow.overdue = self._overdue
        headers = opening.headers
        if self.encoding:
            headers.append(HeaderBlock.of([(b"content-encoding", self.encoding.encode())]))
        self.sink.start(opening.status, headers)
        if self.head_only:
            self._end()
            self.sink.end()
            return
        self._packer = packer(self.encoding)
        self._send(flow)

    def _send(self, flow: Flow) -> None:
        if not self.sink.open or self._packer is None:
            return
        chunk = flow.take()
        packed = self._packer.pack(chunk) if chunk else b""
        if flow.ended:
            packed += self._packer.finish()
            self._end()
        if packed:
            self.sink.write(packed)
        if self._done:
            self.sink.end()

    def _break(self) -> None:
        begun = self._flow is not None
        self._end()
        if begun:
            self.sink.abort()
        else:
            self.sink.respond(self._host.broke(self))

    def _end(self) -> None:
        if not self._done:
            self._done = True
            self._around.patience.end(self)
            self.composition.leave(self)
            self._host.ended(self)
