"""What is kept, for how long, and what a purge does to it."""

from __future__ import annotations

import asyncio
import gc
import tracemalloc
from pathlib import Path

import pytest

from jogakbo_shell.composition.cache import MAX_KEYS, Entry, FragmentCache
from jogakbo_shell.composition.freshness import NOT_STATED, NOT_STORABLE, Freshness
from jogakbo_shell.composition.rendered import Rendered
from jogakbo_shell.instance import Instance
from shell.tests.harness import Behaviour, FakeFragmentServer, Received, answer, cacheable, portal, until_true

BOARD = Instance.parse("orders/board")
QUEUE = Instance.parse("orders/queue")
MENU = Instance.parse("menu/list")
MINUTE = Freshness(storable=True, fresh=60, while_revalidate=30, if_error=600)


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def rendered(text: str = "a", keys: str = "orders") -> Rendered:
    return Rendered(text.encode(), "fresh", 200, text, frozenset(keys.split()), False, "", 1.0)


def put(cache: FragmentCache, instance: Instance, what: Rendered, ticket: int | None = None) -> Entry | None:
    taken = cache.take_ticket()
    entry = cache.store(instance, what, MINUTE, '"e"', taken if ticket is None else ticket)
    cache.return_ticket(taken)
    return entry


def kept(cache: FragmentCache, instance: Instance, keys: str = "orders") -> Entry:
    entry = put(cache, instance, rendered(keys=keys))
    assert entry is not None
    return entry


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


def test_what_is_confirmed_is_fresh_for_as_long_again_in_an_entry_of_its_own() -> None:
    """A page that was put together of the old one could be fresh for longer than the new one is."""
    clock = Clock()
    cache = FragmentCache(100_000, clock)
    entry = kept(cache, BOARD)
    assert entry.fresh_until == 160
    cache.purge(["orders"])
    clock.now = 170
    confirmed = cache.confirm(BOARD, MINUTE, cache.take_ticket())
    assert confirmed is cache.find(BOARD)
    assert confirmed is not None
    assert (confirmed.rendered, confirmed.current, confirmed.fresh_until) == (entry.rendered, True, 230)
    assert not entry.current


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


@pytest.mark.parametrize("soft", [False, True])
def test_the_log_of_purges_is_forgotten_with_the_last_fetch_under_way(soft: bool) -> None:
    cache = FragmentCache(10_000)
    ticket = cache.take_ticket()
    for number in range(100):
        cache.purge(["orders", f"order-{number % 10}"], soft=soft)
        cache.purge_servers(["orders"], soft=soft)
    assert len(cache._tickets) == 12
    later = cache.take_ticket()
    cache.return_ticket(ticket)
    assert len(cache._tickets) == 0
    cache.return_ticket(later)


def test_a_name_that_is_purged_again_and_again_keeps_no_other_remembered() -> None:
    cache = FragmentCache(10_000)
    first = cache.take_ticket()
    cache.purge(["orders"])
    cache.purge(["menu"])
    second = cache.take_ticket()
    cache.purge(["orders"])
    cache.return_ticket(first)
    assert len(cache._tickets) == 1
    cache.return_ticket(second)


def test_a_soft_purge_ends_the_freshness_and_no_more() -> None:
    clock = Clock()
    cache = FragmentCache(100_000, clock)
    entry = kept(cache, BOARD)
    clock.now += 10
    assert cache.purge(["orders"], soft=True) == 1
    assert (entry.current, entry.purged) == (False, False)
    assert entry.fresh_until == clock.now
    assert cache.age(entry) == MINUTE.fresh
    clock.now += 5
    assert cache.age(entry) == MINUTE.fresh + 5


def test_a_soft_purge_does_not_lengthen_anything() -> None:
    clock = Clock()
    cache = FragmentCache(100_000, clock)
    entry = kept(cache, BOARD)
    clock.now += 70
    assert cache.purge(["orders"], soft=True) == 1
    assert cache.age(entry) == 70


def test_a_hard_purge_follows_upon_a_soft_one_but_not_the_other_way_round() -> None:
    cache = FragmentCache(100_000)
    entry = kept(cache, BOARD, "orders board")
    cache.purge(["orders"], soft=True)
    assert cache.purge(["orders"]) == 1
    assert cache.purge(["board"], soft=True) == 0
    assert (entry.current, entry.purged) == (False, True)


