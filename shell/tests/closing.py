"""How the servers of tests end: with nothing of theirs left open."""

from __future__ import annotations

import asyncio
import socket
from asyncio.trsock import TransportSocket

import uvicorn

_STEPS = 3  # of the loop, until what was accepted is a connection of its protocol


async def take_no_more(*listeners: socket.socket | TransportSocket) -> None:
    """At these, before their server closes; to be called on its loop.

    asyncio makes a connection of an accepted socket one step later, and not if its server was closed in between: the
    socket then stays open, and nobody's, until the garbage collector meets it (`Server._attach`).
    """
    for listener in listeners:
        if (descriptor := listener.fileno()) >= 0:  # some have been closed before
            asyncio.get_running_loop().remove_reader(descriptor)
    for _ in range(_STEPS):
        await asyncio.sleep(0)


async def close(server: asyncio.Server) -> None:
    """What it has taken belongs to its protocols when this returns."""
    await take_no_more(*server.sockets)
    server.close()


async def hang_up(server: uvicorn.Server) -> None:
    """On all that a server that has ended does not wait for any more."""
    for connection in tuple(server.server_state.connections):
        connection.transport.abort()
    for _ in range(_STEPS):
        await asyncio.sleep(0)
