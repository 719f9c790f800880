"""A page of which only a part came: a browser would show that for ever, and its deferred scripts never run."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator

import pytest
from playwright.sync_api import Page, expect
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from shell.tests.live.stage import Scene, Stage, expect_live, section, wait_until

_PAUSES = {"SILENCE_MS": 400, "LOOK_MS": 50}


class Breaking(Stage):
    """Breaks off the first `halves` answers in the middle of the page; `missing` scripts do not come while it does."""

    def __init__(self) -> None:
        super().__init__()
        self.times = dict(_PAUSES)
        self.halves = 0
        self.missing = 0
        self.pause_seconds = 0.0
        self._cut = asyncio.Event()

    def break_off(self, page: Page) -> None:
        """Now that the browser has taken in the first part; what breaks off sooner it may drop as a whole."""
        page.wait_for_selector("body")
        self._loop.call_soon_threadsafe(self._cut.set)

    async def _page(self, request: Request) -> Response:
        page = await super()._page(request)
        first, found, rest = bytes(page.body).partition(b"<section")
        breaks_off = self.loads <= self.halves

        async def pieces() -> AsyncIterator[bytes]:
            yield first
            await asyncio.sleep(self.pause_seconds)
            if breaks_off:
                await self._cut.wait()
                raise ConnectionResetError("as a server does that is killed")
            yield found + rest

        del page.headers["content-length"]
        return StreamingResponse(pieces(), 200, page.headers)

    async def _script(self, request: Request) -> Response:
        if request.path_params["name"] == "live" and self.loads <= self.missing:
            return Response(status_code=502)
        return await super()._script(request)


@pytest.fixture
def stage() -> Iterator[Breaking]:
    stage = Breaking()
    yield stage
    stage.close()


def test_a_page_that_broke_off_is_loaded_again(page: Page, stage: Breaking) -> None:
    stage.halves, stage.is_away = 1, True
    page.goto(stage.url, wait_until="commit")
    stage.break_off(page)
    stage.is_away = False
    wait_until(page, lambda: stage.loads >= 2)
    expect_live(page)
    expect(page.locator("section")).to_have_text("first")


def test_a_page_without_its_script_is_loaded_again(page: Page, stage: Breaking) -> None:
    stage.missing = 1
    page.goto(stage.url)
    wait_until(page, lambda: stage.loads >= 2)
    expect_live(page)


def test_half_a_page_stays_while_the_portal_is_away(page: Page, stage: Breaking) -> None:
    stage.halves, stage.is_away = 1, True
    page.goto(stage.url, wait_until="commit")
    stage.break_off(page)
    looks = stage.looked_after
    wait_until(page, lambda: stage.looked_after >= looks + 2)
    assert stage.loads == 1
    stage.is_away = False
    wait_until(page, lambda: stage.loads >= 2)
    expect_live(page)


def test_a_page_that_takes_longer_than_that_comes_in_the_end(page: Page, stage: Breaking) -> None:
    stage.pause_seconds = 5 * _PAUSES["SILENCE_MS"] / 1000
    page.goto(stage.url, wait_until="commit")
    wait_until(page, lambda: page.locator("section").count() == 1)
    expect_live(page)
    assert stage.loads > 1, "it was given up before, and then less and less"
    wait_until(page, lambda: page.evaluate("sessionStorage.getItem('jogakbo-halves')") is None)


def test_where_scripts_never_come_a_page_is_left_alone_in_the_end(page: Page, stage: Breaking) -> None:
    stage.missing, stage.times["MOST_TIMES"] = 100, 1
    page.goto(stage.url)
    wait_until(page, lambda: stage.loads == 2)
    _wait_for_silence(page)
    assert stage.loads == 2


def test_a_page_in_which_somebody_writes_is_left_alone(page: Page, stage: Breaking) -> None:
    stage.missing, stage.scenes["/"] = 1, Scene(section("<input name=note>"))
    stage.is_away = True  # so that it is not loaded anew before anything is written
    page.goto(stage.url)
    page.locator("[name=note]").fill("without sugar")
    stage.is_away = False
    _wait_for_silence(page)
    assert stage.loads == 1


def _wait_for_silence(page: Page) -> None:
    """Longer than it would take until it is loaded anew."""
    over = time.monotonic() + 4 * _PAUSES["SILENCE_MS"] / 1000
    wait_until(page, lambda: time.monotonic() > over)
