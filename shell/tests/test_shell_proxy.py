"""`/-/<server>/…`: what passes between a browser and a fragment server, and what never does."""

from __future__ import annotations

import asyncio
import base64
import json
import socket
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from jogakbo_shell.instance import Instance
from jogakbo_shell.proxy.locations import own_location
from jogakbo_shell.proxy.targets import BadTarget, read_target
from shell.tests.harness import (
    Behaviour,
    FakeFragmentServer,
    Portal,
    Received,
    answer,
    cacheable,
    eventually,
    hang,
    portal,
    until_true,
)

pytestmark = pytest.mark.anyio

TAKE = "/-/cafe/actions/take"
ORIGIN = "https://cafe.example"


@pytest.fixture
def declared(cafe: FakeFragmentServer) -> FakeFragmentServer:
    cafe.declare(board={}, cart={"audience": "private"}, track={"params": {"id": {"required": True}}})
    cafe.at |= {"/board": cacheable("<p>board", "orders"), "/cart": answer("<p>cart"), "/track": answer("<p>track")}
    cafe.at["/actions/take"] = answer("", 303, {"location": "/board"})
    return cafe


def subject_of(request: Received) -> str:
    claims = request.header("authorization").removeprefix("Bearer ").split(".")[1]
    return str(json.loads(base64.urlsafe_b64decode(claims + "=="))["sub"])


async def test_a_form_is_forwarded_with_who_and_from_where(tmp_path: Path, declared: FakeFragmentServer) -> None:
    async with portal(tmp_path, {"cafe": declared.address}) as shell:
        response = await shell.post(TAKE, {"order_id": "42"}, referer=f"{shell.origin}/board?x=1")
    sent = declared.requests("/actions/take")[0]
    assert (response.status_code, response.headers["location"]) == (303, "/board")
    assert (sent.method, sent.body) == ("POST", b"order_id=42")
    assert sent.header("jogakbo-page") == "/board?x=1"
    assert sent.header("podium-public-pathname") == "/-/cafe/"
    assert sent.header("authorization").startswith("Bearer ")


async def test_who_has_changed_something_sees_it_on_the_next_page(tmp_path: Path, declared: FakeFragmentServer) -> None:
    declared.at["/actions/take"] = answer("", 303, {"location": "/cafe", "surrogate-key": "orders"})
    async with portal(tmp_path, {"cafe": declared.address}) as shell:
        assert await shell.shows("/-/cafe/board", "<p>board")
        declared.at["/board"] = cacheable("<p>taken", "orders")
        await shell.post(TAKE)
        assert await shell.shows("/-/cafe/board", "<p>taken")


async def test_a_refused_form_has_changed_nothing(tmp_path: Path, declared: FakeFragmentServer) -> None:
    declared.at["/actions/take"] = answer("<p>no", 422, {"surrogate-key": "orders"})
    async with portal(tmp_path, {"cafe": declared.address}) as shell:
        await shell.get("/-/cafe/board")
        await shell.post(TAKE)
        await shell.get("/-/cafe/board")
    assert len(declared.requests("/board")) == 1


async def test_who_comes_without_a_session_keeps_the_one_the_action_was_done_in(
    tmp_path: Path, declared: FakeFragmentServer
) -> None:
    async with portal(tmp_path, {"cafe": declared.address}) as shell:
        first = await shell.post(TAKE)
        second = await shell.post(TAKE)
    subjects = [subject_of(request) for request in declared.requests("/actions/take")]
    assert subjects[0] == subjects[1]
    assert "jogakbo=" in first.headers["set-cookie"]
    assert "set-cookie" not in second.headers


async def test_nothing_of_the_browsers_passes_that_is_not_on_the_list(
    tmp_path: Path, declared: FakeFragmentServer
) -> None:
    async with portal(tmp_path, {"cafe": declared.address}) as shell:
        await shell.client.post(
            TAKE,
            headers={
                "sec-fetch-site": "same-origin",
                "cookie": "jogakbo=" + "a" * 32,
                "authorization": "Bearer forged",
                "x-forwarded-for": "1.2.3.4",
                "podium-locale": "xx",
                "jogakbo-page": "/forged",
                "hx_request": "true",
                "te": "trailers",
                "x-anything": "x",
            },
        )
    sent = declared.requests("/actions/take")[0]
    names = {name.lower() for name, _ in sent.headers}
    assert not names & {"cookie", "x-forwarded-for", "hx_request", "te", "x-anything", "jogakbo-page", "origin"}
    assert "forged" not in sent.header("authorization")
    assert sent.header("podium-locale") == "en"


