"""The tabs of one browser whose session is over: each is loaded anew, and all become the same visitor."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from playwright.sync_api import BrowserContext
from starlette.requests import Request
from starlette.responses import Response

from shell.tests.live.stage import Stage, open_page, wait_until

_LOAD_SECONDS = 0.3
_COOKIE = "guest"


class Reception(Stage):
    """Takes its time over a page, and makes whoever brings no cookie a new guest."""

    def __init__(self) -> None:
        super().__init__()
        self.guests: list[str] = []

    async def _page(self, request: Request) -> Response:
        page = await super()._page(request)
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
