"""live.js in a real browser, against a stage that plays the shell: what a person does is never undone by a frame."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect
from starlette.responses import HTMLResponse

from shell.tests.live.stage import Stage, answer, expect_live, open_page, problem, section, wait_until

_ACTION = 'hx-post="/-/orders/actions/{0}" method="post" hx-target="closest [data-fragment]" hx-swap="innerMorph"'


def row(number: int, note: str = "") -> str:
    """A row without an id: the hardest case, for it is matched by its place."""
    return (
        f'<li>Order {number} {note}<form {_ACTION.format("take")} action="/-/orders/actions/take">'
        f'<input type="hidden" name="order_id" value="{number}"><input type="hidden" name="seen" value="{note}">'
        f'<input name="name" aria-label="Name {number}">'
        f"<button>Take {number}</button></form></li>"
    )


def test_a_frame_changes_its_fragment_and_what_has_changed_glows_for_a_moment(page: Page, stage: Stage) -> None:
    open_page(page, stage, section("<p>first</p><p>same</p>"))

    stage.show("<p>second</p><p>same</p>")

    expect(page.locator("section p").first).to_have_text("second")
    expect(page.locator("[data-changed]")).to_have_count(1)
    expect(page.locator("[data-changed]")).to_have_count(0)


def test_typed_text_focus_and_caret_survive_and_stay_with_their_row(page: Page, stage: Stage) -> None:
    open_page(page, stage, section(f"<ul>{row(1)}{row(2)}</ul>"))
    page.get_by_label("Name 2").fill("Jinho")
    page.get_by_label("Name 1").fill("Minseo")
    page.get_by_label("Name 1").press("Home")
    page.get_by_label("Name 1").press("ArrowRight")

    stage.show(f"<ul>{row(7, 'new')}{row(1, 'changed')}{row(2, 'changed')}</ul>")
    expect(page.locator("li")).to_have_count(3)

    expect(page.get_by_label("Name 1")).to_be_focused()
    page.keyboard.type("X")
    assert page.get_by_label("Name 1").input_value() == "MXinseo"
    assert page.get_by_label("Name 2").input_value() == "Jinho"
    assert page.get_by_label("Name 7").input_value() == ""


def test_the_focus_stays_on_the_button_that_does_the_same(page: Page, stage: Stage) -> None:
    open_page(page, stage, section(f"<ul>{row(1)}{row(2)}</ul>"))
    page.get_by_role("button", name="Take 2").focus()

    stage.show(f"<ul>{row(2)}</ul>", etag="a")
    expect(page.locator("li")).to_have_count(1)
    expect(page.get_by_role("button", name="Take 2")).to_be_focused()

    stage.show(f"<ul>{row(3)}</ul>", etag="b")
    expect(page.get_by_role("button", name="Take 3")).to_be_visible()
    expect(page.get_by_role("button", name="Take 3")).not_to_be_focused()


def test_when_what_had_the_focus_is_gone_the_keyboard_goes_on_from_the_part_around_it(page: Page, stage: Stage) -> None:
    now = '<section id="now" aria-label="Now"><ul>{0}</ul></section>'
    columns = now + '<section aria-label="Then"><ul>{1}</ul></section>'
    open_page(page, stage, section(columns.format(row(1) + row(2), row(5))))
    page.get_by_role("button", name="Take 1").focus()

    stage.show(columns.format(row(2), row(5)), etag="a")
    expect(page.get_by_role("region", name="Now")).to_be_focused()
    stage.show(columns.format(row(2) + row(3), row(5)), etag="b")
    expect(page.locator("li")).to_have_count(3)
    expect(page.get_by_role("region", name="Now")).to_be_focused()

    page.keyboard.press("Tab")
    expect(page.get_by_label("Name 2")).to_be_focused()
    stage.show("<p>nothing left</p>", etag="c")
    expect(page.locator("[data-fragment]")).to_be_focused()


def test_choices_that_were_made_are_kept(page: Page, stage: Stage) -> None:
    form = (
        '<form action="/-/orders/actions/take"><select name="size" aria-label="Size"><option>S<option{0}>M<option>L'
        '</select><input type="checkbox" name="ice" aria-label="Ice"{1}></form><details><summary>More</summary>'
        "<p>{2}</p></details>"
    )
    open_page(page, stage, section(form.format("", "", "one")))
    page.get_by_label("Size").select_option("L")
    page.get_by_label("Ice").check()
    page.get_by_text("More").click()

    stage.show(form.format(" selected", "", "two"))

    expect(page.get_by_text("two")).to_be_visible()
    expect(page.get_by_label("Size")).to_have_value("L")
    expect(page.get_by_label("Ice")).to_be_checked()


def test_only_what_was_asked_for_is_swapped_and_nothing_else_on_the_page(page: Page, stage: Stage) -> None:
    open_page(page, stage, section("<p>first</p>") + '<aside id="aside">aside</aside>')

    stage.send("fragment", id="aside", state="fresh", etag="x", html='<aside id="aside">hijacked</aside>')
    stage.show(
        '<p>second</p><title>hijacked</title><p id="aside" hx-swap-oob="true">hijacked</p>'
        "<script>document.title = 'hijacked'</script><input autofocus>"
    )

    expect(page.get_by_text("second")).to_be_visible()
    assert page.locator("aside").text_content() == "aside"
    assert page.title() == "Stage"
    expect(page.locator("input")).not_to_be_focused()


def test_a_frame_without_html_only_says_that_the_fragment_is_old(page: Page, stage: Stage) -> None:
    open_page(page, stage)

    stage.send("fragment", id="f-orders-board", state="stale")

    expect(page.locator("section")).to_have_attribute("data-state", "stale")
    expect(page.get_by_text("first")).to_be_visible()


def test_what_is_marked_old_heals_also_with_the_html_it_has(page: Page, stage: Stage) -> None:
    board, queue = (page.locator(f"#f-orders-{name}") for name in ("board", "queue"))
    loaded_old = section("<p>second</p>", name="queue", etag="2", state="stale")
    open_page(page, stage, section("<p>first</p>", etag="1") + loaded_old)
    stage.send("fragment", id="f-orders-board", state="stale")
    expect(board).to_have_attribute("data-state", "stale")

    stage.show("<p>first</p>", etag="1")
    stage.show("<p>second</p>", etag="2", name="queue")

    for healed in (board, queue):
        expect(healed).to_have_attribute("data-state", "fresh")


def test_after_a_cut_it_comes_back_by_itself_at_its_cursor_and_names_what_is_old(page: Page, stage: Stage) -> None:
    open_page(page, stage, section("<p>first</p>") + section("<p>x</p>", name="track", state="fallback"))
    stage.show("<p>second</p>", cursor="orders:1-5")
    expect(page.get_by_text("second")).to_be_visible()

    stage.hang_up()

    wait_until(page, lambda: len(stage.asked) == 2)
    stage.show("<p>third</p>", etag="third")
    expect(page.get_by_text("third")).to_be_visible()
    assert [ask.cursor for ask in stage.asked] == ["orders:1-1", "orders:1-5"]
    assert stage.asked[1].stale == "f-orders-track"


def test_it_says_so_when_it_is_not_live(page: Page, stage: Stage) -> None:
    open_page(page, stage)

    stage.refuse = lambda grants: problem(503)
    stage.hang_up()

    expect_live(page, "waiting")


def test_a_refused_grant_reloads_the_page_once(page: Page, stage: Stage) -> None:
    open_page(page, stage)

    stage.refuse = lambda grants: problem(403, refused=[0])
    with page.expect_navigation(timeout=30_000):
        stage.hang_up()

    assert stage.loads == 2


def test_a_refresh_fetches_the_fragment_and_refuses_what_is_none(page: Page, stage: Stage) -> None:
    open_page(page, stage)
    stage.fragment = HTMLResponse("<form>Please log in</form>")
    stage.send("refresh", id="f-orders-board", url="/-/orders/board", within_ms=0)
    expect(page.locator("section")).to_have_attribute("data-state", "stale")
    expect(page.get_by_text("first")).to_be_visible()

    stage.fragment = answer("<p>mine</p>")

    expect(page.get_by_text("mine")).to_be_visible()


def test_a_double_click_is_one_action_and_the_button_keeps_the_focus(page: Page, stage: Stage) -> None:
    open_page(page, stage, section(f"<ul>{row(1)}</ul>"))
    stage.hold_actions()
    stage.action = stage.fragment = answer(f"<ul>{row(1, 'taken')}</ul>")
    page.get_by_label("Name 1").fill("Minseo")

    page.get_by_role("button").dblclick()
    expect(page.get_by_role("button")).to_have_attribute("aria-disabled", "true")
    stage.show(f"<ul>{row(1, 'seen meanwhile')}</ul>")
    expect(page.get_by_text("seen meanwhile")).to_be_visible()
    expect(page.get_by_role("button")).to_have_attribute("aria-disabled", "true")
    page.get_by_role("button").click(force=True)
    stage.release()

    expect(page.get_by_role("button")).not_to_have_attribute("aria-disabled", "true")
    expect(page.get_by_text("taken")).to_be_visible()
    expect(page.get_by_role("button")).to_be_focused()
    assert stage.posts == [b"order_id=1&seen=&name=Minseo"]
    assert page.get_by_label("Name 1").input_value() == ""


def test_a_refused_action_shows_why_keeps_what_was_typed_and_lets_it_be_read(page: Page, stage: Stage) -> None:
    open_page(page, stage, section(f"<ul>{row(1)}</ul>"))
    stage.action = answer(f'<p role="alert">Too late</p><ul>{row(1)}</ul>', status=409)
    page.get_by_label("Name 1").fill("Minseo")

    page.get_by_role("button").click()
    expect(page.get_by_text("Too late")).to_be_visible()
    stage.show(f"<ul>{row(1)}{row(2)}</ul>")

    page.wait_for_timeout(500)
    expect(page.get_by_text("Too late")).to_be_visible()
    assert page.get_by_label("Name 1").input_value() == "Minseo"
    expect(page.get_by_text("Order 2")).to_be_visible()
    expect(page.get_by_text("Too late")).to_be_hidden()


@pytest.mark.parametrize("body", ["<!doctype html><title>Login</title><form>Please log in</form>", ""])
def test_an_answer_that_is_no_fragment_changes_nothing_but_is_told(page: Page, stage: Stage, body: str) -> None:
    open_page(page, stage, section(f"<ul>{row(1)}</ul>"))
    stage.action = HTMLResponse(body, 200 if body else 503)

    page.get_by_role("button").click()

    expect(page.get_by_role("alert")).to_have_text("Not sent")
    expect(page.get_by_text("Order 1")).to_be_visible()
    stage.action = stage.fragment = answer(f"<ul>{row(1, 'taken')}</ul>")
    page.get_by_role("button").click()
    expect(page.get_by_text("taken")).to_be_visible()
    expect(page.get_by_role("alert")).to_be_hidden()


def test_with_a_dead_server_an_action_is_told_to_have_failed(page: Page, stage: Stage) -> None:
    open_page(page, stage, section(f"<ul>{row(1)}</ul>"))
    page.route("**/actions/**", lambda route: route.abort())

    page.get_by_role("button").click()

    expect(page.get_by_role("alert")).to_be_visible()
    expect(page.get_by_role("button")).not_to_have_attribute("aria-disabled", "true")


def inner(html: str, *, etag: str = "") -> str:
    return f'<jogakbo-slot name="level">{section(html, name="level", etag=etag)}</jogakbo-slot>'


def test_a_frame_of_the_outer_fragment_leaves_what_is_nested_as_it_is(page: Page, stage: Stage) -> None:
    open_page(page, stage, section(f"<p>one</p>{inner('<p>level 1</p><input name=note>')}", etag="a"))
    level = page.locator("#f-orders-level")
    level.locator("input").fill("typed")
    stage.show("<p>level 2</p><input name=note>", etag="l2", name="level")
    expect(level.locator("p")).to_have_text("level 2")
    stage.show(f"<p>two</p>{inner('<p>level 1</p><input name=note>')}", etag="b")
    expect(page.locator("#f-orders-board > p")).to_have_text("two")
    expect(level.locator("p")).to_have_text("level 2")
    expect(level.locator("input")).to_have_value("typed")
    stage.show("<p>level 3</p><input name=note>", etag="l3", name="level")
    expect(level.locator("p")).to_have_text("level 3")


def test_what_is_nested_and_was_not_there_before_is_made_sure_of_and_kept_live(page: Page, stage: Stage) -> None:
    open_page(page, stage, section("<p>resting</p>", state="fallback"))
    headers = {"Jogakbo-Fragment": "orders/level"}
    stage.level = HTMLResponse(section("<p>level 2</p>", name="level"), headers=headers)
    stage.show(f"<p>one</p>{inner('<p>level 1</p>')}")
    level = page.locator("#f-orders-level > p")
    expect(level).to_have_text("level 2")
    stage.show("<p>level 3</p>", etag="l3", name="level")
    expect(level).to_have_text("level 3")
