"""What is kept, for how long, and what a purge does to it."""

from __future__ import annotations

import asyncio

import pytest

from jogakbo_shell.composition.cache import FragmentCache
from jogakbo_shell.composition.coalescing import Flights
from jogakbo_shell.composition.freshness import NOT_STORABLE, Freshness, read_freshness
from jogakbo_shell.composition.rendered import Rendered
from jogakbo_shell.instance import Instance

BOARD = Instance.parse("orders/board")
QUEUE = Instance.parse("orders/queue")
MINUTE = Freshness(storable=True, fresh=60, while_revalidate=30, if_error=600)


def rendered(text: str = "a", keys: str = "orders") -> Rendered:
    return Rendered(text.encode(), "fresh", 200, text, frozenset(keys.split()), False, "", 1.0)


def put(cache: FragmentCache, instance: Instance, what: Rendered, ticket: int | None = None) -> None:
    taken = cache.take_ticket()
    cache.store(instance, what, MINUTE, '"e"', taken if ticket is None else ticket)
    cache.return_ticket(taken)


@pytest.mark.parametrize(
    ("cache_control", "more", "expected"),
    [
        ("max-age=60, stale-while-revalidate=30, stale-if-error=600", {}, MINUTE),
        ("max-age=10, s-maxage=60", {}, Freshness(True, 60)),
        ("max-age=60", {"age": "50"}, Freshness(True, 10)),
        ("no-cache", {}, Freshness(True, 0)),
        ("max-age=60, must-revalidate, stale-if-error=9", {}, Freshness(True, 60)),
        ("MAX-AGE=60", {"vary": "podium-locale"}, Freshness(True, 60)),
        ("", {}, NOT_STORABLE),
        ("private, max-age=60", {}, NOT_STORABLE),
        ("no-store", {}, NOT_STORABLE),
        ("max-age=60", {"vary": "cookie"}, NOT_STORABLE),
        ("max-age=60", {"vary": "*"}, NOT_STORABLE),
        ("max-age=soon", {}, Freshness(True, 0)),
    ],
)
def test_cache_control_is_read_as_a_shared_cache_must(
    cache_control: str, more: dict[str, str], expected: Freshness
) -> None:
    assert read_freshness(cache_control, **more) == expected


def test_a_purge_hits_what_depends_on_the_key_and_nothing_else() -> None:
    cache = FragmentCache(100_000)
    put(cache, BOARD, rendered(keys="orders order-1"))
    put(cache, QUEUE, rendered(keys="queue"))
    assert cache.purge(["order-1"]) == 1
    board, queue = cache.find(BOARD), cache.find(QUEUE)
    assert board is not None
    assert queue is not None
    assert (board.purged, queue.purged) == (True, False)


def test_who_keeps_an_entry_can_tell_when_it_is_purged_replaced_or_dropped() -> None:
    cache = FragmentCache(100_000)
    for end in (
        lambda: cache.purge(["orders"]),
        lambda: put(cache, BOARD, rendered("b")),
        lambda: cache.store(BOARD, rendered("b"), NOT_STORABLE, "", cache.sequence),
    ):
        put(cache, BOARD, rendered())
        entry = cache.find(BOARD)
        assert entry is not None
        assert entry.current
        end()
        assert not entry.current


def test_a_confirmed_entry_is_current_and_fresh_for_as_long_again() -> None:
    now = 100.0
    cache = FragmentCache(100_000, lambda: now)
    put(cache, BOARD, rendered())
    entry = cache.find(BOARD)
    assert entry is not None
    assert entry.fresh_until == 160
    cache.purge(["orders"])
    now = 170.0
    assert cache.confirm(BOARD, MINUTE, cache.take_ticket()) is entry
    assert (entry.current, entry.fresh_until) == (True, 230)


def test_a_fetch_that_began_before_the_purge_does_not_bring_the_old_state_back() -> None:
    cache = FragmentCache(100_000)
    ticket = cache.take_ticket()
    cache.purge(["orders"])
    cache.store(BOARD, rendered("old"), MINUTE, "", ticket)
    cache.return_ticket(ticket)
    entry = cache.find(BOARD)
    assert entry is not None
    assert entry.purged


