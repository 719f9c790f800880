"""The reader against a real Valkey: whatever happens to the bus, every change is handed on or a resync says why."""

from __future__ import annotations

import asyncio

import pytest

from jogakbo.contract.streams import Position
from jogakbo_shell.live.bus import BUS_ERRORS, Wakes, connect
from jogakbo_shell.live.reader import LiveReader
from shell.tests.live.reading import (
    KEY,
    Eventually,
    FakeCatalog,
    FakeHub,
    Server,
    append,
    event,
    listens,
    owner,
    reading,
)

pytestmark = pytest.mark.anyio


@pytest.fixture
def hub() -> FakeHub:
    return FakeHub()


@pytest.fixture
def catalog() -> FakeCatalog:
    return FakeCatalog("orders")


def _reasons(reader: LiveReader) -> str:
    return reader.tracks["orders"].last_resync


def _add(valkey: Server, count: int, keep: int = 100_000) -> None:
    """As a team without an outbox does."""
    with owner(valkey) as redis, redis.pipeline() as at_once:
        for _ in range(count):
            at_once.xadd(KEY, {"event": event("made-by-hand")}, maxlen=keep, approximate=False)
        at_once.execute()


async def test_reading_begins_at_the_top_and_goes_on_from_there(
    valkey: Server, hub: FakeHub, catalog: FakeCatalog, eventually: Eventually
) -> None:
    append(valkey, "5-1", "5-2")
    async with reading(valkey.url, hub, catalog) as reader:
        append(valkey, *(f"5-{seq}" for seq in range(3, 603)))
        await eventually(lambda: len(hub.seen) == 600)

    assert hub.seen == [f"5-{seq}" for seq in range(3, 603)]
    assert hub.keys == {f"order-{seq}" for seq in range(3, 603)}
    assert hub.resyncs == [("orders", "5-2")]
    assert reader.tracks["orders"].resyncs == 0


async def test_a_wake_call_ends_the_pause(
    valkey: Server, hub: FakeHub, catalog: FakeCatalog, eventually: Eventually
) -> None:
    append(valkey, "5-1")
    async with reading(valkey.url, hub, catalog, idle_seconds=3600):
        await eventually(lambda: listens(valkey))
        append(valkey, "5-2")
        await eventually(lambda: hub.seen == ["5-2"])


async def test_without_a_wake_call_the_stream_is_read_all_the_same(
    valkey: Server, hub: FakeHub, catalog: FakeCatalog, eventually: Eventually
) -> None:
    append(valkey, "5-1")
    async with reading(valkey.url, hub, catalog):
        append(valkey, "5-2", wake=False)
        await eventually(lambda: hub.seen == ["5-2"])


async def test_a_wake_link_into_a_black_hole_is_given_up_and_made_again(valkey: Server, eventually: Eventually) -> None:
    redis = connect(valkey.url)
    wakes = Wakes(redis, silence_seconds=0.1)
    wakes.follow(frozenset({"orders"}))
    task = asyncio.create_task(wakes.run())
    await eventually(lambda: listens(valkey))
    before = _links(valkey)
    valkey.pause()
    with pytest.raises(BUS_ERRORS):
        await redis.ping()
    valkey.resume()
    await eventually(lambda: bool(_links(valkey)) and _links(valkey).isdisjoint(before))

    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await redis.aclose()


def _links(valkey: Server) -> set[str]:
    with owner(valkey) as redis:
        return {link["id"] for link in redis.client_list(_type="pubsub")}


async def test_what_happened_while_the_link_was_cut_is_read_afterwards(
    valkey: Server, hub: FakeHub, catalog: FakeCatalog, eventually: Eventually
) -> None:
    append(valkey, "5-1")
    async with reading(valkey.url, hub, catalog) as reader:
        for seq in range(2, 22):
            with owner(valkey) as redis:
                redis.client_kill_filter(_type="normal", skipme=True)
                redis.client_kill_filter(_type="pubsub")
            append(valkey, f"5-{seq}")
        await eventually(lambda: len(hub.seen) == 20)

    assert hub.seen == [f"5-{seq}" for seq in range(2, 22)]
    assert reader.tracks["orders"].resyncs == 0


async def test_a_server_that_hangs_is_noticed_and_caught_up_with(
    valkey: Server, hub: FakeHub, catalog: FakeCatalog, eventually: Eventually
) -> None:
    append(valkey, "5-1")
    behind: list[bool] = []
    async with reading(valkey.url, hub, catalog) as reader:
        reader.on_behind(behind.append)
        valkey.pause()
        await eventually(lambda: reader.away_since is not None and behind == [True])
        valkey.resume()
        append(valkey, "5-2")
        await eventually(lambda: hub.seen == ["5-2"] and behind == [True, False])

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
    append(valkey, "5-1")
    await eventually(lambda: hub.resyncs[-1] == ("orders", "5-1"))

    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await redis.aclose()


