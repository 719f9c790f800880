"""Presence over HTTP: what real workers tell whom, also when one of them is killed, and who may say that they edit."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from html import unescape
from pathlib import Path
from typing import Protocol

import httpx2
import pytest

from shell.tests.harness import FakeFragmentServer, Portal, answer, eventually, portal, until_true
from shell.tests.shell_process import shell_process

pytestmark = pytest.mark.anyio

PRESENT: dict[str, object] = {"presence": True, "params": {"id": {}}}
SHARED = "/cafe?id=7"
GONE_SECONDS = 15.0


class Server(Protocol):
    url: str


class Browser:
    """One visitor with one open page; `people` is what it was told last of who else is there."""

    def __init__(self, origin: str, cookie: str = "") -> None:
        self.client = httpx2.AsyncClient(base_url=origin, timeout=30, trust_env=False)
        if cookie:
            self.client.cookies.set("jogakbo", cookie)
        self.grant = self.dom_id = ""
        self.people: list[dict[str, object]] | None = None
        self._reading: asyncio.Task[None] | None = None

    @property
    def cookie(self) -> str:
        return self.client.cookies.get("jogakbo") or ""

    async def look(self, path: str = SHARED) -> None:
        html = (await self.client.get(path, headers={"accept": "text/html"})).text
        grant, dom_id = re.search(r'data-grant="([^"]+)"', html), re.search(r'<section id="([^"]+)"', html)
        assert grant
        assert dom_id
        self.grant, self.dom_id = unescape(grant[1]), dom_id[1]
        self._reading = asyncio.create_task(self._read())
        await eventually(lambda: self.people is not None)

    async def leave(self) -> None:
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)
        await self.client.aclose()

    async def edits(self, **changes: object) -> httpx2.Response:
        body = {"grant": self.grant, "id": self.dom_id, "editing": True, **changes}
        return await self.post(json.dumps(body).encode())

    async def post(self, body: bytes, **headers: str) -> httpx2.Response:
        sent = {"sec-fetch-site": "same-origin", **{name.replace("_", "-"): value for name, value in headers.items()}}
        return await self.client.post("/-/presence", content=body, headers=sent)

    async def _read(self) -> None:
        async with self.client.stream("GET", "/-/live", params={"grant": self.grant, "cursor": ""}) as stream:
            event = ""
            async for line in stream.aiter_lines():
                if line.startswith("event: "):
                    event = line.removeprefix("event: ")
                elif line.startswith("data: ") and event == "presence":
                    self.people = json.loads(line.removeprefix("data: "))["people"]


@pytest.fixture
async def team() -> AsyncIterator[FakeFragmentServer]:
    async with FakeFragmentServer() as server:
        server.declare(track=PRESENT)
        server.at["/track"] = answer("<p>Ready</p>")
        yield server


@asynccontextmanager
async def shell(folder: Path, team: FakeFragmentServer, valkey: Server) -> AsyncIterator[Portal]:
    async with portal(folder, {"cafe": team.address}, redis_url=valkey.url, page_deadline_ms=5000) as running:
        await until_true(lambda: running.shows(SHARED, "data-grant"))
        yield running


@asynccontextmanager
async def browsers(*origins: str) -> AsyncIterator[list[Browser]]:
    """One visitor each, who look at the same page."""
    visitors = [Browser(origin) for origin in origins]
    try:
        for visitor in visitors:
            await visitor.look()
        yield visitors
    finally:
        for visitor in visitors:
            await visitor.leave()


async def test_people_at_two_workers_see_each_other_and_those_of_one_that_is_killed_are_gone_soon(
    tmp_path: Path, team: FakeFragmentServer, valkey: Server
) -> None:
    servers = {"cafe": team.address}
    one = shell_process(tmp_path, servers, SHARED, redis_url=valkey.url)
    other = shell_process(tmp_path, servers, SHARED, redis_url=valkey.url)
    async with one as dies, other as stays, browsers(dies.origin, stays.origin) as (minji, jun):
        await eventually(lambda: count(minji) == 1 and count(jun) == 1)
        dies.process.kill()
        await eventually(lambda: count(jun) == 0, GONE_SECONDS)


def count(browser: Browser) -> int:
    return len(browser.people or [])


async def test_who_had_no_session_gets_one_with_the_stream_and_is_the_same_person_ever_after(
    tmp_path: Path, team: FakeFragmentServer, valkey: Server
) -> None:
    async with shell(tmp_path, team, valkey) as portal, browsers(portal.origin, portal.origin) as (minji, jun):
        assert minji.cookie
        await eventually(lambda: count(jun) == 1)
        before = jun.people
        again = Browser(portal.origin, minji.cookie)
        try:
            await again.look()
            await minji.leave()
            sora = Browser(portal.origin)
            await sora.look()
            await eventually(lambda: count(jun) == 2)
            assert before
            assert before[0] in (jun.people or [])
            await sora.leave()
        finally:
            await again.leave()


async def test_who_polls_gets_a_session_too(tmp_path: Path, team: FakeFragmentServer, valkey: Server) -> None:
    async with shell(tmp_path, team, valkey) as portal, browsers(portal.origin) as (minji,):
        polled = await portal.client.get("/-/live", params={"grant": minji.grant, "once": "1"})
        assert "jogakbo=" in polled.headers["set-cookie"]
        assert "event: presence" in polled.text
        await eventually(lambda: count(minji) == 1)


async def test_a_stream_of_a_page_without_presence_sets_no_cookie(
    tmp_path: Path, team: FakeFragmentServer, valkey: Server
) -> None:
    team.declare(track={"params": {"id": {}}})
    async with shell(tmp_path, team, valkey) as portal:
        html = (await portal.get(SHARED)).text
        grant = re.search(r'data-grant="([^"]+)"', html)
        assert grant
        async with portal.client.stream("GET", "/-/live", params={"grant": unescape(grant[1])}) as stream:
            assert stream.status_code == 200
            assert "set-cookie" not in stream.headers


async def test_who_types_is_shown_to_the_others_with_the_place(
    tmp_path: Path, team: FakeFragmentServer, valkey: Server
) -> None:
    async with shell(tmp_path, team, valkey) as portal, browsers(portal.origin, portal.origin) as (minji, jun):
        assert (await minji.edits(place="row-1")).status_code == 204
        await eventually(lambda: [person.get("place") for person in jun.people or []] == ["row-1"])
        assert [person.get("editing") for person in minji.people or []] == [None]
        assert (await minji.edits(editing=False)).status_code == 204
        await eventually(lambda: [person.get("editing") for person in jun.people or []] == [None])


async def test_only_a_page_of_the_portal_may_say_so_and_only_of_what_it_shows(
    tmp_path: Path, team: FakeFragmentServer, valkey: Server
) -> None:
    team.declare(track=PRESENT, board={})
    team.at["/board"] = answer("<p>Board</p>")
    async with shell(tmp_path, team, valkey) as portal, browsers(portal.origin) as (minji,):
        stranger = Browser(portal.origin)
        stranger.grant, stranger.dom_id = minji.grant, minji.dom_id
        asked = {
            "as it should be": await minji.edits(),
            "another site": await minji.post(b"{}", sec_fetch_site="cross-site"),
            "no session": await stranger.edits(),
            "no grant": await minji.edits(grant="let me in"),
            "another element": await minji.edits(id="f-cafe-track-00000000"),
            "no presence": await minji.edits(id="f-cafe-board"),
            "no place": await minji.edits(place="a b"),
            "no editing": await minji.edits(editing="yes"),
            "no JSON": await minji.post(b"hello"),
            "too much": await minji.edits(padding="x" * 20_000),
        }
        await stranger.leave()
        assert {what: response.status_code for what, response in asked.items()} == {
            "as it should be": 204,
            "another site": 403,
            "no session": 403,
            "no grant": 403,
            "another element": 404,
            "no presence": 404,
            "no place": 400,
            "no editing": 400,
            "no JSON": 400,
            "too much": 413,
        }


async def test_a_body_that_does_not_come_is_not_waited_for(
    tmp_path: Path, team: FakeFragmentServer, valkey: Server
) -> None:
    async with shell(tmp_path, team, valkey) as portal, browsers(portal.origin) as (minji,):
        host, _, port = portal.origin.removeprefix("http://").partition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        head = (
            f"POST /-/presence HTTP/1.1\r\nhost: {host}:{port}\r\nsec-fetch-site: same-origin\r\n"
            f"cookie: jogakbo={minji.cookie}\r\ncontent-length: 100\r\n\r\n{{"
        )
        writer.write(head.encode())
        async with asyncio.timeout(10):
            assert b" 408 " in await reader.readline()
        writer.close()


async def test_a_page_brings_the_script_only_where_something_on_it_has_presence(
    tmp_path: Path, team: FakeFragmentServer
) -> None:
    team.declare(track=PRESENT)
    async with portal(tmp_path, {"cafe": team.address}) as shown:
        await until_true(lambda: shown.shows(SHARED, "Ready"))
        page = await shown.get(SHARED)
        scripts = re.findall(r'<script src="/static/([^?"]+)', page.text)
        assert scripts.index("presence.js") < scripts.index("live.js")
        assert 'id="presence"' in page.text
        assert "/static/presence.js" in page.headers["content-security-policy"]
        assert "/static/presence.css" in page.text
        team.declare(version="2", track={"params": {"id": {}}})

        async def is_plain() -> bool:
            return "presence" not in (await shown.get(SHARED)).text

        await until_true(is_plain)
