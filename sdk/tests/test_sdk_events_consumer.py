"""The consumer: what it does and how far it has read change together, whatever happens around it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Protocol

import msgspec
import pytest
from prometheus_client import REGISTRY
from redis.asyncio import Redis
from redis.exceptions import RedisError
from sqlalchemy import Connection, text

from jogakbo.contract.cloudevent import CloudEvent
from jogakbo.database import Database, TransactionConflict
from jogakbo.events import Consumer, Outbox, Relay
from jogakbo.events.bus import BUS_ERRORS
from jogakbo.events.follower import Follower
from jogakbo.events.wakes import Wakes

pytestmark = [pytest.mark.anyio, pytest.mark.databases("sqlite")]
OUTBOX = Outbox("bakery")
KEY = "jogakbo:stream:bakery"
Eventually = Callable[[Callable[[], Awaitable[bool]]], Awaitable[None]]


class Server(Protocol):
    def start(self) -> None: ...
    def kill(self) -> None: ...
    def pause(self) -> None: ...
    def resume(self) -> None: ...


class Baked(msgspec.Struct):
    loaves: int


class Shelf:
    """A service that counts the loaves it was told of; it can be made to stumble."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.stumbles: dict[int, int] = {}
        self.overtaken = 0
        with database.write() as connection:
            connection.execute(text("CREATE TABLE shelf (loaves INTEGER NOT NULL)"))

    @property
    def consumer(self) -> Consumer:
        consumer = Consumer()

        @consumer.on("bakery.Baked", Baked)
        def baked(connection: Connection, event: CloudEvent, data: Baked) -> None:
            connection.execute(text("INSERT INTO shelf VALUES (:loaves)"), {"loaves": data.loaves})
            if data.loaves == 2 and self.overtaken > 0:
                self.overtaken -= 1
                raise TransactionConflict("somebody else was at the shelf")
            if self.stumbles.get(data.loaves, 0) > 0:
                self.stumbles[data.loaves] -= 1
                raise RuntimeError("dropped the tray")

        return consumer

    def loaves(self) -> list[int]:
        with self.database.read() as connection:
            return list(connection.execute(text("SELECT loaves FROM shelf ORDER BY rowid")).scalars())

    async def has(self, loaves: list[int]) -> bool:
        return self.loaves() == loaves

    def parked(self) -> list[tuple[int, int, str]]:
        with self.database.read() as connection:
            rows = connection.execute(text("SELECT seq, attempts, reason FROM parked ORDER BY seq"))
            return [(row.seq, row.attempts, row.reason) for row in rows]


@pytest.fixture
def shelf(other_database: Database) -> Shelf:
    return Shelf(other_database)


def _bake(database: Database, *batches: int) -> None:
    for loaves in batches:
        with database.write() as connection:
            OUTBOX.add(connection, "bakery.Baked", "oven-1", Baked(loaves))


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


@asynccontextmanager
async def _bakery(database: Database, shelf: Shelf, redis: Redis) -> AsyncIterator[None]:
    relay = Relay(OUTBOX, database, redis, idle_seconds=0.05)
    async with _running(relay.run(), shelf.consumer.run(shelf.database, redis, idle_seconds=0.05, retry_seconds=0.01)):
        yield


async def test_events_are_handled_in_order_and_once(
    database: Database, shelf: Shelf, redis: Redis, eventually: Eventually
) -> None:
    _bake(database, *range(250))
    async with _bakery(database, shelf, redis):
        await eventually(lambda: shelf.has(list(range(250))))


async def test_a_wake_call_ends_the_pause(
    database: Database, shelf: Shelf, redis: Redis, eventually: Eventually
) -> None:
    relay = Relay(OUTBOX, database, redis)
    async with _running(shelf.consumer.run(shelf.database, redis, idle_seconds=3600)):
        await eventually(lambda: _subscribed(redis))
        _bake(database, 1)
        await relay.catch_up()
        await eventually(lambda: shelf.has([1]))


async def test_a_wake_link_into_a_black_hole_is_given_up_and_made_again(
    redis: Redis, valkey: Server, eventually: Eventually
) -> None:
    async with _running(Wakes(redis, ["bakery"], silence_seconds=0.1).run()):
        await eventually(lambda: _subscribed(redis))
        before = await _links(redis)
        valkey.pause()
        with pytest.raises(BUS_ERRORS):
            await redis.ping()
        valkey.resume()
        await eventually(lambda: _are_others(redis, before))