@pytest.mark.parametrize("wipe", ["FLUSHALL", "restart"])
async def test_a_wiped_stream_that_is_refilled_loses_nothing_and_repeats_nothing(
    wipe: str, valkey: Server, hub: FakeHub, catalog: FakeCatalog, eventually: Eventually
) -> None:
    append(valkey, "5-1", "5-2")
    async with reading(valkey.url, hub, catalog) as reader:
        if wipe == "restart":
            valkey.kill()
            valkey.start()
        else:
            with owner(valkey) as redis:
                redis.flushall()
        await eventually(lambda: _reasons(reader) == "vanished")
        append(valkey, "5-1")
        append(valkey, "5-2", "5-3")
        await eventually(lambda: hub.seen == ["5-3"])

    assert reader.tracks["orders"].resyncs == 1
    assert hub.resyncs[-1] == ("orders", "5-2")


async def test_entries_lost_in_a_failover_and_appended_again_are_read_once(
    valkey: Server, hub: FakeHub, catalog: FakeCatalog, eventually: Eventually
) -> None:
    append(valkey, "5-1", "5-2", "5-3")
    async with reading(valkey.url, hub, catalog) as reader:
        with owner(valkey) as redis:
            redis.delete(KEY)
        append(valkey, "5-1", "5-2")
        await eventually(lambda: _reasons(reader) == "vanished")
        append(valkey, "5-3", "5-4")
        await eventually(lambda: hub.seen == ["5-4"])


async def test_a_new_epoch_is_a_resync_at_its_top(
    valkey: Server, hub: FakeHub, catalog: FakeCatalog, eventually: Eventually
) -> None:
    append(valkey, "5-1")
    async with reading(valkey.url, hub, catalog) as reader:
        append(valkey, "6-1", "6-2", "6-3")
        await eventually(lambda: _reasons(reader) == "new-epoch")
        await eventually(lambda: reader.tracks["orders"].position == Position(6, 3))
        append(valkey, "6-4")
        await eventually(lambda: hub.seen[-1:] == ["6-4"])


async def test_a_gap_is_a_resync(valkey: Server, hub: FakeHub, catalog: FakeCatalog, eventually: Eventually) -> None:
    append(valkey, "5-1")
    async with reading(valkey.url, hub, catalog) as reader:
        append(valkey, "5-3")
        await eventually(lambda: hub.resyncs[-1] == ("orders", "5-3"))

    assert _reasons(reader) == "gap"


async def test_a_stream_trimmed_beyond_our_position_is_a_resync(
    valkey: Server, hub: FakeHub, catalog: FakeCatalog, eventually: Eventually
) -> None:
    append(valkey, "5-1")
    async with reading(valkey.url, hub, catalog) as reader:
        with owner(valkey) as redis, redis.pipeline() as at_once:
            for seq in range(2, 9):
                at_once.xadd(KEY, {"event": event(f"5-{seq}")}, id=f"5-{seq}")
            at_once.xtrim(KEY, maxlen=2, approximate=False)
            at_once.execute()
        await eventually(lambda: hub.resyncs[-1] == ("orders", "5-8"))

    assert _reasons(reader) == "trimmed"


async def test_a_stream_trimmed_up_to_our_position_has_lost_nothing(
    valkey: Server, hub: FakeHub, catalog: FakeCatalog, eventually: Eventually
) -> None:
    append(valkey, "5-1")
    async with reading(valkey.url, hub, catalog) as reader:
        with owner(valkey) as redis, redis.pipeline() as at_once:
            at_once.xadd(KEY, {"event": event("5-2")}, id="5-2")
            at_once.xtrim(KEY, maxlen=1, approximate=False)
            at_once.execute()
        await eventually(lambda: hub.seen == ["5-2"])

    assert reader.tracks["orders"].resyncs == 0


async def test_a_stream_that_stays_shorter_than_what_was_read_is_another_history(
    valkey: Server, hub: FakeHub, catalog: FakeCatalog, eventually: Eventually
) -> None:
    append(valkey, *(f"5-{seq}" for seq in range(1, 10)))
    async with reading(valkey.url, hub, catalog, patience_seconds=0.1) as reader:
        with owner(valkey) as redis:
            redis.delete(KEY)
        append(valkey, "5-1", "5-2")
        await eventually(lambda: _reasons(reader) == "rewritten")
        append(valkey, "5-3")
        await eventually(lambda: hub.seen == ["5-3"])


async def test_ids_made_by_redis_are_no_gaps_but_a_vanished_stream_is_noticed(
    valkey: Server, hub: FakeHub, catalog: FakeCatalog, eventually: Eventually
) -> None:
    append(valkey, "1000-0")
    async with reading(valkey.url, hub, catalog) as reader:
        append(valkey, "1500-0", "1500-1", "1700-0")
        await eventually(lambda: len(hub.seen) == 3)
        assert reader.tracks["orders"].resyncs == 0

        with owner(valkey) as redis:
            redis.delete(KEY)
        append(valkey, "2000-0")
        await eventually(lambda: hub.resyncs[-1] == ("orders", "2000-0"))


