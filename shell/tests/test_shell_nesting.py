"""Fragments inside fragments: declared, asked for all at once, and put where the outer one has a place for them."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser

from jogakbo_shell.composition.containment import contain
from jogakbo_shell.composition.nesting import MAX_FRAGMENTS, filled
from jogakbo_shell.composition.parsing import Parser, holes_in
from jogakbo_shell.composition.wrapping import as_stale
from jogakbo_shell.instance import Instance
from shell.tests.harness import (
    LUNCH,
    FakeFragmentServer,
    Gate,
    Portal,
    answer,
    cacheable,
    hang,
    pages,
    portal,
    until_true,
)
from shell.tests.insides import kept_pages, purge
from shell.tests.varnish import Fronted, until_shown

pytestmark = pytest.mark.anyio

LEVEL = {"level": {"fragment": "stock/level"}}
HERE = '<jogakbo-slot name="level"><i>no level</i></jogakbo-slot>'
CAPABLE = 'varnish="Surrogate/1.0 ESI/1.0"'


@pytest.fixture
async def stock() -> AsyncIterator[FakeFragmentServer]:
    """Whose fragments are inside of the café's."""
    async with FakeFragmentServer() as server:
        server.declare("stock", level={})
        server.at["/level"] = cacheable("<b>12</b>", keys="stock")
        yield server


def both(cafe: FakeFragmentServer, stock: FakeFragmentServer) -> Mapping[str, str]:
    return {"cafe": cafe.address, "stock": stock.address}


def nested(name: str, html: str) -> str:
    return rf'<jogakbo-slot name="{name}"><section id="f-stock-[^>]*>{html}</section></jogakbo-slot>'


def shows(page: httpx2.Response, html: str = "<b>12</b>") -> bool:
    return re.search(nested("level", html), page.text) is not None


async def knows_stock(shell: Portal) -> None:
    await until_true(lambda: shell.shows("/cafe", "f-stock-level"))


# The place in the HTML.


@given(st.text(alphabet="a é🍵", max_size=5), st.text(alphabet="b커<", max_size=5))
def test_a_place_is_known_by_the_byte(before: str, inside: str) -> None:
    html = f'{before}<jogakbo-slot name="level">{inside.replace("<", "&lt;")}</jogakbo-slot><p>after</p>'
    parsed = Parser(0).parse(Instance.of("cafe/menu"), html.encode(), "<Menü>", frozenset({"level"}))
    for markup in (parsed.markup, as_stale(parsed.markup)):
        whole = filled(markup, parsed.holes, {"level": b"[here]"}).decode()
        assert whole.endswith(f'>{before}<jogakbo-slot name="level">[here]</jogakbo-slot><p>after</p></section>')


@pytest.mark.parametrize(
    ("html", "contained"),
    [
        ('<jogakbo-slot name="other">a<b>b</b></jogakbo-slot>', "a<b>b</b>"),
        ("<jogakbo-slot>a</jogakbo-slot>", "a"),
        ('<i></i><jogakbo-slot name="other"></jogakbo-slot>', "<i></i>"),
        (f'<a href="/">{HERE}</a>', '<a href="/"><i>no level</i></a>'),
        (f"<p>{HERE}</p>", "<p><i>no level</i></p>"),
        (f"<form><div>{HERE}</div></form>", "<form><div><i>no level</i></div></form>"),
        (f"<svg><g>{HERE}</g></svg>", "<svg><g></g></svg><i>no level</i>"),
    ],
)
def test_a_place_that_is_not_declared_or_has_no_room_is_what_is_in_it(html: str, contained: str) -> None:
    found = contain(html.encode(), frozenset({"level"}))
    assert (found.html, found.holes) == (contained, ())


@pytest.mark.parametrize(
    ("html", "contained"),
    [
        (f"{HERE}<p>b</p>{HERE}", f"{HERE}<p>b</p><i>no level</i>"),
        (f'{HERE[:-15]}<jogakbo-slot name="more">b</jogakbo-slot></jogakbo-slot>', f"{HERE[:-15]}b</jogakbo-slot>"),
        (HERE.replace(">", ' onclick="x()" mark="y>" class="z">', 1), HERE),
        (f'{HERE}<b title="&lt;jogakbo-slot name=level mark=x&gt;">a</b>',) * 2,
    ],
)
def test_a_place_is_there_once_and_has_nothing_but_its_name(html: str, contained: str) -> None:
    found = contain(html.encode(), frozenset({"level", "more"}))
    assert found.html == contained
    assert [(hole.name, hole.start) for hole in found.holes] == [("level", HERE.index("<i>"))]


