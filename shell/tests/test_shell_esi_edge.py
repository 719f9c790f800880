"""What an edge that puts pages together is answered, and who is taken for one."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2
import pytest

from jogakbo_shell.composition.cache import FragmentCache
from jogakbo_shell.composition.freshness import read_freshness
from jogakbo_shell.composition.rendered import Rendered
from jogakbo_shell.edges.includes import Include, read_include
from jogakbo_shell.edges.keeping import NOT_KEPT as NOT_KEPT_AT_ALL
from jogakbo_shell.edges.keeping import lifetime
from jogakbo_shell.edges.surrogates import speaks_esi
from jogakbo_shell.instance import Instance, NotAnInstance
from jogakbo_shell.settings import Settings
from shell.tests.harness import (
    LUNCH,
    FakeFragmentServer,
    Gate,
    Portal,
    Received,
    answer,
    cacheable,
    hang,
    pages,
    portal,
)

pytestmark = pytest.mark.anyio

CAPABLE = 'varnish="Surrogate/1.0 ESI/1.0"'
EDGE: dict[str, Any] = {"esi_edges": "127.0.0.1/32", "edge_purge_urls": "http://127.0.0.1:1"}
KEPT = 'content="ESI/1.0", max-age=30'
NOT_KEPT = 'content="ESI/1.0", no-store'


async def as_edge(shell: Portal, path: str, **headers: str) -> httpx2.Response:
    return await shell.get(path, surrogate_capability=CAPABLE, **headers)


async def purge(shell: Portal, cafe: FakeFragmentServer, key: str) -> None:
    """Change it by an action."""
    cafe.at["/actions/change"] = answer("<p>done", headers={"surrogate-key": key})
    assert (await shell.post("/-/cafe/actions/change")).status_code == 200


@pytest.mark.parametrize(
    ("capability", "does"),
    [
        ('varnish="ESI/1.0"', True),
        ('cdn="Surrogate/1.0", varnish="Surrogate/1.0 ESI/1.0"', True),
        ('varnish = "ESI/1.0"', True),
        ('varnish="ESI/1.0-inline"', False),
        ('varnish="Surrogate/1.0"', False),
        ("varnish=ESI/1.0", False),
        ("ESI/1.0", False),
        ("", False),
    ],
)
def test_a_capability_is_read_as_the_edge_architecture_has_it(capability: str, does: bool) -> None:
    assert speaks_esi(capability) is does


@pytest.mark.parametrize("setting", [{"esi_edges": "varnish"}, {"edge_purge_urls": "varnish:6081"}])
def test_an_edge_that_is_no_address_is_refused_at_the_start(setting: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="varnish"):
        Settings.model_validate(setting)


@pytest.mark.parametrize("edges", ["127.0.0.1", "10.0.0.0/8 127.0.0.0/8", "*"])
async def test_an_edge_gets_includes_for_what_all_see_alike(
    tmp_path: Path, cafe: FakeFragmentServer, edges: str
) -> None:
    cafe.declare(list={"params": {"id": {}}}, queue={})
    cafe.at |= {"/list": cacheable("<p>list"), "/queue": cacheable("<p>queue")}
    async with portal(tmp_path, {"cafe": cafe.address}, **{**EDGE, "esi_edges": edges}) as shell:
        await shell.get("/cafe?id=7")
        page = await as_edge(shell, "/cafe?id=7&more=1")
        head = await shell.client.head("/cafe?id=7", headers={"surrogate-capability": CAPABLE})
    dom_id = Instance.parse("cafe/list?id=7").dom_id
    assert (
        f'<esi:include src="/-/esi/cafe/list?locale=en&amp;id={dom_id}&amp;params=id%3D7" onerror="continue"/>\n'
        '<esi:include src="/-/esi/cafe/queue?locale=en&amp;id=f-cafe-queue" onerror="continue"/>' in page.text
    )
    assert page.headers["surrogate-control"] == head.headers["surrogate-control"] == KEPT
    assert page.headers["surrogate-key"] == "jogakbo jogakbo-pages"
    assert page.headers["cache-control"] == "no-cache", "for browsers"
    assert "set-cookie" not in page.headers
    assert head.content == b""
    assert "<p>" not in page.text.partition("<main")[2].partition("</main")[0]


@pytest.mark.parametrize("edges", ["", "10.0.0.0/8 ::1"])
@pytest.mark.parametrize("headers", [{}, {"x_forwarded_for": "10.0.0.7"}], ids=["plain", "forwarded"])
async def test_nobody_else_is_taken_for_an_edge(
    tmp_path: Path, cafe: FakeFragmentServer, edges: str, headers: dict[str, str]
) -> None:
    cafe.declare(a={})
    cafe.at["/a"] = cacheable("<p>a")
    async with portal(tmp_path, {"cafe": cafe.address}, **{**EDGE, "esi_edges": edges}) as shell:
        page = await as_edge(shell, "/cafe", **headers)
        include = await as_edge(shell, "/-/esi/cafe/a?locale=en", **headers)
    assert "<p>a</p>" in page.text
    assert "surrogate-control" not in page.headers
    assert include.status_code == 404


async def test_an_edge_without_the_capability_gets_whole_pages(tmp_path: Path, cafe: FakeFragmentServer) -> None:
    cafe.declare(a={})
    cafe.at["/a"] = cacheable("<p>a")
    async with portal(tmp_path, {"cafe": cafe.address}, **EDGE) as shell:
        assert "<p>a</p>" in (await shell.get("/cafe", surrogate_capability='cdn="Surrogate/1.0"')).text


async def test_a_page_with_something_private_is_its_visitors_and_has_no_address_for_it(
    tmp_path: Path, cafe: FakeFragmentServer
) -> None:
    cafe.declare(list={}, cart={"audience": "private"})
    cafe.at["/cart"] = answer("<p>cart")
    async with portal(tmp_path, {"cafe": cafe.address}, **EDGE) as shell:
        page = await as_edge(shell, "/cafe")
        include = await as_edge(shell, "/-/esi/cafe/cart?locale=en")
    assert page.headers["surrogate-control"] == NOT_KEPT
    assert "jogakbo=" in page.headers["set-cookie"]
    assert "<p>cart</p>" in page.text
    assert 'src="/-/esi/cafe/list?' in page.text
    assert include.status_code == 404
    assert len(cafe.requests("/cart")) == 1


async def test_the_head_of_a_page_does_not_wait_for_what_is_private(tmp_path: Path, cafe: FakeFragmentServer) -> None:
    cafe.declare(cart={"audience": "private"})
    gate = Gate(answer("<p>cart"))
    cafe.at["/cart"] = gate
    slow: dict[str, Any] = {"fragment_deadline_ms": 3000, "page_deadline_ms": 3000}
    async with (
        portal(tmp_path, {"cafe": cafe.address}, **EDGE, **slow) as shell,
        shell.client.stream("GET", "/cafe", headers={"surrogate-capability": CAPABLE}) as response,
    ):
        seen = ""
        async for chunk in response.aiter_text():
            seen += chunk
            if "<main" in seen:
                gate.open.set()
        assert "<p>cart</p>" in seen


PRIMARY = "{{ page.title }}{{ fragment('cafe/a', primary=True) }}{{ fragment('cafe/b') }}"


async def test_a_primary_fragment_is_composed_here_and_decides(tmp_path: Path, cafe: FakeFragmentServer) -> None:
    cafe.declare(a={}, b={})
    cafe.at["/a"] = cacheable("<title>Soup</title><p>soup", keys="lunch", policy="max-age=10")
    cafe.at["/b"] = cacheable("<p>b")
    folder = str(pages(tmp_path / "pages", lunch=PRIMARY))
    async with portal(tmp_path, {"cafe": cafe.address}, pages_dir=folder, **EDGE) as shell:
        await shell.get("/lunch")
        page = await as_edge(shell, "/lunch")
        cafe.at["/a"] = answer("<p>no soup", 404)
        await purge(shell, cafe, "lunch")
        missing = await as_edge(shell, "/lunch")
        cafe.at["/a"] = answer("", 500)
        stale = await as_edge(shell, "/lunch")
    assert page.text.startswith("Soup<section")
    assert page.headers["surrogate-key"] == "jogakbo jogakbo-pages lunch"
    assert page.headers["surrogate-control"] in {f'content="ESI/1.0", max-age={seconds}' for seconds in (9, 10)}
    assert (missing.status_code, missing.headers["surrogate-control"]) == (404, NOT_KEPT)
    assert (stale.status_code, stale.headers["surrogate-control"]) == (200, NOT_KEPT)
    assert 'data-state="stale"' in stale.text


async def test_what_is_included_is_fetched_meanwhile_and_has_its_say_in_the_head(
    tmp_path: Path, cafe: FakeFragmentServer
) -> None:
    together = asyncio.Barrier(2)

    async def meet(request: Received, writer: asyncio.StreamWriter) -> None:
        await together.wait()
        lifted = '<meta name="description" content="Soup"><p>x'
        await cacheable(lifted, keys=request.target[1:], policy="max-age=20")(request, writer)

    cafe.declare(a={}, b={})
    cafe.at |= {"/a": meet, "/b": meet}
    async with portal(tmp_path, {"cafe": cafe.address}, **EDGE) as shell:
        first = await as_edge(shell, "/cafe")
        include = await as_edge(shell, "/-/esi/cafe/a?locale=en")
        await as_edge(shell, "/-/esi/cafe/b?locale=en")
        again = await as_edge(shell, "/cafe")
    assert "<p>x</p>" in include.text, "the other one was never asked for"
    assert len(cafe.requests("/a")) == len(cafe.requests("/b")) == 1
    assert first.headers["surrogate-control"] == 'content="ESI/1.0", max-age=1'
    assert "Soup" not in first.text
    assert '<meta name="description" content="Soup">' in again.text
    assert again.headers["surrogate-key"] == "a b jogakbo jogakbo-pages"
    assert again.headers["surrogate-control"] in ('content="ESI/1.0", max-age=19', 'content="ESI/1.0", max-age=20')


async def test_a_page_that_sets_a_cookie_is_not_kept(tmp_path: Path, cafe: FakeFragmentServer) -> None:
    cafe.declare(a={})
    async with portal(tmp_path, {"cafe": cafe.address}, **EDGE) as shell:
        page = await as_edge(shell, "/cafe?theme=dark")
    assert page.headers["set-cookie"].startswith("theme=dark")
    assert page.headers["surrogate-control"] == NOT_KEPT


async def test_an_edge_that_is_not_told_of_changes_may_keep_nothing(tmp_path: Path, cafe: FakeFragmentServer) -> None:
    cafe.declare(a={})
    cafe.at["/a"] = cacheable("<p>a")
    async with portal(tmp_path, {"cafe": cafe.address}, **{**EDGE, "edge_purge_urls": ""}) as shell:
        page = await as_edge(shell, "/cafe")
        include = await as_edge(shell, "/-/esi/cafe/a?locale=en")
    assert page.headers["surrogate-control"] == NOT_KEPT
    assert include.headers["cache-control"] == "no-store"


async def test_an_include_says_for_how_long_and_until_what_changes(tmp_path: Path, cafe: FakeFragmentServer) -> None:
    cafe.declare(a={})
    cafe.at["/a"] = cacheable("<p>a", keys="orders order-1", policy="max-age=60, stale-while-revalidate=600")
    async with portal(tmp_path, {"cafe": cafe.address}, **EDGE) as shell:
        include = await as_edge(shell, "/-/esi/cafe/a?locale=en&id=f-cafe-a")
        section = (await shell.get("/-/cafe/a", accept="*/*")).text
    assert include.text == section
    assert include.headers["surrogate-key"] == "jogakbo jogakbo-server-cafe order-1 orders"
    assert include.headers["age"] == "0"
    assert include.headers["cache-control"] in ("public, s-maxage=59", "public, s-maxage=60")
    assert include.headers["surrogate-control"] in ("max-age=59", "max-age=60")
    assert "set-cookie" not in include.headers


UNKEPT = {
    "what its server does not let be kept": answer("<p>a"),
    "what is past its time": cacheable("<p>a", policy="max-age=0, stale-while-revalidate=60"),
    "what has more keys than a header holds": cacheable("<p>a", keys=" ".join(f"key-{n:095}" for n in range(45))),
    "a failure": answer("", 500),
    "silence": hang,
    "a 404": answer("<p>a", 404),
}


@pytest.mark.parametrize("what", UNKEPT)
async def test_an_edge_may_not_keep(tmp_path: Path, cafe: FakeFragmentServer, what: str) -> None:
    cafe.declare(a={})
    cafe.at["/a"] = UNKEPT[what]
    async with portal(tmp_path, {"cafe": cafe.address}, **EDGE) as shell:
        for _ in range(2):
            include = await as_edge(shell, "/-/esi/cafe/a?locale=en")
            assert include.status_code == 200
            assert include.headers["cache-control"] == "no-store"
            assert include.headers["surrogate-control"] == "no-store"
            assert "surrogate-key" not in include.headers
            assert '<section id="f-cafe-a"' in include.text


def test_an_edge_may_never_keep_what_is_private() -> None:
    cache, instance = FragmentCache(10_000), Instance.of("orders/cart")
    rendered = Rendered(b"x", "fresh", 200, "e", frozenset(), False, "", 0)
    cache.store(instance, rendered, read_freshness("max-age=60"), "", cache.take_ticket())
    assert lifetime(cache, instance, rendered).left in (59, 60)
    assert lifetime(cache, instance, replace(rendered, private=True)) == NOT_KEPT_AT_ALL
    assert lifetime(cache, instance, replace(rendered, etag="another")) == NOT_KEPT_AT_ALL


async def test_an_edge_may_not_keep_what_was_purged_while_it_was_fetched(
    tmp_path: Path, cafe: FakeFragmentServer
) -> None:
    cafe.declare(a={})
    gate = Gate(cacheable("<p>old", keys="orders"))
    cafe.at["/a"] = gate
    async with portal(
        tmp_path, {"cafe": cafe.address}, fragment_deadline_ms=3000, page_deadline_ms=3000, **EDGE
    ) as shell:
        asking = asyncio.create_task(as_edge(shell, "/-/esi/cafe/a?locale=en"))
        await asyncio.wait_for(gate.reached.wait(), 2)
        await purge(shell, cafe, "orders")
        gate.open.set()
        include = await asking
    assert "<p>old</p>" in include.text
    assert include.headers["cache-control"] == "no-store"


async def test_an_include_knows_its_alternative_and_whether_to_show_nothing(
    tmp_path: Path, cafe: FakeFragmentServer
) -> None:
    cafe.declare(a={}, b={"params": {"x": {}}}, c={"audience": "private"})
    cafe.at |= {"/a": answer("", 500), "/b": cacheable("<p>b")}
    text = """<esi:include src="cafe/a" alt="cafe/b?x=1"/><esi:include src="cafe/a" onerror="continue"/>
