"""Where a page is sent to: the port between composing and whatever carries the bytes."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Protocol

from starlette.responses import Response
from starlette.types import Message, Receive, Send

from jogakbo_shell.web.header_block import HeaderBlock
from jogakbo_shell.web.kept_pages import PageRepeat

_PIECE_BYTES = 65_536


class Reader(Protocol):
    """What the client does while a page is on its way to it."""

    def resume(self) -> None:
        """The sink takes more again."""

    def gone(self) -> None:
        """Nobody reads any more."""


class Sink(Protocol):
    """Either `whole` or `respond` once, or `start`, any number of `write`, `end`."""

    @property
    def open(self) -> bool:
        """Whether it takes more now; a slow client's page waits here, and not in a buffer of the server's."""

    def whole(self, status: int, headers: Sequence[HeaderBlock], body: bytes) -> None: ...

    def respond(self, response: Response) -> None:
        """A ready answer instead of the page."""

    def start(self, status: int, headers: Sequence[HeaderBlock]) -> None: ...

    def write(self, chunk: bytes) -> None: ...

    def end(self) -> None: ...

    def may_repeat(self, repeat: PageRepeat) -> None:
        """After `whole`: the same request would have got the same answer, whoever sends it."""

    def abort(self) -> None:
        """Something broke after the head had left: nobody may take what came for a whole page."""


class AsgiSink:
    """Any ASGI server's way."""

    def __init__(self, receive: Receive, send: Send) -> None:
        self._receive = receive
        self._send = send
        self._messages: list[Message] = []
        self._wake = asyncio.Event()
        self._ended = False
        self._aborted = False

    @property
    def open(self) -> bool:
        return not self._messages

    def whole(self, status: int, headers: Sequence[HeaderBlock], body: bytes) -> None:
        self.start(status, headers)
        for at in range(0, len(body), _PIECE_BYTES):
            self._put({"type": "http.response.body", "body": body[at : at + _PIECE_BYTES], "more_body": True})
        self._put({"type": "http.response.body"})
        self._ended = True

    def respond(self, response: Response) -> None:
        raw = [(name, value) for name, value in response.raw_headers]
        self._put({"type": "http.response.start", "status": response.status_code, "headers": raw})
        self._put({"type": "http.response.body", "body": bytes(response.body)})
        self._ended = True

    def start(self, status: int, headers: Sequence[HeaderBlock]) -> None:
        pairs = [pair for block in headers for pair in block.pairs]
        self._put({"type": "http.response.start", "status": status, "headers": pairs})

    def write(self, chunk: bytes) -> None:
        self._put({"type": "http.response.body", "body": chunk, "more_body": True})

    def end(self) -> None:
        self._put({"type": "http.response.body"})
        self._ended = True

    def may_repeat(self, repeat: PageRepeat) -> None:
        """Here each request is read anew."""

    def abort(self) -> None:
        self._aborted = True
        self._wake.set()

    async def carry(self, reader: Reader | None) -> None:
        """Send what is put in until the end; without a reader all is in already. Raises RuntimeError after `abort`."""
        if reader is None:
            for message in self._messages:
                await self._send(message)
            return
        leaving = asyncio.create_task(self._until_gone(reader))
        try:
            while not (self._ended and not self._messages):
                await self._wake.wait()
                self._wake.clear()
                if self._aborted:
                    raise RuntimeError("the page broke off")
                messages, pending = self._messages, True
                while pending:
                    messages, self._messages = self._messages, []
                    for message in messages:
                        await self._send(message)
                    pending = bool(self._messages)
                reader.resume()
        finally:
            leaving.cancel()
            reader.gone()

    async def _until_gone(self, reader: Reader) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._ended = True
        self._messages.clear()
        reader.gone()
        self._wake.set()

    def _put(self, message: Message) -> None:
        self._messages.append(message)
        self._wake.set()
