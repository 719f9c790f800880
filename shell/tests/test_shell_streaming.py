"""Pages that leave as their pieces come: in order, the late ones at the end, to clients that go or do not read."""

from __future__ import annotations

import asyncio
import gzip
import os
import re
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path

import brotli
import pytest

from shell.tests.harness import (
    LUNCH,
    FakeFragmentServer,
    Gate,
    Portal,
    Received,
    answer,
    cacheable,
    eventually,
    hang,
    pages,
    portal,
    until_true,
)
from shell.tests.insides import purge
from shell.tests.shell_process import shell_process
from shell.tests.wire import Wire, request, wire

pytestmark = pytest.mark.anyio

CAFE = "/cafe"
PATIENT = {"fragment_deadline_ms": 3000, "page_deadline_ms": 3000, "page_budget_ms": 3000}
IMPATIENT = {"fragment_deadline_ms": 3000, "page_deadline_ms": 3000, "page_budget_ms": 40}
LATE_END = b'<hr class="late-end" hidden>'


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, bool]]:
    """As in production."""
    return "asyncio", {"use_uvloop": True}


@pytest.fixture(params=[True, False], ids=["before asgi", "asgi"])
def before_asgi(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


def gated(cafe: FakeFragmentServer, names: str) -> dict[str, Gate]:
    """Fragments that come when the test says so."""
    cafe.declare("cafe", "1", **{name: {} for name in names})
    gates = {name: Gate(answer(f"<p>{name.upper()}")) for name in names}
    cafe.at |= {f"/{name}": gate for name, gate in gates.items()}
    return gates


def template(folder: Path, text: str, *, plain: bool = False) -> str:
    """The PAGES_DIR of a portal with this page at `/lunch`."""
    table = f"{LUNCH}plain = true\n" if plain else LUNCH
    whole = text if plain else f'{{% extends "layout.html" %}}{{% block main %}}{text}{{% endblock %}}'
    return str(pages(folder / "pages", table, lunch=whole))


async def test_the_head_and_what_is_there_leave_while_the_next_is_missing(
    tmp_path: Path, cafe: FakeFragmentServer, before_asgi: bool
) -> None:
    gates = gated(cafe, "abc")
    async with (
        portal(tmp_path, {"cafe": cafe.address}, pages_before_asgi=before_asgi, **PATIENT) as shell,
        wire(shell.origin) as browser,
    ):
        await browser.get(CAFE)
        assert (await browser.head()).status == 200
        came = await browser.until(b'<main id="main"')
        assert b"<!doctype html>" in came
        assert b"/static/portal.css" in came
        gates["a"].open.set()
        gates["c"].open.set()
        assert b"<p>C</p>" not in await browser.until(b"<p>A</p></section>")
        gates["b"].open.set()
        rest = await browser.rest()
    assert rest.index(b"<p>B</p>") < rest.index(b"<p>C</p>") < rest.index(b"</html>")
    assert b"late" not in rest


async def test_a_page_that_is_there_at_once_leaves_in_one_piece(
    tmp_path: Path, cafe: FakeFragmentServer, before_asgi: bool
) -> None:
    cafe.declare(a={})
    cafe.at["/a"] = answer("<p>A")
    async with portal(
        tmp_path, {"cafe": cafe.address}, pages_before_asgi=before_asgi, page_hold_ms=250, **PATIENT
    ) as shell:
        page = await shell.get(CAFE)
    assert page.headers["content-length"] == str(page.num_bytes_downloaded)
    assert "transfer-encoding" not in page.headers


async def test_what_misses_the_budget_comes_at_the_end_as_soon_as_it_comes(
    tmp_path: Path, cafe: FakeFragmentServer, before_asgi: bool
) -> None:
    gates = gated(cafe, "abcd")
    async with (
        portal(tmp_path, {"cafe": cafe.address}, pages_before_asgi=before_asgi, **IMPATIENT) as shell,
        wire(shell.origin) as browser,
    ):
        await browser.get(CAFE)
        await browser.head()
        gates["b"].open.set()
        came = await browser.until(b'<aside class="frame late"')
        places = re.findall(rb'data-late="f-cafe-(\w)"|<p>(\w)</p></section>', came)
        assert [late or there for late, there in places] == [b"a", b"B", b"c", b"d"]
        assert came.count(b"/static/late.js") == 1
        assert b'<a href="#f-cafe-a">' in came
        for name in "dac":
            gates[name].open.set()
            late = await browser.until(LATE_END)
            assert f'<section id="f-cafe-{name}"'.encode() in late
            assert late.count(b"<section") == 1
        assert (late + await browser.rest()).rstrip().endswith(b"</aside>\n\n</body>\n</html>")


async def test_a_page_is_whole_by_its_deadline_with_what_stands_in_for_the_rest(
    tmp_path: Path, cafe: FakeFragmentServer, before_asgi: bool
) -> None:
    cafe.declare(a={}, b={"fallback": "/b/fallback"}, c={})
    cafe.at |= {"/a": hang, "/b": hang, "/b/fallback": answer("<p>closed"), "/c": answer("<p>C")}
    async with portal(
        tmp_path,
        {"cafe": cafe.address},
        pages_before_asgi=before_asgi,
        fragment_deadline_ms=5000,
        page_deadline_ms=500,
        page_budget_ms=60,
    ) as shell:
        await eventually((tmp_path / "fallbacks" / "cafe.json").exists)
        began = time.perf_counter()
        page = await shell.get(CAFE)
        took = time.perf_counter() - began
    assert 0.49 <= took < 1
    assert page.status_code == 200
    assert page.text.count('data-late="f-cafe-') == page.text.count(LATE_END.decode()) == 2
    assert 'data-state="failed" data-fragment="cafe/a"' in page.text
    assert 'data-state="fallback" data-fragment="cafe/b"' in page.text
    assert "<p>closed</p>" in page.text
    assert page.text.rstrip().endswith("</html>")


async def test_a_page_without_a_place_for_late_ones_waits_for_each_where_it_stands(
    tmp_path: Path, cafe: FakeFragmentServer, before_asgi: bool
) -> None:
    gates = gated(cafe, "ab")
    plain = template(tmp_path, '<p>1<esi:include src="cafe/a"/>2<esi:include src="cafe/b"/>3', plain=True)
    async with (
        portal(tmp_path, {"cafe": cafe.address}, pages_before_asgi=before_asgi, pages_dir=plain, **IMPATIENT) as shell,
        wire(shell.origin) as browser,
    ):
        began = time.perf_counter()
        await browser.get("/lunch")
        await browser.head()
        assert await browser.chunk() == b"<p>1"
        gates["b"].open.set()
        await eventually(lambda: time.perf_counter() - began > 0.1)
        gates["a"].open.set()
        rest = await browser.rest()
    assert rest.startswith(b'<section id="f-cafe-a"')
    assert rest.endswith(b"<p>B</p></section>3")
    assert b"late" not in rest


async def test_an_alternative_gets_its_turn_when_the_budget_is_over(
    tmp_path: Path, cafe: FakeFragmentServer, before_asgi: bool
) -> None:
    gated(cafe, "ab")
    plain = template(tmp_path, '<p>1<esi:include src="cafe/a" alt="cafe/b"/>2', plain=True)
    async with (
        portal(tmp_path, {"cafe": cafe.address}, pages_before_asgi=before_asgi, pages_dir=plain, **IMPATIENT) as shell,
        wire(shell.origin) as browser,
    ):
        cafe.at["/b"] = answer("<p>instead")
        await browser.get("/lunch")
        await browser.head()
        assert b'id="f-cafe-a"' in await browser.until(b"<p>instead</p></section>2")


PRIMARIES = '{{ fragment("cafe/a") }}{{ fragment("cafe/b", primary=True) }}{{ fragment("cafe/c", primary=True) }}'


@pytest.mark.parametrize("hold", [0, 4])
async def test_primary_fragments_hold_the_head_and_nothing_else_does(
    tmp_path: Path, cafe: FakeFragmentServer, before_asgi: bool, hold: int
) -> None:
    gates = gated(cafe, "abc")
    own = template(tmp_path, PRIMARIES)
    async with (
        portal(
            tmp_path, {"cafe": cafe.address}, pages_before_asgi=before_asgi, page_hold_ms=hold, pages_dir=own, **PATIENT
        ) as shell,
        wire(shell.origin) as browser,
    ):
        await browser.get("/lunch")
        head = asyncio.create_task(browser.head())
        await asyncio.wait_for(gates["c"].reached.wait(), 2)
        gates["b"].open.set()
        await eventually(lambda: len(cafe.requests("/b")) == 1)
        assert not head.done()
        gates["c"].open.set()
        assert (await head).status == 200
        assert b"<p>B</p>" not in await browser.until(b'<main id="main"')
        gates["a"].open.set()
        rest = await browser.rest()
    assert rest.index(b"<p>A</p>") < rest.index(b"<p>B</p>") < rest.index(b"<p>C</p>")


DECIDING = {
    "both are there": ({"b": answer("<p>B"), "c": answer("<p>C")}, 200, "", True),
    "the first is not": ({"b": answer("<p>none", 404), "c": answer("<p>C")}, 404, "", True),
    "the second is not": ({"b": answer("<p>B"), "c": answer("<p>none", 404)}, 404, "", True),
    "the second is gone": ({"b": answer("<p>B"), "c": answer("<p>none", 410)}, 410, "", True),
    "the first failed, the second is not": ({"b": answer("", 500), "c": answer("<p>none", 404)}, 502, "", True),
    "the first moved": ({"b": answer("", 307, {"location": "/x"}), "c": answer("<p>C")}, 307, "/x", False),
    "the second moved": ({"b": answer("<p>B"), "c": answer("", 303, {"location": "/y"})}, 303, "/y", False),
    "both moved": (
        {"b": answer("", 302, {"location": "/x"}), "c": answer("", 303, {"location": "/y"})},
        302,
        "/x",
        False,
    ),
    "one is not, the other moved": (
        {"b": answer("<p>none", 404), "c": answer("", 303, {"location": "/y"})},
        303,
        "/y",
        False,
    ),
    "the first has no words for it": (
        {"b": answer("{}", 404, {"content-type": "application/json"}), "c": answer("<p>C")},
        404,
        "",
        False,
    ),
}


@pytest.mark.parametrize(("at", "status", "location", "is_page"), DECIDING.values(), ids=DECIDING.keys())
async def test_all_primary_fragments_decide_about_the_page(
    tmp_path: Path,
    cafe: FakeFragmentServer,
    before_asgi: bool,
    at: dict[str, Callable[..., Awaitable[None]]],
    status: int,
    location: str,
    is_page: bool,
) -> None:
    cafe.declare(a={}, b={}, c={})
    cafe.at |= {"/a": answer("<p>A")} | {f"/{name}": behaviour for name, behaviour in at.items()}
    own = template(tmp_path, PRIMARIES)
    async with portal(tmp_path, {"cafe": cafe.address}, pages_before_asgi=before_asgi, pages_dir=own) as shell:
        page = await shell.get("/lunch")
        head = await shell.client.head("/lunch")
    assert (page.status_code, page.headers.get("location", "")) == (status, location)
    assert (head.status_code, head.headers.get("location", "")) == (status, location)
    assert ('id="f-cafe-a"' in page.text) == is_page


async def test_a_primary_fragment_that_says_where_to_go_gives_up_the_others(
    tmp_path: Path, cafe: FakeFragmentServer, before_asgi: bool
) -> None:
    gates = gated(cafe, "abc")
    gates["b"].then = answer("", 303, {"location": "/board"})
    gates["c"].then = answer("", 303, {"location": "/board"})
    own = template(tmp_path, PRIMARIES)
    async with portal(
        tmp_path,
        {"cafe": cafe.address},
        pages_before_asgi=before_asgi,
        manifest_interval_ms=60_000,
        pages_dir=own,
        **PATIENT,
    ) as shell:
        asking = asyncio.create_task(shell.get("/lunch"))
        await asyncio.wait_for(asyncio.gather(*(gate.reached.wait() for gate in gates.values())), 2)
        held = cafe.open_connections
        gates["b"].open.set()
        gates["c"].open.set()
        assert (await asking).headers["location"] == "/board"
        await eventually(lambda: cafe.open_connections == held - 1)


async def test_a_primary_fragment_decides_by_the_deadline_at_the_latest(
    tmp_path: Path, cafe: FakeFragmentServer, before_asgi: bool
) -> None:
    cafe.declare(a={}, b={}, c={})
    cafe.at |= {"/a": answer("<p>A"), "/b": answer("<p>B"), "/c": hang}
    own = template(tmp_path, PRIMARIES)
    async with portal(
        tmp_path,
        {"cafe": cafe.address},
        pages_before_asgi=before_asgi,
        fragment_deadline_ms=5000,
        page_deadline_ms=500,
        page_budget_ms=50,
        pages_dir=own,
    ) as shell:
        began = time.perf_counter()
        page = await shell.get("/lunch")
        took = time.perf_counter() - began
    assert page.status_code == 504
    assert "<p>B</p>" in page.text
    assert 0.49 <= took < 1


async def test_the_head_of_a_page_that_would_stream_comes_alone(
    tmp_path: Path, cafe: FakeFragmentServer, before_asgi: bool
) -> None:
    gated(cafe, "ab")
    async with (
        portal(
            tmp_path, {"cafe": cafe.address}, pages_before_asgi=before_asgi, manifest_interval_ms=60_000, **PATIENT
        ) as shell,
        wire(shell.origin) as browser,
    ):
        await browser.get(CAFE, method="HEAD")
        head = await browser.head()
        await browser.get("/livez")
        assert (await browser.reply()).status == 200
        assert head.status == 200
        await eventually(lambda: cafe.open_connections <= 1)


# Clients that go.

GOING: dict[str, Callable[[Wire], None]] = {"FIN": Wire.finish, "RST": Wire.reset}


@pytest.mark.parametrize("go", GOING.values(), ids=GOING.keys())
@pytest.mark.parametrize("hold", [0, 2000], ids=["in the middle", "before the head"])
async def test_a_client_that_goes_takes_its_fetches_with_it(
    tmp_path: Path, cafe: FakeFragmentServer, before_asgi: bool, hold: int, go: Callable[[Wire], None]
) -> None:
    gates = gated(cafe, "ab")
    async with (
        portal(
            tmp_path,
            {"cafe": cafe.address},
            pages_before_asgi=before_asgi,
            page_hold_ms=hold,
            manifest_interval_ms=60_000,
            **PATIENT,
        ) as shell,
        wire(shell.origin) as browser,
    ):
        await browser.get(CAFE)
        await asyncio.wait_for(asyncio.gather(*(gate.reached.wait() for gate in gates.values())), 2)
        if not hold:
            await browser.head()
        held = cafe.open_connections
        go(browser)
        await eventually(lambda: cafe.open_connections <= held - 2)
        assert len(shell.server.server_state.connections) <= 1
        cafe.at |= {"/a": answer("<p>A"), "/b": answer("<p>B")}
        assert "<p>B</p>" in (await shell.get(CAFE)).text


async def test_a_client_that_goes_leaves_a_fetch_that_another_waits_for(
    tmp_path: Path, cafe: FakeFragmentServer, before_asgi: bool
) -> None:
    gates = gated(cafe, "ab")
    async with (
        portal(
            tmp_path, {"cafe": cafe.address}, pages_before_asgi=before_asgi, manifest_interval_ms=60_000, **PATIENT
        ) as shell,
        wire(shell.origin) as first,
        wire(shell.origin) as second,
    ):
        for browser in (first, second):
            await browser.get(CAFE)
            await browser.head()
        assert len(cafe.requests("/a")) == len(cafe.requests("/b")) == 1
        held, connections = cafe.open_connections, len(shell.server.server_state.connections)
        first.reset()
        await eventually(lambda: len(shell.server.server_state.connections) == connections - 1)
        assert cafe.open_connections == held
        for gate in gates.values():
            gate.open.set()
        assert b"<p>B</p>" in await second.rest()
    assert len(cafe.requests("/a")) == len(cafe.requests("/b")) == 1


async def test_a_client_that_goes_while_its_fragment_is_in_line_is_never_asked_for(
    tmp_path: Path, cafe: FakeFragmentServer, before_asgi: bool
) -> None:
    gates = gated(cafe, "ab")
    own = template(tmp_path, '{{ fragment("cafe/b") }}')
    async with (
        portal(
            tmp_path,
            {"cafe": cafe.address},
            pages_before_asgi=before_asgi,
            max_running_fragments=1,
            pages_dir=own,
            **PATIENT,
        ) as shell,
        wire(shell.origin) as first,
        wire(shell.origin) as second,
    ):
        cafe.at["/b"] = answer("<p>B")
        asking = asyncio.create_task(shell.get("/-/cafe/a"))
        await asyncio.wait_for(gates["a"].reached.wait(), 2)
        await first.get("/lunch")
        await first.head()
        connections = len(shell.server.server_state.connections)
        first.reset()
        await eventually(lambda: len(shell.server.server_state.connections) == connections - 1)
        gates["a"].open.set()
        assert (await asking).status_code == 200
        assert not cafe.requests("/b")
        await second.get("/lunch")
        assert "<p>B</p>" in (await second.reply()).text
    assert len(cafe.requests("/b")) == 1


# Pages that several ask for at the same moment.

TOGETHER = {**PATIENT, "page_hold_ms": 2000}


async def test_who_asks_for_a_page_under_way_gets_it_as_they_asked_for_it(
    tmp_path: Path, cafe: FakeFragmentServer, before_asgi: bool
) -> None:
    gates = gated(cafe, "ab")
    gates["a"].then = answer("<p>A" + "x" * 900)
    asked: list[dict[str, str]] = [
        {},
        {"method": "HEAD"},
        {"accept_encoding": "gzip"},
        {"accept_encoding": "br"},
        {"if_none_match": "*"},
        {"x_request_id": "request-1"},
        {"cookie": "lang=en; theme=light"},
    ]
    async with (
        portal(tmp_path, {"cafe": cafe.address}, pages_before_asgi=before_asgi, **TOGETHER) as shell,
        AsyncExitStack() as stack,
    ):
        browsers = [await stack.enter_async_context(wire(shell.origin)) for _ in asked]
        for browser, more in zip(browsers, asked, strict=True):
            await browser.get(f"{CAFE}?n={more.get('method', '')}", **more)
        await asyncio.wait_for(asyncio.gather(*(gate.reached.wait() for gate in gates.values())), 2)
        for gate in gates.values():
            gate.open.set()
        plain, head, packed, brotlied, known, traced, light = [
            await browser.reply(method=more.get("method", "GET")) for browser, more in zip(browsers, asked, strict=True)
        ]
    assert len(cafe.requests("/a")) == len(cafe.requests("/b")) == 1
    assert (plain.status, head.status, known.status) == (200, 200, 304)
    assert b"<p>B</p>" in plain.body
    assert gzip.decompress(packed.body) == brotli.decompress(brotlied.body) == traced.body == plain.body
    assert "n=HEAD&amp;lang" not in plain.text
    assert traced.header("x-request-id") == "request-1"
    assert len({reply.header("x-request-id") for reply in (plain, head, packed, known, traced)}) == 5
    assert 'data-theme="light"' in light.text
    assert "data-theme" not in plain.text.partition("<body")[0].partition("<head")[0]


async def test_a_client_that_goes_takes_nothing_from_those_who_asked_for_the_same_page(
    tmp_path: Path, cafe: FakeFragmentServer, before_asgi: bool
) -> None:
    gates = gated(cafe, "ab")
    async with (
        portal(
            tmp_path, {"cafe": cafe.address}, pages_before_asgi=before_asgi, manifest_interval_ms=60_000, **TOGETHER
        ) as shell,
        wire(shell.origin) as first,
        wire(shell.origin) as second,
        wire(shell.origin) as third,
    ):
        for browser in (first, second, third):
            await browser.get(CAFE)
        await asyncio.wait_for(asyncio.gather(*(gate.reached.wait() for gate in gates.values())), 2)
        held = cafe.open_connections
        first.reset()
        await eventually(lambda: first.port not in ports(shell))
        assert cafe.open_connections == held
        gates["a"].open.set()
        gates["b"].open.set()
        for browser in (second, third):
            assert b"<p>B</p>" in (await browser.reply()).body
    assert len(cafe.requests("/a")) == len(cafe.requests("/b")) == 1


async def test_when_all_who_asked_for_a_page_have_gone_it_is_given_up(
    tmp_path: Path, cafe: FakeFragmentServer, before_asgi: bool
) -> None:
    gates = gated(cafe, "ab")
    async with (
        portal(
            tmp_path, {"cafe": cafe.address}, pages_before_asgi=before_asgi, manifest_interval_ms=60_000, **TOGETHER
        ) as shell,
        wire(shell.origin) as first,
        wire(shell.origin) as second,
    ):
        for browser in (first, second):
            await browser.get(CAFE)
        await asyncio.wait_for(asyncio.gather(*(gate.reached.wait() for gate in gates.values())), 2)
        held = cafe.open_connections
        first.reset()
        second.reset()
        await eventually(lambda: cafe.open_connections <= held - 2)
        cafe.at |= {"/a": answer("<p>A"), "/b": answer("<p>anew")}
        assert "<p>anew</p>" in (await shell.get(CAFE)).text


async def test_a_page_under_way_from_before_a_purge_is_not_joined(
    tmp_path: Path, cafe: FakeFragmentServer, before_asgi: bool
) -> None:
    cafe.declare(a={}, b={})
    old = Gate(cacheable("<p>old", "b"))
    cafe.at |= {"/a": cacheable("<p>A"), "/b": old}
    async with (
        portal(tmp_path, {"cafe": cafe.address}, pages_before_asgi=before_asgi, **TOGETHER) as shell,
        wire(shell.origin) as first,
        wire(shell.origin) as second,
    ):
        await first.get(CAFE)
        await asyncio.wait_for(old.reached.wait(), 2)
        cafe.at["/b"] = cacheable("<p>new", "b")
        purge(shell, "b")
        await second.get(CAFE)
        assert b"<p>new</p>" in (await second.reply()).body
        old.open.set()
        assert b"<p>old</p>" in (await first.reply()).body
        assert "<p>new</p>" in (await shell.get(CAFE)).text


async def test_private_pages_are_put_together_for_each_visitor_also_at_the_same_moment(
    tmp_path: Path, cafe: FakeFragmentServer, before_asgi: bool
) -> None:
    async def of_whom(request: Received, writer: asyncio.StreamWriter) -> None:
        await both.wait()
        await answer(f"<p>{request.header('authorization')[-30:]}")(request, writer)

    both = asyncio.Event()
    cafe.declare(cart={"audience": "private"})
    cafe.at["/cart"] = of_whom
    async with (
        portal(tmp_path, {"cafe": cafe.address}, pages_before_asgi=before_asgi, **TOGETHER) as shell,
        wire(shell.origin) as first,
        wire(shell.origin) as second,
    ):
        for browser, letter in ((first, "a"), (second, "b")):
            await browser.get(CAFE, cookie=f"jogakbo={letter * 32}")
        await eventually(lambda: len(cafe.requests("/cart")) == 2)
        both.set()
        assert (await first.reply()).text != (await second.reply()).text


# Clients that do not read.

LARGE = "<p>" + "x" * 60_000


def small_buffers(shell: Portal) -> None:
    """What the kernel takes off the shell for a client that does not read."""
    for server in shell.server.servers:
        for listener in server.sockets:
            with socket.socket(fileno=os.dup(listener.fileno())) as own:
                own.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)


