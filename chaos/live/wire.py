"""A TCP proxy with weather: what happens on the way between two who mean well."""

from __future__ import annotations

import asyncio
import socket
import struct
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

from shell.tests.closing import close

Direction = Literal["up", "down"]
"""Up is from the client to the server."""

_BUFFER_BYTES = 65_536
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)
_CONNECT_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Weather:
    """`hole` swallows one direction: whatever enters it comes out when the weather changes, as TCP's repeats would.
    Pieces of `piece_bytes` leave `pause` seconds apart. Who asks is given `answer`, if there is one.
    """

    refused: bool = False
    hole: Direction | None = None
    piece_bytes: int = _BUFFER_BYTES
    pause: float = 0.0
    answer: bytes = b""


FAIR = Weather()


class Line:
    """A connection through the proxy: both of its ends."""

    def __init__(self, near: asyncio.StreamWriter) -> None:
        self.near = near
        self.far: asyncio.StreamWriter | None = None

    def close(self) -> None:
        for end in (self.near, self.far):
            if end is not None:
                end.close()

    def reset(self) -> None:
        for end in (self.near, self.far):
            if end is None or end.transport.is_closing():
                continue
            with suppress(OSError):
                end.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
            end.transport.abort()


class Wire:
    """`port` stays the same while nobody listens on it."""

    def __init__(self, port: int, target: int = 0) -> None:
        self.port = port
        self._target = target
        self._weather = FAIR
        self._changed = asyncio.Event()
        self._server: asyncio.Server | None = None
        self._lines: set[Line] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port, limit=_BUFFER_BYTES)

    async def set(self, weather: Weather) -> None:
        """From now on. Refusing, and answering in the server's place, begin and end with cut lines."""
        before, self._weather = self._weather, weather
        if weather.refused and self._server is not None:
            server, self._server = self._server, None
            await close(server)
        elif not weather.refused and self._server is None:
            await self.start()
        if weather.refused or weather.answer or before.answer:
            self.hang_up()
        self._changed.set()
        self._changed = asyncio.Event()

    def hang_up(self) -> None:
        for line in tuple(self._lines):
            line.close()

    def reset(self) -> None:
        """RST to both ends of every line."""
        for line in tuple(self._lines):
            line.reset()

    async def stop(self) -> None:
        if self._server is not None:
            await close(self._server)
        self.reset()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _choose(self) -> int:
        """The port to lead to; 0 if there is none."""
        return self._target

    def _nobody(self) -> bytes:
        """What is said when there is nobody to lead to."""
        return b""

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line = Line(writer)
        self._lines.add(line)
        try:
            if self._weather.answer:
                await _answer(reader, writer, self._weather.answer)
                return
            await self._through(reader, line)
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, TimeoutError):
            pass
        finally:
            self._lines.discard(line)
            line.close()

    async def _through(self, reader: asyncio.StreamReader, line: Line) -> None:
        target = await self._choose()
        if not target:
            await _answer(reader, line.near, self._nobody())
            return
        async with asyncio.timeout(_CONNECT_SECONDS):
            far_reader, line.far = await asyncio.open_connection("127.0.0.1", target, limit=_BUFFER_BYTES)
        async with asyncio.TaskGroup() as pumps:
            pumps.create_task(self._pump(reader, line.far, "up", line))
            pumps.create_task(self._pump(far_reader, line.near, "down", line))

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, direction: Direction, line: Line
    ) -> None:
        with suppress(OSError):
            while data := await reader.read(_BUFFER_BYTES):
                await self._send(data, writer, direction)
        await self._clear(direction)
        line.close()

    async def _send(self, data: bytes, writer: asyncio.StreamWriter, direction: Direction) -> None:
        while data:
            await self._clear(direction)
            weather = self._weather
            if weather.pause:
                await self._pause(weather.pause)
            piece, data = data[: weather.piece_bytes], data[weather.piece_bytes :]
            writer.write(piece)
            await writer.drain()

    async def _clear(self, direction: Direction) -> None:
        while self._weather.hole == direction:
            await self._changed.wait()

    async def _pause(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._changed.wait()


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, answer: bytes) -> None:
    if answer:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()