AROUND = ["div", "ul><li", "table><tbody><tr><td", "b", "h2", "label", "details><summary", "dl><dd", "p", "a", "button"]
INSIDE = ["<p>a</p>", "<form><button>a</button></form>", '<a href="/">a</a>', "<table><tr><td>a", "<h2>a</h2>", "<li>a"]


@pytest.mark.parametrize("around", AROUND)
@pytest.mark.parametrize("inside", INSIDE)
def test_what_is_put_there_stays_there_for_a_browser(around: str, inside: str) -> None:
    closing = "".join(f"</{name}>" for name in reversed(around.split("><")))
    outer = contain(f"<{around}>x{HERE}y{closing}<p>after</p>".encode(), frozenset({"level"}))
    section = f"<section>{contain(inside.encode()).html}</section>".encode()
    whole = filled(outer.html.encode(), holes_in(outer), {"level": section}).decode()
    assert LexborHTMLParser(whole, is_fragment=True).html == whole
    assert bool(outer.holes) is (around not in ("p", "a", "button"))


# On a page.


async def test_a_nested_fragment_stands_in_its_place(
    cafe: FakeFragmentServer, stock: FakeFragmentServer, tmp_path: Path
) -> None:
    stock.declare("stock", level={"params": {"ingredient": {}, "unit": {}, "none": {}}})
    slot = {"fragment": "stock/level", "params": {"ingredient": "id", "unit": "=ml", "none": "never"}}
    cafe.declare(menu={"params": {"id": {}, "never": {}}, "slots": {"level": slot}})
    cafe.at["/menu"] = answer(f"<h2>Latte</h2>{HERE}<p>after</p>")
    async with portal(tmp_path, both(cafe, stock)) as shell:
        await until_true(lambda: shell.shows("/cafe?id=milk", "f-stock-level"))
        page = await shell.get("/cafe?id=milk")
    section = (
        r'<section id="f-stock-level-\w{8}"[^>]* data-params="ingredient=milk&amp;unit=ml"[^>]*><b>12</b></section>'
    )
    assert re.search(f'<h2>Latte</h2><jogakbo-slot name="level">{section}</jogakbo-slot><p>after</p>', page.text)
    assert "no level" not in page.text
    assert stock.requests("/level")[-1].target == "/level?ingredient=milk&unit=ml"
    assert page.text.count("/-/stock/assets/stock.css") >= 1, "what is nested brings its styles"


async def test_both_are_asked_for_at_the_same_time(
    cafe: FakeFragmentServer, stock: FakeFragmentServer, tmp_path: Path
) -> None:
    cafe.declare(menu={"slots": LEVEL})
    outer, inner = Gate(answer(HERE)), Gate(answer("<b>12</b>"))
    async with portal(tmp_path, both(cafe, stock), fragment_deadline_ms=4000, page_deadline_ms=4000) as shell:
        cafe.at["/menu"] = answer(HERE)
        await knows_stock(shell)
        cafe.at["/menu"], stock.at["/level"] = outer, inner
        purge(shell, "stock")
        asked = asyncio.create_task(shell.get("/cafe"))
        async with asyncio.timeout(3):
            await asyncio.gather(outer.reached.wait(), inner.reached.wait())
        outer.open.set()
        inner.open.set()
        assert shows(await asked)


async def test_a_place_that_is_not_declared_is_none(
    cafe: FakeFragmentServer, stock: FakeFragmentServer, tmp_path: Path
) -> None:
    cafe.declare(menu={"slots": LEVEL})
    cafe.at["/menu"] = answer(f'{HERE}<jogakbo-slot name="stock/level">text</jogakbo-slot>')
    # A place inside what is nested: it declares none.
    stock.at["/level"] = answer(f"<b>12</b>{HERE}<esi:include src='/-/esi/stock/level'/>")
    async with portal(tmp_path, both(cafe, stock)) as shell:
        await knows_stock(shell)
        page = await shell.get("/cafe")
    assert shows(page, "<b>12</b><i>no level</i>")
    assert "</jogakbo-slot>text</section>" in page.text
    assert "esi:" not in page.text