async def test_many_ids_made_by_redis_in_one_millisecond_are_no_gaps(
    valkey: Server, hub: FakeHub, catalog: FakeCatalog, eventually: Eventually
) -> None:
    _add(valkey, 1)
    async with reading(valkey.url, hub, catalog) as reader:
        for _ in range(10):
            _add(valkey, 300)
        await eventually(lambda: len(hub.seen) == 3_000)
        _add(valkey, 1)
        await eventually(lambda: len(hub.seen) == 3_001)

    assert len({entry.partition("-")[0] for entry in hub.seen}) < 3_000, "some were made in one millisecond"
    assert reader.tracks["orders"].resyncs == 0


async def test_a_stream_of_ids_made_by_redis_that_was_trimmed_beyond_our_position_is_a_resync(
    valkey: Server, hub: FakeHub, catalog: FakeCatalog, eventually: Eventually
) -> None:
    _add(valkey, 1)
    async with reading(valkey.url, hub, catalog) as reader:
        _add(valkey, 50, keep=2)
        await eventually(lambda: _reasons(reader) == "trimmed")


async def test_a_tail_of_ids_made_by_redis_that_a_failover_lost_is_a_resync(
    valkey: Server, hub: FakeHub, catalog: FakeCatalog, eventually: Eventually
) -> None:
    append(valkey, "1000-0", "1500-0", "1700-0")
    async with reading(valkey.url, hub, catalog) as reader:
        with owner(valkey) as redis:
            redis.delete(KEY)
        append(valkey, "1000-0", "1500-0")
        await eventually(lambda: reader.tracks["orders"].position == Position(1500, 0))
        append(valkey, "1600-0")
        await eventually(lambda: hub.seen == ["1600-0"])


@pytest.mark.parametrize("first", ["5-0", "5-1", "5-7"])
async def test_what_comes_first_in_an_empty_stream_does_not_prove_that_nothing_came_before(
    first: str, valkey: Server, hub: FakeHub, catalog: FakeCatalog, eventually: Eventually
) -> None:
    async with reading(valkey.url, hub, catalog) as reader:
        append(valkey, first)
        await eventually(lambda: _reasons(reader) == "unproven")
        assert hub.resyncs[-1] == ("orders", first)


async def test_the_same_ids_with_other_events_are_another_history(
    valkey: Server, hub: FakeHub, catalog: FakeCatalog, eventually: Eventually
) -> None:
    append(valkey, "5-1", "5-2", "5-3")
    async with reading(valkey.url, hub, catalog) as reader:
        with owner(valkey) as redis, redis.pipeline() as at_once:
            at_once.delete(KEY)
            for seq in range(1, 6):
                at_once.xadd(KEY, {"event": event(f"5-{seq}", key="other")}, id=f"5-{seq}")
            at_once.execute()
        await eventually(lambda: _reasons(reader) == "rewritten")
        assert hub.resyncs[-1] == ("orders", "5-5")


async def test_a_wipe_and_refill_between_two_looks_loses_nothing(
    valkey: Server, hub: FakeHub, catalog: FakeCatalog, eventually: Eventually
) -> None:
    append(valkey, "5-1", "5-2", "5-3")
    async with reading(valkey.url, hub, catalog) as reader:
        with owner(valkey) as redis, redis.pipeline() as at_once:
            at_once.flushall()
            for seq in range(1, 8):
                at_once.xadd(KEY, {"event": event(f"5-{seq}")}, id=f"5-{seq}")
            at_once.execute()
        await eventually(lambda: hub.seen == ["5-4", "5-5", "5-6", "5-7"])

    assert reader.tracks["orders"].resyncs == 0


async def test_an_event_that_cannot_be_read_is_a_resync(
    valkey: Server, hub: FakeHub, catalog: FakeCatalog, eventually: Eventually
) -> None:
    append(valkey, "5-1")
    async with reading(valkey.url, hub, catalog) as reader:
        with owner(valkey) as redis:
            redis.xadd(KEY, {"event": "not json"}, id="5-2")
        await eventually(lambda: _reasons(reader) == "unreadable")
        append(valkey, "5-3")
        await eventually(lambda: hub.seen == ["5-3"])


async def test_streams_come_and_go_while_it_reads(
    valkey: Server, hub: FakeHub, catalog: FakeCatalog, eventually: Eventually
) -> None:
    async with reading(valkey.url, hub, catalog) as reader:
        catalog.names = frozenset({"orders", "menu"})
        await eventually(lambda: ("menu", "0-0") in hub.resyncs)
        catalog.names = frozenset({"menu"})
        await eventually(lambda: hub.read == {"menu"})

    assert reader.tracks.keys() == {"menu"}
