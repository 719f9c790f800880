"""An edge and the bus: what changes is gone from the edge, and open pages hear of what the edge has not."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from itertools import count
from typing import Protocol

import httpx2
import pytest
from redis import Redis

from shell.tests.harness import FakeFragmentServer, answer, cacheable, until_true
from shell.tests.varnish import Edge, Fronted, Varnish, until_shown

pytestmark = pytest.mark.anyio


class Server(Protocol):
    url: str


@pytest.fixture
def bus(valkey: Server) -> Iterator[Bus]:
    made = Bus(valkey.url)
    yield made
    made.close()


class Bus:
    """Where the café's service tells what it has changed."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._redis = Redis.from_url(url)
        self._numbers = count(1)
        self.tell("nothing")

    def tell(self, keys: str, *, skip: int = 0) -> None:
        """An event; with `skip` so many before it are lost."""
        number = next(self._numbers)
        for _ in range(skip):
            number = next(self._numbers)
        event = {
            "specversion": "1.0",
            "id": f"7-{number}",
            "source": "cafe",
            "type": "cafe.Changed",
            "time": "2026-11-22T12:00:00Z",
            "keys": keys,
            "data": {},
        }
        self._redis.xadd("jogakbo:stream:cafe", {"event": json.dumps(event)}, id=f"7-{number}")
        self._redis.spublish("jogakbo:wake:{jogakbo:stream:cafe}", "cafe")

    def close(self) -> None:
        self._redis.close()


class OpenPage:
    """A page in a browser: what its sections show, by what came over its stream."""

    def __init__(self, html: str) -> None:
        self.grant = _attribute(html, "grant")
        self.cursor = _attribute(html, "cursor")
        self.html = html

    @asynccontextmanager
    async def streaming(self, client: httpx2.AsyncClient) -> AsyncIterator[AsyncIterator[str]]:
        """The lines of its stream."""
        query = {"grant": self.grant, "cursor": self.cursor}
        async with client.stream("GET", "/-/live", params=query) as stream:
            assert stream.status_code == 200
            yield stream.aiter_lines()


def _attribute(html: str, name: str) -> str:
    match = re.search(rf'data-{name}="([^"]*)"', html)
    assert match is not None
    return match[1]


async def hears(page: OpenPage, edge: Edge, text: str) -> bool:
    async with asyncio.timeout(5), page.streaming(edge.client) as lines:
        async for line in lines:
            if text in line:
                return True
    return False


async def settled(edge: Edge) -> OpenPage:
    """A page of which all that it says is known to be right."""

    async def has_position() -> bool:
        page = await edge.shell.get("/cafe", surrogate_capability='v="ESI/1.0"')
        # On a loaded machine the first look at the fragment server may have come too late to know the page.
        return page.status_code == 200 and bool(OpenPage(page.text).cursor)

    await until_true(has_position, 10)
    return OpenPage((await edge.get("/cafe")).text)


async def test_a_key_that_changes_on_the_bus_is_purged_at_the_edge(
    cafe: FakeFragmentServer, fronted: Fronted, bus: Bus
) -> None:
    cafe.declare(a={}, b={})
    cafe.at |= {"/a": cacheable("<p>old", keys="orders", policy="max-age=3600"), "/b": cacheable("<p>b", keys="menu")}
    async with fronted(cafe, redis_url=bus.url) as edge:
        await settled(edge)
        assert "<p>old</p>" in (await edge.get("/cafe")).text
        asked = len(cafe.requests("/b"))
        cafe.at["/a"] = cacheable("<p>new", keys="orders", policy="max-age=3600")
        bus.tell("orders order-1")
        await until_shown(edge, "/cafe", "<p>new</p>")
        assert len(cafe.requests("/b")) == asked


async def test_after_a_gap_in_the_log_all_of_the_server_is_purged_at_the_edge(
    cafe: FakeFragmentServer, fronted: Fronted, bus: Bus
) -> None:
    cafe.declare(a={})
    cafe.at["/a"] = cacheable("<p>old", keys="orders", policy="max-age=3600")
    async with fronted(cafe, redis_url=bus.url) as edge:
        await settled(edge)
        assert "<p>old</p>" in (await edge.get("/cafe")).text
        cafe.at["/a"] = cacheable("<p>new", keys="orders", policy="max-age=3600")
        bus.tell("something-else", skip=3)
        await until_shown(edge, "/cafe", "<p>new</p>")


async def test_an_open_page_is_told_of_changes_through_the_edge(
    cafe: FakeFragmentServer, fronted: Fronted, bus: Bus
) -> None:
    cafe.declare(a={})
    cafe.at["/a"] = cacheable("<p>old", keys="orders")
    async with fronted(cafe, redis_url=bus.url) as edge:
        page = await settled(edge)
        async with asyncio.timeout(5), page.streaming(edge.client) as lines:
            async for line in lines:
                if line == "event: hello":
                    cafe.at["/a"] = cacheable("<p>new", keys="orders")
                    bus.tell("orders")
                if "<p>new</p>" in line:
                    break


async def test_a_page_of_an_edge_that_has_not_heard_is_told_by_its_stream(
    cafe: FakeFragmentServer, fronted: Fronted, bus: Bus, varnish: Varnish
) -> None:
    cafe.declare(a={})
    cafe.at["/a"] = cacheable("<p>old", keys="orders", policy="max-age=3600")
    async with (
        FakeFragmentServer({"/": answer("purged")}) as deaf,
        fronted(cafe, redis_url=bus.url, edge_purge_urls=deaf.address) as edge,
    ):
        await settled(edge)
        assert "<p>old</p>" in (await edge.get("/cafe")).text
        deaf.at["/"] = answer("", 503)
        cafe.at["/a"] = cacheable("<p>new", keys="orders", policy="max-age=3600")
        bus.tell("orders")
        await until_true(lambda: edge.shell.shows("/cafe", "<p>new</p>"))
        varnish.forget_pages()
        page = OpenPage((await edge.get("/cafe")).text)
        assert "<p>old</p>" in page.html, "the edge was never told"
        assert await hears(page, edge, "<p>new</p>")
