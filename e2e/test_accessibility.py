"""For everybody: axe on every page in both languages, light and dark, small and large; nothing wider than a phone."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from e2e.harness import cafe
from e2e.harness.axe import EVERY_LOOK, SOME_LOOKS, faults
from e2e.harness.full_house import FullHouse, full_house
from e2e.harness.portal import Portal
from e2e.harness.visitor import Visitor

NewVisitor = Callable[..., Visitor]
PAGES = (
    "/",
    "/board",
    "/orders/{waiting}",
    "/orders/{making}",
    "/orders/{ready}",
    "/orders/{rejected}",
    "/orders/{cancelled}",
    "/orders/none-such",
    "/stock",
    "/stock?ingredient=milk",
    "/stock/milk?upto=1",
    "/menu",
    "/till",
    "/reports",
    "/checks",
    "/panes",
    "/-/status",
    "/-/orders/board",
    "/-/inventory/history?id=milk",
    "/no-such-page",
)
LANGUAGES = {"en": "en-US", "ko": "ko-KR"}
LOOKS = {"en": EVERY_LOOK, "ko": SOME_LOOKS}
MISSING = "status of 404"


@pytest.fixture(scope="module")
def house(portal: Portal, browser: Browser) -> Iterator[FullHouse]:
    with full_house(portal, browser) as house:
        yield house


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("path", PAGES)
def test_axe_finds_nothing(new_visitor: NewVisitor, house: FullHouse, path: str, language: str) -> None:
    visitor = new_visitor(locale=LANGUAGES[language], reduced_motion="reduce")
    visitor.tolerate(MISSING)
    assert faults(visitor.go(path.format(**vars(house))), LOOKS[language]) == []


def test_axe_finds_nothing_on_a_page_with_something_in_the_order(new_visitor: NewVisitor) -> None:
    visitor = new_visitor(reduced_motion="reduce")
    cafe.add(visitor.go("/"), "Einspänner", times=2)
    assert faults(visitor.go("/"), EVERY_LOOK) == []
    assert faults(visitor.go("/?lang=ko")) == []


def test_axe_finds_nothing_where_a_form_was_refused(new_visitor: NewVisitor) -> None:
    visitor = new_visitor(reduced_motion="reduce")
    visitor.tolerate("status of 422")
    page = visitor.go("/menu")
    send_unchecked(page, "Price of Espresso in won", "0")
    expect(page.get_by_role("alert").filter(has_text="A price is a whole number")).to_be_visible()
    assert faults(page, EVERY_LOOK) == []


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    "window",
    [{"width": 390, "height": 844}, {"width": 640, "height": 400}],
    ids=["phone", "1280 px at 200 % zoom"],
)
def test_no_page_scrolls_sideways(
    new_visitor: NewVisitor, house: FullHouse, language: str, window: dict[str, int]
) -> None:
    scale = 2 if window["width"] == 640 else 3
    visitor = new_visitor(locale=LANGUAGES[language], viewport=window, device_scale_factor=scale)
    visitor.tolerate(MISSING)
    wide = [path for path in PAGES if overflows(visitor.go(path.format(**vars(house))))]
    assert wide == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_has_one_heading_one_main_its_language_and_no_id_twice(
    new_visitor: NewVisitor, house: FullHouse, language: str
) -> None:
    visitor = new_visitor(locale=LANGUAGES[language])
    visitor.tolerate(MISSING)
    pages = {path: visitor.go(path.format(**vars(house))).evaluate(_OUTLINE) for path in PAGES}
    sound = {"h1": 1, "main": 1, "lang": language, "twice": [], "untitled": False}
    assert [(path, outline) for path, outline in pages.items() if outline != sound] == []


def test_a_finger_hits_every_control(new_visitor: NewVisitor, house: FullHouse) -> None:
    visitor = new_visitor(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    visitor.tolerate(MISSING)
    small = {path: visitor.go(path.format(**vars(house))).evaluate(_SMALL) for path in PAGES}
    assert {path: found for path, found in small.items() if found} == {}


def overflows(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"))


def send_unchecked(page: Page, field: str, value: str) -> None:
    """As a browser without scripts and without checks of its own would send it."""
    page.get_by_label(field).evaluate(
        "(field, value) => { field.type = 'text'; field.value = value; field.form.submit() }",
        value,
    )


_OUTLINE = """() => {
    const ids = [...document.querySelectorAll("[id]")].map((element) => element.id);
    return {
        h1: document.querySelectorAll("h1").length,
        main: document.querySelectorAll("main").length,
        lang: document.documentElement.lang,
        twice: ids.filter((id, at) => ids.indexOf(id) !== at),
        untitled: !document.title.split("·")[0].trim(),
    };
}"""

# 44 CSS px, in the direction that matters least 24: WCAG 2.2, 2.5.5 and 2.5.8. A link within a sentence is exempt.
_SMALL = """() => [...document.querySelectorAll("button, input:not([type=hidden]), select, summary, .button, nav a")]
    .filter((element) => element.checkVisibility())
    .map((element) => [element, element.getBoundingClientRect()])
    .filter(([, box]) => box.height < 44 || box.width < 24)
    .map(([element, box]) => `${element.textContent.trim() || element.name} ${box.width}×${box.height}`)"""
