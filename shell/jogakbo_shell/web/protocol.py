"""uvicorn's HTTP protocol, with a desk in front of it that answers plain requests for pages."""

from __future__ import annotations

from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from jogakbo_shell.live.link import StreamLink
from jogakbo_shell.live.protocol import LiveProtocol
from jogakbo_shell.web.desk import Desk, DirectAnswer


class _Unheard:
    def set(self) -> None:
        """The request's end, or the connection's: neither means anything here."""


class _Turn:
    """One request that the desk answers: a `Carrier`, and what uvicorn wants to know of a request under way."""

    # uvicorn's side.
    disconnected = False
    more_body = False
    message_event = _Unheard()

    def __init__(self, protocol: PortalProtocol) -> None:
        self.body = bytearray()
        self.keep_alive = True
        self.response_complete = False
        self._protocol = protocol

    # The desk's side.

    @property
    def paused(self) -> bool:
        return self._protocol.flow.write_paused

    def write(self, data: bytes) -> None:
        self._protocol.transport.write(data)

    def head(self, status: int) -> bytes:
        return STATUS_LINE[status] + self._protocol.server_lines()

    def finished(self) -> None:
        self.response_complete = True
        if not self.keep_alive:  # the server is going down
            self._protocol.transport.close()
        self._protocol.on_response_complete()

    def cut(self) -> None:
        self._protocol.transport.abort()


class PortalProtocol(LiveProtocol):
    def __init__(self, *args: Any, desk: Desk, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._desk = desk
        self._answer: DirectAnswer | None = None
        self._repeating = _Turn(self)
        # Whether the parser stands at the start of a request, and how many began in the bytes it was just given.
        self._between = True
        self._begun = 0
        self._unsent = 0
        self._default_headers: list[tuple[bytes, bytes]] | None = None
        self._default_lines = b""

    def server_lines(self) -> bytes:
        """`date`, which the server renews every second."""
        headers = self.server_state.default_headers
        if headers is not self._default_headers:
            self._default_headers = headers
            self._default_lines = b"".join([b"%b: %b\r\n" % pair for pair in headers])
        return self._default_lines

    def data_received(self, data: bytes) -> None:
        if self._between and self._is_idle() and self._desk.again(data, self._repeating):
            return  # a request that has come before, byte for byte, need not even be parsed
        began, before = self._between, self._answer
        self._begun = 0
        super().data_received(data)
        if began and self._between and self._begun == 1 and self._answer is not None and self._answer is not before:
            self._desk.remember(data, self._answer)

    def on_message_begin(self) -> None:
        self._between = False
        self._begun += 1
        self.url = b""
        self.headers = []

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._between = True

    def on_headers_complete(self) -> None:
        self._unset_keepalive_if_required()  # set by the answer to an earlier request in the same read
        if not (self._may_answer() and self._answers()):
            url, headers = self.url, self.headers
            super().on_message_begin()
            self.url = url
            for name, value in headers:
                super().on_header(name, value)
            super().on_headers_complete()

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name.lower(), value))

    def connection_lost(self, exc: Exception | None) -> None:
        self._desk.unwatch(self)
        if self._answer is not None:
            self._answer.lost()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._unsent = self.transport.get_write_buffer_size()
        self._desk.watch(self)

    def resume_writing(self) -> None:
        super().resume_writing()
        self._desk.unwatch(self)
        if self._answer is not None:
            self._answer.resume()

    def _let_go(self) -> None:
        super()._let_go()
        self._repeating = self._answer = None  # type: ignore[assignment]

    def _detach(self) -> StreamLink:
        self._desk.unwatch(self)
        return super()._detach()

    def stalled(self) -> None:
        unsent = self.transport.get_write_buffer_size()
        if unsent < self._unsent:  # it takes what it is sent, if slowly
            self._unsent = unsent
            self._desk.watch(self)
        else:
            self.transport.abort()

    def _is_idle(self) -> bool:
        """Nothing is under way, and the client has taken what was answered before."""
        return not self.flow.write_paused and (self.cycle is None or self.cycle.response_complete)

    def _may_answer(self) -> bool:
        return self._is_idle() and self.parser.get_http_version() == "1.1" and self.parser.should_keep_alive()

    def _answers(self) -> bool:
        before, turn = self.cycle, _Turn(self)
        self.cycle = turn  # type: ignore[assignment]
        self._answer = self._desk.answer(self.parser.get_method(), self.url, self.headers, self.scheme or "http", turn)
        if self._answer is None:
            self.cycle = before
        return self._answer is not None