async def test_three_levels_and_no_more(cafe: FakeFragmentServer, stock: FakeFragmentServer, tmp_path: Path) -> None:
    levels: dict[str, Any] = {f"l{n}": {"slots": {"in": {"fragment": f"stock/l{n + 1}"}}} for n in range(5)}
    stock.declare("stock", **levels)
    cafe.declare(menu={"slots": {"in": {"fragment": "stock/l0"}}})
    for n in range(5):
        stock.at[f"/l{n}"] = cacheable(f'l{n} <jogakbo-slot name="in">end</jogakbo-slot>')
    cafe.at["/menu"] = answer('<jogakbo-slot name="in"></jogakbo-slot>')
    for server, name in ((cafe, "cafe"), (stock, "stock")):  # else a missing stylesheet may be the last fault
        server.at[f"/assets/{name}.css"] = answer("", headers={"content-type": "text/css"})
    async with portal(tmp_path, both(cafe, stock)) as shell:
        await until_true(lambda: shell.shows("/cafe", "f-stock-l0"))
        page = await shell.get("/cafe")
        status = await shell.get("/-/status")
    assert re.sub(r"<[^>]*>", "", page.text.partition('name="in"')[2].partition("</main>")[0]).split()[1:] == [
        "l1",
        "l2",
        "end",
    ]
    assert "stock/l3 would be 4 levels deep, expected at most 3" in status.text
    assert not stock.requests("/l3")


async def test_a_cycle_is_seen_without_a_request(
    cafe: FakeFragmentServer, stock: FakeFragmentServer, tmp_path: Path
) -> None:
    stock.declare("stock", level={"slots": {"back": {"fragment": "cafe/menu"}}})
    stock.at["/level"] = answer('<b>12</b><jogakbo-slot name="back">no</jogakbo-slot>')
    cafe.declare(menu={"slots": LEVEL})
    cafe.at["/menu"] = answer(HERE)
    async with portal(tmp_path, both(cafe, stock)) as shell:
        await knows_stock(shell)
        before = len(cafe.requests("/menu"))
        page = await shell.get("/cafe")
        status = await shell.get("/-/status")
    assert len(cafe.requests("/menu")) == before + 1
    assert shows(page, '<b>12</b><jogakbo-slot name="back">no</jogakbo-slot>')
    assert "cafe/menu would be inside of itself" in status.text


async def test_a_page_has_so_many_fragments_and_no_more(
    cafe: FakeFragmentServer, stock: FakeFragmentServer, tmp_path: Path
) -> None:
    slots = {f"s{n}": {"fragment": "stock/level", "params": {"n": f"={n}"}} for n in range(MAX_FRAGMENTS)}
    stock.declare("stock", level={"params": {"n": {}}})
    cafe.declare(menu={"slots": slots})
    cafe.at["/menu"] = answer("".join(f'<jogakbo-slot name="{name}">-</jogakbo-slot>' for name in slots))
    slow = {"fragment_deadline_ms": 4000, "page_deadline_ms": 4000}
    async with portal(tmp_path, both(cafe, stock), **slow) as shell:
        await knows_stock(shell)
        page = await shell.get("/cafe")
        status = await shell.get("/-/status")
    assert page.text.count("<b>12</b>") == MAX_FRAGMENTS - 1
    assert page.text.count('">-</jogakbo-slot>') == 1
    assert f"more than {MAX_FRAGMENTS} fragments" in status.text


async def test_what_is_private_is_not_shown_inside_of_what_all_see_alike(
    cafe: FakeFragmentServer, stock: FakeFragmentServer, tmp_path: Path
) -> None:
    stock.declare("stock", level={"audience": "private"})
    cafe.declare(menu={"slots": LEVEL}, cart={"audience": "private", "slots": LEVEL})
    cafe.at |= {"/menu": answer(HERE), "/cart": answer(f"<h2>cart</h2>{HERE}")}
    async with portal(tmp_path, both(cafe, stock)) as shell:
        await knows_stock(shell)
        page = await shell.get("/cafe")
        status = await shell.get("/-/status")
    menu, _, cart = page.text.partition("<h2>cart</h2>")
    assert HERE in menu
    assert "f-stock-level" in cart
    assert page.headers["cache-control"] == "private, no-cache"
    assert "stock/level is private, and cafe/menu is the same for all" in status.text


async def test_what_is_public_may_be_inside_of_what_is_private(
    cafe: FakeFragmentServer, stock: FakeFragmentServer, tmp_path: Path
) -> None:
    cafe.declare(cart={"audience": "private", "slots": LEVEL})
    cafe.at["/cart"] = answer(HERE, headers={"cache-control": "private, no-store"})
    async with portal(tmp_path, both(cafe, stock)) as shell:
        await knows_stock(shell)
        assert shows(await shell.get("/cafe"))
    assert len(stock.requests("/level")) == 1, "kept for everybody"


