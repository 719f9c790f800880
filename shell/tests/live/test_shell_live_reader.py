"""The reader against a real Valkey: whatever happens to the bus, every change is handed on or a resync says why."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Protocol

import pytest
from redis import Redis

from jogakbo.contract.streams import Position
from jogakbo_shell.composition.purges import Purge
from jogakbo_shell.instance import Instance
from jogakbo_shell.live.bus import connect
from jogakbo_shell.live.reader import LiveReader

pytestmark = pytest.mark.anyio

KEY = "jogakbo:stream:orders"
WAKE = "jogakbo:wake:{jogakbo:stream:orders}"
Eventually = Callable[[Callable[[], bool]], Awaitable[None]]


class Server(Protocol):
    url: str

    def start(self) -> None: ...

    def kill(self) -> None: ...

    def pause(self) -> None: ...

    def resume(self) -> None: ...


class FakeHub:
    def __init__(self) -> None:
        self.seen: list[str] = []
        self.resyncs: list[tuple[str, str]] = []
        self.read: frozenset[str] = frozenset()

    def changed(self, stream: str, position: Position, keys: frozenset[str], happened_at: float) -> None:
        assert keys == {f"order-{position.seq}"}
        self.seen.append(str(position))

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


@pytest.fixture
def hub() -> FakeHub:
    return FakeHub()


@pytest.fixture
def catalog() -> FakeCatalog:
    return FakeCatalog("orders")


@contextmanager
def _owner(valkey: Server) -> Iterator[Redis]:
    """The service that owns the stream, or its operator."""
    with Redis.from_url(valkey.url) as redis:
        yield redis


def _append(valkey: Server, *ids: str, wake: bool = True) -> None:
    with _owner(valkey) as redis:
        for entry in ids:
            redis.xadd(KEY, {"event": _event(entry)}, id=entry)
        if wake:
            redis.spublish(WAKE, "orders")


def _event(entry: str) -> str:
    return (
        f'{{"specversion":"1.0","id":"{entry}","source":"orders","type":"orders.OrderTaken","data":{{}},'
        f'"time":"2026-01-01T00:00:00Z","keys":"order-{entry.partition("-")[2]}"}}'
    )


@asynccontextmanager
async def _reading(
    valkey: Server, hub: FakeHub, catalog: FakeCatalog, *, idle_seconds: float = 0.02, patience_seconds: float = 60
) -> AsyncIterator[LiveReader]:
    redis = connect(valkey.url)
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


def _reasons(reader: LiveReader) -> str:
    return reader.tracks["orders"].last_resync


async def test_reading_begins_at_the_top_and_goes_on_from_there(
    valkey: Server, hub: FakeHub, catalog: FakeCatalog, eventually: Eventually
) -> None:
    _append(valkey, "5-1", "5-2")
    async with _reading(valkey, hub, catalog) as reader:
        _append(valkey, *(f"5-{seq}" for seq in range(3, 603)))
        await eventually(lambda: len(hub.seen) == 600)

    assert hub.seen == [f"5-{seq}" for seq in range(3, 603)]
    assert hub.resyncs == [("orders", "5-2")]
    assert reader.tracks["orders"].resyncs == 0


async def test_a_wake_call_ends_the_pause(
    valkey: Server, hub: FakeHub, catalog: FakeCatalog, eventually: Eventually
) -> None:
    async with _reading(valkey, hub, catalog, idle_seconds=3600):
        await eventually(lambda: _listens(valkey))
        _append(valkey, "5-1")
        await eventually(lambda: hub.seen == ["5-1"])


async def test_without_a_wake_call_the_stream_is_read_all_the_same(
    valkey: Server, hub: FakeHub, catalog: FakeCatalog, eventually: Eventually
) -> None:
    async with _reading(valkey, hub, catalog):
        _append(valkey, "5-1", wake=False)
        await eventually(lambda: hub.seen == ["5-1"])


async def test_what_happened_while_the_link_was_cut_is_read_afterwards(
    valkey: Server, hub: FakeHub, catalog: FakeCatalog, eventually: Eventually
) -> None:
    async with _reading(valkey, hub, catalog) as reader:
        for seq in range(1, 21):
            with _owner(valkey) as redis:
                redis.client_kill_filter(_type="normal", skipme=True)
                redis.client_kill_filter(_type="pubsub")
            _append(valkey, f"5-{seq}")
        await eventually(lambda: len(hub.seen) == 20)

    assert hub.seen == [f"5-{seq}" for seq in range(1, 21)]
    assert reader.tracks["orders"].resyncs == 0


async def test_a_server_that_hangs_is_noticed_and_caught_up_with(
    valkey: Server, hub: FakeHub, catalog: FakeCatalog, eventually: Eventually
) -> None:
    async with _reading(valkey, hub, catalog) as reader:
        valkey.pause()
        await eventually(lambda: reader.away_since is not None)
        valkey.resume()
        _append(valkey, "5-1")
        await eventually(lambda: hub.seen == ["5-1"])

    assert reader.away_since is None


async def test_a_server_that_is_away_at_the_start_is_taken_up_when_it_comes(
    valkey: Server, hub: FakeHub, catalog: FakeCatalog, eventually: Eventually
) -> None:
    valkey.kill()
    redis = connect(valkey.url)
    reader = LiveReader(redis, hub, catalog, idle_seconds=0.02)
    task = asyncio.create_task(reader.run())
    await eventually(lambda: reader.away_since is not None)
    assert hub.resyncs == []

    valkey.start()
    await eventually(lambda: hub.resyncs == [("orders", "0-0")])
    _append(valkey, "5-1")
    await eventually(lambda: hub.seen == ["5-1"])

    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await redis.aclose()


@pytest.mark.parametrize("wipe", ["FLUSHALL", "restart"])
async def test_a_wiped_stream_that_is_refilled_loses_nothing_and_repeats_nothing(
    wipe: str, valkey: Server, hub: FakeHub, catalog: FakeCatalog, eventually: Eventually
) -> None:
    _append(valkey, "5-1", "5-2")
    async with _reading(valkey, hub, catalog) as reader:
        if wipe == "restart":
            valkey.kill()
            valkey.start()
        else:
            with _owner(valkey) as redis:
                redis.flushall()
        await eventually(lambda: _reasons(reader) == "vanished")
        _append(valkey, "5-1")
        _append(valkey, "5-2", "5-3")
        await eventually(lambda: hub.seen == ["5-3"])

    assert reader.tracks["orders"].resyncs == 1
    assert hub.resyncs[-1] == ("orders", "5-2")


async def test_entries_lost_in_a_failover_and_appended_again_are_read_once(
    valkey: Server, hub: FakeHub, catalog: FakeCatalog, eventually: Eventually
) -> None:
    _append(valkey, "5-1", "5-2", "5-3")
    async with _reading(valkey, hub, catalog) as reader:
        with _owner(valkey) as redis:
            redis.delete(KEY)
        _append(valkey, "5-1", "5-2")
        await eventually(lambda: _reasons(reader) == "vanished")
        _append(valkey, "5-3", "5-4")
        await eventually(lambda: hub.seen == ["5-4"])


async def test_a_new_epoch_is_a_resync_at_its_top(
    valkey: Server, hub: FakeHub, catalog: FakeCatalog, eventually: Eventually
) -> None:
    _append(valkey, "5-1")
    async with _reading(valkey, hub, catalog) as reader:
        _append(valkey, "6-1", "6-2", "6-3")
        await eventually(lambda: _reasons(reader) == "new-epoch")
        await eventually(lambda: reader.tracks["orders"].position == Position(6, 3))
        _append(valkey, "6-4")
        await eventually(lambda: hub.seen[-1:] == ["6-4"])


async def test_a_gap_is_a_resync(valkey: Server, hub: FakeHub, catalog: FakeCatalog, eventually: Eventually) -> None:
    _append(valkey, "5-1")
    async with _reading(valkey, hub, catalog) as reader:
        _append(valkey, "5-3")
        await eventually(lambda: hub.resyncs[-1] == ("orders", "5-3"))

    assert _reasons(reader) == "gap"


async def test_a_stream_trimmed_beyond_our_position_is_a_resync(
    valkey: Server, hub: FakeHub, catalog: FakeCatalog, eventually: Eventually
) -> None:
    _append(valkey, "5-1")
    async with _reading(valkey, hub, catalog) as reader:
        with _owner(valkey) as redis, redis.pipeline() as at_once:
            for seq in range(2, 9):
                at_once.xadd(KEY, {"event": _event(f"5-{seq}")}, id=f"5-{seq}")
            at_once.xtrim(KEY, maxlen=2, approximate=False)
            at_once.execute()
        await eventually(lambda: hub.resyncs[-1] == ("orders", "5-8"))

    assert _reasons(reader) == "trimmed"


async def test_a_stream_trimmed_up_to_our_position_has_lost_nothing(
    valkey: Server, hub: FakeHub, catalog: FakeCatalog, eventually: Eventually
) -> None:
    _append(valkey, "5-1")
    async with _reading(valkey, hub, catalog) as reader:
        with _owner(valkey) as redis, redis.pipeline() as at_once:
            at_once.xadd(KEY, {"event": _event("5-2")}, id="5-2")
            at_once.xtrim(KEY, maxlen=1, approximate=False)
            at_once.execute()
        await eventually(lambda: hub.seen == ["5-2"])

    assert reader.tracks["orders"].resyncs == 0


async def test_a_stream_that_stays_shorter_than_what_was_read_is_another_history(
    valkey: Server, hub: FakeHub, catalog: FakeCatalog, eventually: Eventually
) -> None:
    _append(valkey, *(f"5-{seq}" for seq in range(1, 10)))
    async with _reading(valkey, hub, catalog, patience_seconds=0.1) as reader:
        with _owner(valkey) as redis:
            redis.delete(KEY)
        _append(valkey, "5-1", "5-2")
        await eventually(lambda: _reasons(reader) == "rewritten")
        _append(valkey, "5-3")
        await eventually(lambda: hub.seen == ["5-3"])


async def test_ids_made_by_redis_are_no_gaps_but_a_vanished_stream_is_noticed(
    valkey: Server, hub: FakeHub, catalog: FakeCatalog, eventually: Eventually
) -> None:
    _append(valkey, "1000-0")
    async with _reading(valkey, hub, catalog) as reader:
        _append(valkey, "1500-0", "1500-1", "1700-0")
        await eventually(lambda: len(hub.seen) == 3)
        assert reader.tracks["orders"].resyncs == 0

        with _owner(valkey) as redis:
            redis.delete(KEY)
        _append(valkey, "2000-0")
        await eventually(lambda: hub.resyncs[-1] == ("orders", "2000-0"))


async def test_an_event_that_cannot_be_read_is_a_resync(
    valkey: Server, hub: FakeHub, catalog: FakeCatalog, eventually: Eventually
) -> None:
    async with _reading(valkey, hub, catalog) as reader:
        with _owner(valkey) as redis:
            redis.xadd(KEY, {"event": "not json"}, id="5-1")
        await eventually(lambda: _reasons(reader) == "unreadable")
        _append(valkey, "5-2")
        await eventually(lambda: hub.seen == ["5-2"])


async def test_streams_come_and_go_while_it_reads(
    valkey: Server, hub: FakeHub, catalog: FakeCatalog, eventually: Eventually
) -> None:
    async with _reading(valkey, hub, catalog) as reader:
        catalog.names = frozenset({"orders", "menu"})
        await eventually(lambda: ("menu", "0-0") in hub.resyncs)
        catalog.names = frozenset({"menu"})
        await eventually(lambda: hub.read == {"menu"})

    assert reader.tracks.keys() == {"menu"}


def _listens(valkey: Server) -> bool:
    with _owner(valkey) as redis:
        return bool(dict(redis.pubsub_shardnumsub(WAKE))[WAKE.encode()])