def test_a_fetch_that_began_before_a_soft_purge_is_stale_when_it_comes() -> None:
    clock = Clock()
    cache = FragmentCache(100_000, clock)
    ticket = cache.take_ticket()
    cache.purge(["orders"], soft=True)
    entry = cache.store(BOARD, rendered("old"), MINUTE, "", ticket)
    cache.return_ticket(ticket)
    assert entry is not None
    assert (entry.current, entry.purged, entry.fresh_until) == (False, False, clock.now)
    confirmed = cache.confirm(BOARD, MINUTE, cache.take_ticket())
    assert confirmed is not None
    assert (confirmed.current, confirmed.fresh_until) == (True, clock.now + 60)


def test_a_soft_purge_of_a_server_hits_its_fragments_and_its_fetches_under_way() -> None:
    clock = Clock()
    cache = FragmentCache(100_000, clock)
    other, ticket = kept(cache, MENU), cache.take_ticket()
    board = kept(cache, BOARD)
    assert cache.purge_servers(["orders"], soft=True) == 1
    queue = cache.store(QUEUE, rendered(), MINUTE, "", ticket)
    assert queue is not None
    assert (board.fresh_until, queue.fresh_until, other.fresh_until) == (clock.now, clock.now, clock.now + 60)


def test_what_was_purged_and_is_confirmed_can_be_purged_again_by_any_of_its_keys() -> None:
    cache = FragmentCache(100_000)
    kept(cache, BOARD, "orders board")
    for again in (["orders"], ["board"]):
        assert cache.purge(again) == 1
        assert cache.purge(again) == 0
        cache.confirm(BOARD, MINUTE, cache.take_ticket())
    assert cache.purge_servers(["orders"]) == 1


def test_a_confirmation_without_a_word_on_freshness_renews_what_was_said_before() -> None:
    clock = Clock()
    cache = FragmentCache(100_000, clock)
    kept(cache, BOARD)
    clock.now += 70
    entry = cache.confirm(BOARD, NOT_STATED, cache.take_ticket())
    assert entry is not None
    assert entry.fresh_until == clock.now + 60


def test_a_confirmation_that_allows_no_more_keeping_ends_it() -> None:
    cache = FragmentCache(100_000)
    entry = kept(cache, BOARD)
    assert cache.confirm(BOARD, NOT_STORABLE, cache.take_ticket()) is entry
    assert not entry.current
    assert (len(cache), cache.bytes) == (0, 0)


def test_a_confirmation_may_name_other_keys() -> None:
    cache = FragmentCache(100_000)
    entry = kept(cache, BOARD, "orders")
    other = cache.confirm(BOARD, NOT_STATED, cache.take_ticket(), keys=frozenset({"board"}))
    assert other is not None
    assert (entry.current, other.current) == (False, True)
    assert cache.purge(["orders"]) == 0
    assert cache.purge(["board"]) == 1


def test_a_confirmation_of_something_else_confirms_nothing() -> None:
    cache = FragmentCache(100_000)
    kept(cache, BOARD)
    assert cache.confirm(BOARD, MINUTE, cache.take_ticket(), etag='"another"') is None
    assert cache.confirm(QUEUE, MINUTE, cache.take_ticket(), etag='"e"') is None


def test_what_could_never_be_used_takes_no_place() -> None:
    cache = FragmentCache(100_000)
    at_once_stale = Freshness(storable=True)
    assert cache.store(BOARD, rendered(), at_once_stale, "", cache.take_ticket()) is None
    assert cache.store(BOARD, rendered(), at_once_stale, '"to ask with"', cache.take_ticket()) is not None


def test_an_answer_with_too_many_keys_is_not_kept_and_said_to_be_at_fault() -> None:
    faults: list[tuple[Instance, str]] = []
    cache = FragmentCache(1_000_000, refused=lambda instance, error: faults.append((instance, str(error))))
    keys = [f"order-{number}" for number in range(MAX_KEYS + 1)]
    kept(cache, BOARD, " ".join(keys[:-1]))
    assert not faults
    assert put(cache, BOARD, rendered(keys=" ".join(keys))) is None
    assert faults == [(BOARD, "129 surrogate keys, at most 128 are kept")]
    assert (len(cache), cache.bytes, len(cache._by_key)) == (0, 0, 0)