async def test_nothing_of_the_servers_returns_that_is_not_on_the_list(
    tmp_path: Path, declared: FakeFragmentServer
) -> None:
    declared.at["/data"] = answer(
        "{}",
        headers={
            "content-type": "application/json",
            "set-cookie": "jogakbo=stolen",
            "server": "secret/1.0",
            "x-anything": "x",
            "access-control-allow-origin": "*",
            "content-security-policy": "script-src *",
            "etag": '"1"',
        },
    )
    async with portal(tmp_path, {"cafe": declared.address}) as shell:
        response = await shell.get("/-/cafe/data", accept="application/json")
    assert not {"set-cookie", "server", "x-anything", "access-control-allow-origin"} & set(response.headers)
    assert response.headers["etag"] == '"1"'
    assert response.headers["content-security-policy"].startswith("default-src 'none'; style-src")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"sec-fetch-site": "same-origin"}, 303),
        ({"sec-fetch-site": "none"}, 303),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "same-site"}, 403),
        ({"sec-fetch-site": "cross-site", "origin": "SELF"}, 403),
        ({"origin": "SELF"}, 303),
        ({"origin": "http://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({}, 403),
    ],
)
async def test_a_form_of_another_site_is_refused(
    tmp_path: Path, declared: FakeFragmentServer, headers: dict[str, str], status: int
) -> None:
    async with portal(tmp_path, {"cafe": declared.address}) as shell:
        sent = {name: value.replace("SELF", shell.origin) for name, value in headers.items()}
        response = await shell.client.post(TAKE, headers=sent)
    assert response.status_code == status
    assert len(declared.requests("/actions/take")) == (status == 303)


async def test_an_answer_for_htmx_says_which_fragment_it_is(tmp_path: Path, declared: FakeFragmentServer) -> None:
    declared.at["/actions/take"] = answer("<p>order 42", 409, {"jogakbo-fragment": "cafe/track?id=42"})
    async with portal(tmp_path, {"cafe": declared.address}) as shell:
        response = await shell.post(TAKE, hx_request="true")
    assert (response.status_code, response.text) == (409, "<p>order 42</p>")
    assert response.headers["hx-retarget"] == f"#{Instance.parse('cafe/track?id=42').dom_id}"
    assert response.headers["hx-reswap"] == "innerMorph"
    assert response.headers["jogakbo-fragment"] == "cafe/track?id=42"


async def test_a_servers_own_way_to_swap_is_kept(tmp_path: Path, declared: FakeFragmentServer) -> None:
    more = {"jogakbo-fragment": "cafe/board", "hx-reswap": "afterbegin"}
    declared.at["/actions/take"] = answer("<p>alert", 503, more)
    async with portal(tmp_path, {"cafe": declared.address}) as shell:
        response = await shell.post(TAKE, hx_request="true")
    assert (response.headers["hx-retarget"], response.headers["hx-reswap"]) == ("#f-cafe-board", "afterbegin")


async def test_html_for_a_person_is_a_page_of_the_portal(tmp_path: Path, declared: FakeFragmentServer) -> None:
    declared.at["/actions/take"] = answer("</main><p>sold out", 409)
    async with portal(tmp_path, {"cafe": declared.address}) as shell:
        refused = await shell.post(TAKE)
        alone = await shell.get("/-/cafe/board")
    assert (refused.status_code, refused.text.count("</main>")) == (409, 1)
    assert "<p>sold out</p>" in refused.text
    assert '<section id="f-cafe-board"' in alone.text
    assert "<h1>Board</h1>" in alone.text


async def test_a_problem_for_a_person_is_a_page_too(tmp_path: Path, declared: FakeFragmentServer) -> None:
    problem = answer('{"title": "wrong parameter"}', 400, {"content-type": "application/problem+json"})
    declared.at["/actions/take"] = problem
    async with portal(tmp_path, {"cafe": declared.address}) as shell:
        person = await shell.post(TAKE)
        program = await shell.post(TAKE, accept="application/json")
        other = await shell.client.request("TRACE", TAKE)
    assert (person.status_code, "<main" in person.text) == (400, True)
    assert (program.status_code, program.text) == (400, '{"title": "wrong parameter"}')
    assert (other.status_code, "POST" in other.headers["allow"]) == (405, True)


async def test_a_refresh_gets_the_fragment_by_the_pages_own_way(tmp_path: Path, declared: FakeFragmentServer) -> None:
    async with portal(tmp_path, {"cafe": declared.address}) as shell:
        first = await shell.get("/-/cafe/board", hx_request="true")
        again = await shell.get("/-/cafe/board", hx_request="true", if_none_match=first.headers["etag"])
        within = await shell.get("/-/cafe/board", hx_request="true", hx_target="section#other")
        private = await shell.get("/-/cafe/cart", hx_request="true")
    assert first.text.startswith('<section id="f-cafe-board"')
    assert (first.headers["jogakbo-fragment"], first.headers["surrogate-key"]) == ("cafe/board", "orders")
    assert again.status_code == 304
    assert within.text == "<p>board</p>"
    assert private.headers["cache-control"] == "private, no-store"
    assert len(declared.requests("/board")) == 1