def ports(shell: Portal) -> set[int]:
    """Of those who are connected, as they know them."""
    transports = [connection.transport for connection in shell.server.server_state.connections]
    return {transport.get_extra_info("peername")[1] for transport in transports}


async def is_cut_off(shell: Portal, browser: Wire) -> None:
    def is_there() -> bool:
        return browser.port in ports(shell)

    await eventually(is_there)
    await eventually(lambda: not is_there())


async def _large(cafe: FakeFragmentServer, *, kept: bool) -> None:
    cafe.declare(a={}, b={}, c={}, d={}, e={}, f={})
    for name in "abcdef":
        cafe.at[f"/{name}"] = cacheable(LARGE) if kept else answer(LARGE)


@pytest.mark.parametrize("hold", [0, 250], ids=["streamed", "whole"])
@pytest.mark.parametrize("kept", [False, True], ids=["anew", "kept"])
async def test_a_client_that_takes_nothing_is_cut_off(
    tmp_path: Path, cafe: FakeFragmentServer, hold: int, kept: bool
) -> None:
    await _large(cafe, kept=kept)
    async with (
        portal(tmp_path, {"cafe": cafe.address}, stall_seconds=1, page_hold_ms=hold, **PATIENT) as shell,
        wire(shell.origin) as reader,
    ):
        small_buffers(shell)
        for _ in range(3):
            await reader.get(CAFE)
            assert (await reader.reply()).status == 200
        async with wire(shell.origin, receive_bytes=4096) as stuck:
            stuck.stop_reading()
            began = time.perf_counter()
            await stuck.get(CAFE)
            await is_cut_off(shell, stuck)
            assert 0.9 < time.perf_counter() - began < 3  # what the kernel took off the shell counts as taken
        await reader.get(CAFE)
        assert (await reader.reply()).status == 200


