"""The answers of one connection, byte by byte: httptools finds the frames; bounds and refusals are here."""

from __future__ import annotations

from dataclasses import dataclass

import httptools

from jogakbo_shell.upstream.decoding import BodyReader
from jogakbo_shell.upstream.errors import Malformed, TooLarge, UpstreamError
from jogakbo_shell.upstream.fields import Fields, Line, fields_of, text_of
from jogakbo_shell.upstream.port import Answer

# Chunks of one byte take six bytes each; whoever spends more on framing is not sending a body.
_MAX_WIRE_BYTES_PER_BODY_BYTE = 8


@dataclass(frozen=True, slots=True)
class Bounds:
    max_header_bytes: int
    max_body_bytes: int


class AnswerReader:
    """One answer after another, each announced by `expect`.

    `answer` is set once it is whole; `reusable` says that its connection stands at the start of the next. The methods
    named `on_…` are called by httptools.
    """

    __slots__ = (
        "_body",
        "_fields",
        "_framed",
        "_is_head",
        "_lines",
        "_max_body_bytes",
        "_max_header_bytes",
        "_parser",
        "_received",
        "_status",
        "answer",
        "reusable",
    )

    def __init__(self, bounds: Bounds) -> None:
        self._max_header_bytes = bounds.max_header_bytes
        self._max_body_bytes = bounds.max_body_bytes
        self._parser: httptools.HttpResponseParser | None = None
        self.expect("GET")

    def expect(self, method: str) -> None:
        """Nothing of the answer before is left."""
        self.answer: Answer | None = None
        self.reusable = False
        self._is_head = method == "HEAD"
        self._received = 0
        self._status = 0
        self._lines: list[Line] = []
        self._fields: Fields = {}
        self._framed = False
        self._body: BodyReader | None = None
        if self._parser is None:
            self._parser = httptools.HttpResponseParser(self)

    def close(self) -> None:
        self._parser = None  # it holds this reader: left to themselves, the two would wait for the collector

    @property
    def heard(self) -> bool:
        return self._received > 0

    def feed(self, data: bytes) -> None:
        """Raises Malformed or TooLarge; the reader and its connection are of no more use then."""
        self._received += len(data)
        assert self._parser is not None  # noqa: S101 - narrows the type: a closed reader is fed no more
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as error:
            raise Malformed("the server changed to another protocol, unasked") from error
        except httptools.HttpParserError as error:
            self._give_way(error)
        if self.answer is None:
            self._check_overhead()
        elif self._is_head or b"content-length" not in self._fields:
            # Only behind a plain length is there nothing that a parser could keep: not the body that a HEAD speaks
            # of, not a trailer.
            self._parser = None

    def end(self, broken: Exception | None = None) -> None:
        """No more bytes will come, as the connection was closed or `broken`. Raises Malformed unless the body may
        end so."""
        if not self.heard:
            raise Malformed("the server closed the connection without an answer")
        if self._body is None or self._framed or broken is not None:
            raise Malformed("the answer is cut short")
        self._complete(self._body.body())

    def on_message_begin(self) -> None:
        if self.answer is not None:
            raise _surplus()

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._body is None:  # else a trailer: it comes too late to mean anything here
            self._lines.append((name, value))

    def on_headers_complete(self) -> None:
        assert self._parser is not None  # noqa: S101 - it is calling
        self._status = status = self._parser.get_status_code()
        if 100 <= status < 200:
            self._lines = []  # interim: the answer itself is still to come
            return
        if not 200 <= status <= 599:
            raise Malformed(f"{status} is no status")
        if self._received > self._max_header_bytes:  # else there is nothing to count
            self._check_headers()
        self._fields = fields = fields_of(self._lines)
        self._framed = b"content-length" in fields
        if b"transfer-encoding" in fields:
            self._check_coding(text_of(fields[b"transfer-encoding"]))
        self.reusable = self._parser.should_keep_alive()
        if self._is_head:
            self._complete(b"")
        else:
            encoding = text_of(fields[b"content-encoding"]) if b"content-encoding" in fields else ""
            self._body = BodyReader(encoding, self._max_body_bytes)

    def on_body(self, data: bytes) -> None:
        if self.answer is not None or self._body is None:
            raise _surplus()
        self._body.feed(data)

    def on_message_complete(self) -> None:
        if self._body is not None:
            self._complete(self._body.body())

    def _complete(self, body: bytes) -> None:
        self.answer = Answer.received(self._status, self._lines, self._fields, body)

    def _check_coding(self, coding: str) -> None:
        """Two framings that disagree are refused by httptools already."""
        assert self._parser is not None  # noqa: S101 - it is calling
        version = self._parser.get_http_version()
        if coding.lower() != "chunked" or version != "1.1":
            raise Malformed(f"transfer-encoding {coding[:40]!r} in HTTP/{version}, expected chunked in HTTP/1.1")
        self._framed = True

    def _give_way(self, error: httptools.HttpParserError) -> None:
        """What is wrong behind a whole answer does not spoil it, only its connection."""
        self.reusable = False
        if self.answer is not None:
            return
        cause = error.__context__
        if isinstance(cause, UpstreamError):
            raise cause from None
        raise Malformed(f"not HTTP: {error}") from error

    def _check_headers(self) -> None:
        if sum(len(name) + len(value) for name, value in self._lines) > self._max_header_bytes:
            raise self._too_long()

    def _check_overhead(self) -> None:
        # Headers that never end, 1xx without number, endless chunk extensions and trailers: none of them is body.
        body_bytes = 0 if self._body is None else self._body.received
        if self._received > self._max_header_bytes + _MAX_WIRE_BYTES_PER_BODY_BYTE * body_bytes:
            raise self._too_long()

    def _too_long(self) -> TooLarge:
        return TooLarge(f"the headers have more than {self._max_header_bytes} bytes")


def _surplus() -> Malformed:
    # A second answer, or the body of a HEAD: taken for the answer to the next request, it would be shown to somebody
    # else.
    return Malformed("more came than was asked for")
