"""What a page says about itself: whether it is live, how old it is else, and what is spoken of it."""

from __future__ import annotations

import datetime
import re

from playwright.sync_api import BrowserContext, Page, expect

from shell.tests.live.stage import Scene, Stage, expect_live, frame, open_page, problem, section, wait_until

_WORD_FOR_WORD = """() => {
  said = [];
  const watch = (records) => said.push(document.querySelector(".live-said").textContent);
  new MutationObserver(watch).observe(document.querySelector(".live-said"), { childList: true, characterData: true });
}"""
_LATER = """const now = Date.now;
addEventListener("later", ({ detail: hours }) => { Date.now = () => now() + 36e5 * hours; });"""


def go_away(stage: Stage) -> None:
    stage.refuse = lambda grants: problem(503)
    stage.hang_up()


def test_a_page_that_is_not_live_says_as_of_when_it_is_right(page: Page, stage: Stage) -> None:
    page.add_init_script(_LATER)
    open_page(page, stage)
    page.evaluate("dispatchEvent(new CustomEvent('later', { detail: 1 }))")
    before = datetime.datetime.now() + datetime.timedelta(hours=1)
    stage.show("<p>second</p>")
    expect(page.get_by_text("second")).to_be_visible()

    go_away(stage)

    expect_live(page, "waiting")
    expect(page.locator(".live-sign").get_by_text("Not live")).to_be_visible()
    times = {(before + datetime.timedelta(minutes=minutes)).strftime("%H:%M") for minutes in (0, 1)}
    assert page.locator(".live-sign time").text_content() in times


def test_while_the_shell_itself_does_not_know_the_page_says_so_and_its_time_stands_still(
    page: Page, stage: Stage
) -> None:
    page.add_init_script(_LATER)
    open_page(page, stage)
    stage.send("lost")
    expect_live(page, "waiting")
    before = page.locator(".live-sign time").text_content()

    page.evaluate("dispatchEvent(new CustomEvent('later', { detail: 1 }))")
    stage.greeting += frame("lost")
    stage.send("heartbeat", "orders:1-5")
    stage.hang_up()
    wait_until(page, lambda: len(stage.asked) == 2 and len(stage.open) == 1)
    stage.show("<p>second</p>")

    expect(page.get_by_text("second")).to_be_visible()
    expect_live(page, "waiting")
    assert page.locator(".live-sign time").text_content() == before
    stage.send("hello")
    expect_live(page)


def test_what_is_older_than_a_day_says_so_with_its_date(page: Page, stage: Stage) -> None:
    stage.times = {"HERE_MS": 200}
    page.add_init_script(_LATER)
    open_page(page, stage)
    go_away(stage)
    expect_live(page, "waiting")
    expect(page.locator(".live-sign time")).to_have_text(re.compile(r"^\d\d:\d\d$"))

    page.evaluate("dispatchEvent(new CustomEvent('later', { detail: 24 }))")

    expect(page.locator(".live-sign time")).to_have_text(re.compile(r"^\d+/\d+, \d\d:\d\d$"))


def test_only_the_change_is_spoken_and_a_page_that_is_live_from_the_beginning_is_not(page: Page, stage: Stage) -> None:
    stage.times = {"HERE_MS": 100}
    open_page(page, stage)
    assert page.locator(".live-said").text_content() == ""
    page.evaluate(_WORD_FOR_WORD)
    go_away(stage)
    expect_live(page, "waiting")
    wait_until(page, lambda: page.evaluate("said.length") == 1)

    stage.refuse = lambda grants: None

    expect_live(page)
    said = page.evaluate("said")
    assert [text.split(" ·")[0] for text in said] == ["Not live", "Live"]
    expect(page.locator(".live-said")).to_have_role("status")
    expect(page.locator(".live-said")).to_have_text("")


def test_the_sign_moves_nothing(page: Page, stage: Stage) -> None:
    open_page(page, stage)
    before = page.locator(".live-sign").bounding_box()

    go_away(stage)

    expect_live(page, "waiting")
    assert page.locator(".live-sign").bounding_box() == before


def test_a_sign_that_is_live_again_is_what_it_was(page: Page, stage: Stage) -> None:
    open_page(page, stage)
    before = page.locator(".live-sign").inner_html()
    go_away(stage)
    expect_live(page, "waiting")
    assert page.locator(".live-sign").inner_html() != before

    stage.refuse = lambda grants: None

    expect_live(page)
    assert page.locator(".live-sign").inner_html() == before


def test_one_page_without_an_answer_does_not_make_the_others_doubt(context: BrowserContext, stage: Stage) -> None:
    page = context.new_page()
    open_page(page, stage)
    page.evaluate(
        "new MutationObserver(() => { doubted = true; }).observe(document.documentElement, { attributes: true })"
    )

    stage.scenes["/more"] = Scene(section("<p>more</p>", name="more"), grant="more")
    more = context.new_page()
    more.goto(f"{stage.url}/more")
    expect_live(more)

    assert page.evaluate("globalThis.doubted") is None


def test_a_fragment_that_is_old_says_so(page: Page, stage: Stage) -> None:
    stage.scenes["/"] = Scene(
        f'<div lang="ko">{section("<p>first</p>").replace("<section", "<section class=fragment")}</div>'
    )
    page.goto(stage.url)
    expect_live(page)

    stage.send("fragment", id="f-orders-board", state="stale")

    expect(page.locator("section")).to_have_attribute("data-state", "stale")
    label = page.evaluate("getComputedStyle(document.querySelector('section'), '::before').content")
    assert label == '"지난 내용일 수 있음"'


def test_the_words_of_an_order_are_spoken_for_their_element_stays_and_its_text_changes(
    page: Page, stage: Stage
) -> None:
    words = '<p>{0}</p><p role="status">{1}</p>{2}'
    open_page(page, stage, section(words.format(41, "Paid. You are in the queue.", "")))
    page.evaluate("spoken = document.querySelector('section [role=status]')")

    stage.show(words.format(41, "Ready. Please pick it up.", "<p>14:03</p>"))

    expect(page.get_by_text("Ready. Please pick it up.")).to_be_visible()
    assert page.evaluate("spoken.isConnected && spoken.textContent") == "Ready. Please pick it up."
    assert page.evaluate("spoken === document.querySelector('section [role=status]')")


def test_who_wants_less_motion_gets_a_glow_that_does_not_fade(page: Page, stage: Stage) -> None:
    page.emulate_media(reduced_motion="reduce")
    open_page(page, stage)

    stage.show("<p>second</p>")

    changed = page.wait_for_selector("[data-changed]")
    assert changed is not None
    assert changed.evaluate("changed => getComputedStyle(changed).animationTimingFunction") == "steps(1)"


def test_a_page_that_waits_for_what_it_missed_says_so_until_it_has_it(page: Page, stage: Stage) -> None:
    stage.times, stage.owes = {"SIGN_MS": 300}, True
    page.goto(stage.url)
    expect_live(page, "waiting")
    stage.send("settled")
    expect_live(page)


def test_cuts_in_quick_succession_do_not_keep_it_from_saying_so(page: Page, stage: Stage) -> None:
    stage.times, stage.owes = {"SIGN_MS": 1500}, True
    page.goto(stage.url)
    wait_until(page, lambda: len(stage.asked) == 1)
    stage.hang_up()
    wait_until(page, lambda: len(stage.asked) == 2)
    stage.hang_up()
    expect_live(page, "waiting")
