"""Pages over real HTTP: composed, in time, and whole whatever a fragment server does."""

from __future__ import annotations

import asyncio
import re
import time
from pathlib import Path

import pytest

from shell.tests.harness import (
    FakeFragmentServer,
    Gate,
    Received,
    answer,
    cacheable,
    eventually,
    hang,
    portal,
    raw,
    until_true,
)

pytestmark = pytest.mark.anyio

CAFE = "/cafe"


def state_of(html: str, fragment: str) -> str:
    match = re.search(rf'data-state="(\w+)" data-fragment="{fragment}"', html)
    assert match is not None, f"no slot of {fragment}"
    return match[1]


async def test_a_page_is_put_together_from_its_fragments(tmp_path: Path, cafe: FakeFragmentServer) -> None:
    cafe.declare(list={}, cart={"audience": "private"})
    cafe.at |= {"/list": answer("<p>list"), "/cart": answer("<p>cart")}
    async with portal(tmp_path, {"cafe": cafe.address}) as shell:
        page = await shell.get(CAFE)
    assert page.status_code == 200
    assert re.search(
        r'<section id="f-cafe-list" class="fragment fragment-cafe"[^>]*aria-label="List"><p>list</p></section>',
        page.text,
    )
    assert "<p>cart</p>" in page.text
    assert '<link rel="stylesheet" href="/-/cafe/assets/cafe.css?v=1">' in page.text
    assert '<a href="/cafe" aria-current="page">Café</a>' in page.text


async def test_fragments_are_fetched_at_the_same_time(tmp_path: Path, cafe: FakeFragmentServer) -> None:
    cafe.declare(a={}, b={}, c={})
    gates = {name: Gate(answer(name)) for name in "abc"}
    cafe.at |= {f"/{name}": gate for name, gate in gates.items()}
    async with portal(tmp_path, {"cafe": cafe.address}, fragment_deadline_ms=3000, page_deadline_ms=3000) as shell:
        asking = asyncio.create_task(shell.get(CAFE))
        for gate in gates.values():
            await asyncio.wait_for(gate.reached.wait(), 2)
        for gate in gates.values():
            gate.open.set()
        assert (await asking).status_code == 200


async def test_the_head_and_what_is_ready_leave_before_a_late_fragment(
    tmp_path: Path, cafe: FakeFragmentServer
) -> None:
    cafe.declare(a={}, b={})
    late = Gate(answer("<p>late"))
    cafe.at |= {"/a": answer("<p>early"), "/b": late}
    async with (
        portal(tmp_path, {"cafe": cafe.address}, fragment_deadline_ms=3000, page_deadline_ms=3000) as shell,
        shell.client.stream("GET", CAFE) as response,
    ):
        seen = ""
        async for chunk in response.aiter_text():
            seen += chunk
            if "early" in seen and not late.open.is_set():
                assert "late" not in seen
                late.open.set()
        assert seen.index("early") < seen.index("late") < seen.index("</html>")


async def test_equal_fragments_asked_for_at_once_are_fetched_once(tmp_path: Path, cafe: FakeFragmentServer) -> None:
    cafe.declare(a={})
    gate = Gate(cacheable("x"))
    cafe.at["/a"] = gate
    async with portal(tmp_path, {"cafe": cafe.address}, fragment_deadline_ms=3000, page_deadline_ms=3000) as shell:
        asking = [asyncio.create_task(shell.get(CAFE)) for _ in range(5)]
        await asyncio.wait_for(gate.reached.wait(), 2)
        gate.open.set()
        await asyncio.gather(*asking)
    assert len(cafe.requests("/a")) == 1


async def test_a_private_fragment_is_never_shared(tmp_path: Path, cafe: FakeFragmentServer) -> None:
    async def for_whom(request: Received, writer: asyncio.StreamWriter) -> None:
        await cacheable(request.header("authorization"))(request, writer)

    cafe.declare(cart={"audience": "private"})
    cafe.at["/cart"] = for_whom
    async with portal(tmp_path, {"cafe": cafe.address}) as shell:
        await asyncio.gather(*(shell.get(CAFE, cookie=f"jogakbo={guest * 32}") for guest in "ab"))
    tokens = {request.header("authorization") for request in cafe.requests("/cart")}
    assert len(tokens) == 2


