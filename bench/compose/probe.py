"""One page as it arrives, byte by byte: a socket and a watch."""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from bench.compose.load import Target

_BUFFER_BYTES = 65_536
_PATIENCE_SECONDS = 15.0
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding: *chunked", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Arrival:
    """Milliseconds from the sending of the request; `marks_ms` has None for what never came."""

    status: int
    first_ms: float
    marks_ms: tuple[float | None, ...]
    last_ms: float


def probe(target: Target, marks: Sequence[str] = ()) -> Arrival:
    """Ask once, on a connection that is open already. Each mark is timed when its last byte is there."""
    address = urlsplit(target.url)
    fields = "".join(f"{name}: {value}\r\n" for name, value in target.headers.items())
    request = f"GET {address.path} HTTP/1.1\r\nHost: {address.netloc}\r\n{fields}\r\n"
    with socket.create_connection((address.hostname, address.port), _PATIENCE_SECONDS) as line:
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sent_at = time.perf_counter()
        line.sendall(request.encode())
        return _watch(line, sent_at, [mark.encode() for mark in marks])


def _watch(line: socket.socket, sent_at: float, marks: Sequence[bytes]) -> Arrival:
    answer = _Answer()
    times: list[float] = []
    seen: list[float | None] = [None] * len(marks)
    while not answer.complete:
        received = line.recv(_BUFFER_BYTES)
        times.append((time.perf_counter() - sent_at) * 1000)
        if not received:
            break
        answer.feed(received)
        for at, mark in enumerate(marks):
            if seen[at] is None and mark in answer.body:
                seen[at] = times[-1]
    return Arrival(answer.status, times[0], tuple(seen), times[-1])


class _Answer:
    """Takes HTTP's framing off as the bytes come."""

    def __init__(self) -> None:
        self._raw = bytearray()
        self._head = b""
        self._length: int | None = None
        self._chunked = False
        self._left = 0  # of the chunk under way, with the line break after it
        self.body = bytearray()
        self.complete = False

    @property
    def status(self) -> int:
        return int(self._head.split(b" ", 2)[1]) if self._head else 0

    def feed(self, received: bytes) -> None:
        self._raw += received
        if not self._head and not self._read_head():
            return
        if self._chunked:
            self._read_chunks()
        else:
            self.body += self._raw
            self._raw.clear()
            self.complete = self._length is not None and len(self.body) >= self._length

    def _read_head(self) -> bool:
        end = self._raw.find(b"\r\n\r\n")
        if end < 0:
            return False
        self._head = bytes(self._raw[:end])
        del self._raw[: end + 4]
        length = _LENGTH.search(self._head)
        self._length = int(length[1]) if length else None
        self._chunked = bool(_CHUNKED.search(self._head))
        return True

    def _read_chunks(self) -> None:
        """What is there of a chunk counts, as it does for a browser."""
        while self._raw and not self.complete:
            if self._left == 0 and not self._begin_chunk():
                return
            there = min(len(self._raw), self._left)
            self.body += self._raw[: min(there, max(self._left - 2, 0))]
            del self._raw[:there]
            self._left -= there

    def _begin_chunk(self) -> bool:
        end = self._raw.find(b"\r\n")
        if end < 0:
            return False
        size = int(self._raw[:end].split(b";")[0], 16)
        del self._raw[: end + 2]
        self._left = size + 2
        self.complete = size == 0
        return size > 0
