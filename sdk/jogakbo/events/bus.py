"""The way to Redis or Valkey: one client with limits, and the few questions that are asked of a stream."""

from __future__ import annotations

import asyncio
from typing import TypeAlias, TypedDict, cast
from urllib.parse import urlsplit

from redis.asyncio import Redis, RedisCluster
from redis.asyncio.cluster import ClusterNode
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisClusterException, RedisError

from jogakbo.contract.bus import cluster_nodes
from jogakbo.contract.streams import EVENT_FIELD, START, Position
from jogakbo.events.link import mend_links

TIMEOUT_SECONDS = 2.0
"""A command that takes longer has met a dead or paused server; the caller backs off and comes again."""

_HEALTH_CHECK_SECONDS = 10
_REFILL_PREFIX = "jogakbo:refill:"
_REFILL_SECONDS = 60

_PORT = 6379

BUS_ERRORS = (RedisError, RedisClusterException, OSError, TimeoutError)
"""What a call to the bus may raise while Redis is away, or no node of a cluster answers for what was asked."""

Bus: TypeAlias = Redis | RedisCluster
"""A client of the bus; both take the same commands."""


def connect_bus(redis_url: str) -> Bus:
    """A client for ``redis_url`` that connects at first use, never waits for ever and retries nothing itself.

    ``redis://`` and ``rediss://`` lead to one server, ``redis+cluster://one:6379,two:6379`` to a cluster.
    """
    client: Bus
    if nodes := cluster_nodes(redis_url):
        others = [_node(url) for url in nodes[1:]]
        client = RedisCluster.from_url(nodes[0], startup_nodes=others, **_limits())
    else:
        client = Redis.from_url(redis_url, **_limits())
    mend_links(client)
    return client


class _Limits(TypedDict):
    socket_timeout: float
    socket_connect_timeout: float
    socket_keepalive: bool
    health_check_interval: int
    protocol: int
    retry: Retry


def _limits() -> _Limits:
    return {
        "socket_timeout": TIMEOUT_SECONDS,
        "socket_connect_timeout": TIMEOUT_SECONDS,
        "socket_keepalive": True,
        "health_check_interval": _HEALTH_CHECK_SECONDS,
        "protocol": 2,  # RESP3 shapes the answers of XREAD differently
        "retry": Retry(NoBackoff(), 0),
    }


def _node(url: str) -> ClusterNode:
    address = urlsplit(url)
    return ClusterNode(address.hostname or "", address.port or _PORT)


def heed_cancellation() -> None:
    """Raise ``CancelledError`` when this task was told to end; to be called between two calls to the bus.

    redis-py sends through ``asyncio.wait_for``, which in Python 3.11 swallows a cancellation that meets a finished
    send (mended in 3.12). A loop that goes on after that would never end.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


StreamEntry = tuple[bytes, dict[bytes, bytes]]
"""Id and fields of an entry, as redis-py returns it."""


async def read_after(redis: Bus, key: str, position: Position, count: int) -> list[StreamEntry]:
    """Up to ``count`` entries of the stream ``key`` above ``position``."""
    answer = await redis.xread({key: str(position)}, count=count)
    return cast(list[tuple[bytes, list[StreamEntry]]], answer)[0][1] if answer else []


async def read_newest(redis: Bus, key: str) -> tuple[Position, bytes]:
    """The newest position that the stream ``key`` holds, and its event; ``START`` when it is empty or missing."""
    newest = cast(list[StreamEntry], await redis.xrevrange(key, count=1))
    if not newest:
        return START, b""
    [(id, fields)] = newest
    return Position.parse(id.decode()), fields.get(EVENT_FIELD.encode(), b"")


async def request_refill(redis: Bus, service: str, position: Position) -> None:
    """Ask the relay of ``service`` for everything after ``position``: the stream no longer holds it.

    One request stands at a time and is forgotten after a minute; who still misses something asks again.
    """
    await redis.set(_REFILL_PREFIX + service, str(position), nx=True, ex=_REFILL_SECONDS)


async def take_refill_request(redis: Bus, service: str) -> Position | None:
    """The position that a consumer of ``service`` cannot read on from, if one has asked."""
    asked = cast(bytes | None, await redis.getdel(_REFILL_PREFIX + service))
    return Position.parse(asked.decode()) if asked else None