AWKWARD = {
    "hung": hang,
    "rubbish": raw(b"\x00rubbish\r\n\r\n"),
    "500": answer("<p>secret trace", 500),
    "400": answer("<p>no", 400),
    "json": answer("{}", headers={"content-type": "application/json"}),
    "latin-1": answer(b"<p>caf\xe9"),
    "another charset": answer("<p>x", headers={"content-type": "text/html; charset=euc-kr"}),
    "redirect": answer("", 302, {"location": "http://evil.example/"}),
    "1 GB": raw(b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 1000000000\r\n\r\n" + b"x" * 2_000_000),
    "no content": answer("", 204),
}


@pytest.mark.parametrize("behaviour", AWKWARD.values(), ids=AWKWARD.keys())
async def test_an_awkward_fragment_costs_its_own_slot_only(
    tmp_path: Path, cafe: FakeFragmentServer, behaviour: Gate
) -> None:
    cafe.declare(bad={}, good={})
    cafe.at |= {"/bad": behaviour, "/good": answer("<p>good")}
    async with portal(tmp_path, {"cafe": cafe.address}) as shell:
        began = time.perf_counter()
        page = await shell.get(CAFE)
        took = time.perf_counter() - began
    assert page.status_code == 200
    assert page.text.rstrip().endswith("</html>")
    assert state_of(page.text, "cafe/bad") == "failed"
    assert 'href="/-/cafe/bad"' in page.text
    assert "secret" not in page.text
    assert "<p>good</p>" in page.text
    assert took < 2


async def test_a_hung_server_costs_the_deadline_once_and_heals(tmp_path: Path, cafe: FakeFragmentServer) -> None:
    cafe.declare(a={})
    cafe.at["/a"] = hang
    async with portal(tmp_path, {"cafe": cafe.address}, fragment_deadline_ms=1000, page_deadline_ms=1000) as shell:
        await shell.get(CAFE)
        began = time.perf_counter()
        assert state_of((await shell.get(CAFE)).text, "cafe/a") == "failed"
        assert time.perf_counter() - began < 0.5
        cafe.at["/a"] = answer("<p>well again")

        await until_true(lambda: shell.shows(CAFE, "well again"))


async def test_one_slow_fragment_does_not_take_its_server_down(tmp_path: Path, cafe: FakeFragmentServer) -> None:
    cafe.declare(slow={}, quick={})
    cafe.at |= {"/slow": hang, "/quick": answer("<p>quick")}
    async with portal(tmp_path, {"cafe": cafe.address}) as shell:
        for _ in range(2):
            assert "<p>quick</p>" in (await shell.get(CAFE)).text


async def test_a_server_that_fails_again_and_again_is_left_alone(tmp_path: Path, cafe: FakeFragmentServer) -> None:
    cafe.declare(a={})
    cafe.at["/a"] = answer("", 500)
    async with portal(tmp_path, {"cafe": cafe.address}, breaker_failures=3, breaker_retry_ms=60_000) as shell:
        for _ in range(6):
            await shell.get(CAFE)
    assert len(cafe.requests("/a")) == 3


async def test_a_stale_copy_is_renewed_without_a_visitor_once_its_server_is_well(
    tmp_path: Path, cafe: FakeFragmentServer
) -> None:
    cafe.declare(a={})
    cafe.at["/a"] = cacheable("<p>old", policy="max-age=0, stale-if-error=60")
    async with portal(tmp_path, {"cafe": cafe.address}, breaker_failures=1) as shell:
        await shell.get("/cafe")
        cafe.at["/a"] = answer("<p>broken", 500)
        page = await shell.get("/cafe")
        assert state_of(page.text, "cafe/a") == "stale"
        asked = len(cafe.requests("/a"))
        cafe.at["/a"] = cacheable("<p>new")
        await eventually(lambda: len(cafe.requests("/a")) > asked)


async def test_a_stale_copy_is_better_than_a_fallback(tmp_path: Path, cafe: FakeFragmentServer) -> None:
    cafe.declare(a={"fallback": "/fallback"})
    cafe.at |= {"/a": cacheable("<p>good", policy="max-age=0, stale-if-error=60"), "/fallback": answer("<p>later")}
    async with portal(tmp_path, {"cafe": cafe.address}) as shell:
        assert state_of((await shell.get(CAFE)).text, "cafe/a") == "fresh"
        cafe.at["/a"] = answer("", 503)
        page = await shell.get(CAFE)
    assert state_of(page.text, "cafe/a") == "stale"
    assert "<p>good</p>" in page.text


async def test_the_declared_fallback_is_fetched_ahead_and_outlives_a_restart(
    tmp_path: Path, cafe: FakeFragmentServer
) -> None:
    cafe.declare(a={"fallback": "/fallback"})
    cafe.at |= {"/a": answer("<p>a"), "/fallback": answer("<p>closed today")}
    async with portal(tmp_path, {"cafe": cafe.address}):
        await eventually((tmp_path / "fallbacks" / "cafe.json").exists)
    await cafe.stop()
    async with portal(tmp_path, {"cafe": cafe.address}) as shell:
        page = await shell.get(CAFE)
    assert state_of(page.text, "cafe/a") == "fallback"
    assert "<p>closed today</p>" in page.text
    await cafe.start()


async def test_a_cached_fragment_is_not_fetched_again_and_said_to_be_a_hit(
    tmp_path: Path, cafe: FakeFragmentServer
) -> None:
    cafe.declare(a={})
    cafe.at["/a"] = cacheable("<p>a", "orders order-1")
    async with portal(tmp_path, {"cafe": cafe.address}) as shell:
        await shell.get(CAFE)
        page = await shell.get(CAFE)
    assert len(cafe.requests("/a")) == 1
    assert page.headers["cache-status"] == "jogakbo; hit"
    assert page.headers["surrogate-key"] == "order-1 orders"
    assert 'f-cafe-a;dur=0.0;desc="hit"' in page.headers["server-timing"]
    assert page.headers["content-length"] == str(page.num_bytes_downloaded)


async def test_an_aged_fragment_is_shown_while_it_is_renewed(tmp_path: Path, cafe: FakeFragmentServer) -> None:
    cafe.declare(a={})
    cafe.at["/a"] = cacheable("<p>old", policy="max-age=0, stale-while-revalidate=60")
    async with portal(tmp_path, {"cafe": cafe.address}) as shell:
        await shell.get(CAFE)
        gate = Gate(cacheable("<p>new"))
        cafe.at["/a"] = gate
        assert "<p>old</p>" in (await shell.get(CAFE)).text
        gate.open.set()

        await until_true(lambda: shell.shows(CAFE, "<p>new</p>"))


async def test_an_unchanged_fragment_is_confirmed_by_its_etag(tmp_path: Path, cafe: FakeFragmentServer) -> None:
    async def conditional(request: Received, writer: asyncio.StreamWriter) -> None:
        unchanged = request.header("if-none-match") == '"1"'
        behaviour = answer(
            "" if unchanged else "<p>a", 304 if unchanged else 200, {"cache-control": "no-cache", "etag": '"1"'}
        )
        await behaviour(request, writer)

    cafe.declare(a={})
    cafe.at["/a"] = conditional
    async with portal(tmp_path, {"cafe": cafe.address}) as shell:
        await shell.get(CAFE)
        page = await shell.get(CAFE)
    assert "<p>a</p>" in page.text
    assert cafe.requests("/a")[-1].header("if-none-match") == '"1"'


async def test_a_404_of_the_primary_fragment_is_the_pages(tmp_path: Path, cafe: FakeFragmentServer) -> None:
    cafe.declare("orders", track={"params": {"id": {"pattern": "[0-9]+", "required": True}}})
    cafe.at["/track"] = answer("<p>no such order", 404)
    async with portal(tmp_path, {"orders": cafe.address}) as shell:
        page = await shell.get("/orders/42")
        wrong = await shell.get("/orders/not-a-number")
    assert page.status_code == 404
    assert "<p>no such order</p>" in page.text
    assert wrong.status_code == 404
    assert [request.target for request in cafe.requests("/track")] == ["/track?id=42"]


async def test_a_primary_fragment_that_cannot_be_had_is_said_in_the_status(
    tmp_path: Path, cafe: FakeFragmentServer
) -> None:
    cafe.declare("orders", track={"params": {"id": {"required": True}}})
    cafe.at["/track"] = hang
    async with portal(tmp_path, {"orders": cafe.address}) as shell:
        page = await shell.get("/orders/42")
    assert page.status_code == 504
    assert page.text.rstrip().endswith("</html>")


async def test_a_primary_fragment_may_send_the_page_elsewhere_on_this_origin_only(
    tmp_path: Path, cafe: FakeFragmentServer
) -> None:
    cafe.declare("orders", track={"params": {"id": {"required": True}}})
    cafe.at["/track"] = answer("", 303, {"location": "/board"})
    async with portal(tmp_path, {"orders": cafe.address}) as shell:
        here = await shell.get("/orders/42")
        cafe.at["/track"] = answer("", 303, {"location": "//evil.example/"})
        away = await shell.get("/orders/43")
    assert (here.status_code, here.headers["location"]) == (303, "/board")
    assert away.status_code == 502


async def test_params_come_from_path_and_query_and_wrong_optional_ones_are_left_out(
    tmp_path: Path, cafe: FakeFragmentServer
) -> None:
    cafe.declare("inventory", levels={}, history={"params": {"id": {"pattern": "[a-z]+"}}})
    cafe.at |= {"/levels": answer("<p>levels"), "/history": answer("<p>history")}
    async with portal(tmp_path, {"inventory": cafe.address}) as shell:
        page = await shell.get("/stock?ingredient=milk&id=forged")
        await shell.get("/stock?ingredient=NO")
    assert [request.target for request in cafe.requests("/history")] == ["/history?id=milk", "/history"]
    assert 'data-params="id=milk"' in page.text


async def test_broken_markup_and_foreign_tags_stay_in_their_slot(tmp_path: Path, cafe: FakeFragmentServer) -> None:
    cafe.declare(a={}, b={})
    cafe.at |= {
        "/a": answer('</section></main><!--#include virtual="/-/x"--><esi:include src="/x"/><div><!-- '),
        "/b": answer("<p>b"),
    }
    async with portal(tmp_path, {"cafe": cafe.address}) as shell:
        page = await shell.get(CAFE)
    assert "<div></div></section>" in page.text
    assert "<p>b</p>" in page.text
    assert "<!--" not in page.text.partition("<body")[2]
    assert "esi:" not in page.text


async def test_choosing_a_language_keeps_the_rest_of_the_address(tmp_path: Path, cafe: FakeFragmentServer) -> None:
    cafe.declare("inventory", levels={}, history={"params": {"id": {"pattern": "[a-z]+"}}})
    cafe.at |= {"/levels": answer("<p>levels"), "/history": answer("<p>history")}
    async with portal(tmp_path, {"inventory": cafe.address}) as shell:
        page = await shell.get('/stock?ingredient=milk&lang=en&more="><b>')
        alone = await shell.get("/-/inventory/history?id=milk&lang=ko")
    assert '<a href="?ingredient=milk&amp;more=%22%3E%3Cb%3E&amp;lang=ko"' in page.text
    assert '<a href="?id=milk&amp;lang=en"' in alone.text
    assert 'data-params="id=milk"' in alone.text


async def test_a_page_speaks_the_visitors_language(tmp_path: Path, cafe: FakeFragmentServer) -> None:
    async def in_locale(request: Received, writer: asyncio.StreamWriter) -> None:
        await cacheable(f"<p>{request.header('podium-locale')}")(request, writer)

    cafe.declare(a={})
    cafe.at["/a"] = in_locale
    async with portal(tmp_path, {"cafe": cafe.address}) as shell:
        english = await shell.get(CAFE, accept_language="fr, en;q=0.8, ko;q=0.1")
        korean = await shell.get(CAFE, accept_language="ko-KR, en;q=0.8")
        chosen = await shell.get(f"{CAFE}?lang=ko", accept_language="en")
        kept = await shell.get(CAFE, accept_language="en")
    assert ("<p>en</p>" in english.text, english.headers["content-language"]) == (True, "en")
    for page in (korean, chosen, kept):
        assert '<html lang="ko"' in page.text
        assert "<p>ko</p>" in page.text


async def test_unknown_pages_and_other_methods_are_answered_in_the_layout(tmp_path: Path) -> None:
    async with portal(tmp_path, {}) as shell:
        missing = await shell.get("/nowhere/at/all")
        posted = await shell.post("/board")
        problem = await shell.get("/nowhere", accept="application/json")
    assert missing.status_code == 404
    assert "<main" in missing.text
    assert (posted.status_code, posted.headers["allow"]) == (405, "GET, HEAD")
    assert problem.headers["content-type"] == "application/problem+json"


async def test_a_head_request_gets_the_head(tmp_path: Path, cafe: FakeFragmentServer) -> None:
    cafe.declare(a={})
    cafe.at["/a"] = answer("<p>a")
    async with portal(tmp_path, {"cafe": cafe.address}) as shell:
        response = await shell.client.head(CAFE)
    assert (response.status_code, response.content) == (200, b"")
