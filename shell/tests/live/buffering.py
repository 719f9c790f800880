"""A proxy that keeps every answer without a length until it is complete: an event stream for ever."""

from __future__ import annotations

import asyncio
import threading
from contextlib import suppress
from urllib.parse import urlsplit

from shell.tests.listening import listening

_END = b"\r\n\r\n"


class BufferingProxy:
    """Lets everything pass while not `buffers`; `kept` answers it did not. A connection serves one request."""

    def __init__(self, upstream: str) -> None:
        address = urlsplit(upstream)
        self._upstream = (address.hostname, address.port)
        self.buffers = True
        self.kept = 0
        self.url = ""
        self._over = asyncio.Event()
        self._loop = asyncio.new_event_loop()
        started = threading.Event()
        self._thread = threading.Thread(target=self._run, args=[started], daemon=True)
        self._thread.start()
        started.wait(5)

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join(5)

    def _run(self, started: threading.Event) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._serve(started))

    async def _serve(self, started: threading.Event) -> None:
        async with listening(self._visit) as self.url:
            started.set()
            await self._over.wait()

    async def _visit(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        from_upstream, upstream = await asyncio.open_connection(*self._upstream)
        try:
            head = await reader.readuntil(_END)
            upstream.write(head.replace(_END, b"\r\nConnection: close" + _END))
            sending = asyncio.ensure_future(_pass(reader, upstream))
            answered = await from_upstream.readuntil(_END)
            if b"content-length:" in answered.lower() or not self.buffers:
                writer.write(answered.replace(_END, b"\r\nConnection: close" + _END))
                await _pass(from_upstream, writer)
            else:
                self.kept += 1
                await sending  # the browser goes; nothing has been sent to it
            sending.cancel()
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            upstream.close()
            writer.close()


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