async def test_a_client_that_asks_the_same_again_and_takes_nothing_is_cut_off(
    tmp_path: Path, cafe: FakeFragmentServer
) -> None:
    cafe.declare(a={})
    cafe.at["/a"] = cacheable("<p>" + "x" * 30_000)
    async with portal(tmp_path, {"cafe": cafe.address}, stall_seconds=1, page_hold_ms=250, **PATIENT) as shell:
        small_buffers(shell)
        async with wire(shell.origin) as reader:
            for _ in range(3):
                await reader.get(CAFE)
                assert (await reader.reply()).status == 200
        async with wire(shell.origin, receive_bytes=4096) as stuck:
            stuck.stop_reading()
            for _ in range(6):
                await stuck.get(CAFE)
            await is_cut_off(shell, stuck)


async def test_a_client_that_reads_slowly_gets_all_of_it(tmp_path: Path, cafe: FakeFragmentServer) -> None:
    cafe.declare(a={})
    cafe.at["/a"] = cacheable("<p>" + "x" * 150_000)
    async with portal(tmp_path, {"cafe": cafe.address}, stall_seconds=1, page_hold_ms=250, **PATIENT) as shell:
        small_buffers(shell)
        whole = (await shell.get(CAFE)).content
        async with wire(shell.origin, receive_bytes=4096) as slow:
            await slow.get(CAFE)
            head = await slow.head()
            came = b""
            began = time.perf_counter()
            while len(came) < int(head.header("content-length")):
                came += await slow.some(4096)
                await until_true(partial(_has_come, began + len(came) / 40_000))
        assert came == whole
        assert time.perf_counter() - began > 3


