"""Where nothing comes through as a stream, a page asks every few seconds, and says so."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from shell.tests.live.buffering import BufferingProxy
from shell.tests.live.stage import Stage, expect_live, frame, problem, section, wait_until

_QUICK = {"HELLO_MS": 500, "POLL_MS": 500, "RETRY_MS": 1000}


@pytest.fixture
def proxy(stage: Stage) -> Iterator[BufferingProxy]:
    stage.times = dict(_QUICK)
    proxy = BufferingProxy(stage.url)
    yield proxy
    proxy.close()


def changed(text: str, cursor: str) -> str:
    html = section(f"<p>{text}</p>")
    return frame("fragment", cursor, id="f-orders-board", state="fresh", etag=text, html=html)


def test_behind_a_proxy_that_buffers_a_page_polls_and_sees_what_changes(
    page: Page, stage: Stage, proxy: BufferingProxy
) -> None:
    page.goto(proxy.url)
    expect_live(page, "polling")

    stage.poll = changed("second", "orders:1-5")

    expect(page.get_by_text("second")).to_be_visible()
    wait_until(page, lambda: stage.asked[-1].polls and stage.asked[-1].cursor == "orders:1-5")


def test_it_goes_back_to_the_stream_as_soon_as_one_comes_through(
    page: Page, stage: Stage, proxy: BufferingProxy
) -> None:
    page.goto(proxy.url)
    expect_live(page, "polling")

    proxy.buffers = False

    expect_live(page)
    polls = sum(ask.polls for ask in stage.asked)
    stage.show("<p>second</p>")
    expect(page.get_by_text("second")).to_be_visible()
    assert sum(ask.polls for ask in stage.asked) == polls


def test_one_stream_without_a_word_is_no_reason_to_poll(page: Page, stage: Stage, proxy: BufferingProxy) -> None:
    page.goto(proxy.url)
    wait_until(page, lambda: proxy.kept)

    proxy.buffers = False

    expect_live(page)
    assert not any(ask.polls for ask in stage.asked)


def test_a_poll_that_is_refused_is_told(page: Page, stage: Stage, proxy: BufferingProxy) -> None:
    page.goto(proxy.url)
    expect_live(page, "polling")

    stage.refuse = lambda grants: problem(503)

    expect_live(page, "waiting")


def test_a_poll_whose_grant_is_over_loads_the_page_anew(page: Page, stage: Stage, proxy: BufferingProxy) -> None:
    page.goto(proxy.url)
    expect_live(page, "polling")

    with page.expect_navigation(timeout=30_000):
        stage.refuse = lambda grants: problem(403, refused=[0])

    assert stage.loads == 2
