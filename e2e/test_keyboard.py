"""With the keyboard alone: everything can be reached in a sensible order, seen, done; and the focus is never lost."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypedDict, cast

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from e2e.harness import cafe
from e2e.harness.cafe import piece
from e2e.harness.full_house import FullHouse, full_house
from e2e.harness.portal import Portal
from e2e.harness.visitor import Visitor

NewVisitor = Callable[..., Visitor]
MANY = 400
PAGES = ("/", "/board", "/orders/{waiting}", "/stock?ingredient=milk", "/menu", "/till", "/reports", "/-/status")
COUNTER = ["menu/list", "orders/cart", "orders/queue", "inventory/warnings", "till/today"]


class Stop(TypedDict):
    """One stop of the Tab key."""

    what: str
    place: str
    at: int
    left: float
    ring: bool
    seen: bool


@pytest.fixture(scope="module")
def house(portal: Portal, browser: Browser) -> Iterator[FullHouse]:
    with full_house(portal, browser) as house:
        yield house


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("path", PAGES)
def test_tab_reaches_every_control_in_order_and_each_is_seen_to_have_the_focus(
    new_visitor: NewVisitor, house: FullHouse, path: str, width: int
) -> None:
    visitor = new_visitor(viewport={"width": width, "height": 800}, reduced_motion="reduce")
    page = visitor.go(path.format(**vars(house)))
    reachable = page.evaluate(_REACHABLE)
    stops = list(tabbed(page))
    assert [stop["what"] for stop in stops if not stop["ring"]] == [], "these show no focus ring"
    assert [stop["what"] for stop in stops if not stop["seen"]] == [], "these have the focus and are covered"
    assert sorted(stop["at"] for stop in stops) == list(range(len(reachable)))
    if width > 1000:
        header = [stop["left"] for stop in stops if stop["place"] == "header"]
        assert [stop["at"] for stop in stops] == list(range(len(reachable))), "Tab leaves the order of the page"
        assert header == sorted(header), "Tab jumps to and fro in the header"


def test_the_counter_is_walked_through_piece_by_piece(visitor: Visitor, house: FullHouse) -> None:
    cafe.add(visitor.go("/"), "Espresso")
    places = [stop["place"] for stop in tabbed(visitor.go("/"))]
    assert list(dict.fromkeys(places)) == ["skip", "header", *COUNTER, "footer"]


def test_the_first_stop_leads_to_the_content(visitor: Visitor) -> None:
    page = visitor.go("/board")
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to the content")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    page.keyboard.press("Enter")
    expect(page.get_by_role("main")).to_be_focused()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('main') !== null")


def test_an_order_is_put_together_changed_and_placed(visitor: Visitor) -> None:
    page = visitor.go("/")
    cart = piece(page, "orders/cart")
    for quantity in ("1", "2"):
        press(page, "Add Americano")
        expect(cart.get_by_label("Americano, quantity", exact=True)).to_have_text(quantity)
    press(page, "Add Earl Grey")
    press(page, "One Americano more")
    expect(cart.get_by_label("Americano, quantity", exact=True)).to_have_text("3")
    expect(cart.get_by_role("button", name="One Americano more", exact=True)).to_be_focused()
    press(page, "Remove Earl Grey")
    expect(cart.get_by_label("Earl Grey, quantity")).to_have_count(0)
    expect(cart).to_be_focused()
    focus(page, cart.get_by_label("Payment"))
    page.keyboard.type("Card")
    expect(cart.get_by_label("Payment")).to_have_value("card-4242")
    focus(page, cart.get_by_label("Name to call (optional)"))
    page.keyboard.type("Keys")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Your order number")).to_be_visible()


def test_an_order_goes_over_the_board_and_the_focus_stays_where_the_work_is(visitor: Visitor) -> None:
    page = visitor.page
    cafe.order(page, "Yuzu tea")
    number = cafe.number(page)
    visitor.go("/board")
    cafe.wait_live(page)
    steps = (("Take", "To make", "In hand"), ("Finish", "In hand", "Ready"), ("Hand over", "Ready", ""))
    for step, column, then in steps:
        press(page, f"{step} order {number}")
        expect(cafe.column(page, column)).to_be_focused()
        expect(cafe.ticket(page, number)).to_have_count(1 if then else 0)
        page.keyboard.press("Enter")  # as somebody does who has pressed for too long: there is nothing under the finger
        if then:
            expect(cafe.column(page, then).get_by_role("link", name=f"Order {number}", exact=True)).to_be_visible()


def test_what_a_colleague_does_leaves_the_focus_where_it_is(new_visitor: NewVisitor) -> None:
    page, colleague = new_visitor().page, new_visitor().page
    cafe.order(colleague, "Espresso")
    mine = cafe.number(colleague)
    page.goto("/board")
    cafe.wait_live(page)
    focus(page, page.get_by_role("button", name=f"Take order {mine}", exact=True))
    cafe.order(colleague, "Americano")
    expect(cafe.ticket(page, cafe.number(colleague))).to_be_visible()
    expect(page.get_by_role("button", name=f"Take order {mine}", exact=True)).to_be_focused()

    colleague.goto("/board")
    colleague.get_by_role("button", name=f"Take order {mine}", exact=True).click()
    expect(page.get_by_role("button", name=f"Finish order {mine}", exact=True)).to_be_visible()
    expect(cafe.column(page, "To make")).to_be_focused()


def test_what_is_sold_out_under_the_finger_leaves_the_focus_in_the_menu(new_visitor: NewVisitor) -> None:
    page, manager = new_visitor().page, new_visitor().page
    page.goto("/")
    cafe.wait_live(page)
    focus(page, page.get_by_role("button", name="Add Matcha latte", exact=False))
    manager.goto("/stock")
    cafe.enter(manager, "Counted", "Matcha powder", 0)
    expect(piece(page, "menu/list").get_by_role("listitem").filter(has_text="Matcha latte")).to_contain_text("Sold out")
    expect(piece(page, "menu/list").get_by_role("region", name="Tea")).to_be_focused()
    cafe.enter(manager, "Delivered", "Matcha powder", 1000)
    expect(page.get_by_role("button", name="Add Matcha latte", exact=False)).to_be_visible()
    expect(piece(page, "menu/list").get_by_role("region", name="Tea")).to_be_focused()


def test_a_number_is_entered_refused_and_corrected_in_its_field(visitor: Visitor) -> None:
    visitor.tolerate("status of 422")
    page = visitor.go("/stock")
    field = page.get_by_label("Counted Butter (g)")
    focus(page, field)
    page.keyboard.type("999999999\n")
    expect(page.get_by_role("alert").filter(has_text="That amount cannot be right.")).to_be_visible()
    expect(page.get_by_role("alert").filter(has_text="That amount cannot be right.")).to_be_in_viewport(ratio=1)
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_have_accessible_description("That amount cannot be right. Please check it.")
    expect(field).to_be_focused()
    expect(field).to_have_value("999999999")
    page.keyboard.press("Control+A")
    page.keyboard.type("1990\n")
    expect(cafe.level(page, "Butter").locator(".inventory-amount")).to_have_text("1,990 g")
    expect(field).to_be_focused()
    expect(field).to_have_value("")


def test_the_chart_is_read_as_a_table(visitor: Visitor) -> None:
    cafe.order(visitor.page, "Espresso")
    page = visitor.go("/reports")
    focus(page, page.get_by_text("As a table"))
    page.keyboard.press("Enter")
    expect(piece(page, "reports/sales").get_by_role("table")).to_be_visible()


def tabbed(page: Page) -> Iterator[Stop]:
    """Every stop from the top of the page until Tab leaves it."""
    page.evaluate("document.activeElement.blur()")
    for _ in range(MANY):
        page.keyboard.press("Tab")
        stop = page.evaluate(_STOP)
        if stop is None:
            return
        yield cast(Stop, stop)
    raise AssertionError(f"Tab does not come to an end in {MANY} stops")


def focus(page: Page, wanted: Locator) -> None:
    """Tab to it."""
    for _ in range(MANY):
        if wanted.evaluate("(element) => element === document.activeElement"):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"{MANY} times Tab does not reach {wanted}")


def press(page: Page, name: str) -> None:
    focus(page, page.get_by_role("button", name=name).first)
    page.keyboard.press("Enter")


_REACHABLE = """() => [...document.querySelectorAll(
    "a[href], button:not(:disabled), input:not([type=hidden]), select, textarea, summary, [tabindex='0']")]
    .filter((element) => element.checkVisibility())
    .map((element, at) => { element.dataset.at = at; return element.textContent; })"""

_STOP = """() => {
    const element = document.activeElement;
    if (!element || element === document.body) return null;
    const box = element.getBoundingClientRect(), style = getComputedStyle(element);
    const {x, y, width, height} = element.getClientRects()[0] ?? box;
    const points = [0.1, 0.5, 0.9].flatMap((right) => [0.2, 0.8].map((down) => [x + width * right, y + height * down]));
    const within = (hit) => hit && (element.contains(hit) || hit.contains(element));
    return {
        what: (element.getAttribute("aria-label") || element.textContent || element.name || element.tagName).trim(),
        place: element.closest("[data-fragment]")?.dataset.fragment
            ?? (element.matches(".skip") ? "skip" : element.closest("header, main, footer")?.localName ?? "body"),
        at: Number(element.dataset.at),
        left: box.left,
        ring: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2,
        seen: points.some((point) => within(document.elementFromPoint(...point))),
    };
}"""