@pytest.mark.parametrize("keys", [0, 1, 5, 20])
def test_the_bytes_that_are_counted_are_really_taken(keys: int) -> None:
    """As many as are counted, and not much less: each entry has keys of its own, the dearest case."""
    cache = FragmentCache(1 << 30)
    gc.collect()
    tracemalloc.start()
    for number in range(1_500):
        words = frozenset(f"order-{number}-{key}" for key in range(keys))
        what = Rendered(bytes(2_000), "fresh", 200, f"{number:032x}", words, False, f"miss {number}", number / 7)
        freshness = Freshness(storable=True, fresh=60.0 + number)
        cache.store(Instance.parse(f"orders/track?id={number}"), what, freshness, f'"{number:030x}"', 0)
    gc.collect()
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert 0.8 * cache.bytes < taken <= cache.bytes


def test_a_long_head_and_long_parameters_count_too() -> None:
    cache = FragmentCache(1 << 20)
    plain = put(cache, BOARD, rendered())
    headed = put(cache, QUEUE, Rendered(b"a", "fresh", 200, "a", frozenset(), False, "", 1.0, head=("x" * 9_000,)))
    asked = put(cache, Instance.of("orders/track", [("id", "x" * 9_000)]), rendered())
    assert plain is not None
    assert headed is not None
    assert asked is not None
    assert min(headed.size, asked.size) > plain.size + 8_000


CAFE = "/cafe"
LONG = "max-age=60"


async def _conditional(request: Received, writer: asyncio.StreamWriter, etag: str, policy: str) -> None:
    unchanged = request.header("if-none-match") == etag
    headers = {"cache-control": policy, "etag": etag, "surrogate-key": "orders"}
    await answer("" if unchanged else "<p>a", 304 if unchanged else 200, headers)(request, writer)


def unchanging(etag: str, policy: str) -> Behaviour:
    """200 to who does not know it, 304 to who names its ETag."""
    return lambda request, writer: _conditional(request, writer, etag, policy)


@pytest.mark.anyio
@pytest.mark.parametrize("etag", ['"1"', 'W/"1"'])
async def test_what_must_be_asked_for_is_asked_for_with_its_etag(
    tmp_path: Path, cafe: FakeFragmentServer, etag: str
) -> None:
    cafe.declare(a={})
    cafe.at["/a"] = unchanging(etag, "no-cache, stale-while-revalidate=60")
    async with portal(tmp_path, {"cafe": cafe.address}) as shell:
        pages = [await shell.get(CAFE) for _ in range(3)]
    assert all("<p>a</p>" in page.text for page in pages)
    assert [request.header("if-none-match") for request in cafe.requests("/a")] == ["", etag, etag]


@pytest.mark.anyio
async def test_a_304_says_for_how_long_from_now(tmp_path: Path, cafe: FakeFragmentServer) -> None:
    cafe.declare(a={})
    cafe.at["/a"] = unchanging('"1"', "no-cache")
    async with portal(tmp_path, {"cafe": cafe.address}) as shell:
        await shell.get(CAFE)
        cafe.at["/a"] = unchanging('"1"', LONG)
        pages = [await shell.get(CAFE) for _ in range(3)]
    assert all("<p>a</p>" in page.text for page in pages)
    assert len(cafe.requests("/a")) == 2