async def test_a_failed_refresh_leaves_the_page_alone(tmp_path: Path, declared: FakeFragmentServer) -> None:
    declared.at["/board"] = hang
    async with portal(tmp_path, {"cafe": declared.address}) as shell:
        response = await shell.get("/-/cafe/board", hx_request="true")
    assert (response.status_code, response.headers["hx-reswap"]) == (504, "none")
    assert response.headers["content-type"] == "application/problem+json"


async def test_an_action_gets_through_again_though_no_page_is_loaded_meanwhile(
    tmp_path: Path, declared: FakeFragmentServer
) -> None:
    async with portal(tmp_path, {"cafe": declared.address}) as shell:
        await declared.stop()
        assert (await shell.post(TAKE)).status_code == 502
        await declared.start()
        await until_true(partial(_is_taken, shell))


async def _is_taken(shell: Portal) -> bool:
    return (await shell.post(TAKE)).status_code == 303


async def test_a_hung_action_ends_at_its_deadline(tmp_path: Path, declared: FakeFragmentServer) -> None:
    declared.at["/actions/take"] = hang
    async with portal(tmp_path, {"cafe": declared.address}) as shell:
        person = await shell.post(TAKE)
    assert person.status_code == 504
    assert "<main" in person.text


async def test_a_declared_asset_is_there_also_while_its_server_is_not(
    tmp_path: Path, declared: FakeFragmentServer
) -> None:
    declared.at["/assets/cafe.css"] = answer("p{}", headers={"content-type": "text/css"})
    async with portal(tmp_path, {"cafe": declared.address}) as shell:
        await until_true(partial(_is_kept, shell, declared))
        await declared.stop()
        kept = await shell.get("/-/cafe/assets/cafe.css?v=1", accept="text/css")
        other = await shell.get("/-/cafe/assets/cafe.css?v=2", accept="text/css")
    assert (kept.status_code, kept.text) == (200, "p{}")
    assert "immutable" in kept.headers["cache-control"]
    assert other.status_code >= 500


async def _is_kept(shell: Portal, declared: FakeFragmentServer) -> bool:
    asked = len(declared.requests("/assets/cafe.css"))
    await shell.get("/-/cafe/assets/cafe.css?v=1", accept="text/css")
    return len(declared.requests("/assets/cafe.css")) == asked


@pytest.mark.parametrize("wrong", [answer("<p>not me"), answer("p{}", 500, {"content-type": "text/css"}), hang])
async def test_what_is_no_asset_is_not_kept_as_one(
    tmp_path: Path, declared: FakeFragmentServer, wrong: Behaviour
) -> None:
    declared.at["/assets/cafe.css"] = wrong
    async with portal(tmp_path, {"cafe": declared.address}) as shell:
        await eventually(lambda: bool(declared.requests("/assets/cafe.css")))
        declared.at["/assets/cafe.css"] = answer("p{}", headers={"content-type": "text/css"})
        asked = await shell.get("/-/cafe/assets/cafe.css?v=1", accept="text/css")
    assert asked.text == "p{}"


async def test_an_asset_with_its_version_is_kept_for_ever(tmp_path: Path, declared: FakeFragmentServer) -> None:
    declared.at["/assets/cafe.css"] = answer("p{}", headers={"content-type": "text/css", "cache-control": "no-cache"})
    async with portal(tmp_path, {"cafe": declared.address}) as shell:
        versioned = await shell.get("/-/cafe/assets/cafe.css?v=1")
        plain = await shell.get("/-/cafe/assets/cafe.css")
    assert (versioned.text, versioned.headers["content-type"]) == ("p{}", "text/css")
    assert "immutable" in versioned.headers["cache-control"]
    assert plain.headers["cache-control"] == "no-cache"


