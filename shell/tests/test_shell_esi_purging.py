"""Purges on their way to an edge: joined, repeated, retried, bounded, and remembered until they are confirmed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from itertools import count

import pytest

from jogakbo_shell.composition.freshness import read_freshness
from jogakbo_shell.composition.rendered import Rendered
from jogakbo_shell.edges.edges import EdgedCache, Edges
from jogakbo_shell.edges.purger import Pace, Purger, Since
from jogakbo_shell.instance import Instance
from jogakbo_shell.upstream.pool import PooledUpstream
from shell.tests.harness import FakeFragmentServer, answer, eventually, hang

pytestmark = pytest.mark.anyio

QUICK = Pace(gather_seconds=0.01, again_seconds=0.05, retry_seconds=0.01, max_retry_seconds=0.05, deadline_seconds=0.2)
ONCE = Pace(gather_seconds=0.01, again_seconds=600)


@pytest.fixture
async def varnish() -> AsyncIterator[FakeFragmentServer]:
    """An edge that takes every purge."""
    async with FakeFragmentServer({"/": answer("purged")}) as server:
        yield server


@asynccontextmanager
async def purging(edge: FakeFragmentServer, upstream: PooledUpstream, pace: Pace) -> AsyncIterator[Purger]:
    purger = Purger(edge.address, upstream, pace)
    running = asyncio.create_task(purger.run())
    yield purger
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


def purged(edge: FakeFragmentServer) -> list[set[str]]:
    """The keys of each purge that came."""
    return [set(request.header("surrogate-key").split()) for request in edge.received if request.method == "PURGE"]


_numbers = count()


def purge(purger: Purger, keys: str, cursor: str = "") -> None:
    purger.purge(keys.split(), Since(next(_numbers), cursor))


async def test_changes_of_one_moment_are_one_purge(varnish: FakeFragmentServer, pool: PooledUpstream) -> None:
    async with purging(varnish, pool, ONCE) as purger:
        for keys in ("orders order-1", "orders order-2", ""):
            purge(purger, keys)
        await eventually(lambda: len(purged(varnish)) == 1)
        purge(purger, "menu")
        await eventually(lambda: len(purged(varnish)) == 2)
    assert purged(varnish) == [{"orders", "order-1", "order-2"}, {"menu"}]


async def test_each_purge_is_repeated_for_what_was_on_its_way(
    varnish: FakeFragmentServer, pool: PooledUpstream
) -> None:
    async with purging(varnish, pool, QUICK) as purger:
        purge(purger, "orders")
        await eventually(lambda: purger.unconfirmed is None)
    assert purged(varnish) == [{"orders"}, {"orders"}]


async def test_what_is_not_confirmed_twice_is_remembered_with_its_place_in_the_log(
    varnish: FakeFragmentServer, pool: PooledUpstream
) -> None:
    async with purging(varnish, pool, ONCE) as purger:
        purge(purger, "a", "orders:1-1")
        await eventually(lambda: len(purged(varnish)) == 1)
        purge(purger, "b", "orders:1-2")
        await eventually(lambda: len(purged(varnish)) == 2)
        assert purger.unconfirmed is not None
        assert purger.unconfirmed.cursor == "orders:1-1"


REFUSALS = {"503": answer("", 503), "403": answer("", 403), "silence": hang}


@pytest.mark.parametrize("refusal", REFUSALS)
async def test_an_edge_is_asked_until_it_confirms_and_then_in_order(
    varnish: FakeFragmentServer, pool: PooledUpstream, refusal: str
) -> None:
    varnish.at["/"] = REFUSALS[refusal]
    async with purging(varnish, pool, QUICK) as purger:
        purge(purger, "a")
        await eventually(lambda: len(purged(varnish)) > 2)
        purge(purger, "b")
        assert purger.unconfirmed is not None
        varnish.at["/"] = answer("purged")
        await eventually(lambda: purger.unconfirmed is None)
    assert {"a"} in purged(varnish)
    assert purged(varnish)[-1] == {"a", "b"}


async def test_an_edge_that_is_gone_is_found_again(varnish: FakeFragmentServer, pool: PooledUpstream) -> None:
    async with purging(varnish, pool, QUICK) as purger:
        await varnish.stop()
        purge(purger, "a")
        await eventually(lambda: purger.failures > 2)
        await varnish.start()
        await eventually(lambda: purger.unconfirmed is None)
    assert purged(varnish) == [{"a"}, {"a"}]


async def test_more_keys_than_may_wait_are_everything(varnish: FakeFragmentServer, pool: PooledUpstream) -> None:
    varnish.at["/"] = answer("", 503)
    pace = Pace(gather_seconds=0.01, again_seconds=600, retry_seconds=0.01, max_retry_seconds=0.05, max_keys=100)
    async with purging(varnish, pool, pace) as purger:
        for number in range(1000):
            purge(purger, f"key-{number}", f"orders:1-{number}")
            if number % 100 == 0:
                seen = len(purged(varnish))
                await eventually(lambda seen=seen: len(purged(varnish)) > seen)  # type: ignore[misc]
        assert purger.unconfirmed is not None
        assert purger.unconfirmed.cursor == "orders:1-0"
        varnish.at["/"] = answer("purged")
        seen = len(purged(varnish))
        await eventually(lambda: len(purged(varnish)) > seen)
    assert "jogakbo" in purged(varnish)[-1]
    assert max(len(keys) for keys in purged(varnish)) <= 201


async def test_many_keys_go_in_headers_that_an_edge_takes(varnish: FakeFragmentServer, pool: PooledUpstream) -> None:
    keys = [f"key-{number:095}" for number in range(500)]
    async with purging(varnish, pool, ONCE) as purger:
        purge(purger, " ".join(keys))
        await eventually(lambda: len(set().union(*purged(varnish))) == 500)
    assert all(len(request.header("surrogate-key")) <= 4_000 for request in varnish.received)
    assert sum(len(found) for found in purged(varnish)) == 500


class Position:
    def __init__(self) -> None:
        self.cursor = "orders:1-7"

    def __call__(self) -> str:
        return self.cursor


@asynccontextmanager
async def following(
    urls: Iterable[str], upstream: PooledUpstream, pace: Pace, position: Position
) -> AsyncIterator[Edges]:
    edges = Edges(urls, upstream, pace)
    edges.follow(position)
    await edges.start()
    yield edges
    await edges.stop()


async def test_at_the_start_everything_is_purged_and_pages_claim_to_know_nothing(
    varnish: FakeFragmentServer, pool: PooledUpstream
) -> None:
    async with following([varnish.address], pool, QUICK, Position()) as edges:
        assert edges.settled() == ""
        await eventually(lambda: edges.settled() == "orders:1-7")
    assert purged(varnish) == [{"jogakbo"}] * 2


async def test_the_slowest_edge_says_what_pages_may_claim_to_know(
    varnish: FakeFragmentServer, cafe: FakeFragmentServer, pool: PooledUpstream
) -> None:
    position = Position()
    cafe.at["/"] = answer("purged")
    async with following([varnish.address, cafe.address], pool, QUICK, position) as edges:
        await eventually(lambda: edges.settled() == "orders:1-7")
        cafe.at["/"] = hang
        edges.purge(["a"])
        position.cursor = "orders:1-8"
        await eventually(lambda: purged(varnish).count({"a"}) == 2)
        assert edges.settled() == "orders:1-7"
        cafe.at["/"] = answer("purged")
        await eventually(lambda: edges.settled() == "orders:1-8")


async def test_without_edges_the_position_is_the_caches_own(pool: PooledUpstream) -> None:
    edges = Edges([], pool)
    edges.follow(Position())
    edges.purge(["a"])
    assert not edges
    assert edges.settled() == "orders:1-7"


async def test_what_the_cache_drops_the_edges_drop(varnish: FakeFragmentServer, pool: PooledUpstream) -> None:
    instance = Instance.of("orders/board")
    async with following([varnish.address], pool, ONCE, Position()) as edges:
        cache = EdgedCache(10_000, edges, lambda instance, error: None)
        rendered = Rendered(b"x", "fresh", 200, "e", frozenset({"orders"}), False, "", 0)
        cache.store(instance, rendered, read_freshness("max-age=60"), "", cache.take_ticket())
        assert cache.purge(["orders"]) == 1
        cache.purge_servers(["menu"])
        await eventually(lambda: len(purged(varnish)) == 1)
    assert purged(varnish)[0] == {"jogakbo", "orders", "jogakbo-server-menu", "jogakbo-pages"}
