"""Pages answered where the request is read: before the server has made a task, a scope and two queues for it.

Only plain requests for pages are taken: GET or HEAD in HTTP/1.1 to a page's own path, without a body, on a connection
that stays. Everything else, and whatever looks odd, goes the ASGI way, which knows all of HTTP.
"""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from typing import Protocol

import structlog
from starlette.responses import Response

from jogakbo_shell.composition.countdown import Countdown
from jogakbo_shell.tracing import Trace
from jogakbo_shell.web.access import CLIENT_GONE, AccessLog
from jogakbo_shell.web.header_block import HeaderBlock
from jogakbo_shell.web.kept_pages import PageRepeat
from jogakbo_shell.web.pages import Pages
from jogakbo_shell.web.security import secured
from jogakbo_shell.web.sink import Reader
from jogakbo_shell.web.visit import Reception, Visit

# With any of these there is more to a request than its head, another protocol behind it, or an edge that composes.
_NOT_PLAIN = frozenset({b"content-length", b"transfer-encoding", b"expect", b"upgrade", b"surrogate-capability"})
_PIECE_BYTES = 65_536
# A path that can be read in one way only; and no fragment, which is no part of what is asked for.
_PLAIN_URL = re.compile(rb"(/|(?:/[^/%#\\;?\x7f-\xff]+)+)(?:\?([^#]*))?")
_MAX_URL_BYTES = 8_192


class Carrier(Protocol):
    """The connection, as the desk sees it."""

    @property
    def paused(self) -> bool:
        """Whether the client does not take what was written before."""

    def write(self, data: bytes) -> None: ...

    def head(self, status: int) -> bytes:
        """The status line, and the headers that the server itself adds."""

    def finished(self) -> None:
        """The answer is whole; the connection waits for the next request."""

    def cut(self) -> None:
        """Drop the connection at once."""


class Stalling(Protocol):
    def stalled(self) -> None:
        """For so long there has been more to send than the client takes."""


class Desk:
    def __init__(self, pages: Pages, reception: Reception, access: AccessLog, *, stall_seconds: float) -> None:
        self.access = access
        self._pages = pages
        self._reception = reception
        self._not_plain = _NOT_PLAIN | ({b"x-forwarded-proto"} if reception.asks_scheme else frozenset())
        self._stalled = Countdown[Stalling](stall_seconds, lambda connection: connection.stalled())
        self._log = structlog.get_logger()

    def answer(
        self, method: bytes, url: bytes, fields: list[tuple[bytes, bytes]], scheme: str, carrier: Carrier
    ) -> DirectAnswer | None:
        """The answer, under way or done; None for what is not to be answered here."""
        if method not in (b"GET", b"HEAD"):
            return None
        names = {name for name, _ in fields}
        if len(names) != len(fields) or not names.isdisjoint(self._not_plain) or b"host" not in names:
            return None
        plain = _PLAIN_URL.fullmatch(url)
        if plain is None or len(url) > _MAX_URL_BYTES:
            return None
        path, query = plain[1].decode("ascii"), plain[2] or b""
        found = self._pages.find(path)
        if found is None:
            return None
        visit = self._reception.receive(
            scheme, {name.decode("latin-1"): value.decode("latin-1") for name, value in fields}, query
        )
        answer = DirectAnswer(self, carrier, visit, method.decode(), path)
        try:
            reader = self._pages.open(found, visit, path, answer, head_only=method == b"HEAD")
        except Exception:
            if answer.begun:
                raise
            self._log.exception("page_not_begun", path=path)
            return None
        answer.read_by(reader)
        return answer

    def again(self, request: bytes, carrier: Carrier) -> bool:
        """Whether it was a request that has been answered with a kept page before, byte for byte, and so is again."""
        repeat = self._pages.again(request)
        if repeat is None:
            return False
        started, trace = time.perf_counter(), Trace.begin()
        own = b"x-request-id: %b\r\n\r\n" % trace.request_id.encode()
        carrier.write(b"".join((carrier.head(200), repeat.head, own, repeat.body)))
        self.access.note("GET", repeat.path, 200, time.perf_counter() - started, trace)
        carrier.finished()
        return True

    def remember(self, request: bytes, answer: DirectAnswer) -> None:
        """These bytes, and nothing but these, were the request that got the answer."""
        if answer.repeat is not None and len(answer.repeat.body) <= _PIECE_BYTES:
            self._pages.kept.remember(request, answer.repeat)

    def watch(self, connection: Stalling) -> None:
        """Tell it when its client has taken its time."""
        self._stalled.put(connection)

    def unwatch(self, connection: Stalling) -> None:
        self._stalled.take(connection)

    def stop(self) -> None:
        self._stalled.stop()


