"""Teams without an outbox: what they tell over HTTP, or append themselves, reaches open pages."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import cast

import httpx2
import pytest
from redis import Redis

from jogakbo.contract.cloudevent import decode_event
from jogakbo_shell.live.changed import read_tokens
from shell.tests.harness import FakeFragmentServer, Portal, answer, cacheable, manifest, portal, until_true
from shell.tests.live.reading import Server, owner

pytestmark = pytest.mark.anyio

TOKENS = "roastery=coffee-and-cream bakery=bread-and-butter"
MAY = {"authorization": "Bearer coffee-and-cream"}
KEY = "jogakbo:stream:roastery"

Tells = Callable[[Portal, Server], Awaitable[None]]


@pytest.fixture
async def roastery() -> AsyncIterator[FakeFragmentServer]:
    """A fragment server that listens to the stream of its team."""
    async with FakeFragmentServer() as server:
        server.declare("roastery", beans={})
        declared = json.loads(manifest("roastery", beans={}))
        declared["jogakbo"]["streams"] = ["roastery"]
        server.at["/manifest.json"] = answer(json.dumps(declared), headers={"content-type": "application/json"})
        server.at["/beans"] = cacheable("<p>old", keys="beans", policy="max-age=3600")
        yield server


@asynccontextmanager
async def shop(folder: Path, roastery: FakeFragmentServer, url: str, tokens: str = TOKENS) -> AsyncIterator[Portal]:
    async with portal(folder, {"roastery": roastery.address}, redis_url=url, changed_tokens=tokens) as shell:
        yield shell


async def over_http(shell: Portal, valkey: Server) -> None:
    answered = await shell.client.post("/-/changed", headers=MAY, json={"keys": ["beans"]})
    assert (answered.status_code, answered.json()) == (202, {"status": "ok"})
    assert answered.headers["cache-control"] == "no-store"


async def on_the_bus(shell: Portal, valkey: Server) -> None:
    """As docs/contract.md shows it, without a wake call: just what `redis-cli` sends."""
    event = (
        '{"specversion":"1.0","id":"1","source":"roastery","type":"roastery.Changed",'
        '"time":"2026-11-22T13:40:00Z","keys":"beans","data":{}}'
    )
    with owner(valkey) as redis:
        redis.xadd(KEY, {"event": event}, maxlen=72_000)


@pytest.mark.parametrize("tell", [over_http, on_the_bus])
async def test_an_open_page_follows_a_team_without_an_outbox(
    tell: Tells, tmp_path: Path, roastery: FakeFragmentServer, valkey: Server
) -> None:
    async with shop(tmp_path, roastery, valkey.url) as shell:
        html = await _page(shell)
        assert "<p>old</p>" in html
        roastery.at["/beans"] = cacheable("<p>new", keys="beans", policy="max-age=3600")
        query = {name: _attribute(html, name) for name in ("grant", "cursor")}
        async with asyncio.timeout(10), shell.client.stream("GET", "/-/live", params=query) as stream:
            assert stream.status_code == 200
            async for line in stream.aiter_lines():
                if line == "event: hello":
                    await tell(shell, valkey)
                if "<p>new</p>" in line:
                    break
        assert "<p>new</p>" in (await shell.get("/roastery")).text


async def test_what_is_told_is_an_event_of_the_team(
    tmp_path: Path, roastery: FakeFragmentServer, valkey: Server
) -> None:
    async with shop(tmp_path, roastery, valkey.url) as shell:
        told = {"keys": ["beans", "beans-7"], "stream": "roastery"}
        assert (await shell.client.post("/-/changed", headers=MAY, json=told)).status_code == 202
    with Redis.from_url(valkey.url) as redis:
        [(_, fields)] = cast(list[tuple[bytes, dict[bytes, bytes]]], redis.xrange(KEY))
    event = decode_event(fields[b"event"])
    assert (event.source, event.type) == ("roastery", "roastery.Changed")
    assert event.changed == {"beans", "beans-7"}


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        ('{"keys": ["beans"]}', {}, 401),
        ('{"keys": ["beans"]}', {"authorization": "Bearer wrong"}, 401),
        ('{"keys": ["beans"]}', {"authorization": "Basic coffee-and-cream"}, 401),
        ('{"keys": ["beans"], "stream": "bakery"}', MAY, 403),
        ('{"keys": ["beans"], "stream": "shell"}', MAY, 403),
        ("", MAY, 400),
        ("no json", MAY, 400),
        ('{"keys": ["beans"], "more": 1}', MAY, 400),
        ('{"keys": []}', MAY, 422),
        (json.dumps({"keys": [f"key-{number}" for number in range(257)]}), MAY, 422),
        ('{"keys": ["two words"]}', MAY, 422),
        (json.dumps({"keys": ["k" * 101]}), MAY, 422),
        (json.dumps({"keys": ["k" * 33_000]}), MAY, 413),
    ],
)
async def test_what_cannot_be_told_is_refused_with_a_problem(
    body: str, headers: dict[str, str], status: int, tmp_path: Path, roastery: FakeFragmentServer, valkey: Server
) -> None:
    async with shop(tmp_path, roastery, valkey.url) as shell:
        refused = await shell.client.post("/-/changed", headers=headers, content=body)
    _is_problem(refused, status)
    with Redis.from_url(valkey.url) as redis:
        assert redis.exists(KEY, "jogakbo:stream:bakery") == 0


async def test_a_bus_that_is_away_is_said_to_be_and_later_takes_what_is_told_again(
    tmp_path: Path, roastery: FakeFragmentServer, valkey: Server
) -> None:
    async with shop(tmp_path, roastery, valkey.url) as shell:
        valkey.kill()
        refused = await shell.client.post("/-/changed", headers=MAY, json={"keys": ["beans"]})
        _is_problem(refused, 503)
        assert refused.headers["retry-after"] == "1"
        valkey.start()
        await over_http(shell, valkey)


async def test_a_portal_without_a_bus_says_so(tmp_path: Path, roastery: FakeFragmentServer) -> None:
    async with shop(tmp_path, roastery, "") as shell:
        _is_problem(await shell.client.post("/-/changed", headers=MAY, json={"keys": ["beans"]}), 503)


async def test_without_tokens_there_is_no_such_place(tmp_path: Path, roastery: FakeFragmentServer) -> None:
    async with shop(tmp_path, roastery, "", tokens="") as shell:
        _is_problem(await shell.client.post("/-/changed", headers=MAY, json={"keys": ["beans"]}), 404)


def test_each_team_has_its_token() -> None:
    assert read_tokens(TOKENS) == {"roastery": b"coffee-and-cream", "bakery": b"bread-and-butter"}
    assert read_tokens("") == {}


@pytest.mark.parametrize("text", ["hush", "roastery=", "=hush", "Roastery=hush", "shell=hush", "a=hush a=hush"])
def test_tokens_that_cannot_be_read_are_refused_and_never_shown(text: str) -> None:
    with pytest.raises(ValueError, match=r"a stream is named like|expected team=token|cannot be a team") as refused:
        read_tokens(text)
    assert "hush" not in str(refused.value)


async def _page(shell: Portal) -> str:
    """Once the stream of its team is followed."""
    html = ""

    async def follows() -> bool:
        nonlocal html
        html = (await shell.get("/roastery")).text
        return "<p>old</p>" in html and "roastery:" in _attribute(html, "cursor")

    await until_true(follows)
    return html


def _attribute(html: str, name: str) -> str:
    match = re.search(rf'data-{name}="([^"]*)"', html)
    return match[1] if match else ""


def _is_problem(refused: httpx2.Response, status: int) -> None:
    assert refused.status_code == status
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.json()["status"] == status
