"""Relay and consumer in a cluster, where each stream may be at another node."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Protocol

import msgspec
import pytest
from redis.crc import key_slot
from sqlalchemy import Connection, text

from jogakbo.cli.main import main
from jogakbo.contract.bus import cluster_nodes
from jogakbo.contract.cloudevent import CloudEvent
from jogakbo.contract.streams import START, Position, stream_name, wake_channel
from jogakbo.database import Database
from jogakbo.events import Consumer, Outbox, Relay, connect_bus
from jogakbo.events.bus import BUS_ERRORS, Bus, read_after, request_refill

pytestmark = [pytest.mark.anyio, pytest.mark.databases("sqlite")]
NAMES = ("bakery", "mill")
Eventually = Callable[[Callable[[], Awaitable[bool]]], Awaitable[None]]


class Server(Protocol):
    url: str

    def start(self) -> None: ...
    def kill(self) -> None: ...


class Made(msgspec.Struct):
    number: int


class Maker:
    """A service that publishes."""

    def __init__(self, name: str, folder: Path) -> None:
        self.outbox = Outbox(name)
        self.database = Database(f"sqlite:///{folder}/{name}.db")
        self.database.migrate()

    def make(self, *numbers: int) -> None:
        with self.database.write() as connection:
            for number in numbers:
                self.outbox.add(connection, f"{self.outbox.service}.Made", "one", Made(number))

    def relay(self, bus: Bus, max_length: int = 1_000) -> Relay:
        return Relay(self.outbox, self.database, bus, idle_seconds=0.05, max_length=max_length)


class Shelf:
    """A service that notes what it was told by both."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.consumer = Consumer()
        with database.write() as connection:
            connection.execute(text("CREATE TABLE shelf (name TEXT NOT NULL, number INTEGER NOT NULL)"))
        for name in NAMES:
            self.consumer.on(f"{name}.Made", Made)(_put)

    async def has(self, *made: tuple[str, int]) -> bool:
        with self.database.read() as connection:
            rows = connection.execute(text("SELECT name, number FROM shelf ORDER BY name, rowid"))
            return [(row.name, row.number) for row in rows] == sorted(made)


def _put(connection: Connection, event: CloudEvent, data: Made) -> None:
    values = {"name": event.source, "number": data.number}
    connection.execute(text("INSERT INTO shelf VALUES (:name, :number)"), values)


@pytest.fixture
async def bus(cluster: Server) -> AsyncIterator[Bus]:
    client = connect_bus(cluster.url)
    yield client
    await client.aclose()


@pytest.fixture
def makers(tmp_path: Path) -> Iterator[tuple[Maker, Maker]]:
    bakery, mill = (Maker(name, tmp_path) for name in NAMES)
    yield bakery, mill
    bakery.database.close()
    mill.database.close()


@pytest.fixture
def shelf(other_database: Database) -> Shelf:
    return Shelf(other_database)


@asynccontextmanager
async def _running(*jobs: Awaitable[None]) -> AsyncIterator[None]:
    tasks = [asyncio.ensure_future(job) for job in jobs]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert all(isinstance(result, asyncio.CancelledError) for result in results), results


async def _holds(bus: Bus, *seqs: int) -> bool:
    try:
        entries = await read_after(bus, stream_name("bakery"), START, 1_000)
    except BUS_ERRORS:
        return False
    return [Position.parse(id.decode()).seq for id, _ in entries] == list(seqs)


async def _all_are_heard(bus: Bus) -> bool:
    counts = [await bus.pubsub_shardnumsub(wake_channel(name)) for name in NAMES]
    return all(listeners for [(_, listeners)] in counts)


def test_a_wake_channel_is_in_the_slot_of_its_stream() -> None:
    for name in NAMES:
        assert key_slot(wake_channel(name).encode()) == key_slot(stream_name(name).encode())


@pytest.mark.parametrize(
    ("url", "nodes"),
    [
        ("redis://one:6379/0", ()),
        ("redis+cluster://one", ("redis://one",)),
        ("rediss+cluster://me:a@b@one:1,two:2/0", ("rediss://me:a@b@one:1/0", "rediss://me:a@b@two:2/0")),
    ],
)
def test_the_address_of_a_cluster_names_its_nodes(url: str, nodes: tuple[str, ...]) -> None:
    assert cluster_nodes(url) == nodes


async def test_wake_calls_alone_carry_the_events_of_several_slots(
    makers: tuple[Maker, Maker], shelf: Shelf, bus: Bus, eventually: Eventually
) -> None:
    async with _running(shelf.consumer.run(shelf.database, bus, idle_seconds=3600)):
        await eventually(lambda: _all_are_heard(bus))
        for maker in makers:
            maker.make(1, 2)
            await maker.relay(bus).catch_up()
        await eventually(lambda: shelf.has(("bakery", 1), ("bakery", 2), ("mill", 1), ("mill", 2)))


async def test_a_wiped_stream_is_refilled_with_the_same_ids(
    makers: tuple[Maker, Maker], bus: Bus, eventually: Eventually
) -> None:
    bakery, _ = makers
    bakery.make(1, 2, 3)
    async with _running(bakery.relay(bus).run(), bakery.relay(bus).run()):
        await eventually(lambda: _holds(bus, 1, 2, 3))
        await bus.flushall()
        await eventually(lambda: _holds(bus, 1, 2, 3))


async def test_a_trimmed_stream_is_told_anew_for_a_consumer_that_needs_it(
    makers: tuple[Maker, Maker], bus: Bus
) -> None:
    bakery, _ = makers
    bakery.make(*range(400))
    relay = bakery.relay(bus, max_length=100)
    top = await relay.catch_up()
    assert not await _holds(bus, *range(1, 401))
    await request_refill(bus, "bakery", Position(top.epoch, 0))
    await relay.catch_up()
    assert await _holds(bus, *range(1, 401))


async def test_a_node_that_dies_and_comes_back_empty_delays_events_and_loses_none(
    makers: tuple[Maker, Maker], shelf: Shelf, cluster: Server, bus: Bus, eventually: Eventually
) -> None:
    bakery, _ = makers
    bakery.make(1)
    async with _running(bakery.relay(bus).run(), shelf.consumer.run(shelf.database, bus, idle_seconds=0.05)):
        await eventually(lambda: shelf.has(("bakery", 1)))
        cluster.kill()
        bakery.make(2)
        cluster.start()
        bakery.make(3)
        await eventually(lambda: shelf.has(("bakery", 1), ("bakery", 2), ("bakery", 3)))
        assert await _holds(bus, 1, 2, 3)


async def test_the_events_of_a_cluster_are_printed(
    makers: tuple[Maker, Maker], cluster: Server, bus: Bus, capsys: pytest.CaptureFixture[str]
) -> None:
    for maker in makers:
        maker.make(1, 2)
        await maker.relay(bus).catch_up()
    words = ["events", "tail", *NAMES, "--redis-url", cluster.url, "--no-follow", "--from", "0"]
    assert await asyncio.to_thread(main, words) == 0
    assert [line.split()[1] for line in capsys.readouterr().out.splitlines()] == ["bakery", "bakery", "mill", "mill"]
