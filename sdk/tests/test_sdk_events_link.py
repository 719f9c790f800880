"""A link to Redis that is cut under a command."""

from __future__ import annotations

import asyncio
from typing import Protocol

import pytest
from redis.asyncio import Redis, RedisCluster
from redis.asyncio.connection import Connection
from redis.exceptions import ConnectionError as RedisConnectionError

from jogakbo.events.bus import connect_bus

pytestmark = pytest.mark.anyio


class Server(Protocol):
    url: str


@pytest.fixture(params=[False, True], ids=["asyncio", "uvloop"])
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, bool]]:
    return "asyncio", {"use_uvloop": request.param}


async def test_a_link_that_was_cut_is_a_connection_error_on_every_loop(valkey: Server) -> None:
    redis = connect_bus(valkey.url)
    assert isinstance(redis, Redis)
    link = await redis.connection_pool.get_connection()  # type: ignore[no-untyped-call]
    assert link._writer is not None
    link._writer.transport.abort()
    with pytest.raises((RedisConnectionError, OSError)):
        await _ask(link)
    await redis.connection_pool.release(link)
    await redis.aclose()


async def test_a_link_that_another_task_closes_under_a_command_is_a_connection_error(valkey: Server) -> None:
    redis = connect_bus(valkey.url)
    assert isinstance(redis, Redis)
    link: Connection = await redis.connection_pool.get_connection()  # type: ignore[no-untyped-call]
    await _is_closed_under_a_command(link)
    await redis.aclose()


@pytest.mark.parametrize("found", [False, True], ids=["named", "found"])
async def test_a_link_to_a_node_that_another_task_closes_is_a_connection_error(cluster: Server, found: bool) -> None:
    redis = connect_bus(cluster.url)
    assert isinstance(redis, RedisCluster)
    await redis.initialize()
    node = redis.get_primaries()[0] if found else redis.startup_nodes[0]
    link = node.acquire_connection()
    await link.connect()  # type: ignore[no-untyped-call]
    await _is_closed_under_a_command(link)
    node.release(link)
    await node.disconnect()
    await redis.aclose()


async def _is_closed_under_a_command(link: Connection) -> None:
    async def close() -> None:
        await link.disconnect(nowait=True)

    async with asyncio.TaskGroup() as group:
        group.create_task(close())
        with pytest.raises(RedisConnectionError):
            await link.send_command("PING")


async def _ask(link: Connection) -> None:
    await link.send_command("PING")
    await link.read_response()  # on asyncio only here does it show
