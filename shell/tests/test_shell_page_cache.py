"""Whole pages kept while all their parts hold: never one that does not, never one visitor's for another."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jogakbo_shell.composition.cache import Entry, FragmentCache
from jogakbo_shell.composition.freshness import Freshness
from jogakbo_shell.composition.page_cache import KeptPage, PageCache, Repeat
from jogakbo_shell.composition.rendered import Rendered
from jogakbo_shell.instance import Instance
from shell.tests.harness import (
    FakeFragmentServer,
    Gate,
    Received,
    answer,
    cacheable,
    eventually,
    manifest,
    portal,
    until_true,
)
from shell.tests.insides import fragments_of, kept_pages, purge
from shell.tests.wire import request, wire

pytestmark = pytest.mark.anyio

CAFE = "/cafe"
WHOLE = {
    "page_hold_ms": 2000,
    "page_budget_ms": 2000,
    "page_deadline_ms": 3000,
    "fragment_deadline_ms": 2000,
}
A, B, C = (Instance.parse(f"cafe/{name}") for name in "abc")
FOR_A_MINUTE = Freshness(storable=True, fresh=60.0, while_revalidate=0.0, if_error=600.0)


def rendered(text: str = "x", *keys: str) -> Rendered:
    return Rendered(text.encode(), "fresh", 200, "", frozenset(keys), False, "", 0.0)


class Shelf:
    """A cache of fragments and one of pages, on a clock that the test turns."""

    def __init__(self, max_bytes: int = 100_000) -> None:
        self.now = 1_000.0
        self.fragments = FragmentCache(1_000_000, lambda: self.now)
        self.pages: PageCache[str, bytes] = PageCache(self.fragments, max_bytes)

    def store(self, instance: Instance, what: Rendered, fresh: float = 60.0) -> Entry:
        ticket = self.fragments.take_ticket()
        entry = self.fragments.store(instance, what, replace(FOR_A_MINUTE, fresh=fresh), "", ticket)
        self.fragments.return_ticket(ticket)
        assert entry is not None
        return entry

    def keep(self, key: str, parts: Sequence[Entry], body: bytes = b"page") -> KeptPage[str, bytes]:
        self.pages.keep(key, body, b"head", '"etag"', parts)
        page = self.pages.find(key)
        assert page is not None
        return page

    def repeat(self, page: KeptPage[str, bytes], again: bytes, head: bytes = b"head") -> None:
        self.pages.keep_repeat(again, Repeat(page, head, page.body, "/"))


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


def test_a_page_is_kept_while_its_parts_hold(shelf: Shelf) -> None:
    page = shelf.keep("/", [shelf.store(A, rendered()), shelf.store(B, rendered())])
    shelf.repeat(page, b"GET /")
    shelf.now += 9.9
    assert shelf.pages.find("/") is page
    again = shelf.pages.again(b"GET /")
    assert again is not None
    assert again.page is page
    assert shelf.pages.find("/other") is None
    assert shelf.pages.again(b"GET /other") is None


def test_a_page_is_kept_for_no_longer_than_ten_seconds_and_its_first_part(shelf: Shelf) -> None:
    long, short = shelf.store(A, rendered()), shelf.store(B, rendered(), fresh=5.0)
    shelf.keep("long", [long])
    shelf.keep("short", [long, short])
    shelf.now += 5.0
    assert shelf.pages.find("short") is None
    assert shelf.pages.find("long") is not None
    shelf.now += 5.0
    assert shelf.pages.find("long") is None
    assert (len(shelf.pages), shelf.pages.bytes) == (0, 0)


def purged(shelf: Shelf) -> None:
    shelf.fragments.purge(["b-key"])


def purged_softly(shelf: Shelf) -> None:
    shelf.fragments.purge(["b-key"], soft=True)


def purged_by_server(shelf: Shelf) -> None:
    shelf.fragments.purge_servers(["cafe"])


def replaced(shelf: Shelf) -> None:
    shelf.store(B, rendered("y"))


def confirmed(shelf: Shelf) -> None:
    shelf.fragments.confirm(B, FOR_A_MINUTE, shelf.fragments.take_ticket())


def evicted(shelf: Shelf) -> None:
    for number in range(10):
        shelf.store(Instance.parse(f"cafe/c?id={number}"), rendered("x" * 190_000))


def expired(shelf: Shelf) -> None:
    shelf.now += 61


ENDS = [purged, purged_softly, purged_by_server, replaced, confirmed, evicted, expired]


@pytest.mark.parametrize("end", ENDS, ids=lambda end: end.__name__)
def test_a_page_goes_with_any_part_of_it_and_its_repeats_with_it(shelf: Shelf, end: Callable[[Shelf], None]) -> None:
    parts = [shelf.store(A, rendered("x", "a-key")), shelf.store(B, rendered("x", "b-key"))]
    page = shelf.keep("/", parts)
    shelf.repeat(page, b"GET /")
    shelf.pages.keep_packed(page, "gzip", b"packed")
    end(shelf)
    assert shelf.pages.again(b"GET /") is None
    assert shelf.pages.find("/") is None
    assert (len(shelf.pages), len(shelf.pages._repeats), shelf.pages.bytes) == (0, 0, 0)


def test_only_what_a_page_shows_as_it_is_in_the_cache_is_a_part(shelf: Shelf) -> None:
    older, other = rendered("old"), rendered("b")
    shelf.store(A, older)
    shelf.store(B, other)
    found = shelf.pages.parts([(A, older), (B, other)])
    assert found == [shelf.fragments.find(A), shelf.fragments.find(B)]
    shelf.store(A, rendered("new"))
    assert shelf.pages.parts([(A, older), (B, other)]) is None
    assert shelf.pages.parts([(C, older)]) is None
    assert shelf.pages.parts([]) == []


@pytest.mark.parametrize("end", [purged, purged_softly, expired], ids=lambda end: end.__name__)
def test_what_holds_no_longer_is_no_part(shelf: Shelf, end: Callable[[Shelf], None]) -> None:
    what = rendered("b", "b-key")
    shelf.store(B, what)
    assert shelf.pages.parts([(B, what)]) is not None
    end(shelf)
    assert shelf.pages.parts([(B, what)]) is None


def test_pages_and_all_that_belongs_to_them_are_bounded_in_bytes() -> None:
    shelf = Shelf(max_bytes=30_000)
    part = shelf.store(A, rendered())
    for number in range(20):
        page = shelf.keep(f"/{number}", [part], bytes(3_000))
        shelf.pages.keep_packed(page, "br", bytes(2_000))
        shelf.repeat(page, b"GET /%d" % number, bytes(1_000))
        assert shelf.pages.bytes == sum(kept.size for kept in shelf.pages._pages.values()) <= 30_000
        assert len(shelf.pages._repeats) == len(shelf.pages)
    assert 3 <= len(shelf.pages) < 6
    assert shelf.pages.again(b"GET /0") is None
    assert shelf.pages.again(b"GET /19") is not None


def test_the_least_recently_asked_for_goes_first() -> None:
    shelf = Shelf(max_bytes=10_000)
    part = shelf.store(A, rendered())
    shelf.repeat(shelf.keep("/first", [part], bytes(2_500)), b"GET /first", b"")
    shelf.keep("/second", [part], bytes(2_500))
    assert shelf.pages.again(b"GET /first") is not None
    shelf.keep("/third", [part], bytes(2_500))
    assert shelf.pages.find("/second") is None
    assert shelf.pages.find("/first") is not None


def test_a_page_larger_than_all_that_may_be_kept_pushes_nothing_out() -> None:
    shelf = Shelf(max_bytes=10_000)
    part = shelf.store(A, rendered())
    shelf.keep("/small", [part])
    shelf.pages.keep("/large", bytes(10_001), b"", "", [part])
    assert shelf.pages.find("/large") is None
    assert shelf.pages.find("/small") is not None


def test_what_belongs_to_a_page_that_is_gone_is_not_kept(shelf: Shelf) -> None:
    part = shelf.store(A, rendered())
    gone = shelf.keep("/", [part])
    page = shelf.keep("/", [part], b"newer")
    shelf.repeat(gone, b"GET /")
    shelf.pages.keep_packed(gone, "br", b"packed")
    assert shelf.pages.again(b"GET /") is None
    assert shelf.pages.bytes == page.size
    shelf.pages.clear()
    assert (len(shelf.pages), shelf.pages.bytes) == (0, 0)


def test_so_many_ways_to_ask_for_one_page_are_remembered_and_none_that_is_long(shelf: Shelf) -> None:
    page = shelf.keep("/", [shelf.store(A, rendered())])
    shelf.repeat(page, b"GET /" + bytes(3_000), b"")
    assert not page.requests
    for number in range(100):
        shelf.repeat(page, b"GET /%d" % number, b"")
    assert len(shelf.pages._repeats) == len(page.requests) == 64
    shelf.repeat(page, b"GET /1", b"")
    assert len(page.requests) == 64


@dataclass(frozen=True)
class Store:
    instance: Instance
    key: str
    fresh: float


@dataclass(frozen=True)
class Purge:
    key: str
    soft: bool


@dataclass(frozen=True)
class Keep:
    key: str
    parts: frozenset[Instance]
    length: int


@dataclass(frozen=True)
class Pack:
    key: str
    length: int


@dataclass(frozen=True)
class Ask:
    key: str
    request: bytes


@dataclass(frozen=True)
class Wait:
    seconds: float


_instances = st.sampled_from([A, B, C])
_paths = st.sampled_from(["/", "/x", "/y"])
_steps = st.one_of(
    st.builds(Store, _instances, st.sampled_from("kl"), st.sampled_from([0.0, 5.0, 60.0])),
    st.builds(Purge, st.sampled_from("kl"), st.booleans()),
    st.builds(Keep, _paths, st.frozensets(_instances), st.sampled_from([10, 2_000, 20_000])),
    st.builds(Pack, _paths, st.sampled_from([10, 2_000])),
    st.builds(Ask, _paths, st.sampled_from([b"1", b"2", b"3" * 3_000])),
    st.builds(Wait, st.sampled_from([1.0, 6.0])),
)


@given(st.lists(_steps, min_size=10, max_size=60))
@settings(max_examples=300, deadline=None)
def test_no_page_outlives_a_part_of_it_whatever_happens(steps: list[object]) -> None:
    shelf = Shelf(max_bytes=12_000)
    pages_, made = shelf.pages, dict[str, tuple[KeptPage[str, bytes], float]]()
    for step in steps:
        match step:
            case Store(instance, key, fresh):
                shelf.store(instance, rendered("x", key), fresh)
            case Purge(key, soft):
                shelf.fragments.purge([key], soft=soft)
            case Keep(key, instances, length):
                shown = [
                    (instance, entry.rendered) for instance in instances if (entry := shelf.fragments.find(instance))
                ]
                parts = pages_.parts(shown)
                if parts is not None:
                    pages_.keep(key, bytes(length), b"", "", parts)
                    if (page := pages_.find(key)) is not None:
                        made[key] = (page, shelf.now)
            case Pack(key, length):
                if key in made:
                    pages_.keep_packed(made[key][0], "br", bytes(length))
            case Ask(key, again):
                page, repeat = pages_.find(key), pages_.again(again)
                assert page is None or page is made[key][0]
                assert repeat is None or repeat.page is made[repeat.page.key][0]
                for one in filter(None, (page, repeat.page if repeat else None)):
                    assert shelf.now < made[one.key][1] + 10
                    assert all(part.current and shelf.now < part.fresh_until for part in one.parts)
                    assert all(shelf.fragments.find(part.instance) is part for part in one.parts)
                if page is not None:
                    pages_.keep_repeat(again, Repeat(page, b"head", page.body, key))
            case Wait(seconds):
                shelf.now += seconds
        alive = list(pages_._pages.values())
        assert pages_.bytes == sum(page.size for page in alive) <= 12_000
        assert {id(repeat.page) for repeat in pages_._repeats.values()} <= {id(page) for page in alive}
        assert sorted(pages_._repeats) == sorted(again for page in alive for again in page.requests)


# Over real HTTP.


@pytest.fixture(params=[True, False], ids=["before asgi", "asgi"])
def before_asgi(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


async def test_a_public_page_is_put_together_once_until_a_key_of_it_is_purged(
    tmp_path: Path, cafe: FakeFragmentServer, before_asgi: bool
) -> None:
    cafe.declare(a={}, b={})
    cafe.at |= {"/a": cacheable("<p>a", "a"), "/b": cacheable("<p>one", "b")}
    async with portal(tmp_path, {"cafe": cafe.address}, pages_before_asgi=before_asgi, **WHOLE) as shell:
        first = await shell.get(CAFE)
        hits = [fragments_of(shell).find(instance) for instance in (A, B)]
        for _ in range(3):
            again = await shell.get(CAFE)
            assert again.text == first.text
            assert again.headers["cache-status"] == "jogakbo; hit"
        assert len(kept_pages(shell)) == 1
        assert len(cafe.requests("/a")) == len(cafe.requests("/b")) == 1
        assert [fragments_of(shell).find(instance) for instance in (A, B)] == hits
        cafe.at["/b"] = cacheable("<p>two", "b")
        purge(shell, "b")
        changed = await shell.get(CAFE)
    assert "<p>two</p>" in changed.text
    assert (len(cafe.requests("/a")), len(cafe.requests("/b"))) == (1, 2)


async def test_the_same_request_again_sees_a_purge_at_once(tmp_path: Path, cafe: FakeFragmentServer) -> None:
    cafe.declare(a={})
    cafe.at["/a"] = cacheable("<p>0", "a")
    async with portal(tmp_path, {"cafe": cafe.address}, **WHOLE) as shell, wire(shell.origin) as browser:
        for number in range(1, 4):
            for _ in range(3):
                await browser.get(CAFE)
                assert f"<p>{number - 1}</p>" in (await browser.reply()).text
            assert len(kept_pages(shell)._repeats) == 1
            cafe.at["/a"] = cacheable(f"<p>{number}", "a")
            purge(shell, "a")


NOT_KEPT = {
    "a fragment that may not be stored": {"/b": answer("<p>b", headers={"cache-control": "no-store"})},
    "a fragment that says nothing": {"/b": answer("<p>b")},
    "a fragment that must be asked again": {"/b": cacheable("<p>b", policy="no-cache", etag='"1"')},
    "a fragment that is not there": {"/b": answer("", 500)},
    "a private answer": {"/b": cacheable("<p>b", policy="private, max-age=60")},
}


@pytest.mark.parametrize("at", NOT_KEPT.values(), ids=NOT_KEPT.keys())
async def test_a_page_is_not_kept_with(tmp_path: Path, cafe: FakeFragmentServer, at: dict[str, Gate]) -> None:
    cafe.declare(a={}, b={})
    cafe.at |= {"/a": cacheable("<p>a"), **at}
    async with portal(tmp_path, {"cafe": cafe.address}, **WHOLE) as shell:
        for _ in range(3):
            await shell.get(CAFE)
        assert len(kept_pages(shell)) == 0


async def test_a_page_with_a_private_fragment_is_never_kept(tmp_path: Path, cafe: FakeFragmentServer) -> None:
    cafe.declare(a={}, cart={"audience": "private"})
    cafe.at |= {"/a": cacheable("<p>a"), "/cart": cacheable("<p>cart")}
    async with portal(tmp_path, {"cafe": cafe.address}, **WHOLE) as shell:
        for _ in range(3):
            page = await shell.get(CAFE)
            assert page.headers["cache-control"] == "private, no-cache"
        assert len(kept_pages(shell)) == 0
    assert len(cafe.requests("/cart")) == 3


async def test_each_language_look_and_query_is_a_page_of_its_own(
    tmp_path: Path, cafe: FakeFragmentServer, before_asgi: bool
) -> None:
    async def in_locale(request: Received, writer: asyncio.StreamWriter) -> None:
        await cacheable(f"<p>{request.header('podium-locale')} {request.target}")(request, writer)

    cafe.declare("inventory", levels={}, history={"params": {"id": {"pattern": "[a-z]+"}}})
    cafe.at |= {"/levels": cacheable("<p>levels"), "/history": in_locale}
    asked = {
        "en": ("/stock", {"accept_language": "en"}),
        "ko": ("/stock", {"accept_language": "ko"}),
        "ko by cookie": ("/stock", {"accept_language": "en", "cookie": "lang=ko"}),
        "dark": ("/stock", {"accept_language": "en", "cookie": "theme=dark"}),
        "light": ("/stock", {"accept_language": "en", "cookie": "theme=light"}),
        "milk": ("/stock?ingredient=milk", {"accept_language": "en"}),
        "beans": ("/stock?ingredient=beans", {"accept_language": "en"}),
    }
    async with portal(tmp_path, {"inventory": cafe.address}, pages_before_asgi=before_asgi, **WHOLE) as shell:
        seen = [{name: (await shell.get(path, **more)).text for name, (path, more) in asked.items()} for _ in range(3)]
    assert seen[0] == seen[1] == seen[2]
    page = seen[0]
    assert page["ko"] == page["ko by cookie"]
    assert len(set(page.values())) == len(asked) - 1
    assert "<p>ko /history</p>" in page["ko"]
    assert 'data-theme="dark"' in page["dark"]
    assert "/history?id=milk" in page["milk"]
    assert "?ingredient=beans&amp;lang=ko" in page["beans"]


async def test_a_choice_is_kept_for_who_made_it_and_given_to_nobody_else(
    tmp_path: Path, cafe: FakeFragmentServer, before_asgi: bool
) -> None:
    cafe.declare(a={})
    cafe.at["/a"] = cacheable("<p>a")
    async with (
        portal(tmp_path, {"cafe": cafe.address}, pages_before_asgi=before_asgi, **WHOLE) as shell,
        wire(shell.origin) as browser,
    ):
        for _ in range(4):
            await browser.get(f"{CAFE}?lang=ko&theme=dark")
            chosen = await browser.reply()
            assert re.findall(r"(lang=ko|theme=dark);", chosen.header("set-cookie")) == ["lang=ko", "theme=dark"]
            await browser.get(CAFE)
            assert (await browser.reply()).header("set-cookie") == ""


async def test_nothing_of_one_visitor_is_in_what_is_kept_for_another(
    tmp_path: Path, cafe: FakeFragmentServer, before_asgi: bool
) -> None:
    cafe.declare(a={}, b={})
    cafe.at |= {"/a": cacheable("<p>a"), "/b": cacheable("<p>b")}
    session, trace, span = "A" * 32, "a1" * 16, "b2" * 8
    telling = {
        "cookie": f"jogakbo={session}; secret=A-cookie",
        "x_request_id": "request-of-A",
        "traceparent": f"00-{trace}-{span}-01",
        "user_agent": "browser-of-A",
        "referer": "http://cafe.example/where-A-was",
        "authorization": "Bearer A-token",
    }
    async with (
        portal(
            tmp_path,
            {"cafe": cafe.address},
            pages_before_asgi=before_asgi,
            redis_url="redis://127.0.0.1:1/0",
            **WHOLE,
        ) as shell,
        wire(shell.origin) as first,
        wire(shell.origin) as second,
    ):
        replies = []
        for _ in range(3):
            await first.get(CAFE, **telling)
            mine = await first.reply()
            assert mine.header("x-request-id") == "request-of-A"
            await second.get(CAFE)
            replies.append(await second.reply())
            await second.get(CAFE, cookie=f"jogakbo={'B' * 32}")
            replies.append(await second.reply())
        assert len(kept_pages(shell)) == 1
    told = [session, "A-cookie", "request-of-A", trace, span, "browser-of-A", "where-A-was", "A-token", "guest-"]
    for reply in replies:
        whole = reply.text + repr(reply.headers)
        assert not [word for word in told if word in whole]
        assert reply.header("set-cookie") == ""
    ids = [reply.header("x-request-id") for reply in replies]
    assert len(set(ids)) == len(ids)
    for received in cafe.requests("/a"):
        assert not [word for word in told[:2] + told[5:8] if word in repr(received)]


async def test_an_id_that_a_request_brings_is_answered_to_it_alone(tmp_path: Path, cafe: FakeFragmentServer) -> None:
    cafe.declare(a={})
    cafe.at["/a"] = cacheable("<p>a")
    async with portal(tmp_path, {"cafe": cafe.address}, **WHOLE) as shell, wire(shell.origin) as browser:
        for _ in range(3):
            await browser.get(CAFE, x_request_id="request-1")
            assert (await browser.reply()).header("x-request-id") == "request-1"
            await browser.get(CAFE)
            assert (await browser.reply()).header("x-request-id") != "request-1"


async def test_a_kept_page_is_dressed_as_it_was(tmp_path: Path, cafe: FakeFragmentServer, before_asgi: bool) -> None:
    cafe.declare(a={})
    link = "</assets/own.css>; rel=stylesheet, </assets/own.js>; rel=preload; as=script"
    cafe.at |= {
        "/a": cacheable("<p>a", link=link),
        "/assets/own.js": answer("1", headers={"content-type": "text/javascript"}),
        "/assets/own.css": answer("p{}", headers={"content-type": "text/css"}),
    }
    async with portal(tmp_path, {"cafe": cafe.address}, pages_before_asgi=before_asgi, **WHOLE) as shell:
        await until_true(lambda: shell.shows(CAFE, "own.js"))
        purge(shell)
        answers = [await shell.get(CAFE) for _ in range(3)]
        assert len(kept_pages(shell)) == 1
    policies = {page.headers["content-security-policy"] for page in answers}
    assert len({page.text for page in answers}) == 1
    assert len(policies) == 1
    assert "own.js" in policies.pop()


async def test_a_new_release_of_another_server_is_seen_by_the_same_request_again(
    tmp_path: Path, cafe: FakeFragmentServer
) -> None:
    cafe.declare(a={})
    cafe.at["/a"] = cacheable("<p>a")
    async with (
        FakeFragmentServer() as bakery,
        portal(tmp_path, {"cafe": cafe.address, "bakery": bakery.address}, **WHOLE) as shell,
        wire(shell.origin) as browser,
    ):

        async def shows_bakery() -> bool:
            await browser.get(CAFE)
            return 'href="/bakery"' in (await browser.reply()).text

        for _ in range(3):
            assert not await shows_bakery()
        bakery.declare("bakery", bread={})
        bakery.at["/bread"] = answer("<p>bread")
        await until_true(shows_bakery, 4)


async def test_a_page_that_is_no_more_is_not_there_for_the_same_request_either(
    tmp_path: Path, cafe: FakeFragmentServer
) -> None:
    cafe.declare(a={})
    cafe.at["/a"] = cacheable("<p>a")
    async with (
        FakeFragmentServer() as bakery,
        portal(tmp_path, {"cafe": cafe.address, "bakery": bakery.address}, **WHOLE) as shell,
        wire(shell.origin) as browser,
    ):
        bakery.at |= {
            "/manifest.json": answer(
                manifest("bakery").replace('"fragments": []', '"fragments": ["cafe/a"]'),
                headers={"content-type": "x/json"},
            ),
            "/readyz": answer('{"checks": {}}'),
        }

        async def status() -> int:
            await browser.get("/bakery")
            return (await browser.reply()).status

        async def is_there() -> bool:
            return await status() == 200

        async def is_gone() -> bool:
            return await status() == 404

        await until_true(is_there)
        for _ in range(3):
            assert await status() == 200
        bakery.at["/manifest.json"] = answer(
            manifest("bakery", "2").replace('"path": "/bakery"', '"path": "/bread"'), headers={"content-type": "x/json"}
        )
        await until_true(is_gone, 4)


async def test_a_page_that_was_asked_for_before_a_purge_is_not_kept_after_it(
    tmp_path: Path, cafe: FakeFragmentServer
) -> None:
    cafe.declare(a={}, b={})
    gate = Gate(cacheable("<p>b", "b"))
    cafe.at |= {"/a": cacheable("<p>old", "a"), "/b": gate}
    async with portal(tmp_path, {"cafe": cafe.address}, **WHOLE) as shell:
        asking = asyncio.create_task(shell.get(CAFE))
        await asyncio.wait_for(gate.reached.wait(), 2)
        await eventually(lambda: fragments_of(shell).find(A) is not None)
        cafe.at["/a"] = cacheable("<p>new", "a")
        purge(shell, "a")
        gate.open.set()
        assert "<p>old</p>" in (await asking).text
        assert len(kept_pages(shell)) == 0
        assert "<p>new</p>" in (await shell.get(CAFE)).text


async def test_long_queries_are_not_kept_and_all_that_is_kept_is_bounded(
    tmp_path: Path, cafe: FakeFragmentServer, before_asgi: bool
) -> None:
    cafe.declare(a={})
    cafe.at["/a"] = cacheable("<p>" + "x" * 20_000)
    async with portal(
        tmp_path, {"cafe": cafe.address}, pages_before_asgi=before_asgi, page_cache_bytes=200_000, **WHOLE
    ) as shell:
        kept = kept_pages(shell)
        for _ in range(3):
            assert (await shell.get(f"{CAFE}?x={'y' * 600}")).status_code == 200
        assert len(kept) == 0
        for number in range(40):
            for encoding in ("gzip", "br", "identity"):
                await shell.get(f"{CAFE}?x={number}", accept_encoding=encoding)
            assert kept.bytes <= 200_000


async def test_no_page_is_kept_where_none_may_be(tmp_path: Path, cafe: FakeFragmentServer) -> None:
    cafe.declare(a={})
    cafe.at["/a"] = cacheable("<p>a")
    async with portal(tmp_path, {"cafe": cafe.address}, page_cache_bytes=0, **WHOLE) as shell:
        for _ in range(3):
            assert "<p>a</p>" in (await shell.get(CAFE)).text
        assert len(kept_pages(shell)) == 0


async def test_the_head_of_a_kept_page_touches_no_fragment(
    tmp_path: Path, cafe: FakeFragmentServer, before_asgi: bool
) -> None:
    cafe.declare(a={})
    cafe.at["/a"] = cacheable("<p>a")
    async with (
        portal(tmp_path, {"cafe": cafe.address}, pages_before_asgi=before_asgi, **WHOLE) as shell,
        wire(shell.origin) as browser,
    ):
        await browser.send(request(CAFE))
        page = await browser.reply()
        for _ in range(2):
            await browser.send(request(CAFE, method="HEAD") + request(CAFE))
            head = await browser.reply(method="HEAD")
            after = await browser.reply()
            assert head.header("content-length") == str(len(page.body))
            assert after.body == page.body
    assert len(cafe.requests("/a")) == 1