@pytest.mark.parametrize(("what", "fault"), [("nobody/level", "no fragment server"), ("stock/x", "no fragment &#39;x")])
async def test_a_slot_for_what_there_is_not_stays_as_it_is_and_says_why(
    cafe: FakeFragmentServer, stock: FakeFragmentServer, tmp_path: Path, what: str, fault: str
) -> None:
    cafe.declare(menu={"slots": {"level": {"fragment": what}}})
    cafe.at["/menu"] = answer(HERE)
    async with portal(tmp_path, both(cafe, stock)) as shell:
        await until_true(lambda: shell.shows("/cafe", HERE))
        await until_true(lambda: shell.shows("/-/status", "slots of cafe/menu"))
        assert fault in (await shell.get("/-/status")).text.replace("&#34;", "&#39;")


# What fails, and what is late.


async def test_one_that_cannot_be_had_is_a_placeholder_in_its_place(
    cafe: FakeFragmentServer, stock: FakeFragmentServer, tmp_path: Path
) -> None:
    cafe.declare(menu={"slots": LEVEL})
    cafe.at["/menu"] = cacheable(f"<h2>Latte</h2>{HERE}")
    stock.at["/level"] = hang
    async with portal(tmp_path, both(cafe, stock)) as shell:
        await knows_stock(shell)
        page = await shell.get("/cafe")
    assert re.search(r'<h2>Latte</h2><jogakbo-slot name="level"><section id="f-stock-level"[^>]*"failed"', page.text)
    assert '<section id="f-cafe-menu" class="fragment fragment-cafe" data-state="fresh"' in page.text


async def test_around_a_fallback_nothing_nested_is_shown(
    cafe: FakeFragmentServer, stock: FakeFragmentServer, tmp_path: Path
) -> None:
    cafe.declare(menu={"slots": LEVEL, "fallback": "/rest"})
    cafe.at |= {"/menu": answer("no", 500), "/rest": answer(f"<p>resting</p>{HERE}")}
    async with portal(tmp_path, both(cafe, stock)) as shell:
        await until_true(lambda: shell.shows("/cafe", "<p>resting</p>"))
        page = await shell.get("/cafe")
    assert "<p>resting</p><i>no level</i></section>" in page.text
    assert 'data-state="fallback"' in page.text
    assert "f-stock-level" not in page.text


async def test_an_old_copy_has_what_is_nested_as_it_is_now(
    cafe: FakeFragmentServer, stock: FakeFragmentServer, tmp_path: Path
) -> None:
    cafe.declare(menu={"slots": LEVEL})
    cafe.at["/menu"] = cacheable(f"<h2>Latte</h2>{HERE}", keys="menu")
    async with portal(tmp_path, both(cafe, stock)) as shell:
        await knows_stock(shell)
        cafe.at["/menu"], stock.at["/level"] = answer("", 500), cacheable("<b>11</b>")
        purge(shell, "menu", "stock")
        page = await shell.get("/cafe")
    assert 'data-state="stale" data-fragment="cafe/menu"' in page.text
    assert shows(page, "<b>11</b>")


async def test_an_outer_one_waits_for_what_is_nested_and_the_rest_of_the_page_does_not(
    cafe: FakeFragmentServer, stock: FakeFragmentServer, tmp_path: Path
) -> None:
    cafe.declare(menu={"slots": LEVEL}, queue={})
    cafe.at |= {"/menu": cacheable(HERE), "/queue": cacheable("<p>queue")}
    slow = {"fragment_deadline_ms": 4000, "page_deadline_ms": 4000, "page_hold_ms": 10, "page_budget_ms": 20}
    async with portal(tmp_path, both(cafe, stock), **slow) as shell:
        await knows_stock(shell)
        stock.at["/level"] = gate = Gate(answer("<b>11</b>"))
        purge(shell, "stock")
        text = ""
        async with asyncio.timeout(3), shell.client.stream("GET", "/cafe", headers={"accept": "text/html"}) as page:
            async for chunk in page.aiter_text():
                text += chunk
                if "<p>queue</p>" in text and not gate.open.is_set():
                    assert '<section id="f-cafe-menu"' not in text
                    gate.open.set()
    late = text.partition('class="frame late"')[2]
    assert re.search(r'<section id="f-cafe-menu".*<b>11</b></section></jogakbo-slot></section>', late)


# What is kept, and how it is told from another.