<esi:include src="cafe/b" alt="cafe/c"/>"""
    folder = str(pages(tmp_path / "pages", f"{LUNCH}plain = true", lunch=text))
    async with portal(tmp_path, {"cafe": cafe.address}, pages_dir=folder, **EDGE) as shell:
        page = await as_edge(shell, "/lunch")
        tags = [tag.split('"')[1].replace("&amp;", "&") for tag in page.text.split("<esi:include")[1:]]
        first, second = [await as_edge(shell, address) for address in tags]
        forged = await as_edge(shell, "/-/esi/cafe/b?locale=en&alt=cafe/c")
    assert "<p>b</p></section>" in first.text
    assert 'id="f-cafe-a"' in first.text
    assert second.text.endswith(" hidden></section>")
    assert {response.headers["cache-control"] for response in (first, second)} == {"no-store"}
    assert page.text.count("<section") == 1, "what may be private is composed here"
    assert forged.status_code == 404


@pytest.mark.parametrize(
    "address",
    [
        "/-/esi/cafe/a",
        "/-/esi/cafe/a?locale=xx",
        "/-/esi/cafe?locale=en",
        "/-/esi/CAFE/a?locale=en",
        "/-/esi/bar/a?locale=en",
    ],
)
async def test_an_include_that_is_none_is_not_found(tmp_path: Path, cafe: FakeFragmentServer, address: str) -> None:
    cafe.declare(a={})
    async with portal(tmp_path, {"cafe": cafe.address}, **EDGE) as shell:
        found = await as_edge(shell, address)
        posted = await shell.post("/-/esi/cafe/a?locale=en", surrogate_capability=CAPABLE)
    assert found.status_code == posted.status_code == 404


def test_an_address_of_an_include_can_be_read_back() -> None:
    track = Instance.of("orders/track", [("id", "4 2"), ("alt", "ü&=")], "ko")
    for include in (Include(track), Include(track, Instance.parse("menu/list?x=1&y=2", "ko"), True)):
        path, _, query = include.address.partition("?")
        assert read_include(path, query) == include
    with pytest.raises(NotAnInstance, match="locale is ''"):
        read_include("/-/esi/orders/track", "")
