"""The servers of tests forget no connection: a forgotten one stays open, and is blamed on a later test."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress

import pytest
import uvicorn
from starlette.applications import Starlette

from shell.tests.closing import hang_up, take_no_more
from shell.tests.harness import FakeFragmentServer
from shell.tests.listening import listening

pytestmark = pytest.mark.anyio
_SECONDS = 5  # until a closed connection must be seen as one


@asynccontextmanager
async def fragment_server() -> AsyncIterator[int]:
    async with FakeFragmentServer() as server:
        yield server.port


@asynccontextmanager
async def bare_server() -> AsyncIterator[int]:
    async def visit(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async with listening(visit) as address:
        yield int(address.rpartition(":")[2])


@asynccontextmanager
async def asgi_server() -> AsyncIterator[int]:
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(Starlette(), log_config=None, lifespan="off"))
    serving = asyncio.create_task(server.serve([listener]))
    while not server.started:  # noqa: ASYNC110  # uvicorn tells nobody
        await asyncio.sleep(0)
    yield listener.getsockname()[1]
    await take_no_more(listener)
    server.should_exit = True
    await serving
    await hang_up(server)


@pytest.mark.parametrize("steps", range(8))
@pytest.mark.parametrize("server", [fragment_server, bare_server, asgi_server])
async def test_who_calls_while_a_server_closes_is_hung_up_on(
    server: Callable[[], AbstractAsyncContextManager[int]], steps: int
) -> None:
    async with server() as port:
        caller = socket.create_connection(("127.0.0.1", port))
        for _ in range(steps):
            await asyncio.sleep(0)
    with caller:
        caller.setblocking(False)
        async with asyncio.timeout(_SECONDS):
            with suppress(ConnectionResetError):
                assert await asyncio.get_running_loop().sock_recv(caller, 1) == b""
