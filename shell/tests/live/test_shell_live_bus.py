"""The client of the bus, where it meets what redis-py leaves to others."""

from __future__ import annotations

from typing import Protocol

import pytest
from redis.asyncio import Redis
from redis.asyncio.connection import AbstractConnection
from redis.exceptions import ConnectionError as RedisConnectionError

from jogakbo_shell.live.bus import connect

pytestmark = pytest.mark.anyio


class Server(Protocol):
    url: str


@pytest.fixture(params=[False, True], ids=["asyncio", "uvloop"])
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, bool]]:
    return "asyncio", {"use_uvloop": request.param}


async def test_a_link_that_was_cut_is_the_bus_being_away_on_every_loop(valkey: Server) -> None:
    redis = connect(valkey.url)
    assert isinstance(redis, Redis)
    link = await redis.connection_pool.get_connection()  # type: ignore[no-untyped-call]
    assert link._writer is not None
    link._writer.transport.abort()
    with pytest.raises((RedisConnectionError, OSError)):
        await _ask(link)
    await redis.connection_pool.release(link)
    await redis.aclose()


async def _ask(link: AbstractConnection) -> None:
    await link.send_command("PING")
    await link.read_response()  # on asyncio only here does it show
