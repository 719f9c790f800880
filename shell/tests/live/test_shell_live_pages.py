"""All open pages of a browser share one stream, however they come and go."""

from __future__ import annotations

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from shell.tests.live.stage import Scene, Stage, expect_live, open_page, problem, section, wait_until

_DIES = """worker = new SharedWorker("/static/live-worker.js");
worker.port.postMessage({ grant: "dead", cursor: "", changedAt: 0, locale: "en", stale: [] });"""
_HIDES = """let hidden = false;
Object.defineProperty(document, "hidden", { get: () => hidden });
addEventListener("set-hidden", ({ detail }) => {
  hidden = detail;
  document.dispatchEvent(new Event("visibilitychange"));
});"""


def scene(number: int, lang: str = "en") -> Scene:
    return Scene(section("<p>first</p>", name=f"part{number}"), grant=f"grant-{number}", lang=lang)


def opened(context: BrowserContext, stage: Stage, *scenes: Scene) -> list[Page]:
    pages = []
    for number, each in enumerate(scenes):
        stage.scenes[f"/{number}"] = each
        pages.append(context.new_page())
        pages[-1].goto(f"{stage.url}/{number}")
    for page in pages:
        expect_live(page)
    return pages


def carries(stage: Stage, *grants: str) -> bool:
    return [sorted(ask.grants) for ask in stage.open] == [sorted(grants)]


def test_eight_pages_have_one_stream_and_each_gets_its_own(context: BrowserContext, stage: Stage) -> None:
    pages = opened(context, stage, *(scene(number) for number in range(8)))
    wait_until(pages[0], lambda: carries(stage, *(f"grant-{number}" for number in range(8))))

    for number in range(8):
        stage.show(f"<p>changed {number}</p>", name=f"part{number}")

    for number, page in enumerate(pages):
        expect(page.locator("section p")).to_have_text(f"changed {number}")


def test_pages_that_are_the_same_are_asked_for_once(context: BrowserContext, stage: Stage) -> None:
    pages = opened(context, stage, scene(0), scene(0))
    wait_until(pages[0], lambda: carries(stage, "grant-0"))
    stage.show("<p>changed</p>", name="part0", cursor="orders:1-5")
    for page in pages:
        expect(page.locator("section p")).to_have_text("changed")

    stage.scenes["/2"] = scene(0)
    late = context.new_page()
    late.goto(f"{stage.url}/2")

    wait_until(late, lambda: len(stage.open) == 1 and sorted(stage.open[0].cursors) == ["orders:1-1", "orders:1-5"])


def test_two_pages_in_two_languages_get_each_its_own(context: BrowserContext, stage: Stage) -> None:
    english, korean = opened(context, stage, scene(0), scene(0, lang="ko"))

    stage.show("<p>changed</p>", name="part0", locale="en", etag="en")
    stage.show("<p>바뀜</p>", name="part0", locale="ko", etag="ko", cursor="orders:1-5")

    expect(korean.locator("section p")).to_have_text("바뀜")
    expect(english.locator("section p")).to_have_text("changed")
    stage.hang_up()
    wait_until(english, lambda: len(stage.open) == 1 and set(stage.open[0].cursors) == {"orders:1-5"})


def test_a_page_that_is_closed_leaves_the_stream_and_the_others_stay(context: BrowserContext, stage: Stage) -> None:
    stage.times = {"LEASE_MS": 600_000}
    stays, goes = opened(context, stage, scene(0), scene(1))

    goes.close()

    wait_until(stays, lambda: carries(stage, "grant-0"))
    expect_live(stays)


def test_a_page_that_dies_without_a_word_leaves_the_stream(context: BrowserContext, stage: Stage) -> None:
    stage.times = {"LEASE_MS": 6000}
    (page,) = opened(context, stage, scene(0))
    page.evaluate(_DIES)
    wait_until(page, lambda: carries(stage, "grant-0", "dead"))

    wait_until(page, lambda: carries(stage, "grant-0"))


def test_when_the_worker_dies_with_a_page_the_others_get_a_new_one(context: BrowserContext, stage: Stage) -> None:
    stage.times = {"HERE_MS": 500}
    pages = opened(context, stage, scene(0), scene(1))

    for target in _targets(pages[0], "shared_worker"):
        pages[0].context.new_cdp_session(pages[0]).send("Target.closeTarget", {"targetId": target})

    wait_until(pages[0], lambda: len(stage.asked) > 2 and carries(stage, "grant-0", "grant-1"))
    stage.show("<p>changed</p>", name="part1")
    expect(pages[1].locator("section p")).to_have_text("changed")