async def test_a_kept_page_is_dropped_when_only_what_is_nested_changes(
    cafe: FakeFragmentServer, stock: FakeFragmentServer, tmp_path: Path
) -> None:
    cafe.declare(menu={"slots": LEVEL})
    cafe.at["/menu"] = cacheable(HERE, keys="menu")
    async with portal(tmp_path, both(cafe, stock), page_hold_ms=300) as shell:
        await knows_stock(shell)
        first = await shell.get("/cafe")
        assert len(kept_pages(shell)) == 1
        again = await shell.get("/cafe", if_none_match=first.headers["etag"])
        head = await shell.client.head("/cafe", headers={"accept": "text/html", "accept-encoding": "identity"})
        stock.at["/level"] = cacheable("<b>11</b>", keys="stock")
        purge(shell, "stock")
        changed = await shell.get("/cafe", if_none_match=first.headers["etag"])
    assert first.headers["surrogate-key"] == "menu stock"
    assert again.status_code == 304
    assert (head.headers["content-length"], head.headers["etag"]) == (str(len(first.content)), first.headers["etag"])
    assert head.headers["cache-status"] == "jogakbo; hit"
    assert "f-stock-level;dur=" in head.headers["server-timing"]
    assert (changed.status_code, shows(changed, "<b>11</b>")) == (200, True)
    assert 'detail="1 of 2 fragments' in changed.headers["cache-status"]


async def test_a_page_made_anew_of_the_same_outer_ones_has_what_is_nested_now(
    cafe: FakeFragmentServer, stock: FakeFragmentServer, tmp_path: Path
) -> None:
    cafe.declare(menu={"slots": LEVEL})
    cafe.at["/menu"] = cacheable(HERE)
    stock.at["/level"] = answer("<b>1</b>")
    async with portal(tmp_path, both(cafe, stock)) as shell:
        await knows_stock(shell)
        await shell.get("/cafe")
        stock.at["/level"] = answer("<b>2</b>")
        assert shows(await shell.get("/cafe"), "<b>2</b>")


async def test_one_by_itself_has_what_is_nested_and_changes_with_it(
    cafe: FakeFragmentServer, stock: FakeFragmentServer, tmp_path: Path
) -> None:
    cafe.declare(menu={"slots": LEVEL})
    cafe.at["/menu"] = cacheable(HERE, keys="menu")
    async with portal(tmp_path, both(cafe, stock)) as shell:
        await knows_stock(shell)
        piece = await shell.get("/-/cafe/menu", hx_request="true", accept="*/*")
        known = await shell.get("/-/cafe/menu", hx_request="true", accept="*/*", if_none_match=piece.headers["etag"])
        page = await shell.get("/-/cafe/menu")
        stock.at["/level"] = cacheable("<b>11</b>", keys="stock")
        purge(shell, "stock")
        news = await shell.get("/-/cafe/menu", hx_request="true", accept="*/*", if_none_match=piece.headers["etag"])
    assert piece.text.startswith('<section id="f-cafe-menu"')
    assert shows(piece)
    assert piece.headers["surrogate-key"] == "menu stock"
    assert known.status_code == 304
    assert shows(page)
    assert "/-/stock/assets/stock.css" in page.text
    assert shows(news, "<b>11</b>")


@pytest.mark.parametrize("accept", ["*/*", "text/html"])
async def test_the_answer_to_an_action_has_what_is_nested(
    cafe: FakeFragmentServer, stock: FakeFragmentServer, tmp_path: Path, accept: str
) -> None:
    cafe.declare(menu={"slots": LEVEL})
    cafe.at |= {"/menu": answer(HERE), "/actions/x": answer(f"<p>no</p>{HERE}", 422, {"jogakbo-fragment": "cafe/menu"})}
    async with portal(tmp_path, both(cafe, stock)) as shell:
        await knows_stock(shell)
        refused = await shell.post("/-/cafe/actions/x", hx_request="true", accept=accept)
    assert refused.status_code == 422
    assert "<p>no</p><jogakbo-slot" in refused.text
    assert shows(refused)