class DirectAnswer:
    """A `Sink` that writes to the connection itself."""

    __slots__ = (
        "_carrier",
        "_desk",
        "_method",
        "_path",
        "_reader",
        "_rest",
        "_started",
        "_status",
        "_visit",
        "begun",
        "ended",
        "repeat",
    )

    def __init__(self, desk: Desk, carrier: Carrier, visit: Visit, method: str, path: str) -> None:
        self._desk = desk
        self._carrier = carrier
        self._visit = visit
        self._method = method
        self._path = path
        self._started = time.perf_counter()
        self._status = CLIENT_GONE
        self._reader: Reader | None = None
        self._rest: memoryview | None = None
        self.repeat: PageRepeat | None = None
        self.begun = False
        self.ended = False

    @property
    def open(self) -> bool:
        return not self._carrier.paused

    def read_by(self, reader: Reader | None) -> None:
        self._reader = None if self.ended else reader

    def whole(self, status: int, headers: Sequence[HeaderBlock], body: bytes) -> None:
        head = self._head(status, headers)
        if len(body) <= _PIECE_BYTES:
            self._carrier.write(b"".join([*head, b"\r\n", body]))
            self._end()
        else:
            self._carrier.write(b"".join([*head, b"\r\n"]))
            self._rest = memoryview(body)
            self._write_rest()

    def respond(self, response: Response) -> None:
        body = b"" if self._method == "HEAD" else bytes(response.body)
        headers = secured(list(response.raw_headers), secure=self._visit.secure)
        self.whole(response.status_code, [HeaderBlock.of(headers)], body)

    def start(self, status: int, headers: Sequence[HeaderBlock]) -> None:
        head = self._head(status, headers)
        if self._method != "HEAD":
            head.append(b"transfer-encoding: chunked\r\n")
        self._carrier.write(b"".join([*head, b"\r\n"]))

    def write(self, chunk: bytes) -> None:
        self._carrier.write(b"%x\r\n%b\r\n" % (len(chunk), chunk))

    def end(self) -> None:
        if self._method != "HEAD":
            self._carrier.write(b"0\r\n\r\n")
        self._end()

    def may_repeat(self, repeat: PageRepeat) -> None:
        self.repeat = repeat

    def abort(self) -> None:
        self._note()
        self._carrier.cut()

    # What the connection tells.

    def resume(self) -> None:
        if self._rest is not None:
            self._write_rest()
        elif self._reader is not None:
            self._reader.resume()

    def lost(self) -> None:
        if not self.ended:
            reader, self._status = self._reader, CLIENT_GONE
            self._note()
            if reader is not None:
                reader.gone()

    def _write_rest(self) -> None:
        """A large page in pieces: a kept one is shared by all its readers, and the server's buffers are not."""
        while self._rest is not None and not self._carrier.paused:
            self._carrier.write(bytes(self._rest[:_PIECE_BYTES]))
            self._rest = self._rest[_PIECE_BYTES:] or None
            if self._rest is None:
                self._end()

    def _head(self, status: int, headers: Sequence[HeaderBlock]) -> list[bytes]:
        self.begun = True
        self._status = status
        own = b"x-request-id: %b\r\n" % self._visit.trace.request_id.encode()
        return [self._carrier.head(status), *[block.encoded for block in headers], own]

    def _end(self) -> None:
        self._note()
        self._carrier.finished()

    def _note(self) -> None:
        self.ended, self._reader = True, None
        seconds = time.perf_counter() - self._started
        self._desk.access.note(self._method, self._path, self._status, seconds, self._visit.trace)