async def _links(redis: Redis) -> set[str]:
    return {link["id"] for link in await redis.client_list(_type="pubsub")}


async def _are_others(redis: Redis, before: set[str]) -> bool:
    links = await _links(redis)
    return bool(links) and links.isdisjoint(before)


async def test_a_restarted_consumer_reads_on_from_its_position(
    database: Database, shelf: Shelf, redis: Redis, eventually: Eventually
) -> None:
    _bake(database, 1, 2)
    async with _bakery(database, shelf, redis):
        await eventually(lambda: shelf.has([1, 2]))
    _bake(database, 3)
    async with _bakery(database, shelf, redis):
        await eventually(lambda: shelf.has([1, 2, 3]))


async def test_a_failing_handler_is_undone_and_tried_again_in_order(
    database: Database, shelf: Shelf, redis: Redis, eventually: Eventually
) -> None:
    shelf.stumbles = {2: 2}
    _bake(database, 1, 2, 3)
    async with _bakery(database, shelf, redis):
        await eventually(lambda: shelf.has([1, 2, 3]))
    assert shelf.parked() == []


async def test_a_poisonous_event_is_parked_with_its_reason_and_the_rest_goes_on(
    database: Database, shelf: Shelf, redis: Redis, eventually: Eventually
) -> None:
    shelf.stumbles = {2: 100}
    _bake(database, 1, 2, 3)
    async with _bakery(database, shelf, redis):
        await eventually(lambda: shelf.has([1, 3]))
    [(seq, attempts, reason)] = shelf.parked()
    assert (seq, attempts) == (2, 10)
    assert "dropped the tray" in reason


async def test_an_event_without_the_fields_that_are_read_is_parked_at_once(
    database: Database, shelf: Shelf, redis: Redis, eventually: Eventually
) -> None:
    class Wrong(msgspec.Struct):
        buns: int

    with database.write() as connection:
        OUTBOX.add(connection, "bakery.Baked", "oven-1", Wrong(1))
    _bake(database, 2)
    async with _bakery(database, shelf, redis):
        await eventually(lambda: shelf.has([2]))
    [(_, attempts, reason)] = shelf.parked()
    assert attempts == 1
    assert "loaves" in reason


async def test_whoever_was_overtaken_starts_again_and_is_not_at_fault(
    database: Database, shelf: Shelf, redis: Redis, eventually: Eventually
) -> None:
    shelf.overtaken = 15
    _bake(database, 1, 2, 3)
    async with _bakery(database, shelf, redis):
        await eventually(lambda: shelf.has([1, 2, 3]))
    assert shelf.parked() == []


async def test_a_paused_consumer_reads_nothing_until_it_goes_on(
    database: Database, shelf: Shelf, redis: Redis, eventually: Eventually
) -> None:
    looks: list[list[int]] = []

    def paused() -> bool:
        looks.append(shelf.loaves())
        return len(looks) <= 3

    _bake(database, 1)
    await Relay(OUTBOX, database, redis).catch_up()
    inbox, wakes = shelf.consumer.inbox(shelf.database, "bakery"), Wakes(redis, ["bakery"])
    follower = Follower("bakery", inbox, redis, wakes, paused=paused, idle_seconds=0.01)
    async with _running(follower.run()):
        await eventually(lambda: shelf.has([1]))
    assert looks[:4] == [[], [], [], []]


async def test_valkey_killed_and_wiped_while_events_flow_loses_and_doubles_nothing(
    database: Database, shelf: Shelf, redis: Redis, valkey: Server, eventually: Eventually
) -> None:
    async with _bakery(database, shelf, redis):
        for first in range(0, 60, 20):
            await asyncio.to_thread(_bake, database, *range(first, first + 10))
            valkey.kill()
            await asyncio.to_thread(_bake, database, *range(first + 10, first + 20))
            valkey.start()
        await eventually(lambda: shelf.has(list(range(60))))


async def test_a_paused_valkey_only_delays(
    database: Database, shelf: Shelf, redis: Redis, valkey: Server, eventually: Eventually
) -> None:
    async with _bakery(database, shelf, redis):
        valkey.pause()
        _bake(database, 1, 2, 3)
        assert not await _answers(redis)
        valkey.resume()
        await eventually(lambda: shelf.has([1, 2, 3]))