async def test_an_edge_keeps_both_until_one_of_them_changes(
    cafe: FakeFragmentServer, stock: FakeFragmentServer, tmp_path: Path
) -> None:
    cafe.declare(menu={"slots": LEVEL})
    cafe.at["/menu"] = cacheable(HERE, keys="menu", policy="max-age=600")
    edge: dict[str, Any] = {"esi_edges": "127.0.0.1/32", "edge_purge_urls": "http://127.0.0.1:1"}
    async with portal(tmp_path, both(cafe, stock), **edge) as shell:
        await knows_stock(shell)
        page = await shell.get("/cafe", surrogate_capability=CAPABLE)
        kept = await shell.get("/-/esi/cafe/menu?locale=en", surrogate_capability=CAPABLE)
        stock.at |= {"/level": answer("", 500), "/actions/use": answer("ok", headers={"surrogate-key": "stock"})}
        await shell.post("/-/stock/actions/use")
        ill = await shell.get("/-/esi/cafe/menu?locale=en", surrogate_capability=CAPABLE)
    assert page.text.count("<esi:include") == 1
    assert shows(kept)
    assert kept.headers["surrogate-key"] == "jogakbo jogakbo-server-cafe jogakbo-server-stock menu stock"
    seconds = re.search(r"max-age=(\d+)", kept.headers["surrogate-control"])
    assert seconds is not None
    assert int(seconds[1]) <= 60, "no longer than the one of them that may be kept for less"
    assert 'data-state="stale"' in ill.text or 'data-state="failed"' in ill.text
    assert ill.headers["surrogate-control"] == "no-store"


async def test_a_slot_that_a_new_release_declares_is_filled_in_the_same_html(
    cafe: FakeFragmentServer, stock: FakeFragmentServer, tmp_path: Path
) -> None:
    cafe.declare(menu={})
    cafe.at["/menu"] = answer(HERE)
    async with portal(tmp_path, both(cafe, stock)) as shell:
        await until_true(lambda: shell.shows("/cafe", '"Menu"><i>no level</i>'))
        cafe.declare(version="2", menu={"slots": LEVEL})
        await knows_stock(shell)
        assert shows(await shell.get("/cafe"))


async def test_an_alternative_is_shown_without_what_is_nested_in_it(
    cafe: FakeFragmentServer, stock: FakeFragmentServer, tmp_path: Path
) -> None:
    cafe.declare(menu={"slots": LEVEL}, specials={"slots": LEVEL})
    cafe.at |= {"/menu": answer("", 500), "/specials": cacheable(f"<h2>today</h2>{HERE}")}
    text = '<main><esi:include src="cafe/menu" alt="cafe/specials"/></main>'
    folder = pages(tmp_path / "pages", f"{LUNCH}plain = true", lunch=text)
    async with portal(tmp_path, both(cafe, stock), pages_dir=str(folder)) as shell:
        await until_true(lambda: shell.shows("/lunch", "<h2>today</h2>"))
        await knows_stock(shell)
        page = await shell.get("/lunch")
    assert f"<h2>today</h2>{HERE}</section>" in page.text


async def test_what_is_refused_is_told_once(
    cafe: FakeFragmentServer, stock: FakeFragmentServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cafe.declare(menu={"params": {"id": {}}, "slots": {"level": {"fragment": "nobody/level"}}})
    cafe.at["/menu"] = answer(HERE)
    async with portal(tmp_path, both(cafe, stock)) as shell:
        await until_true(lambda: shell.shows("/cafe", HERE))
        for number in range(3):
            assert HERE in (await shell.get(f"/cafe?id={number}")).text
    told = [line for line in capsys.readouterr().out.splitlines() if "slot_not_filled" in line]
    # Anew for each manifest that the shell takes up: those of the two servers.
    assert 1 <= len(told) <= 2


async def test_an_edge_drops_the_outer_one_when_what_is_nested_changes(
    cafe: FakeFragmentServer, fronted: Fronted
) -> None:
    cafe.declare(menu={"slots": {"level": {"fragment": "cafe/level"}}}, level={})
    cafe.at |= {"/menu": cacheable(f"<h2>1</h2>{HERE}", keys="menu", policy="max-age=3600")}
    cafe.at |= {
        "/level": cacheable("<b>12</b>", keys="stock"),
        "/actions/use": answer("", headers={"surrogate-key": "stock"}),
    }
    async with fronted(cafe) as edge:
        await until_shown(edge, "/cafe", "<b>12</b></section></jogakbo-slot>")
        asked = len(cafe.requests("/menu"))
        cafe.at["/level"] = cacheable("<b>11</b>", keys="stock")
        assert (await edge.get("/cafe")).text.count("<b>12</b>") == 2, "by itself, and inside"
        await edge.shell.post("/-/cafe/actions/use")
        await until_shown(edge, "/cafe", "<b>11</b>")
        assert (await edge.get("/cafe")).text.count("<b>11</b>") == 2
    assert len(cafe.requests("/menu")) == asked, "the shell still has it"
