"""The browser's end of a connection, byte by byte."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

_BOUND_SECONDS = 15.0


@dataclass(frozen=True)
class Reply:
    """Headers in order of arrival, names in lower case; the body without its framing."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes = b""

    def header(self, name: str) -> str:
        return ", ".join(value for key, value in self.headers if key == name)

    @property
    def text(self) -> str:
        return self.body.decode()


class Wire:
    """Every read has a bound, and raises TimeoutError or IncompleteReadError when what should come does not."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def send(self, request: bytes) -> None:
        self._writer.write(request)
        await self._writer.drain()

    async def get(self, path: str, *, method: str = "GET", **headers: str) -> None:
        await self.send(request(path, method=method, **headers))

    async def head(self) -> Reply:
        """The status line and the headers."""
        lines = (await self._until(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        pairs = (line.partition(":") for line in lines[1:] if line)
        return Reply(int(lines[0].split(" ")[1]), tuple((name.lower(), value.strip()) for name, _, value in pairs))

    async def chunk(self) -> bytes:
        """The next chunk of a chunked body; empty at its end."""
        size = int(await self._until(b"\r\n"), 16)
        return (await self._exactly(size + 2))[:-2]

    async def until(self, text: bytes) -> bytes:
        """What a chunked body holds from here to the end of the chunk that `text` ends in."""
        came = b""
        while text not in came:
            more = await self.chunk()
            assert more, f"the body ended before {text!r}, after {came!r}"
            came += more
        return came

    async def rest(self) -> bytes:
        """What is left of a chunked body."""
        came = b""
        while more := await self.chunk():
            came += more
        return came

    async def reply(self, *, method: str = "GET") -> Reply:
        """A whole answer; what comes after it stays to be read."""
        head = await self.head()
        if method == "HEAD" or head.status in (204, 304):
            body = b""
        elif head.header("transfer-encoding") == "chunked":
            body = await self.rest()
        elif head.header("content-length"):
            body = await self._exactly(int(head.header("content-length")))
        else:
            body = await self.everything()
        return Reply(head.status, head.headers, body)

    async def everything(self) -> bytes:
        """All bytes until the other end closes."""
        async with asyncio.timeout(_BOUND_SECONDS):
            return await self._reader.read()

    async def ends(self) -> bool:
        """Whether the next that comes is the end of the connection."""
        try:
            async with asyncio.timeout(_BOUND_SECONDS):
                return not await self._reader.read(1)
        except ConnectionError:
            return True

    async def some(self, size: int) -> bytes:
        """What there is, up to `size` bytes."""
        async with asyncio.timeout(_BOUND_SECONDS):
            return await self._reader.read(size)

    async def left(self) -> int:
        """How many bytes still come until the connection ends, in whatever way."""
        came = 0
        with suppress(ConnectionError):
            while more := await self.some(65_536):
                came += len(more)
        return came

    @property
    def port(self) -> int:
        """By which the other end knows it."""
        port: int = self._writer.get_extra_info("sockname")[1]
        return port

    def stop_reading(self) -> None:
        """Leave what comes to the kernel."""
        self._writer.transport.pause_reading()  # type: ignore[attr-defined]

    def go_on_reading(self) -> None:
        self._writer.transport.resume_reading()  # type: ignore[attr-defined]

    def finish(self) -> None:
        """Say that nothing more will be sent (FIN)."""
        self._writer.write_eof()

    def reset(self) -> None:
        """Drop the connection as a crashed client does (RST)."""
        peer = self._writer.get_extra_info("socket")
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()

    def close(self) -> None:
        self._writer.transport.abort()

    async def _until(self, text: bytes) -> bytes:
        async with asyncio.timeout(_BOUND_SECONDS):
            return await self._reader.readuntil(text)

    async def _exactly(self, size: int) -> bytes:
        async with asyncio.timeout(_BOUND_SECONDS):
            return await self._reader.readexactly(size)


def request(path: str, *, method: str = "GET", **headers: str) -> bytes:
    """A plain request as a browser sends it; `if_none_match="…"` is a header."""
    named = {"host": "cafe.example", "accept": "text/html"} | {
        name.replace("_", "-"): value for name, value in headers.items()
    }
    lines = "".join(f"{name}: {value}\r\n" for name, value in named.items())
    return f"{method} {path} HTTP/1.1\r\n{lines}\r\n".encode("latin-1")


@asynccontextmanager
async def wire(origin: str, *, receive_bytes: int = 0) -> AsyncIterator[Wire]:
    """A connection to the portal; `receive_bytes` bounds what the kernel takes for a client that does not read."""
    address = urlsplit(origin)
    peer = socket.socket()
    if receive_bytes:
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
    peer.setblocking(False)
    try:
        await asyncio.get_running_loop().sock_connect(peer, (address.hostname, address.port))
        made = Wire(*await asyncio.open_connection(sock=peer))
    except BaseException:  # a test that ends meanwhile cancels it
        peer.close()
        raise
    try:
        yield made
    finally:
        made.close()
