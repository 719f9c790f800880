"""The reader, its wake calls and purges in a cluster, where each stream may be at another node."""

from __future__ import annotations

import asyncio

import pytest
from redis import Redis
from redis.crc import key_slot

from jogakbo.contract.cloudevent import decode_event
from jogakbo.contract.streams import Position
from jogakbo_shell.composition.purges import NotTold, Purge
from jogakbo_shell.live.bus import connect
from jogakbo_shell.live.purges import PurgeStream, read_purge
from jogakbo_shell.live.reader import LiveReader
from shell.tests.live.reading import Eventually, FakeCatalog, FakeHub, Server, append, listens, owner, reading

pytestmark = pytest.mark.anyio

STREAMS = ("orders", "menu", "inventory")


@pytest.fixture
def hub() -> FakeHub:
    return FakeHub()


@pytest.fixture
def catalog() -> FakeCatalog:
    return FakeCatalog(*STREAMS)


def _stand(reader: LiveReader) -> set[Position]:
    return {track.position for track in reader.tracks.values()}


async def test_streams_of_several_slots_are_followed_together(
    cluster: Server, hub: FakeHub, catalog: FakeCatalog, eventually: Eventually
) -> None:
    assert len({key_slot(f"jogakbo:stream:{stream}".encode()) for stream in STREAMS}) == len(STREAMS)
    for stream in STREAMS:
        append(cluster, "5-1", stream=stream)
    async with reading(cluster.url, hub, catalog) as reader:
        for stream in STREAMS:
            append(cluster, "5-2", "5-3", stream=stream, wake=False)
        await eventually(lambda: _stand(reader) == {Position(5, 3)})

    assert hub.seen.count("5-2") == len(STREAMS)
    assert sum(track.resyncs for track in reader.tracks.values()) == 0


@pytest.mark.parametrize("stream", STREAMS)
async def test_a_wake_call_for_any_stream_ends_the_pause(
    stream: str, cluster: Server, hub: FakeHub, catalog: FakeCatalog, eventually: Eventually
) -> None:
    append(cluster, "5-1", stream=stream)
    async with reading(cluster.url, hub, catalog, idle_seconds=3600):
        await eventually(lambda: all(listens(cluster, name) for name in STREAMS))
        append(cluster, "5-2", stream=stream)
        await eventually(lambda: hub.seen == ["5-2"])


async def test_links_come_and_go_with_the_streams(
    cluster: Server, hub: FakeHub, catalog: FakeCatalog, eventually: Eventually
) -> None:
    async with reading(cluster.url, hub, catalog):
        await eventually(lambda: listens(cluster, "menu"))
        catalog.names = frozenset({"orders", "till"})
        await eventually(lambda: listens(cluster, "till") and not listens(cluster, "menu"))


async def test_what_happened_while_links_were_cut_is_read_afterwards(
    cluster: Server, hub: FakeHub, catalog: FakeCatalog, eventually: Eventually
) -> None:
    append(cluster, "5-1")
    async with reading(cluster.url, hub, catalog) as reader:
        for seq in range(2, 12):
            with owner(cluster) as redis:
                redis.client_kill_filter(_type="normal", skipme=True)
                redis.client_kill_filter(_type="pubsub")
            append(cluster, f"5-{seq}")
        await eventually(lambda: len(hub.seen) == 10)
        await eventually(lambda: listens(cluster))

    assert reader.tracks["orders"].resyncs == 0


async def test_a_node_that_hangs_is_noticed_and_caught_up_with(
    cluster: Server, hub: FakeHub, catalog: FakeCatalog, eventually: Eventually
) -> None:
    append(cluster, "5-1")
    async with reading(cluster.url, hub, catalog) as reader:
        cluster.pause()
        try:
            await eventually(lambda: reader.away_since is not None)
        finally:
            cluster.resume()
        append(cluster, "5-2")
        await eventually(lambda: hub.seen == ["5-2"])


async def test_a_node_that_dies_and_comes_back_empty_is_refilled_and_read_on(
    cluster: Server, hub: FakeHub, catalog: FakeCatalog, eventually: Eventually
) -> None:
    append(cluster, "5-1", "5-2")
    async with reading(cluster.url, hub, catalog) as reader:
        cluster.kill()
        await eventually(lambda: reader.away_since is not None)
        cluster.start()
        await eventually(lambda: reader.tracks["orders"].last_resync == "vanished")
        append(cluster, "5-1", "5-2", "5-3")
        await eventually(lambda: hub.seen == ["5-3"])
        await eventually(lambda: all(listens(cluster, name) for name in STREAMS))


async def test_a_cluster_that_is_away_at_the_start_is_taken_up_when_it_comes(
    cluster: Server, hub: FakeHub, catalog: FakeCatalog, eventually: Eventually
) -> None:
    cluster.kill()
    redis = connect(cluster.url)
    reader = LiveReader(redis, hub, catalog, idle_seconds=0.02)
    task = asyncio.create_task(reader.run())
    await eventually(lambda: reader.away_since is not None)
    cluster.start()
    await eventually(reader.looked.is_set)
    append(cluster, "5-1")
    await eventually(lambda: hub.resyncs[-1] == ("orders", "5-1"))

    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await redis.aclose()


async def test_a_second_address_helps_when_the_first_is_away(
    cluster: Server, hub: FakeHub, catalog: FakeCatalog, eventually: Eventually
) -> None:
    url = f"redis+cluster://127.0.0.1:1,127.0.0.1:{cluster.port}"
    append(cluster, "5-1")
    async with reading(url, hub, catalog):
        append(cluster, "5-2")
        await eventually(lambda: hub.seen == ["5-2"])


async def test_a_stream_that_moves_to_another_node_is_followed_and_heard_there(
    two_nodes: tuple[Server, Server], hub: FakeHub, catalog: FakeCatalog, eventually: Eventually
) -> None:
    first, second = two_nodes
    append(first, "5-1")
    async with reading(first.url, hub, catalog, idle_seconds=3600):
        await eventually(lambda: listens(first))
        _move("orders", first, second)
        await eventually(lambda: listens(second))
        append(second, "5-2")
        await eventually(lambda: hub.seen == ["5-2"])


def _move(stream: str, old: Server, new: Server) -> None:
    key = f"jogakbo:stream:{stream}"
    slot = key_slot(key.encode())
    with Redis(port=old.port) as source, Redis(port=new.port) as target:
        source_id, target_id = (node.execute_command("CLUSTER MYID") for node in (source, target))
        target.execute_command("CLUSTER SETSLOT", slot, "IMPORTING", source_id)
        source.execute_command("CLUSTER SETSLOT", slot, "MIGRATING", target_id)
        source.execute_command("MIGRATE", "127.0.0.1", new.port, key, 0, 2000)
        for node in (target, source):
            node.execute_command("CLUSTER SETSLOT", slot, "NODE", target_id)


async def test_purges_are_told_in_a_cluster(cluster: Server) -> None:
    purge, purges = Purge(frozenset({"orders"}), soft=True), PurgeStream.at(cluster.url)
    try:
        assert await purges.tell(purge) is True
    finally:
        await purges.close()
    with Redis(port=cluster.port, protocol=2) as redis:
        [(_, fields)] = redis.execute_command("XRANGE", "jogakbo:stream:shell", "-", "+")
    assert read_purge(decode_event(fields[b"event"])) == purge


async def test_a_cluster_that_is_away_is_said_to_be(cluster: Server) -> None:
    purges = PurgeStream.at("redis+cluster://127.0.0.1:1")
    with pytest.raises(NotTold):
        await purges.tell(Purge(frozenset({"orders"})))
    await purges.close()
