"""The tabs of one browser whose session is over: each is loaded anew, and all become the same visitor."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import BrowserContext, Page
from starlette.requests import Request
from starlette.responses import Response

from shell.tests.live.stage import Stage, expect_live, open_page, problem, wait_until

_LOAD_SECONDS = 0.3
_FIRST_PAUSE_SECONDS = 2.0
_COOKIE = "guest"


class Reception(Stage):
    """Takes its time over a page, and makes whoever brings no cookie a new guest."""

    def __init__(self) -> None:
        super().__init__()
        self.guests: list[str] = []
        self.loaded_at: list[float] = []

    async def _page(self, request: Request) -> Response:
        page = await super()._page(request)
        self.loaded_at.append(time.monotonic())
        guest = request.cookies.get(_COOKIE) or f"guest-{self.loads}"
        await asyncio.sleep(_LOAD_SECONDS)
        page.set_cookie(_COOKIE, guest)
        self.guests.append(guest)
        return page


@pytest.fixture
def stage() -> Iterator[Reception]:
    stage = Reception()
    yield stage
    stage.close()


def test_tabs_of_one_browser_become_the_same_visitor_again(context: BrowserContext, stage: Reception) -> None:
    tabs = [context.new_page(), context.new_page()]
    for tab in tabs:
        open_page(tab, stage)
    context.clear_cookies()

    stage.send("reload")
    wait_until(tabs[0], lambda: len(stage.guests) == 4)

    before, _, first, second = stage.guests
    assert first == second != before


def test_a_page_that_still_came_for_the_old_session_is_soon_loaded_again(page: Page, stage: Reception) -> None:
    open_page(page, stage)
    stage.refuse = lambda grants: problem(403, refused=[0]) if stage.loads < 3 else None

    stage.hang_up()
    wait_until(page, lambda: stage.loads == 3)

    expect_live(page)


def test_a_grant_that_is_always_refused_makes_no_storm_of_loads(page: Page, stage: Reception) -> None:
    open_page(page, stage)
    stage.refuse = lambda grants: problem(403, refused=[0])

    stage.hang_up()
    wait_until(page, lambda: stage.loads == 4)

    _, first, second, third = stage.loaded_at
    assert second - first > _FIRST_PAUSE_SECONDS
    assert third - second > 4 * _FIRST_PAUSE_SECONDS


def test_a_page_is_not_given_up_while_the_portal_is_away(page: Page, stage: Reception) -> None:
    open_page(page, stage)
    stage.is_away = True

    stage.send("reload")
    wait_until(page, lambda: stage.looked_after >= 2)
    assert stage.loads == 1

    stage.is_away = False
    wait_until(page, lambda: stage.loads == 2)
    expect_live(page)


def test_a_portal_that_hangs_does_not_keep_a_page_from_its_renewal(page: Page, stage: Reception) -> None:
    stage.times = {"HEAD_MS": 300}
    open_page(page, stage)
    stage.hangs = True

    stage.send("reload")
    wait_until(page, lambda: stage.looked_after >= 2)
    stage.hangs = False

    wait_until(page, lambda: stage.loads == 2)
    expect_live(page)


def test_a_tab_that_keeps_its_turn_does_not_keep_the_others_for_ever(context: BrowserContext, stage: Reception) -> None:
    stage.times = {"TURN_MS": 500}
    holder, tab = context.new_page(), context.new_page()
    holder.goto(stage.url)
    holder.evaluate("void navigator.locks.request('jogakbo-renew', () => new Promise(() => {}))")
    open_page(tab, stage)
    loads = stage.loads

    stage.send("reload")
    wait_until(tab, lambda: stage.loads > loads)
    expect_live(tab)
