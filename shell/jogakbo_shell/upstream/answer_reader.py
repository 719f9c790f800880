"""One answer, byte by byte: httptools finds the frames; bounds and refusals are here."""

from __future__ import annotations

from dataclasses import dataclass

import httptools

from jogakbo_shell.upstream.decoding import BodyReader
from jogakbo_shell.upstream.errors import Malformed, TooLarge, UpstreamError
from jogakbo_shell.upstream.port import Answer

# Chunks of one byte take six bytes each; whoever spends more on framing is not sending a body.
_MAX_WIRE_BYTES_PER_BODY_BYTE = 8


@dataclass(frozen=True, slots=True)
class Bounds:
    max_header_bytes: int
    max_body_bytes: int


class AnswerReader:
    """`answer` is set once it is whole; `reusable` says that its connection stands at the start of the next.

    The methods named `on_…` are called by httptools.
    """

    __slots__ = (
        "_body",
        "_body_bytes",
        "_bounds",
        "_framed",
        "_header_bytes",
        "_headers",
        "_is_head",
        "_parser",
        "_received",
        "_status",
        "answer",
        "reusable",
    )

    def __init__(self, method: str, bounds: Bounds) -> None:
        self.answer: Answer | None = None
        self.reusable = False
        self._is_head = method == "HEAD"
        self._bounds = bounds
        self._headers: list[tuple[str, str]] = []
        self._header_bytes = 0
        self._body_bytes = 0
        self._received = 0
        self._status = 0
        self._framed = False
        self._body: BodyReader | None = None
        self._parser: httptools.HttpResponseParser | None = httptools.HttpResponseParser(self)

    @property
    def heard(self) -> bool:
        return self._received > 0

    def feed(self, data: bytes) -> None:
        """Raises Malformed or TooLarge; the reader and its connection are of no more use then."""
        self._received += len(data)
        assert self._parser is not None  # noqa: S101 - narrows the type: a whole answer is fed no more
        try:
            self._parser.feed_data(data)
            self._check_overhead()
        except httptools.HttpParserUpgrade as error:
            raise Malformed("the server changed to another protocol, unasked") from error
        except httptools.HttpParserError as error:
            self._give_way(error)
        finally:
            if self.answer is not None:
                self._parser = None  # it holds this reader: left to itself, the two would wait for the collector

    def end(self, broken: Exception | None = None) -> None:
        """No more bytes will come, as the connection was closed or `broken`. Raises Malformed unless the body may
        end so."""
        if not self.heard:
            raise Malformed("the server closed the connection without an answer")
        if self._body is None or self._framed or broken is not None:
            raise Malformed("the answer is cut short")
        self._complete(self._body.body())
        self._parser = None

    def on_message_begin(self) -> None:
        self._refuse_surplus()

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._body is not None:
            return  # a trailer: it comes too late to mean anything here
        self._header_bytes += len(name) + len(value)
        if self._header_bytes > self._bounds.max_header_bytes:
            raise self._too_long()
        self._headers.append((name.decode("latin-1").lower(), value.decode("latin-1").strip(" \t")))

    def on_headers_complete(self) -> None:
        assert self._parser is not None  # noqa: S101 - it is calling
        self._status = status = self._parser.get_status_code()
        if 100 <= status < 200:
            self._headers.clear()  # interim: the answer itself is still to come
            return
        if not 200 <= status <= 599:
            raise Malformed(f"{status} is no status")
        head = Answer(status, tuple(self._headers), b"")
        self._framed = _is_framed(head, self._parser.get_http_version())
        self.reusable = self._parser.should_keep_alive()
        if self._is_head:
            self._complete(b"")
        else:
            encoding = head.header("content-encoding").lower()
            self._body = BodyReader(encoding, self._bounds.max_body_bytes)

    def on_body(self, data: bytes) -> None:
        self._refuse_surplus()
        self._body_bytes += len(data)
        assert self._body is not None  # noqa: S101 - headers come before
        self._body.feed(data)

    def on_message_complete(self) -> None:
        if self._body is not None:
            self._complete(self._body.body())

    def _complete(self, body: bytes) -> None:
        self.answer = Answer(self._status, tuple(self._headers), body)

    def _refuse_surplus(self) -> None:
        # A second answer, or the body of a HEAD: taken for the answer to the next request, it would be shown to
        # somebody else.
        if self.answer is not None:
            raise Malformed("more came than was asked for")

    def _give_way(self, error: httptools.HttpParserError) -> None:
        """What is wrong behind a whole answer does not spoil it, only its connection."""
        self.reusable = False
        if self.answer is not None:
            return
        cause = error.__context__
        if isinstance(cause, UpstreamError):
            raise cause from None
        raise Malformed(f"not HTTP: {error}") from error

    def _check_overhead(self) -> None:
        # Headers that never end, 1xx without number, endless chunk extensions and trailers: none of them is body.
        allowed = self._bounds.max_header_bytes + _MAX_WIRE_BYTES_PER_BODY_BYTE * self._body_bytes
        if self._received > allowed and self.answer is None:
            raise self._too_long()

    def _too_long(self) -> TooLarge:
        return TooLarge(f"the headers have more than {self._bounds.max_header_bytes} bytes")


def _is_framed(head: Answer, version: str) -> bool:
    """Whether the body says its own end; two that disagree are refused by httptools already."""
    coding = head.header("transfer-encoding")
    if coding and (coding.lower() != "chunked" or version != "1.1"):
        raise Malformed(f"transfer-encoding {coding[:40]!r} in HTTP/{version}, expected chunked in HTTP/1.1")
    return bool(coding) or any(name == "content-length" for name, _ in head.headers)