async def test_slow_readers_cost_others_nothing_and_bounded_memory(tmp_path: Path, cafe: FakeFragmentServer) -> None:
    await _large(cafe, kept=True)
    async with (
        shell_process(tmp_path, {"cafe": cafe.address}) as shell,
        wire(shell.origin) as reader,
        AsyncExitStack() as stack,
    ):

        async def page() -> bytes:
            await reader.get(CAFE)
            return (await reader.reply()).body

        async def is_kept() -> bool:
            return len(await page()) > 360_000

        await until_true(is_kept)
        before, whole = shell.resident_bytes, len(await page())
        stuck = [await stack.enter_async_context(wire(shell.origin, receive_bytes=2048)) for _ in range(200)]
        for one in stuck:
            one.stop_reading()
            await one.get(CAFE)
        await eventually(lambda: shell.connections >= 200)  # it takes them up one by one
        took = []
        for _ in range(50):
            began = time.perf_counter()
            assert len(await page()) == whole
            took.append(time.perf_counter() - began)
        assert sorted(took)[25] < 0.25
        await eventually(lambda: shell.connections >= 200)
        assert shell.resident_bytes - before < 200 * 256 * 1024


# The beginning and the end of a shell.


async def test_ten_at_once_before_anything_is_known_are_one_fetch(
    tmp_path: Path, cafe: FakeFragmentServer, before_asgi: bool
) -> None:
    cafe.declare(a={}, b={})
    look = Gate(cafe.at["/manifest.json"])
    cafe.at |= {"/manifest.json": look, "/a": cacheable("<p>A"), "/b": answer("<p>B")}
    async with cold(tmp_path, cafe, 10, before_asgi, '{{ fragment("cafe/a") }}{{ fragment("cafe/b") }}') as browsers:
        assert not cafe.requests("/a")
        look.open.set()
        for browser in browsers:
            page = await browser.rest()
            assert b"<p>A</p>" in page
            assert b"<p>B</p>" in page
    assert len(cafe.requests("/a")) == len(cafe.requests("/b")) == 1


