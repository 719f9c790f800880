"""Who else is here: people at several browsers see one another, by friendly names, and nothing moves for it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Literal, cast

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Page, expect

from e2e.harness import cafe
from e2e.harness.cafe import piece
from e2e.harness.customer import Customer
from e2e.harness.portal import Portal
from e2e.harness.visitor import Visitor

NewVisitor = Callable[..., Visitor]
TRACK, MENU = "orders/track", "menu/manage"
WIDTHS = (390, 1280)
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
GONE_MS = 8_000
"""A page that is closed is waited for a little, for it may be loaded again; a worker is heard every two seconds."""


@pytest.fixture
def order(portal: Portal) -> str:
    """The address of an order that nobody looks at, or ever has."""
    with Customer(portal) as customer:
        return f"{portal.url}/orders/{customer.order('espresso')}"


def others(page: Page, name: str) -> Locator:
    """Who else is at a fragment, one item each."""
    return piece(page, name).locator("> jogakbo-presence").get_by_role("listitem")


def looks_at(visitor: Visitor, address: str) -> Page:
    page = visitor.go(address)
    cafe.wait_live(page)
    return page


def alone_at_menu(visitor: Visitor) -> Page:
    """The menu, once nobody from before is seen there any more."""
    page = looks_at(visitor, "/menu")
    expect(others(page, MENU)).to_have_count(0, timeout=30_000)
    return page


def name_in(item: Locator) -> str:
    return item.locator("span").inner_text()


def test_two_people_at_one_order_see_each_other_and_only_while_they_are_there(
    new_visitor: NewVisitor, order: str
) -> None:
    minji, jun = new_visitor(), new_visitor()
    one, other = looks_at(minji, order), looks_at(jun, order)

    expect(others(one, TRACK)).to_have_count(1)
    expect(others(other, TRACK)).to_have_count(1)
    assert re.fullmatch(r"[A-Z][a-z]+ [A-Z][a-z]+", name_in(others(one, TRACK)))
    assert "guest-" not in one.content()

    jun.go("/reports")
    expect(others(one, TRACK)).to_have_count(0, timeout=GONE_MS)


def test_nobody_is_there_at_another_order(new_visitor: NewVisitor, order: str) -> None:
    minji, jun = new_visitor(), new_visitor()
    elsewhere = cafe.order(jun.page, "Espresso")
    one = looks_at(minji, order)
    other = looks_at(jun, elsewhere)
    sora = looks_at(new_visitor(), order)
    expect(others(one, TRACK)).to_have_count(1)
    expect(others(sora, TRACK)).to_have_count(1)
    expect(others(other, TRACK)).to_have_count(0)


def test_a_person_with_three_pages_is_one_person_with_one_name(new_visitor: NewVisitor, order: str) -> None:
    minji, jun = new_visitor(), new_visitor()
    pages = [minji.page, minji.context.new_page(), minji.context.new_page()]
    for page in pages:
        page.goto(order)
        cafe.wait_live(page)
    other = looks_at(jun, order)
    expect(others(other, TRACK)).to_have_count(1)
    name = name_in(others(other, TRACK))
    late = minji.context.new_page()
    late.goto(order)
    for page in (*pages, late):
        expect(others(page, TRACK)).to_have_count(1)

    pages[0].close()
    pages[1].reload()
    other.reload()
    expect(others(other, TRACK)).to_have_count(1)
    assert name_in(others(other, TRACK)) == name


def test_a_name_is_said_in_the_language_of_whoever_reads_it(new_visitor: NewVisitor, order: str) -> None:
    english, korean = looks_at(new_visitor(), order), looks_at(new_visitor(locale="ko-KR"), order)
    expect(others(english, TRACK)).to_have_text(re.compile("[A-Z][a-z]+ [A-Z][a-z]+$"))
    expect(others(korean, TRACK)).to_have_text(re.compile("[가-힣]+$"))
    expect(korean.locator("#presence")).to_have_text(re.compile("님도 ‘내 주문’ 화면을 보고 있습니다"))


def test_who_types_a_price_is_shown_at_that_item_until_it_is_saved(new_visitor: NewVisitor) -> None:
    minji, jun = alone_at_menu(new_visitor()), looks_at(new_visitor(), "/menu")
    expect(others(jun, MENU)).to_have_count(1)
    name = name_in(others(jun, MENU))
    row = jun.locator("#menu-row-espresso")

    minji.get_by_label("Price of Espresso in won").fill("3600")
    expect(row.get_by_role("listitem")).to_have_text(re.compile(f"{name} is editing"))
    expect(others(jun, MENU)).to_have_text(re.compile("is editing"))
    expect(jun.locator("#presence")).to_have_text(f"{name} is editing “Espresso”.")

    minji.get_by_role("button", name="Save the price of Espresso").click()
    expect(jun.get_by_label("Price of Espresso in won")).to_have_value("3600")
    expect(row.get_by_role("listitem")).to_have_count(0)
    expect(others(jun, MENU)).to_have_count(1)


def test_who_is_there_stays_when_the_fragment_changes(new_visitor: NewVisitor) -> None:
    minji, jun = alone_at_menu(new_visitor()), looks_at(new_visitor(), "/menu")
    minji.get_by_label("Price of Americano in won").press_sequentially("1")
    editing = jun.locator("#menu-row-americano").get_by_role("listitem")
    expect(editing).to_have_count(1)

    jun.get_by_role("button", name="Stop selling Oat latte").click()

    expect(minji.locator("#menu-row-oat-latte")).to_contain_text("Off the menu")
    expect(others(minji, MENU)).to_have_count(1)
    expect(jun.locator("#menu-row-oat-latte")).to_contain_text("Off the menu")
    expect(editing).to_have_count(1)
    minji.get_by_role("button", name="Sell Oat latte again").click()


def test_a_keyboard_gets_at_the_names_of_several(new_visitor: NewVisitor, order: str) -> None:
    page = looks_at(new_visitor(), order)
    for _ in range(2):
        looks_at(new_visitor(), order)
    expect(others(page, TRACK)).to_have_count(2)
    names = others(page, TRACK).locator("span")
    assert [round(box["width"]) for box in boxes(names)] == [1, 1]

    piece(page, TRACK).get_by_role("link", name="Back to the counter").focus()
    page.keyboard.press("Tab")
    expect(piece(page, TRACK).get_by_role("list", name="Also here")).to_be_focused()
    assert all(box["width"] > 30 for box in boxes(names))


@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_moves_for_somebody_who_comes_or_types(new_visitor: NewVisitor, width: int) -> None:
    page = alone_at_menu(new_visitor(viewport={"width": width, "height": 900}))
    inside = piece(page, MENU).locator(":is(h2, h3, p, li, form, button, input):not(jogakbo-presence *)")
    before = boxes(inside)

    other = looks_at(new_visitor(), "/menu")
    expect(others(page, MENU)).to_be_visible()
    other.get_by_label("Price of Espresso in won").press_sequentially("1")
    expect(page.locator("#menu-row-espresso jogakbo-presence")).to_be_visible()

    assert boxes(inside) == before
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


def test_axe_finds_nothing_where_several_are(new_visitor: NewVisitor) -> None:
    visitor = new_visitor(reduced_motion="reduce")
    page = alone_at_menu(visitor)
    typing = [looks_at(new_visitor(), "/menu").get_by_label("Price of Espresso in won") for _ in range(2)]
    page.evaluate(Axe().axe_script)
    found = []
    for width in WIDTHS:
        for scheme in SCHEMES:
            for field in typing:
                field.press_sequentially("1")
            visitor.resize(width)
            page.emulate_media(color_scheme=scheme)
            expect(page.locator("#menu-row-espresso").get_by_role("listitem")).to_have_count(2)
            violations = page.evaluate("axe.run({resultTypes: ['violations']}).then((results) => results.violations)")
            found += [(width, scheme, one["id"], [node["target"] for node in one["nodes"]]) for one in violations]
    assert found == []


def test_where_nobody_can_be_seen_nothing_is_loaded_for_it(visitor: Visitor) -> None:
    scripts = "[...document.scripts].map((script) => script.src.split('?')[0].split('/').pop())"
    assert "presence.js" not in visitor.go("/").evaluate(scripts)
    assert "presence.js" in visitor.go("/menu").evaluate(scripts)


def boxes(elements: Locator) -> list[dict[str, float]]:
    """Where they are and how large."""
    found = elements.evaluate_all("(all) => all.map((element) => element.getBoundingClientRect().toJSON())")
    return cast(list[dict[str, float]], found)
