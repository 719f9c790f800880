"""Streams that somebody opens and never reads: what is sent to them piles up."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlencode

from chaos.live.pages import OpenPage
from chaos.live.world import World

_RECEIVE_BYTES = 2_048


@asynccontextmanager
async def slow_readers(page: OpenPage, world: World, count: int) -> AsyncIterator[None]:
    """With the grant and the cookies of an open page, at each worker in turn, past the proxy."""
    grant = str(await page.page.evaluate("document.body.dataset.grant"))
    cookies = "; ".join(f"{one['name']}={one['value']}" for one in await page.page.context.cookies())
    request = f"GET /-/live?{urlencode({'grant': grant})} HTTP/1.1\r\nhost: 127.0.0.1\r\ncookie: {cookies}\r\n\r\n"
    lines: list[socket.socket] = []
    try:
        for number in range(count):
            line = socket.socket()
            lines.append(line)
            line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BYTES)
            line.setblocking(False)
            worker = world.workers[number % len(world.workers)]
            await asyncio.get_running_loop().sock_connect(line, ("127.0.0.1", worker.port))
            await asyncio.get_running_loop().sock_sendall(line, request.encode())
        yield
    finally:
        for line in lines:
            line.close()