async def test_a_private_fragment_is_asked_for_each_visitor_also_before_anything_is_known(
    tmp_path: Path, cafe: FakeFragmentServer, before_asgi: bool
) -> None:
    cafe.declare(cart={"audience": "private"})
    look = Gate(cafe.at["/manifest.json"])
    cafe.at |= {"/manifest.json": look, "/cart": answer("<p>cart")}
    async with cold(tmp_path, cafe, 3, before_asgi, '{{ fragment("cafe/cart") }}') as browsers:
        look.open.set()
        for browser in browsers:
            assert b"<p>cart</p>" in await browser.rest()
    assert len({received.header("authorization") for received in cafe.requests("/cart")}) == 3


async def test_a_shell_that_never_learns_of_a_server_shows_whole_pages_in_time(
    tmp_path: Path, cafe: FakeFragmentServer, before_asgi: bool
) -> None:
    cafe.at["/manifest.json"] = hang
    began = time.perf_counter()
    async with cold(tmp_path, cafe, 2, before_asgi, '{{ fragment("cafe/a") }}', page_deadline_ms=500) as browsers:
        for browser in browsers:
            page = await browser.rest()
            assert b'data-state="failed" data-fragment="cafe/a"' in page
            assert page.rstrip().endswith(b"</html>")
    assert time.perf_counter() - began < 10


