"""The relay against a real Valkey: the stream always ends up holding the outbox, with the same ids, once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import Protocol

import msgspec
import pytest
from prometheus_client import REGISTRY
from redis import Redis as SyncRedis
from redis.asyncio import Redis
from sqlalchemy import text

from jogakbo.contract.streams import START, Position
from jogakbo.database import Database
from jogakbo.events import Outbox, Relay
from jogakbo.events.bus import BUS_ERRORS, read_after, request_refill
from jogakbo.testing.databases import FreshDatabase

pytestmark = [pytest.mark.anyio, pytest.mark.databases("sqlite")]
OUTBOX = Outbox("bakery")
KEY = "jogakbo:stream:bakery"
Eventually = Callable[[Callable[[], Awaitable[bool]]], Awaitable[None]]


class Server(Protocol):
    port: int

    def start(self) -> None: ...
    def kill(self) -> None: ...
    def pause(self) -> None: ...
    def resume(self) -> None: ...


class Baked(msgspec.Struct):
    loaves: int


@pytest.fixture
def relay(database: Database, redis: Redis) -> Relay:
    return Relay(OUTBOX, database, redis, idle_seconds=0.05)


def _bake(database: Database, times: int = 1) -> None:
    with database.write() as connection:
        for loaves in range(times):
            OUTBOX.add(connection, "bakery.Baked", "oven-1", Baked(loaves), ["bread"])


async def _ids(redis: Redis) -> list[str]:
    return [id.decode() for id, _ in await read_after(redis, KEY, START, 5000)]


async def _seqs(redis: Redis) -> list[int]:
    return [Position.parse(id).seq for id in await _ids(redis)]


@asynccontextmanager
async def _running(relay: Relay) -> AsyncIterator[None]:
    task = asyncio.create_task(relay.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_events_appear_in_order_under_their_own_numbers(relay: Relay, database: Database, redis: Redis) -> None:
    _bake(database, 450)
    await relay.catch_up()
    assert await _seqs(redis) == list(range(1, 451))


async def test_publishing_again_appends_nothing(relay: Relay, database: Database, redis: Redis) -> None:
    _bake(database, 3)
    await relay.catch_up()
    await relay.catch_up()
    assert await _seqs(redis) == [1, 2, 3]


async def test_two_relays_of_one_service_append_once(database: Database, redis: Redis) -> None:
    _bake(database, 500)
    await asyncio.gather(*(Relay(OUTBOX, database, redis).catch_up() for _ in range(3)))
    assert await _seqs(redis) == list(range(1, 501))


async def test_relays_that_overtake_each_other_stay_in_one_life(
    database: Database, redis: Redis, eventually: Eventually
) -> None:
    async with AsyncExitStack() as stack:
        for _ in range(3):
            await stack.enter_async_context(_running(Relay(OUTBOX, database, redis, idle_seconds=3600)))
        for last in (450, 900, 1350):
            _bake(database, 450)
            await eventually(partial(_holds, redis, list(range(1, last + 1))))
    assert len({Position.parse(id).epoch for id in await _ids(redis)}) == 1


async def test_readers_are_woken_after_an_append(relay: Relay, database: Database, redis: Redis) -> None:
    async with redis.pubsub(ignore_subscribe_messages=True) as pubsub:
        await pubsub.ssubscribe("jogakbo:wake:{jogakbo:stream:bakery}")
        await pubsub.get_message(timeout=1)
        _bake(database)
        await relay.catch_up()
        message = await pubsub.get_message(timeout=1)
    assert message is not None
    assert message["data"] == b"bakery"


async def test_a_commit_in_the_process_is_published_at_once(
    database: Database, redis: Redis, eventually: Eventually
) -> None:
    async with _running(Relay(OUTBOX, database, redis, idle_seconds=3600)):
        _bake(database)
        await eventually(lambda: _holds(redis, [1]))
        _bake(database)
        await eventually(lambda: _holds(redis, [1, 2]))


async def _asked(redis: Redis) -> dict[str, int]:
    """How often the server was asked to append, and for each of the other things that a relay asks for."""
    told = await redis.info("commandstats")
    calls = {name: told.get(f"cmdstat_{name}", {}).get("calls", 0) for name in ("eval", "xrevrange", "getdel")}
    return calls | {"xrevrange": calls["xrevrange"] - calls["eval"]}  # which does so itself


async def test_a_commit_asks_the_bus_for_one_thing_and_none_if_it_has_nothing_to_tell(
    database: Database, redis: Redis, eventually: Eventually
) -> None:
    async with _running(Relay(OUTBOX, database, redis, idle_seconds=3600)):
        _bake(database)
        await eventually(lambda: _holds(redis, [1]))
        before = await _asked(redis)
        with database.write() as connection:
            connection.execute(text("UPDATE outbox_counter SET seq = seq"))
        _bake(database)
        await eventually(lambda: _holds(redis, [1, 2]))
        assert await _asked(redis) == before | {"eval": before["eval"] + 1}


async def test_a_stream_that_was_wiped_between_two_commits_is_whole_after_the_second(
    database: Database, redis: Redis, eventually: Eventually
) -> None:
    async with _running(Relay(OUTBOX, database, redis, idle_seconds=3600)):
        _bake(database, 3)
        await eventually(lambda: _holds(redis, [1, 2, 3]))
        await redis.flushall()
        _bake(database)
        await eventually(lambda: _holds(redis, [1, 2, 3, 4]))


async def test_a_relay_looks_at_its_stream_also_while_commits_keep_coming(
    database: Database, redis: Redis, eventually: Eventually
) -> None:
    async def is_whole_while_baking() -> bool:
        _bake(database)
        return (await _seqs(redis))[:1] == [1]

    async with _running(Relay(OUTBOX, database, redis, idle_seconds=0.2)):
        _bake(database, 3)
        await eventually(lambda: _holds(redis, [1, 2, 3]))
        await redis.xtrim(KEY, maxlen=1, approximate=False)
        await request_refill(redis, "bakery", START)
        await eventually(is_whole_while_baking)


async def test_a_wiped_stream_is_refilled_with_the_same_ids(
    relay: Relay, database: Database, redis: Redis, eventually: Eventually
) -> None:
    _bake(database, 5)
    async with _running(relay):
        await eventually(lambda: _holds(redis, [1, 2, 3, 4, 5]))
        before = await _ids(redis)
        await redis.flushall()
        await eventually(lambda: _holds(redis, [1, 2, 3, 4, 5]))
    assert await _ids(redis) == before


@pytest.mark.parametrize("lost", ["all", "all with its server", "the newest"])
async def test_two_relays_bring_back_what_a_stream_has_lost_once_and_under_the_same_ids(
    lost: str, database: Database, valkey: Server, redis: Redis, eventually: Eventually
) -> None:
    _bake(database, 3)
    relays = [Relay(OUTBOX, database, redis, idle_seconds=0.05) for _ in range(2)]
    async with _running(relays[0]), _running(relays[1]):
        await eventually(lambda: _holds(redis, [1, 2, 3]))
        replica = await redis.dump(KEY)
        assert isinstance(replica, bytes)
        _bake(database, 2)
        await eventually(lambda: _holds(redis, [1, 2, 3, 4, 5]))
        before = await _ids(redis)
        if lost == "all":
            await redis.flushall()
        elif lost == "the newest":
            await redis.restore(KEY, 0, replica, replace=True)
        else:
            valkey.kill()
            valkey.start()
        _bake(database)
        await eventually(lambda: _holds(redis, [1, 2, 3, 4, 5, 6]))
    assert (await _ids(redis))[:5] == before


async def test_links_that_are_cut_again_and_again_lose_and_double_nothing(
    relay: Relay, database: Database, redis: Redis, valkey: Server, eventually: Eventually
) -> None:
    async with _running(relay):
        for _ in range(20):
            _bake(database)
            with SyncRedis(port=valkey.port) as operator:
                operator.client_kill_filter(_type="normal", skipme=True)
            await asyncio.sleep(0)
        await eventually(lambda: _holds(redis, list(range(1, 21))))


async def test_a_server_that_hangs_only_delays(
    relay: Relay, database: Database, redis: Redis, valkey: Server, eventually: Eventually
) -> None:
    async with _running(relay):
        _bake(database)
        await eventually(lambda: _holds(redis, [1]))
        valkey.pause()
        _bake(database, 2)
        with pytest.raises(BUS_ERRORS):
            await redis.ping()
        valkey.resume()
        await eventually(lambda: _holds(redis, [1, 2, 3]))


async def test_a_wipe_while_batches_are_appended_leaves_no_hole(database: Database, redis: Redis) -> None:
    _bake(database, 2000)
    relay = Relay(OUTBOX, database, redis)
    publishing = asyncio.create_task(relay.catch_up())
    while not await _ids(redis):
        assert not publishing.done()
    await redis.flushall()
    await publishing
    await relay.catch_up()
    assert await _seqs(redis) == list(range(1, 2001))


async def test_a_trimmed_stream_is_told_anew_for_a_consumer_that_needs_it(database: Database, redis: Redis) -> None:
    _bake(database, 600)
    relay = Relay(OUTBOX, database, redis, max_length=100)
    top = await relay.catch_up()
    assert (await _seqs(redis))[0] > 150
    await request_refill(redis, "bakery", Position(top.epoch, 150))
    await relay.catch_up()
    _bake(database, 1)
    await relay.catch_up()
    assert await _seqs(redis) == list(range(151, 602))


async def test_the_newest_entries_lost_in_a_failover_come_back(relay: Relay, database: Database, redis: Redis) -> None:
    _bake(database, 2)
    await relay.catch_up()
    replica = await redis.dump(KEY)
    assert isinstance(replica, bytes)
    _bake(database, 3)
    await relay.catch_up()
    before = await _ids(redis)
    await redis.restore(KEY, 0, replica, replace=True)
    await relay.catch_up()
    assert await _ids(redis) == before


async def test_entries_deleted_by_hand_come_back(relay: Relay, database: Database, redis: Redis) -> None:
    _bake(database, 4)
    await relay.catch_up()
    before = await _ids(redis)
    await redis.xdel(KEY, *before[2:])
    await relay.catch_up()
    assert await _ids(redis) == before


async def test_a_stream_is_bounded(database: Database, redis: Redis) -> None:
    _bake(database, 600)
    await Relay(OUTBOX, database, redis, max_length=100).catch_up()
    kept = await _seqs(redis)
    assert kept[-1] == 600
    assert 100 <= len(kept) < 300  # approximate: Redis trims whole nodes of 100 entries


async def test_a_database_restored_from_a_backup_begins_a_new_epoch(
    relay: Relay, database: Database, redis: Redis
) -> None:
    _bake(database, 5)
    first = await relay.catch_up()
    with database.write() as connection:
        connection.execute(text("DELETE FROM outbox WHERE seq > 3"))
        connection.execute(text("UPDATE outbox_counter SET seq = 3"))
    second = await relay.catch_up()
    assert second.epoch > first.epoch
    assert second.seq == 3
    assert await _seqs(redis) == [1, 2, 3, 4, 5, 1, 2, 3]


async def test_a_database_that_gave_lost_numbers_to_other_events_begins_a_new_epoch(
    relay: Relay, database: Database, redis: Redis
) -> None:
    _bake(database, 5)
    first = await relay.catch_up()
    with database.write() as connection:
        connection.execute(text("DELETE FROM outbox WHERE seq > 3"))
        connection.execute(text("UPDATE outbox_counter SET seq = 3"))
    _bake(database, 2)
    second = await relay.catch_up()
    assert second.epoch > first.epoch
    assert await _seqs(redis) == [1, 2, 3, 4, 5, 1, 2, 3, 4, 5]


async def test_so_it_does_when_more_events_than_were_lost_come_before_the_relay_looks_again(
    database: Database, redis: Redis, eventually: Eventually
) -> None:
    async with _running(Relay(OUTBOX, database, redis, idle_seconds=3600)):
        _bake(database, 5)
        await eventually(lambda: _holds(redis, [1, 2, 3, 4, 5]))
        with database.write() as connection:
            connection.execute(text("DELETE FROM outbox WHERE seq > 3"))
            connection.execute(text("UPDATE outbox_counter SET seq = 3"))
            for loaves in range(3):
                OUTBOX.add(connection, "bakery.Burnt", "oven-1", Baked(loaves))
        await eventually(lambda: _holds(redis, [1, 2, 3, 4, 5, 1, 2, 3, 4, 5, 6]))


async def test_so_it_does_when_another_relay_had_told_what_was_lost(
    fresh_database: FreshDatabase, redis: Redis, eventually: Eventually
) -> None:
    url = fresh_database()
    database, other = Database(url), Database(url)
    database.migrate()
    async with _running(Relay(OUTBOX, database, redis, idle_seconds=3600)):
        _bake(database, 3)
        await eventually(lambda: _holds(redis, [1, 2, 3]))
        _bake(other, 2)
        await Relay(OUTBOX, other, redis).catch_up()
        with other.write() as connection:
            connection.execute(text("DELETE FROM outbox WHERE seq > 3"))
            connection.execute(text("UPDATE outbox_counter SET seq = 3"))
        with database.write() as connection:
            for loaves in range(3):
                OUTBOX.add(connection, "bakery.Burnt", "oven-1", Baked(loaves))
        await eventually(lambda: _holds(redis, [1, 2, 3, 4, 5, 1, 2, 3, 4, 5, 6]))
    database.close()
    other.close()


async def test_only_what_was_appended_is_counted_as_published(
    database: Database, redis: Redis, eventually: Eventually
) -> None:
    def published() -> float:
        return REGISTRY.get_sample_value("jogakbo_outbox_published_total", {"service": "bakery"}) or 0

    before = published()
    async with AsyncExitStack() as stack:
        for _ in range(2):
            await stack.enter_async_context(_running(Relay(OUTBOX, database, redis, idle_seconds=3600)))
        for last in range(1, 21):
            _bake(database)
            await eventually(partial(_holds, redis, list(range(1, last + 1))))
    assert published() - before == 20


async def test_the_same_event_written_otherwise_is_the_same_life(
    relay: Relay, database: Database, redis: Redis
) -> None:
    _bake(database, 2)
    first = await relay.catch_up()
    [*_, (id, fields)] = await read_after(redis, KEY, START, 10)
    await redis.delete(KEY)
    otherwise = msgspec.json.format(fields[b"event"], indent=2)
    await redis.xadd(KEY, {"event": otherwise}, id=id)
    assert await relay.catch_up() == first


async def _holds(redis: Redis, seqs: list[int]) -> bool:
    try:
        return await _seqs(redis) == seqs
    except BUS_ERRORS:
        return False
