"""A frame under somebody's hands: what they scrolled, selected, wrote and are just composing stays."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from shell.tests.live.stage import Stage, answer, expect_live, open_page, section, wait_until


def test_a_list_stays_where_it_was_scrolled_to(page: Page, stage: Stage) -> None:
    wide = f"<pre>{'wide ' * 400}</pre>"
    a, b = (f'<div id="{name}" class="table-scroll">{wide}</div>' for name in "ab")
    page.add_init_script("delete Element.prototype.moveBefore")  # not in every browser, and it would keep it
    open_page(page, stage, section(a + b))
    page.evaluate("for (const name of 'ab') document.getElementById(name).scrollLeft = 300")
    wait_until(page, lambda: page.evaluate("document.getElementById('b').scrollLeft") == 300)

    stage.show(b + a)  # in another order, so it is moved

    wait_until(page, lambda: page.evaluate("document.querySelector('section').firstElementChild.id") == "b")
    assert page.evaluate("[a.scrollLeft, b.scrollLeft]") == [300, 300]


def test_text_that_is_selected_stays_selected(page: Page, stage: Stage) -> None:
    open_page(page, stage, section("<p>A flat white, please</p><p>one</p>"))
    page.evaluate(
        "getSelection().setBaseAndExtent(document.querySelector('section p').firstChild, 2,"
        " document.querySelector('section p').firstChild, 12)"
    )

    stage.show("<p>A flat white, now</p><p>two</p>")

    expect(page.get_by_text("two")).to_be_visible()
    assert page.evaluate("String(getSelection())") == "flat white"


def test_a_selection_elsewhere_is_left_alone(page: Page, stage: Stage) -> None:
    open_page(page, stage, section("<p>first</p>") + "<h1>Elsewhere</h1>")
    page.evaluate("getSelection().selectAllChildren(document.querySelector('h1'))")

    stage.show("<p>second</p>")

    expect(page.get_by_text("second")).to_be_visible()
    assert page.evaluate("String(getSelection())") == "Elsewhere"


def test_what_is_written_into_text_that_can_be_edited_stays_with_its_caret(page: Page, stage: Stage) -> None:
    note = '<p>{0}</p><div id="note" contenteditable role="textbox" aria-label="Note">{1}</div>'
    open_page(page, stage, section(note.format("one", "")))
    page.get_by_label("Note").click()
    page.keyboard.type("abc")
    page.keyboard.press("ArrowLeft")

    stage.show(note.format("two", "somebody else's"))

    expect(page.get_by_text("two")).to_be_visible()
    page.keyboard.type("X")
    expect(page.get_by_label("Note")).to_have_text("abXc")


def test_text_that_can_be_edited_and_was_not_is_changed(page: Page, stage: Stage) -> None:
    note = '<div id="note" contenteditable role="textbox" aria-label="Note">{0}</div>'
    open_page(page, stage, section(note.format("one")))

    stage.show(note.format("two"))

    expect(page.get_by_label("Note")).to_have_text("two")


def test_a_syllable_is_composed_to_its_end_before_a_frame_is_put(page: Page, stage: Stage) -> None:
    field = '<p>{0}</p><input name="name" aria-label="Name">'
    open_page(page, stage, section(field.format("one")))
    page.get_by_label("Name").focus()
    keyboard = page.context.new_cdp_session(page)
    keyboard.send("Input.imeSetComposition", {"text": "하", "selectionStart": 1, "selectionEnd": 1})

    stage.show(field.format("two"), cursor="orders:1-5")
    stage.show("<p>other</p>", name="other")
    stage.hang_up()
    wait_until(page, lambda: len(stage.asked) == 2)
    assert stage.asked[1].cursor == "orders:1-1"  # what is not on the page is not passed over
    expect(page.get_by_text("one")).to_be_visible()
    keyboard.send("Input.insertText", {"text": "한"})

    expect(page.get_by_text("two")).to_be_visible()
    expect(page.get_by_label("Name")).to_have_value("한")
    expect(page.get_by_label("Name")).to_be_focused()


def test_a_frame_does_not_wait_for_ever_for_a_syllable(page: Page, stage: Stage) -> None:
    stage.times = {"COMPOSE_MS": 300}
    field = '<p>{0}</p><input name="name" aria-label="Name">'
    open_page(page, stage, section(field.format("one")))
    page.get_by_label("Name").focus()
    keyboard = page.context.new_cdp_session(page)
    keyboard.send("Input.imeSetComposition", {"text": "하", "selectionStart": 1, "selectionEnd": 1})

    stage.show(field.format("two"))

    expect(page.get_by_text("two")).to_be_visible()
    expect(page.get_by_label("Name")).to_have_value("하")


def test_what_is_held_back_gives_way_to_a_later_frame_that_is_as_before(page: Page, stage: Stage) -> None:
    stage.times = {"COMPOSE_MS": 600_000}
    field = '<p>{0}</p><input name="name" aria-label="Name">'
    open_page(page, stage, section(field.format("one")) + section("", name="other"))
    stage.show(field.format("two"), etag="two")
    expect(page.get_by_text("two")).to_be_visible()
    page.get_by_label("Name").focus()
    keyboard = page.context.new_cdp_session(page)
    keyboard.send("Input.imeSetComposition", {"text": "하", "selectionStart": 1, "selectionEnd": 1})

    stage.show(field.format("three"), etag="three")
    stage.show(field.format("two"), etag="two")
    stage.show("<p>all have come</p>", name="other")
    expect(page.get_by_text("all have come")).to_be_visible()
    keyboard.send("Input.insertText", {"text": "한"})

    expect(page.get_by_label("Name")).to_have_value("한")
    expect(page.get_by_text("two")).to_be_visible()


def test_an_answer_that_a_frame_has_overtaken_is_not_shown(page: Page, stage: Stage) -> None:
    stage.times = {"CHECK_MS": 600_000}
    open_page(page, stage)
    stage.fragment = answer("<p>older</p>")
    stage.hold_fragments()
    stage.send("refresh", id="f-orders-board", url="/-/orders/board", within_ms=0)
    wait_until(page, lambda: stage.fetches == 1)

    stage.show("<p>newer</p>", cursor="orders:1-5")
    expect(page.get_by_text("newer")).to_be_visible()
    with page.expect_response("**/orders/board") as answered:
        stage.release()
    answered.value.finished()

    page.evaluate("new Promise((resolve) => setTimeout(resolve))")
    expect(page.get_by_text("newer")).to_be_visible()


def test_who_is_here_is_handed_to_the_page_for_what_it_shows(page: Page, stage: Stage) -> None:
    open_page(page, stage)
    page.evaluate("heard = []; document.addEventListener('jogakbo:presence', ({ detail }) => heard.push(detail))")

    stage.send("presence", id="f-orders-other", people=["Jinho"])
    stage.send("presence", id="f-orders-board", people=["Minseo"])

    wait_until(page, lambda: page.evaluate("heard.length"))
    assert page.evaluate("heard") == [{"id": "f-orders-board", "people": ["Minseo"]}]


def test_how_long_a_change_took_is_told_by_the_share_that_is_asked_to(page: Page, stage: Stage) -> None:
    stage.sample = 1.0
    stage.times = {"SEEN_MS": 300}
    open_page(page, stage)
    expect_live(page)

    stage.show("<p>second</p>")

    wait_until(page, lambda: stage.seen)
    media_type, told = stage.seen[0]
    assert media_type == "application/json"
    assert [*told] == ["swap_ms"]
    assert all(0 <= milliseconds < 30_000 for milliseconds in told["swap_ms"])


def test_nobody_else_tells_how_long_it_took(page: Page, stage: Stage) -> None:
    stage.times = {"SEEN_MS": 50}
    open_page(page, stage)

    stage.show("<p>second</p>")
    expect(page.get_by_text("second")).to_be_visible()
    page.evaluate("dispatchEvent(new Event('pagehide'))")

    wait_until(page, lambda: not stage.open)
    assert stage.seen == []
