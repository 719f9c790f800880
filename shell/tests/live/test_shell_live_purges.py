"""A purge by hand reaches every worker, its cache and its open pages, through the bus."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Protocol, cast

import pytest
from redis import Redis

from jogakbo.contract.cloudevent import decode_event
from jogakbo_shell.composition.cache import Entry, FragmentCache
from jogakbo_shell.composition.freshness import Freshness
from jogakbo_shell.composition.purges import NotTold, Purge
from jogakbo_shell.composition.rendered import Rendered
from jogakbo_shell.instance import Instance
from jogakbo_shell.live.bus import connect
from jogakbo_shell.live.changelog import ChangeLog
from jogakbo_shell.live.connection import Connection
from jogakbo_shell.live.hub import Hub
from jogakbo_shell.live.pace import Pace
from jogakbo_shell.live.purges import PurgeStream, WithPurges, read_purge
from jogakbo_shell.live.reader import LiveReader

pytestmark = pytest.mark.anyio

BOARD = Instance.parse("orders/board")
SERVERS = {"orders": object(), "menu": object()}
ORDERS = Purge(frozenset({"orders", "order-42"}))
Eventually = Callable[[Callable[[], bool]], Awaitable[None]]


class Server(Protocol):
    url: str

    def kill(self) -> None: ...

    def start(self) -> None: ...


class FakeFragments:
    """Renders a version, and declares no stream of its own."""

    version = 1

    async def render(self, instance: Instance) -> Rendered:
        text = str(self.version)
        return Rendered(text.encode(), "fresh", 200, text, frozenset({"orders"}), False, "", 0.0)

    def streams(self) -> frozenset[str]:
        return frozenset()

    def servers_of(self, stream: str) -> frozenset[str]:
        return frozenset()

    def is_private(self, instance: Instance) -> bool:
        return instance.fragment == "cart"


@dataclass
class Worker:
    cache: FragmentCache
    hub: Hub
    reader: LiveReader

    def keep(self, keys: str = "orders") -> Entry:
        what = Rendered(b"<p>", "fresh", 200, "e", frozenset(keys.split()), False, "", 0.0)
        entry = self.cache.store(BOARD, what, Freshness(storable=True, fresh=60), "", self.cache.sequence)
        assert entry is not None
        return entry


class Page:
    """An open page that shows the board."""

    def __init__(self, hub: Hub, cursor: str = "", ailing: Iterable[str] = (BOARD.dom_id,)) -> None:
        self._hub = hub
        self._connection = Connection([BOARD], [], "guest")
        self._frames = bytearray()
        hub.join(self._connection, (cursor,), ailing)

    def shows(self, version: int) -> bool:
        self._frames.extend(self._connection.take(self._hub.settled()))
        return f'"html":"{version}"'.encode() in self._frames

    def close(self) -> None:
        self._hub.leave(self._connection)


@asynccontextmanager
async def working(valkey: Server, fragments: FakeFragments) -> AsyncIterator[Worker]:
    cache, catalog, redis = FragmentCache(100_000), WithPurges(fragments, SERVERS), connect(valkey.url)
    hub = Hub(ChangeLog(), fragments, cache, catalog, Pace(0, 0.005, 0.02, 0.02, 0.1))
    reader = LiveReader(redis, hub, catalog, idle_seconds=0.02, patience_seconds=0.1)
    task = asyncio.create_task(reader.run())
    try:
        async with asyncio.timeout(10):
            await reader.looked.wait()
        yield Worker(cache, hub, reader)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await redis.aclose()


@pytest.fixture
async def purges(valkey: Server) -> AsyncIterator[PurgeStream]:
    stream = PurgeStream.at(valkey.url)
    yield stream
    await stream.close()


async def begun(purges: PurgeStream, *workers: Worker, eventually: Eventually) -> None:
    """The first purge of all may not be the first: everything is purged."""
    await purges.tell(Purge(frozenset({"first"})))
    await eventually(lambda: all(worker.reader.tracks["shell"].resyncs == 1 for worker in workers))


async def test_every_worker_purges_what_one_of_them_tells(
    valkey: Server, purges: PurgeStream, eventually: Eventually
) -> None:
    async with working(valkey, FakeFragments()) as one, working(valkey, FakeFragments()) as other:
        await begun(purges, one, other, eventually=eventually)
        entries = [one.keep(), other.keep("order-42")]
        assert await purges.tell(ORDERS) is True
        await eventually(lambda: all(entry.purged for entry in entries))
        later = one.keep("menu")
        for number in range(50):
            await purges.tell(Purge(frozenset({f"item-{number}"})))
        last = other.keep("the-last")
        await purges.tell(Purge(frozenset({"the-last"})))
        await eventually(lambda: last.purged)
        assert later.current, "many in one millisecond are no gap"
        assert one.reader.tracks["shell"].resyncs == 1


async def test_open_pages_follow_a_purge(valkey: Server, purges: PurgeStream, eventually: Eventually) -> None:
    fragments = FakeFragments()
    async with working(valkey, fragments) as worker:
        page = Page(worker.hub)
        await eventually(lambda: page.shows(1))
        fragments.version = 2
        await purges.tell(ORDERS)
        await eventually(lambda: page.shows(2))
        page.close()


@pytest.mark.parametrize(
    "purge", [Purge(frozenset({"orders"}), soft=True), Purge(servers=frozenset({"orders"}), soft=True)]
)
async def test_a_soft_purge_ages_what_no_open_page_shows_in_every_worker(
    purge: Purge, valkey: Server, purges: PurgeStream, eventually: Eventually
) -> None:
    async with working(valkey, FakeFragments()) as one, working(valkey, FakeFragments()) as other:
        await begun(purges, one, other, eventually=eventually)
        entries = [one.keep(), other.keep()]
        assert await purges.tell(purge) is True
        await eventually(lambda: not any(entry.current for entry in entries))
        assert not any(entry.purged for entry in entries)


async def test_a_purge_of_a_whole_server_is_followed_by_every_worker(
    valkey: Server, purges: PurgeStream, eventually: Eventually
) -> None:
    async with working(valkey, FakeFragments()) as one, working(valkey, FakeFragments()) as other:
        await begun(purges, one, other, eventually=eventually)
        entries = [one.keep("a"), other.keep("b")]
        assert await purges.tell(Purge(servers=frozenset({"menu"}))) is True
        assert await purges.tell(Purge(servers=frozenset({"orders"}))) is True
        await eventually(lambda: all(entry.purged for entry in entries))
        assert one.reader.tracks["shell"].resyncs == 1


@pytest.mark.parametrize(
    "purge",
    [
        Purge(frozenset({"orders"}), soft=True),
        Purge(servers=frozenset({"orders"})),
        Purge(servers=frozenset({"orders"}), soft=True),
    ],
)
async def test_open_pages_and_those_that_come_back_follow_any_purge(
    purge: Purge, valkey: Server, purges: PurgeStream, eventually: Eventually
) -> None:
    fragments = FakeFragments()
    async with working(valkey, fragments) as worker:
        await begun(purges, worker, eventually=eventually)
        entry = worker.keep()
        before = worker.hub.settled()
        here = Page(worker.hub)
        await eventually(lambda: here.shows(1))
        fragments.version = 2
        await purges.tell(purge)
        await eventually(lambda: here.shows(2))
        assert entry.purged, "what an open page is given must not be the old version once more"
        back = Page(worker.hub, cursor=before, ailing=())
        await eventually(lambda: back.shows(2))
        back.close()
        back = Page(worker.hub, cursor=worker.hub.settled(), ailing=())
        assert not back.shows(2), "who has seen it has seen it"
        here.close()
        back.close()


async def test_what_was_told_while_a_worker_could_not_hear_is_taken_for_anything(
    valkey: Server, purges: PurgeStream, eventually: Eventually
) -> None:
    async with working(valkey, FakeFragments()) as worker:
        await purges.tell(Purge(frozenset({"menu"})))
        await eventually(lambda: worker.reader.tracks["shell"].position.epoch > 0)
        entry = worker.keep("orders")
        valkey.kill()
        valkey.start()
        await eventually(lambda: entry.purged)


async def test_what_the_bus_cannot_say_by_keys_alone_is_in_the_event(valkey: Server, purges: PurgeStream) -> None:
    told = [
        Purge(frozenset({"orders"}), soft=True),
        Purge(servers=frozenset({"orders", "menu"})),
        Purge(frozenset({"a"}), frozenset({"menu"}), soft=True),
    ]
    for purge in told:
        assert await purges.tell(purge) is True
    with Redis.from_url(valkey.url) as redis:
        entries = cast(list[tuple[bytes, dict[bytes, bytes]]], redis.xrange("jogakbo:stream:shell"))
    events = [decode_event(fields[b"event"]) for _, fields in entries]
    assert [read_purge(event) for event in events] == told
    assert not any(event.changed for event in events)


async def test_the_stream_is_kept_short(valkey: Server, purges: PurgeStream) -> None:
    for _ in range(12):
        await asyncio.gather(*(purges.tell(ORDERS) for _ in range(100)))
    with Redis.from_url(valkey.url) as redis:
        assert cast(int, redis.xlen("jogakbo:stream:shell")) <= 1_100


async def test_a_bus_that_is_away_is_said_to_be(valkey: Server, purges: PurgeStream) -> None:
    valkey.kill()
    with pytest.raises(NotTold):
        await purges.tell(ORDERS)


def test_what_the_catalog_says_of_other_streams_and_of_people_stays() -> None:
    class Declared(FakeFragments):
        def streams(self) -> frozenset[str]:
            return frozenset({"orders"})

        def servers_of(self, stream: str) -> frozenset[str]:
            return frozenset({"orders"})

    catalog = WithPurges(Declared(), SERVERS)
    assert catalog.streams() == {"orders", "shell"}
    assert catalog.servers_of("orders") == {"orders"}
    assert catalog.servers_of("shell") == {"orders", "menu"}
    assert catalog.is_private(Instance.parse("orders/cart"))
    assert not catalog.is_private(BOARD)
