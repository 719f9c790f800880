"""A reader of the bus under test: a hub that only notes what it is told, and the owner of a stream."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Protocol

from redis import Redis

from jogakbo.contract.streams import Position
from jogakbo_shell.composition.purges import Purge
from jogakbo_shell.instance import Instance
from jogakbo_shell.live.bus import connect
from jogakbo_shell.live.reader import LiveReader

KEY = "jogakbo:stream:orders"
WAKE = "jogakbo:wake:{jogakbo:stream:orders}"

Eventually = Callable[[Callable[[], bool]], Awaitable[None]]


class Server(Protocol):
    port: int
    url: str

    def start(self) -> None: ...

    def kill(self) -> None: ...

    def pause(self) -> None: ...

    def resume(self) -> None: ...


class FakeHub:
    def __init__(self) -> None:
        self.seen: list[str] = []
        self.keys: set[str] = set()
        self.resyncs: list[tuple[str, str]] = []
        self.read: frozenset[str] = frozenset()

    def changed(self, stream: str, position: Position, keys: frozenset[str], happened_at: float) -> None:
        self.seen.append(str(position))
        self.keys |= keys

    def purged(self, stream: str, position: Position, purge: Purge) -> None:
        raise AssertionError("nobody purges here")

    def resynced(self, stream: str, position: Position) -> None:
        self.resyncs.append((stream, str(position)))

    def dropped(self, streams: frozenset[str]) -> None:
        self.read = streams


class FakeCatalog:
    def __init__(self, *streams: str) -> None:
        self.names = frozenset(streams)

    def streams(self) -> frozenset[str]:
        return self.names

    def servers_of(self, stream: str) -> frozenset[str]:
        return frozenset({stream})

    def is_private(self, instance: Instance) -> bool:
        return False


@contextmanager
def owner(valkey: Server) -> Iterator[Redis]:
    """The service that owns the stream, or its operator."""
    with Redis(port=valkey.port) as redis:
        yield redis


def append(valkey: Server, *ids: str, stream: str = "orders", wake: bool = True) -> None:
    with owner(valkey) as redis, redis.pipeline(transaction=False) as at_once:
        for entry in ids:
            at_once.xadd(f"jogakbo:stream:{stream}", {"event": event(entry)}, id=entry)
        if wake:
            at_once.spublish(f"jogakbo:wake:{{jogakbo:stream:{stream}}}", stream)
        at_once.execute()


def event(entry: str, key: str = "") -> str:
    """With the id that an outbox gives, and a key of the same number unless told otherwise."""
    return (
        f'{{"specversion":"1.0","id":"{entry}","source":"orders","type":"orders.OrderTaken","data":{{}},'
        f'"time":"2026-01-01T00:00:00Z","keys":"{key or "order-" + entry.partition("-")[2]}"}}'
    )


@asynccontextmanager
async def reading(
    url: str, hub: FakeHub, catalog: FakeCatalog, *, idle_seconds: float = 0.02, patience_seconds: float = 60
) -> AsyncIterator[LiveReader]:
    redis = connect(url)
    reader = LiveReader(redis, hub, catalog, idle_seconds=idle_seconds, patience_seconds=patience_seconds)
    task = asyncio.create_task(reader.run())
    try:
        async with asyncio.timeout(10):
            await reader.looked.wait()
        yield reader
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await redis.aclose()


def listens(valkey: Server, stream: str = "orders") -> bool:
    """Whether anybody waits for wake calls."""
    channel = f"jogakbo:wake:{{jogakbo:stream:{stream}}}"
    with owner(valkey) as redis:
        return bool(dict(redis.pubsub_shardnumsub(channel))[channel.encode()])
