"""Servers below HTTP: each connection is theirs, byte by byte."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager

from shell.tests.closing import close

Visit = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Coroutine[None, None, None]]


@asynccontextmanager
async def listening(visit: Visit) -> AsyncIterator[str]:
    """A server that gives each connection to `visit`; its address."""
    visits: list[tuple[asyncio.Task[None], asyncio.StreamWriter]] = []

    def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        visits.append((asyncio.ensure_future(visit(reader, writer)), writer))

    async with await asyncio.start_server(take, "127.0.0.1", 0) as server:
        try:
            yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        finally:
            await close(server)
            for task, writer in visits:
                task.cancel()
                writer.transport.abort()
            await asyncio.gather(*(task for task, _ in visits), return_exceptions=True)


def reset(writer: asyncio.StreamWriter) -> None:
    """End the connection as a server does that dies, or that leaves what it was sent unread."""
    peer = writer.transport.get_extra_info("socket")
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


class ClosesAfter:
    """Answers so many requests of a connection and closes it at the next, unread; counts connections and those."""

    def __init__(self, answers: int = 1) -> None:
        self.answers = answers
        self.connections = 0
        self.unanswered = 0

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        for _ in range(self.answers):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nx")
        if await reader.read(1):
            self.unanswered += 1
        writer.transport.abort()