async def test_a_consumer_that_comes_after_the_stream_was_trimmed_gets_all_of_it(
    database: Database, shelf: Shelf, redis: Redis, eventually: Eventually
) -> None:
    _bake(database, *range(300))
    relay = Relay(OUTBOX, database, redis, idle_seconds=0.05, max_length=100)
    await relay.catch_up()
    consumer = shelf.consumer
    async with _running(relay.run(), consumer.run(shelf.database, redis, idle_seconds=0.05)):
        await eventually(lambda: shelf.has(list(range(300))))


async def test_a_replica_that_was_overtaken_does_not_take_what_was_trimmed_for_a_gap(
    database: Database, shelf: Shelf, redis: Redis
) -> None:
    relay, inbox = Relay(OUTBOX, database, redis), shelf.consumer.inbox(shelf.database, "bakery")
    slow, fast = (Follower("bakery", inbox, redis, Wakes(redis, ["bakery"])) for _ in range(2))
    before = _gaps()
    for follower, loaves in ((slow, [1]), (fast, [2, 3]), (slow, [4])):
        _bake(database, *loaves)
        await relay.catch_up()
        await redis.xtrim(KEY, maxlen=1 if loaves == [4] else 9, approximate=False)
        while await follower.catch_up():
            pass
    assert shelf.loaves() == [1, 2, 3, 4]
    assert _gaps() == before


async def test_a_gap_is_noticed_and_nothing_after_it_is_handled(
    database: Database, shelf: Shelf, redis: Redis, eventually: Eventually
) -> None:
    _bake(database, 1, 2, 3)
    top = await Relay(OUTBOX, database, redis).catch_up()
    await redis.xdel(KEY, f"{top.epoch}-2")
    before = _gaps()
    async with _running(shelf.consumer.run(shelf.database, redis, idle_seconds=0.02)):
        await eventually(lambda: _noticed(before + 1))
        assert shelf.loaves() == [1]
        await Relay(OUTBOX, database, redis).catch_up()
        await eventually(lambda: shelf.has([1, 2, 3]))
    assert _gaps() == before + 1


async def test_a_new_life_of_the_sender_is_read_from_its_first_event(
    database: Database, shelf: Shelf, redis: Redis, eventually: Eventually
) -> None:
    _bake(database, 1, 2)
    async with _bakery(database, shelf, redis):
        await eventually(lambda: shelf.has([1, 2]))
        with database.write() as connection:
            connection.execute(text("DELETE FROM outbox"))
            connection.execute(text("UPDATE outbox_counter SET seq = 0, epoch = epoch + 1000"))
        _bake(database, 7)
        await eventually(lambda: shelf.has([1, 2, 7]))


async def test_a_stuck_stream_holds_up_no_other(
    database: Database, shelf: Shelf, redis: Redis, eventually: Eventually
) -> None:
    consumer = shelf.consumer
    asked = asyncio.Event()
    loop = asyncio.get_running_loop()

    @consumer.on("bakery.Bake", Baked, source="orders")
    def bake(connection: Connection, event: CloudEvent, data: Baked) -> None:
        loop.call_soon_threadsafe(asked.set)
        raise RuntimeError("the oven is cold")

    with shelf.database.write() as connection:
        Outbox("orders").add(connection, "bakery.Bake", "order-1", Baked(1))
    await Relay(Outbox("orders"), shelf.database, redis).catch_up()
    async with _running(consumer.run(shelf.database, redis, idle_seconds=0.05)):
        await asyncio.wait_for(asked.wait(), 10)
        _bake(database, 1)
        await Relay(OUTBOX, database, redis).catch_up()
        await eventually(lambda: shelf.has([1]))


def test_a_second_handler_for_one_event_is_refused() -> None:
    consumer = Consumer()

    def handle(connection: Connection, event: CloudEvent, data: Baked) -> None: ...

    consumer.on("bakery.Baked", Baked)(handle)
    with pytest.raises(ValueError, match="already has a handler"):
        consumer.on("bakery.Baked", Baked)(handle)


async def _subscribed(redis: Redis) -> bool:
    [(_, listeners)] = await redis.pubsub_shardnumsub("jogakbo:wake:{jogakbo:stream:bakery}")
    return bool(listeners)


async def _answers(redis: Redis) -> bool:
    try:
        await redis.ping()
    except (RedisError, OSError):
        return False
    return True


def _gaps() -> float:
    return REGISTRY.get_sample_value("jogakbo_event_gaps_total", {"stream": "bakery"}) or 0.0


async def _noticed(gaps: float) -> bool:
    return _gaps() >= gaps