@pytest.mark.anyio
async def test_a_304_that_nobody_asked_for_is_a_fault(tmp_path: Path, cafe: FakeFragmentServer) -> None:
    cafe.declare(a={}, b={})
    cafe.at |= {"/a": answer("", 304, {"etag": '"1"', "cache-control": LONG}), "/b": answer("<p>well")}
    async with portal(tmp_path, {"cafe": cafe.address}) as shell:
        page = await shell.get(CAFE)
    assert 'data-state="failed" data-fragment="cafe/a"' in page.text
    assert "<p>well</p>" in page.text


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("policy", "more", "asked"),
    [
        (LONG, {}, 1),
        ("max-age=0, s-maxage=60", {}, 1),
        (LONG, {"vary": "podium-locale, podium-device-type"}, 1),
        (LONG, {"age": "30"}, 1),
        (LONG, {"age": "60"}, 2),
        ("s-maxage=0, max-age=60", {}, 2),
        ('private="x, y", max-age=60', {}, 2),
        ("no-store", {}, 2),
        ("max-age=60, max-age=0", {}, 2),
        (LONG, {"vary": "cookie"}, 2),
        (LONG, {"vary": "*"}, 2),
    ],
)
async def test_a_page_asks_again_only_for_what_may_not_be_shown(
    tmp_path: Path, cafe: FakeFragmentServer, policy: str, more: dict[str, str], asked: int
) -> None:
    cafe.declare(a={})
    cafe.at["/a"] = cacheable("<p>a", policy=policy, **more)
    async with portal(tmp_path, {"cafe": cafe.address}) as shell:
        for _ in range(2):
            await shell.get(CAFE)
    assert len(cafe.requests("/a")) == asked


@pytest.mark.anyio
async def test_what_is_kept_for_one_language_is_not_shown_in_another(tmp_path: Path, cafe: FakeFragmentServer) -> None:
    async def speak(request: Received, writer: asyncio.StreamWriter) -> None:
        text = {"ko": "<p>안녕", "en": "<p>hello"}[request.header("podium-locale")]
        await cacheable(text, vary="podium-locale")(request, writer)

    cafe.declare(a={})
    cafe.at["/a"] = speak
    async with portal(tmp_path, {"cafe": cafe.address}) as shell:
        texts = [(await shell.get(CAFE, accept_language=language)).text for language in ("ko", "en", "ko", "en")]
    assert ["안녕" in text for text in texts] == [True, False, True, False]
    assert len(cafe.requests("/a")) == 2


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("policy", "state"),
    [
        ("max-age=0, stale-if-error=60", "stale"),
        ("max-age=0, stale-while-revalidate=60, must-revalidate", "failed"),
        ("max-age=0, stale-if-error=60, proxy-revalidate", "failed"),
        ("no-cache, stale-if-error=60", "failed"),
    ],
)
async def test_an_old_copy_stands_in_for_an_error_where_that_is_allowed(
    tmp_path: Path, cafe: FakeFragmentServer, policy: str, state: str
) -> None:
    cafe.declare(a={})
    cafe.at["/a"] = cacheable("<p>old", policy=policy, etag='"1"')
    async with portal(tmp_path, {"cafe": cafe.address}) as shell:
        await shell.get(CAFE)
        cafe.at["/a"] = answer("<p>no", 500)
        page = await shell.get(CAFE)
    assert f'data-state="{state}" data-fragment="cafe/a"' in page.text
    assert ("<p>old</p>" in page.text) == (state == "stale")


@pytest.mark.anyio
async def test_an_old_copy_may_be_shown_while_it_is_renewed_once(tmp_path: Path, cafe: FakeFragmentServer) -> None:
    cafe.declare(a={})
    cafe.at["/a"] = cacheable("<p>old", policy="max-age=0, stale-while-revalidate=60")
    async with portal(tmp_path, {"cafe": cafe.address}) as shell:
        await shell.get(CAFE)
        cafe.at["/a"] = cacheable("<p>new", policy=LONG)
        assert "<p>old</p>" in (await shell.get(CAFE)).text
        await until_true(lambda: shell.shows(CAFE, "<p>new</p>"))
    assert len(cafe.requests("/a")) == 2


@pytest.mark.anyio
async def test_what_is_said_to_the_shell_alone_goes_no_further(tmp_path: Path, cafe: FakeFragmentServer) -> None:
    cafe.declare(a={})
    told = {"surrogate-control": "max-age=60"}
    as_json = {**told, "content-type": "application/json"}
    cafe.at |= {"/a": answer("<p>a", headers=told), "/more": answer("{}", headers=as_json)}
    async with portal(tmp_path, {"cafe": cafe.address}) as shell:
        answers = [await shell.get(path) for path in (CAFE, "/-/cafe/a", "/-/cafe/more")]
    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert not any("surrogate-control" in answer.headers for answer in answers)
