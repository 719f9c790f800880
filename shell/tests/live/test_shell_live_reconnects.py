"""Whatever becomes of the stream, the page comes back to it by itself and shows nothing that was not meant for it."""

from __future__ import annotations

import time

import pytest
from playwright.sync_api import Page, expect
from starlette.responses import HTMLResponse, RedirectResponse, Response

from shell.tests.live.stage import Scene, Stage, answer, expect_live, frame, open_page, problem, section, wait_until

_DOUBTS = """doubts = [];
new MutationObserver(() => doubts.push(document.documentElement.dataset.live))
  .observe(document.documentElement, { attributes: true });"""


def changed(text: str, cursor: str = "") -> str:
    return frame("fragment", cursor, id="f-orders-board", state="fresh", etag=text, html=section(f"<p>{text}</p>"))


def test_a_stream_that_falls_silent_is_left_for_another(page: Page, stage: Stage) -> None:
    stage.times = {"HELLO_MS": 500, "SILENCE_MS": 3000}
    began = time.monotonic()
    open_page(page, stage)

    wait_until(page, lambda: len(stage.asked) >= 2 and len(stage.open) == 1)

    assert time.monotonic() - began >= 3, "one that has said hello is given the longer time at once"


def test_when_the_server_says_goodbye_the_page_comes_back_without_a_doubt(page: Page, stage: Stage) -> None:
    open_page(page, stage)
    page.evaluate(_DOUBTS)

    stage.send("goodbye", within_ms=100)

    wait_until(page, lambda: len(stage.asked) == 2 and len(stage.open) == 1)
    stage.write(changed("second"))
    expect(page.get_by_text("second")).to_be_visible()
    assert page.evaluate("doubts") == []


def test_it_says_which_fragments_have_become_old_since(page: Page, stage: Stage) -> None:
    open_page(page, stage)
    assert stage.asked[0].stale == ""

    stage.send("fragment", id="f-orders-board", state="stale")
    stage.send("goodbye", within_ms=300)
    wait_until(page, lambda: len(stage.asked) == 2 and len(stage.open) == 1)
    assert stage.asked[1].stale == "f-orders-board"

    stage.write(changed("second"))
    stage.send("goodbye", within_ms=300)
    wait_until(page, lambda: len(stage.asked) == 3)
    assert stage.asked[2].stale == ""


def test_it_says_for_how_long_the_page_has_shown_the_same(page: Page, stage: Stage) -> None:
    open_page(page, stage)

    def come_back() -> int:
        before = len(stage.asked)
        stage.send("goodbye", within_ms=0)
        wait_until(page, lambda: len(stage.asked) > before and len(stage.open) == 1)
        return stage.asked[-1].age

    wait_until(page, lambda: come_back() > 1500)
    stage.write(changed("second"))
    expect(page.get_by_text("second")).to_be_visible()
    assert come_back() < 1500


def test_what_an_action_answered_is_new_to_the_page_too(page: Page, stage: Stage) -> None:
    form = '<form hx-post="/-/orders/actions/take" hx-target="closest section" hx-swap="innerMorph">'
    open_page(page, stage, body=section(f"{form}<button>Take</button></form>"))
    before = page.evaluate("Date.now()")
    stage.action = answer("<p>taken</p>")
    page.get_by_role("button").click()
    expect(page.get_by_text("taken")).to_be_visible()
    asked = len(stage.asked)
    stage.send("goodbye", within_ms=0)
    wait_until(page, lambda: len(stage.asked) > asked)
    assert stage.asked[-1].age <= page.evaluate("Date.now()") - before


def test_it_waits_for_as_long_as_it_is_asked_to(page: Page, stage: Stage) -> None:
    open_page(page, stage)

    stage.refuse = lambda grants: problem(503, {"Retry-After": "3"})
    stage.hang_up()

    wait_until(page, lambda: len(stage.refused) >= 2)
    assert stage.refused[1] - stage.refused[0] >= 3


@pytest.mark.parametrize(
    "instead",
    [
        HTMLResponse("<!doctype html><form>Please log in</form>\n\nevent: hello\ndata: {}\n\n"),
        RedirectResponse("/login", 303),
        HTMLResponse('{"refused": [0]}', 403),
        Response("event: fragment\ndata: no JSON\n\n", media_type="text/event-stream"),
    ],
    ids=["login page", "redirect", "forbidden by a proxy", "rubbish"],
)
def test_what_is_no_stream_is_not_shown_and_reloads_nothing(page: Page, stage: Stage, instead: Response) -> None:
    stage.scenes["/login"] = Scene("Please log in")
    open_page(page, stage)

    stage.refuse = lambda grants: instead
    stage.hang_up()
    expect_live(page, "waiting")
    before = len(stage.refused)
    page.evaluate(_DOUBTS)
    wait_until(page, lambda: len(stage.refused) > before + 1)
    assert page.evaluate("doubts") == []

    stage.refuse = lambda grants: None
    expect_live(page)
    expect(page.locator("section")).to_have_text("first")
    assert page.url == f"{stage.url}/"


def test_half_a_frame_is_not_shown_and_asked_for_again(page: Page, stage: Stage) -> None:
    open_page(page, stage)
    stage.write(changed("second", "orders:1-5"))
    expect(page.get_by_text("second")).to_be_visible()

    stage.write(changed("third", "orders:1-6").removesuffix("\n"))
    stage.hang_up()

    wait_until(page, lambda: len(stage.asked) == 2 and len(stage.open) == 1)
    assert stage.asked[1].cursor == "orders:1-5"
    expect(page.get_by_text("second")).to_be_visible()


def test_a_frame_that_comes_in_pieces_is_put_together(page: Page, stage: Stage) -> None:
    open_page(page, stage)
    text = changed("두 번째", "orders:1-5") + changed("세 번째", "orders:1-6")

    for start in range(0, len(text), 7):
        stage.write(text[start : start + 7])

    expect(page.get_by_text("세 번째")).to_be_visible()


@pytest.mark.parametrize("event", ["online", "visibilitychange"])
def test_who_is_online_again_or_looks_at_the_page_does_not_wait(page: Page, stage: Stage, event: str) -> None:
    stage.times = {"MAX_WAIT_MS": 600_000}
    open_page(page, stage)
    stage.refuse = lambda grants: problem(503, {"Retry-After": "600"})
    stage.hang_up()
    expect_live(page, "waiting")

    stage.refuse = lambda grants: None
    page.evaluate(f"{'document' if event == 'visibilitychange' else 'window'}.dispatchEvent(new Event('{event}'))")

    expect_live(page)
