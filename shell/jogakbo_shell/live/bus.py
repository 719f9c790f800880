"""The way to Redis or Valkey: a client that never waits for ever, pauses after failures, and wake calls."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Collection
from typing import Any, Protocol, TypeAlias, TypedDict
from urllib.parse import urlsplit

from redis.asyncio import Redis, RedisCluster
from redis.asyncio.cluster import ClusterNode, ClusterPubSub
from redis.asyncio.connection import AbstractConnection, Connection, SSLConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisClusterException, RedisError

from jogakbo.contract.bus import cluster_nodes
from jogakbo.contract.streams import wake_channel

BUS_ERRORS = (RedisError, RedisClusterException, OSError, TimeoutError)

Bus: TypeAlias = Redis | RedisCluster
"""A client of one server or of a cluster; both take the same commands."""

_PORT = 6379
_TIMEOUT_SECONDS = 2.0  # a black hole gives no error: only a limit notices it
_SILENCE_SECONDS = 5.0
_FIRST_PAUSE_SECONDS = 0.05
_LONGEST_PAUSE_SECONDS = 1.0


def connect(redis_url: str) -> Bus:
    """`redis+cluster://one:6379,two:6379` leads to a cluster."""
    if nodes := cluster_nodes(redis_url):
        others = [_node(url) for url in nodes[1:]]
        cluster = RedisCluster.from_url(nodes[0], startup_nodes=others, **_limits())
        link = _mended(cluster.connection_kwargs["connection_class"])
        cluster.connection_kwargs["connection_class"] = link  # for the nodes that it finds
        for node in cluster.startup_nodes:
            node.connection_class = link
        return cluster
    client: Redis = Redis.from_url(redis_url, **_limits())
    client.connection_pool.connection_class = _mended(client.connection_pool.connection_class)
    return client


class _Cut(AbstractConnection):
    """uvloop raises RuntimeError for what is written to a link that the other side has cut; redis-py itself fails with
    AttributeError where another task has closed the link between its check and its write."""

    async def send_packed_command(self, *args: Any, **kwargs: Any) -> None:
        try:
            await super().send_packed_command(*args, **kwargs)
        except (RuntimeError, AttributeError) as error:
            raise RedisConnectionError(str(error)) from error


class _Link(_Cut, Connection): ...


class _TlsLink(_Cut, SSLConnection): ...


def _mended(plain: type[AbstractConnection]) -> type[_Link] | type[_TlsLink]:
    return _TlsLink if issubclass(plain, SSLConnection) else _Link


class _Limits(TypedDict):
    socket_timeout: float
    socket_connect_timeout: float
    socket_keepalive: bool
    protocol: int
    retry: Retry


def _limits() -> _Limits:
    return {
        "socket_timeout": _TIMEOUT_SECONDS,
        "socket_connect_timeout": _TIMEOUT_SECONDS,
        "socket_keepalive": True,
        "protocol": 2,
        "retry": Retry(NoBackoff(), 0),
    }


def _node(url: str) -> ClusterNode:
    address = urlsplit(url)
    return ClusterNode(address.hostname or "", address.port or _PORT)


def is_cancelled() -> bool:
    """Whether this task has been told to end. redis-py may lose that: closing a broken link on the way out, it raises
    the link's error in place of the cancellation. So a loop around it asks before it goes on."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


class Backoff:
    """Doubling pauses with jitter, so that the workers of a portal do not march in step."""

    def __init__(self) -> None:
        self._failures = 0

    def succeeded(self) -> None:
        self._failures = 0

    async def pause(self) -> None:
        longest = min(_LONGEST_PAUSE_SECONDS, _FIRST_PAUSE_SECONDS * 2.0**self._failures)
        self._failures = min(self._failures + 1, 10)
        await asyncio.sleep(random.uniform(longest / 2, longest))


class Hears(Protocol):
    def __call__(self, payload: bytes | None) -> None:
        """None is the answer to a subscription."""


class Wakes:
    """Hears on sharded pub/sub that some stream has news, which only ends the reader's pause sooner.

    Nothing depends on it: pub/sub loses messages at a cut link without a word.
    """

    def __init__(self, redis: Bus, silence_seconds: float = _SILENCE_SECONDS) -> None:
        self._redis = redis
        self._silence_seconds = silence_seconds
        self._news = asyncio.Event()
        self._streams: frozenset[str] = frozenset()
        self._others = asyncio.Event()

    def follow(self, streams: frozenset[str]) -> None:
        """From now on these."""
        if streams != self._streams:
            self._streams = streams
            self._others.set()

    async def wait(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._news.wait()
        except TimeoutError:
            return
        finally:
            self._news.clear()

    async def run(self) -> None:
        links: dict[frozenset[str], asyncio.Task[None]] = {}
        async with asyncio.TaskGroup() as tasks:
            while not is_cancelled():
                await self._others.wait()
                self._others.clear()
                wanted = self._links()
                for link in links.keys() - wanted:
                    links.pop(link).cancel()
                for link in wanted - links.keys():
                    links[link] = tasks.create_task(self._keep_listening(link), name="live wake link")

    def _links(self) -> set[frozenset[str]]:
        """In a cluster each stream has a link of its own: the next may be at another node, and may move there alone."""
        if isinstance(self._redis, RedisCluster):
            return {frozenset({stream}) for stream in self._streams}
        return {self._streams} if self._streams else set()

    async def _keep_listening(self, streams: Collection[str]) -> None:
        backoff = Backoff()
        while not is_cancelled():
            try:
                channels = [wake_channel(stream) for stream in streams]
                await listen(self._redis, channels, self._hear, backoff, self._silence_seconds)
            except BUS_ERRORS:
                await backoff.pause()

    def _hear(self, payload: bytes | None) -> None:
        self._news.set()  # the answer to a subscription is news, too: of before nothing was heard


async def listen(
    redis: Bus,
    channels: Collection[str],
    hears: Hears,
    backoff: Backoff,
    silence_seconds: float = _SILENCE_SECONDS,
) -> None:
    """Hear what is said on sharded channels, in a cluster on those of one slot. Ends with one of BUS_ERRORS.

    A link that is silent for `silence_seconds` is asked, and given up after as long again.
    """
    if isinstance(redis, RedisCluster):
        await redis.exists(*channels)  # so the client learns where their slot is now
    async with redis.pubsub() as pubsub:
        receive = pubsub.get_sharded_message if isinstance(pubsub, ClusterPubSub) else pubsub.get_message
        await pubsub.ssubscribe(*channels)
        asked = True
        while not is_cancelled():
            message = await receive(timeout=silence_seconds)
            if message is not None:
                backoff.succeeded()
                asked = False
                if message["type"] == "sunsubscribe":
                    raise ConnectionError("the channel has moved to another node")
                hears(message["data"] if message["type"] == "smessage" else None)
            elif asked:
                raise TimeoutError("no answer on the link")
            else:
                # To subscribe once more changes nothing and is answered, where link and node are still right.
                asked = True
                await pubsub.ssubscribe(*channels)