@pytest.mark.parametrize(
    ("location", "expected"),
    [
        ("/orders/42?x=1", "/orders/42?x=1"),
        ("http://SERVER/board", "/-/cafe/board"),
        ("SELF/board", "/board"),
        ("board", "/-/cafe/actions/board"),
        ("http://evil.example/", ""),
        ("//evil.example/", ""),
        ("/\\evil.example/", ""),
        ("\\\\evil.example", ""),
        ("javascript:alert(1)", ""),
        ("http://SERVER@evil.example/", ""),
        ("http://SERVER.evil.example/", ""),
        ("SELF.evil.example/", ""),
        ("/x\r\nSet-Cookie: a=1", ""),
        ("////evil.example", ""),
        ("..//../..//evil.example", ""),
    ],
)
def test_a_browser_is_never_sent_to_another_site(location: str, expected: str) -> None:
    address = "http://127.0.0.1:8102"
    given = location.replace("SERVER", "127.0.0.1:8102").replace("SELF", ORIGIN)
    got = own_location(given, ORIGIN, base="/-/cafe/actions/take", address=address, mount="/-/cafe")
    if expected:
        assert got == expected
    else:
        assert not urlsplit(got).netloc
        assert not got.startswith(("//", "/\\"))


@pytest.mark.parametrize("header", ["location", "HX-Redirect"])
async def test_an_answer_that_sends_to_another_site_is_refused(
    tmp_path: Path, declared: FakeFragmentServer, header: str
) -> None:
    declared.at["/actions/take"] = answer("", 303, {header: "https://evil.example/"})
    async with portal(tmp_path, {"cafe": declared.address}) as shell:
        response = await shell.post(TAKE)
    assert response.status_code == 502
    assert "evil" not in str(response.headers)


@pytest.mark.parametrize(
    "path",
    [
        "/-/cafe/../menu/x",
        "/-/cafe/%2e%2e/menu/x",
        "/-/cafe/a/..%2fb",
        "/-/cafe/a%2Fb",
        "/-/cafe/a%5cb",
        "/-/cafe/a\\b",
        "/-/cafe//evil.example",
        "/-/cafe/%00",
        "/-/cafe/x%0d%0aSet-Cookie:a",
        "/-/cafe",
        "/-/CAFE/x",
        "/-//x",
        "/-/cafe/./x",
    ],
)
def test_a_path_that_could_mean_two_things_is_refused(path: str) -> None:
    with pytest.raises(BadTarget):
        read_target(path.encode(), b"")


def test_an_ordinary_path_is_read_as_it_is() -> None:
    target = read_target(b"/-/menu/assets/%EC%B9%B4.css", b"v=1&next=//x")
    assert (target.server, target.path_and_query) == ("menu", "/assets/%EC%B9%B4.css?v=1&next=//x")


async def test_traversal_is_refused_over_the_wire(tmp_path: Path, declared: FakeFragmentServer) -> None:
    async with portal(tmp_path, {"cafe": declared.address}) as shell:
        status = await asyncio.to_thread(_raw_get, shell, b"/-/cafe/%2e%2e/%2e%2e/metrics")
    assert b" 400 " in status


@pytest.mark.parametrize("path", ["/-/cafe/metrics", "/-/cafe/readyz", "/-/cafe/manifest.json", "/-/other/x"])
async def test_operations_and_unknown_servers_are_not_offered(
    tmp_path: Path, declared: FakeFragmentServer, path: str
) -> None:
    async with portal(tmp_path, {"cafe": declared.address}) as shell:
        assert (await shell.get(path)).status_code == 404


async def test_a_body_is_bounded_whether_it_says_its_length_or_not(
    tmp_path: Path, declared: FakeFragmentServer
) -> None:
    async def chunks() -> object:
        for _ in range(100):
            yield b"x" * 100

    headers = {"sec-fetch-site": "same-origin"}
    async with portal(tmp_path, {"cafe": declared.address}, max_request_bytes=5_000) as shell:
        told = await shell.client.post(TAKE, content=b"x" * 10_000, headers=headers)
        untold = await shell.client.post(TAKE, content=chunks(), headers=headers)  # type: ignore[arg-type]
    assert (told.status_code, untold.status_code) == (413, 413)
    assert not declared.requests("/actions/take")


async def test_a_body_that_never_ends_is_given_up(tmp_path: Path, declared: FakeFragmentServer) -> None:
    async with portal(tmp_path, {"cafe": declared.address}) as shell:
        status = await asyncio.to_thread(_raw_slow_post, shell)
    assert b" 408 " in status


def _raw_get(shell: Portal, path: bytes) -> bytes:
    with _connected(shell) as connection:
        connection.sendall(b"GET " + path + b" HTTP/1.1\r\nhost: x\r\n\r\n")
        return connection.recv(1000)


def _raw_slow_post(shell: Portal) -> bytes:
    with _connected(shell) as connection:
        head = f"POST {TAKE} HTTP/1.1\r\nhost: x\r\nsec-fetch-site: none\r\ncontent-length: 100\r\n\r\nfew"
        connection.sendall(head.encode())
        return connection.recv(1000)


def _connected(shell: Portal) -> socket.socket:
    parts = urlsplit(shell.origin)
    return socket.create_connection((parts.hostname or "", parts.port or 0), timeout=5)