def test_a_purge_of_another_key_does_not_spoil_a_fetch() -> None:
    cache = FragmentCache(100_000)
    ticket = cache.take_ticket()
    cache.purge(["menu"])
    cache.store(BOARD, rendered(), MINUTE, "", ticket)
    cache.return_ticket(ticket)
    entry = cache.find(BOARD)
    assert entry is not None
    assert not entry.purged


def test_a_confirmation_that_was_asked_for_before_the_purge_confirms_nothing() -> None:
    cache = FragmentCache(100_000)
    put(cache, BOARD, rendered())
    ticket = cache.take_ticket()
    cache.purge(["orders"])
    entry = cache.confirm(BOARD, MINUTE, ticket)
    cache.return_ticket(ticket)
    assert entry is not None
    assert entry.purged


def test_a_slow_fetch_does_not_replace_what_a_later_one_brought() -> None:
    cache = FragmentCache(100_000)
    slow = cache.take_ticket()
    cache.purge(["somewhere else"])
    put(cache, BOARD, rendered("new"))
    cache.store(BOARD, rendered("old", keys="other"), MINUTE, "", slow)
    entry = cache.find(BOARD)
    assert entry is not None
    assert entry.rendered.html == "new"


def test_purging_a_server_hits_its_fetches_under_way_too() -> None:
    cache = FragmentCache(100_000)
    ticket = cache.take_ticket()
    put(cache, QUEUE, rendered(keys=""))
    assert cache.purge_servers(["orders"]) == 1
    cache.store(BOARD, rendered(keys=""), MINUTE, "", ticket)
    entry = cache.find(BOARD)
    assert entry is not None
    assert entry.purged


def test_the_cache_stays_within_its_bytes_and_drops_what_was_used_least_recently() -> None:
    cache = FragmentCache(10_000)
    for number in range(20):
        put(cache, Instance.of("orders/track", [("id", str(number))]), rendered("x" * 1_000, f"order-{number}"))
        cache.find(Instance.of("orders/track", [("id", "0")]))
    assert cache.bytes <= 10_000
    assert cache.find(Instance.of("orders/track", [("id", "0")])) is not None
    assert cache.find(Instance.of("orders/track", [("id", "1")])) is None
    assert cache.purge(["order-1"]) == 0


def test_what_is_larger_than_the_cache_is_not_kept() -> None:
    cache = FragmentCache(2_000)
    put(cache, BOARD, rendered("x" * 3_000))
    assert len(cache) == 0


def test_the_log_of_purges_is_forgotten_with_the_last_fetch_under_way() -> None:
    cache = FragmentCache(10_000)
    ticket = cache.take_ticket()
    for _ in range(100):
        cache.purge(["orders"])
    cache.return_ticket(ticket)
    assert not cache._purges


@pytest.mark.anyio
async def test_equal_fetches_are_one_and_later_tickets_are_another() -> None:
    flights: Flights[str, int] = Flights()
    started, go = 0, asyncio.Event()

    async def fetch() -> int:
        nonlocal started
        started += 1
        await go.wait()
        return started

    asks = [asyncio.create_task(flights.join("x", ticket, fetch, seconds=1)) for ticket in (1, 1, 1, 2)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    go.set()
    await asyncio.gather(*asks)
    assert started == 2
    assert len(flights) == 0


@pytest.mark.anyio
async def test_a_fetch_is_given_up_when_all_who_asked_are_gone() -> None:
    flights: Flights[str, int] = Flights()
    ended = asyncio.Event()

    async def fetch() -> int:
        try:
            return await asyncio.Event().wait()
        finally:
            ended.set()

    asks = [asyncio.create_task(flights.join("x", 1, fetch, seconds=5)) for _ in range(2)]
    await asyncio.sleep(0.01)
    asks[0].cancel()
    await asyncio.sleep(0.01)
    assert not ended.is_set()
    asks[1].cancel()
    await asyncio.wait_for(ended.wait(), 1)
    await asyncio.gather(*asks, return_exceptions=True)
