"""What is nested on open pages: each fragment has frames of its own, and the outer one's has all of it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from shell.tests.harness import FakeFragmentServer, Portal, cacheable, eventually, portal, until_true
from shell.tests.live.test_shell_esi_live import Bus, OpenPage, Server

pytestmark = pytest.mark.anyio

HERE = '<jogakbo-slot name="level"></jogakbo-slot>'


@pytest.fixture
def bus(valkey: Server) -> Iterator[Bus]:
    made = Bus(valkey.url)
    yield made
    made.close()


class Frames:
    """Those of fragments, as `(id, html)`."""

    def __init__(self, lines: AsyncIterator[str]) -> None:
        self._lines = lines

    async def next(self) -> tuple[str, str]:
        async for line in self._lines:
            data = json.loads(line.removeprefix("data: ")) if line.startswith("data: ") else {}
            if "html" in data:
                return data["id"], data["html"]
        raise AssertionError("the stream has ended")


def _renders() -> float:
    return REGISTRY.get_sample_value("jogakbo_live_renders_total", {"state": "fresh"}) or 0.0


@asynccontextmanager
async def opened(cafe: FakeFragmentServer, folder: Path, bus: Bus) -> AsyncIterator[tuple[Portal, Frames]]:
    """A page that shows a fragment in another, and what its stream brings."""
    cafe.declare(menu={"slots": {"level": {"fragment": "cafe/level"}}}, level={})
    cafe.at |= {"/menu": cacheable(f"<h2>1</h2>{HERE}", keys="menu"), "/level": cacheable("<b>1</b>", keys="stock")}
    (folder / "pages").mkdir()
    (folder / "pages" / "pages.toml").write_text(
        '[[page]]\npath = "/lunch"\ntemplate = "l.html"\ntitle = { en = "L" }\n'
    )
    (folder / "pages" / "l.html").write_text(
        '{% extends "layout.html" %}{% block main %}{{ fragment("cafe/menu") }}{% endblock %}'
    )
    async with portal(folder, {"cafe": cafe.address}, redis_url=bus.url, pages_dir=str(folder / "pages")) as shell:

        async def is_live() -> bool:
            page = await shell.get("/lunch")
            return "<b>1</b>" in page.text and "cafe:" in OpenPage(page.text).cursor

        await until_true(is_live)
        page, before = OpenPage((await shell.get("/lunch")).text), _renders()
        async with page.streaming(shell.client) as lines:
            assert await anext(lines) == "event: hello"
            # Until a fragment has been rendered for its page once, any change may be one of it.
            await eventually(lambda: _renders() >= before + 2)
            yield shell, Frames(lines)


async def test_a_change_of_what_is_nested_is_one_frame_of_its_own(
    cafe: FakeFragmentServer, tmp_path: Path, bus: Bus
) -> None:
    async with opened(cafe, tmp_path, bus) as (_, frames):
        for number in (2, 3):
            cafe.at["/level"] = cacheable(f"<b>{number}</b>", keys="stock")
            bus.tell("stock")
            name, html = await frames.next()
            assert (name, f"<b>{number}</b>" in html) == ("f-cafe-level", True), "and none of the outer one's"
        cafe.at["/menu"] = cacheable(f"<h2>2</h2>{HERE}", keys="menu")
        bus.tell("menu")
        name, html = await frames.next()
    assert name == "f-cafe-menu"
    assert "<h2>2</h2>" in html
    assert "<b>3</b>" in html, "with what is nested as it is now"


async def test_an_outer_one_that_is_the_same_again_is_not_sent_again(
    cafe: FakeFragmentServer, tmp_path: Path, bus: Bus
) -> None:
    async with opened(cafe, tmp_path, bus) as (_, frames):
        names = []
        for number in (2, 3, 4):
            cafe.at["/level"] = cacheable(f"<b>{number}</b>", keys="stock")
            bus.tell("stock menu")
            while True:
                name, html = await frames.next()
                names.append(name)
                if name == "f-cafe-level" and f"<b>{number}</b>" in html:
                    break
    assert names.count("f-cafe-menu") <= 1, "whatever is nested in it"
