"""The socket of one stream, once its request has been answered and HTTP has nothing more to say."""

from __future__ import annotations

import asyncio
import socket
from typing import Protocol

# Above this a client that does not read makes the link say so; below it the kernel has taken nearly all.
_HIGH_WATER_BYTES = 16_384
_DEAD_AFTER_MS = 30_000  # without a word from the other side's kernel: longer than a page takes to come again


class Write(Protocol):
    def __call__(self, data: bytes, /) -> None: ...


class Attends(Protocol):
    """Whoever holds the other end of a link."""

    def paused(self) -> None:
        """The client does not take what it is sent."""

    def resumed(self) -> None: ...

    def lost(self) -> None:
        """Nothing can be sent any more."""


class StreamLink(asyncio.Protocol):
    """Takes the place of the HTTP protocol on a transport. What the client still says means nothing.

    `write` takes a part of the answer's body as it goes over the wire; it is the transport's own, for it is called for
    each delivery. `is_open` until the end has been said or seen, `is_paused` while the client does not take what was
    written.
    """

    __slots__ = ("_attends", "_transport", "is_open", "is_paused", "write")

    def __init__(self, transport: asyncio.Transport, *, paused: bool) -> None:
        self._transport = transport
        self._attends: Attends | None = None
        self.write: Write = transport.write
        self.is_open = not transport.is_closing()
        self.is_paused = paused
        transport.set_write_buffer_limits(high=_HIGH_WATER_BYTES)
        self._notice_dead_peers()

    def attended_by(self, attends: Attends) -> None:
        self._attends = attends

    @property
    def unsent_bytes(self) -> int:
        return self._transport.get_write_buffer_size()

    def close(self) -> None:
        """After what has been written."""
        self.is_open = False
        self._transport.close()

    def abort(self) -> None:
        self.is_open = False
        self._transport.abort()

    # What the transport says.

    def pause_writing(self) -> None:
        self.is_paused = True
        if self._attends is not None:
            self._attends.paused()

    def resume_writing(self) -> None:
        self.is_paused = False
        if self._attends is not None:
            self._attends.resumed()

    def connection_lost(self, exc: Exception | None) -> None:
        self.is_open = False
        attends, self._attends = self._attends, None
        if attends is not None:
            attends.lost()

    def _notice_dead_peers(self) -> None:
        """A peer behind a black hole says nothing; the kernel would keep trying for a quarter of an hour."""
        sock = self._transport.get_extra_info("socket")
        if sock is not None and hasattr(socket, "TCP_USER_TIMEOUT"):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _DEAD_AFTER_MS)