@asynccontextmanager
async def cold(
    folder: Path, cafe: FakeFragmentServer, count: int, before_asgi: bool, text: str, **settings: object
) -> AsyncIterator[list[Wire]]:
    """So many visitors that have the head of a page of a shell that knows no manifest yet."""
    values: dict[str, object] = {
        **PATIENT,
        "pages_dir": template(folder, text),
        "page_hold_ms": 0,
        "pages_before_asgi": before_asgi,
        **settings,
    }
    async with (
        shell_process(folder, {"cafe": cafe.address}, "/livez", manifest_interval_ms=60_000, **values) as shell,
        AsyncExitStack() as stack,
    ):
        browsers = [await stack.enter_async_context(wire(shell.origin)) for _ in range(count)]
        for number, browser in enumerate(browsers):
            await browser.get("/lunch", cookie=f"jogakbo={str(number) * 32}")
        for browser in browsers:
            head = await browser.head()
            assert head.header("cache-control") == "private, no-cache"  # what is not known may be private
        yield browsers


async def test_a_shell_told_to_end_finishes_the_pages_under_way_and_exits_in_time(
    tmp_path: Path, cafe: FakeFragmentServer
) -> None:
    gates = gated(cafe, "ab")
    async with (
        shell_process(tmp_path, {"cafe": cafe.address}, drain_ms=3000, **PATIENT) as shell,
        AsyncExitStack() as stack,
    ):
        browsers = [await stack.enter_async_context(wire(shell.origin)) for _ in range(5)]
        for browser in browsers:
            await browser.get(CAFE)
        for browser in browsers[:4]:
            await browser.head()
        gates["a"].open.set()
        for browser in browsers[:4]:
            await browser.until(b"<p>A</p></section>")
        began = time.perf_counter()
        shell.terminate()
        await until_true(lambda: _refuses(shell.origin))
        gates["b"].open.set()
        for browser in browsers[:4]:
            assert (await browser.rest()).rstrip().endswith(b"</html>")
            assert await browser.ends()
        assert await shell.exit_status() in (0, -15)
        assert time.perf_counter() - began < 3


async def test_a_shell_told_to_end_does_not_wait_for_ever(tmp_path: Path, cafe: FakeFragmentServer) -> None:
    cafe.declare(a={})
    cafe.at["/a"] = cacheable("<p>" + "x" * 900_000)
    async with (
        shell_process(tmp_path, {"cafe": cafe.address}, drain_ms=1000) as shell,
        AsyncExitStack() as stack,
    ):
        stuck = [await stack.enter_async_context(wire(shell.origin, receive_bytes=2048)) for _ in range(5)]
        for one in stuck:
            await one.send(request(CAFE) * 3)
            await one.head()
            one.stop_reading()
        began = time.perf_counter()
        shell.terminate()
        assert await shell.exit_status() in (0, -15)
        assert time.perf_counter() - began < 3


async def _has_come(moment: float) -> bool:
    return time.perf_counter() >= moment


async def _refuses(origin: str) -> bool:
    try:
        async with wire(origin):
            return False
    except OSError:
        return True