def _targets(page: Page, kind: str) -> list[str]:
    session = page.context.browser.new_browser_cdp_session()  # type: ignore[union-attr]
    targets = session.send("Target.getTargets", {"filter": [{"type": kind}]})["targetInfos"]
    return [target["targetId"] for target in targets]


def test_a_refused_grant_concerns_its_own_page_only(context: BrowserContext, stage: Stage) -> None:
    def refuse(grants: list[str]) -> object:
        old = [index for index, grant in enumerate(grants) if grant == "grant-1"]
        return problem(403, refused=old) if old and is_over else None

    is_over = False
    stage.refuse = refuse  # type: ignore[assignment]
    stays, over = opened(context, stage, scene(0), scene(1))
    is_over = True
    stage.scenes["/1"] = scene(2)

    with over.expect_navigation(timeout=30_000):
        stage.hang_up()

    wait_until(stays, lambda: carries(stage, "grant-0", "grant-2"))
    assert stage.loads == 3


def test_a_page_that_is_told_to_reload_does_so_but_not_while_something_is_typed(page: Page, stage: Stage) -> None:
    open_page(page, stage, section("<input aria-label=Note>"))
    page.get_by_label("Note").fill("typed")
    stage.send("reload")
    expect_live(page, "off")
    wait_until(page, lambda: not stage.open)
    assert stage.loads == 1

    with page.expect_navigation(timeout=30_000):
        page.get_by_label("Note").fill("")

    assert stage.loads == 2


def test_what_makes_the_address_too_long_is_polled(context: BrowserContext, stage: Stage) -> None:
    for number in range(3):
        stage.scenes[f"/{number}"] = Scene(section("<p>first</p>", name=f"part{number}"), grant=str(number) * 3000)
    stage.poll = ""
    pages = []
    for number in range(3):
        pages.append(context.new_page())
        pages[-1].goto(f"{stage.url}/{number}")
        expect_live(pages[-1], "polling" if number == 2 else "on")

    stage.show("<p>changed</p>", name="part1")

    expect(pages[1].locator("section p")).to_have_text("changed")
    assert max(ask.length for ask in stage.asked) <= 7000
    assert [[grant[0] for grant in ask.grants] for ask in stage.open] == [["0", "1"]]
    assert {grant[0] for ask in stage.asked if ask.polls for grant in ask.grants} == {"2"}


def test_a_page_comes_back_from_the_browsers_memory_with_what_it_had(page: Page, stage: Stage) -> None:
    open_page(page, stage, section("<input aria-label=Note><p>first</p>"))
    stage.show("<input aria-label=Note><p>second</p>", cursor="orders:1-5")
    expect(page.get_by_text("second")).to_be_visible()
    page.get_by_label("Note").fill("typed")
    page.evaluate("mark = 1")
    stage.scenes["/elsewhere"] = Scene("elsewhere", grant="other")
    page.goto(f"{stage.url}/elsewhere")
    wait_until(page, lambda: carries(stage, "other"))

    page.evaluate("setTimeout(() => history.back())")

    wait_until(page, lambda: carries(stage, "granted"))
    assert stage.open[0].cursor == "orders:1-5"
    stage.show("<input aria-label=Note><p>third</p>", etag="third")
    expect(page.get_by_text("third")).to_be_visible()
    expect(page.get_by_label("Note")).to_have_value("typed")
    assert page.evaluate("mark") == 1


@pytest.mark.parametrize("shared", [True, False])
def test_a_hidden_page_leaves_after_a_while_and_is_live_when_it_is_looked_at(
    page: Page, stage: Stage, shared: bool
) -> None:
    stage.times = {"HIDDEN_MS": 300, "SILENCE_MS": 600_000}
    page.add_init_script(_HIDES + ("" if shared else "delete globalThis.SharedWorker;"))
    open_page(page, stage)
    stage.show("<p>second</p>", cursor="orders:1-5")
    expect(page.get_by_text("second")).to_be_visible()

    page.evaluate("dispatchEvent(new CustomEvent('set-hidden', { detail: true }))")
    wait_until(page, lambda: not stage.open)
    page.evaluate("dispatchEvent(new CustomEvent('set-hidden', { detail: false }))")

    wait_until(page, lambda: carries(stage, "granted"))
    assert [ask.cursor for ask in stage.asked] == ["orders:1-1", "orders:1-5"]


def test_without_a_shared_worker_each_page_has_its_own(context: BrowserContext, stage: Stage) -> None:
    context.add_init_script("delete globalThis.SharedWorker")
    pages = opened(context, stage, scene(0), scene(1))

    assert [ask.grants for ask in stage.open] == [["grant-0"], ["grant-1"]]
    stage.show("<p>changed</p>", name="part1")
    expect(pages[1].locator("section p")).to_have_text("changed")
    pages[0].close()
    wait_until(pages[1], lambda: carries(stage, "grant-1"))
