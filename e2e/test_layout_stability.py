"""Nothing moves under the hand: neither while a page loads nor when something changes; and motion can be turned off."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypedDict, cast

import pytest
from playwright.sync_api import Locator, Page, expect

from e2e.harness import cafe
from e2e.harness.cafe import piece
from e2e.harness.customer import Customer
from e2e.harness.portal import Portal
from e2e.harness.visitor import Visitor

NewVisitor = Callable[..., Visitor]
STABLE = 0.01
"""Largest layout shift score in which nobody sees a jump; browsers call 0.1 good."""

WIDTHS = (390, 1280)
PAGES = ("/", "/board", "/stock?ingredient=milk", "/menu", "/till", "/reports", "/-/status")


class Shift(TypedDict):
    """How far how much of the window moved, and the fragments that it moved in."""

    score: float
    pieces: list[str]


@pytest.fixture(scope="module")
def customer(portal: Portal) -> Iterator[Customer]:
    with Customer(portal) as customer:
        for item in ("espresso", "americano", "yuzu-tea"):
            customer.order(item)
        yield customer


@pytest.fixture(params=WIDTHS, ids=["phone", "desk"])
def watched(new_visitor: NewVisitor, customer: Customer, request: pytest.FixtureRequest) -> Visitor:
    """A visitor whose browser notes what moves without their doing."""
    visitor = new_visitor(viewport={"width": request.param, "height": 900})
    visitor.page.add_init_script(_WATCH)
    return visitor


@pytest.mark.parametrize("path", PAGES)
def test_a_page_does_not_jump_while_it_loads(watched: Visitor, path: str) -> None:
    page = watched.go(path)
    if path.startswith("/-/"):
        page.wait_for_load_state("load")
    else:
        cafe.wait_live(page)
    assert score(page) <= STABLE


def test_an_order_that_comes_in_moves_nothing_at_the_counter(watched: Visitor, customer: Customer) -> None:
    page = watched.go("/")
    cafe.add(page, "Espresso")
    cafe.wait_live(page)
    start(page)
    order = customer.order("americano")
    arrived(piece(page, "orders/queue").locator(f"#orders-queue-{order}"))
    assert score(page) <= STABLE


def test_what_runs_out_moves_nothing_at_the_counter(watched: Visitor, customer: Customer) -> None:
    page = watched.go("/")
    cafe.wait_live(page)
    start(page)
    customer.count("vanilla-syrup", 0)
    arrived(piece(page, "menu/list").locator("#menu-tile-vanilla-latte").get_by_text("Sold out"))
    arrived(piece(page, "inventory/warnings").get_by_role("link", name="Vanilla syrup"))
    assert score(page) <= STABLE
    customer.restock("vanilla-syrup", 3000)
    arrived(piece(page, "menu/list").locator("#menu-tile-vanilla-latte").get_by_role("button"))


def test_an_order_that_comes_in_moves_no_ticket_on_the_board(watched: Visitor, customer: Customer) -> None:
    page = watched.go("/board")
    cafe.wait_live(page)
    start(page)
    order = customer.order("earl-grey-tea")
    arrived(page.locator(f"#orders-ticket-{order}"))
    assert score(page) <= STABLE


def test_what_is_sold_moves_no_field_of_the_stock(watched: Visitor, customer: Customer) -> None:
    page = watched.go("/stock?ingredient=oat-milk")
    cafe.wait_live(page)
    before = cafe.level(page, "Oat milk").locator(".inventory-amount").inner_text()
    start(page)
    customer.order("oat-latte")
    expect(cafe.level(page, "Oat milk").locator(".inventory-amount")).not_to_have_text(before)
    assert score(page, "inventory/levels") <= STABLE


def test_the_steps_of_an_order_move_nothing_on_its_page(watched: Visitor, customer: Customer) -> None:
    page = watched.page
    order = customer.order("espresso")
    watched.go(f"/orders/{order}")
    cafe.wait_live(page)
    arrived(page.get_by_text("Paid. You are in the queue."))
    start(page)
    customer.advance(order, "take", "finish")
    arrived(page.get_by_text("Ready. Please pick it up."))
    assert score(page) <= STABLE


def test_a_payment_moves_only_the_list_that_it_heads(watched: Visitor, customer: Customer) -> None:
    page = watched.go("/till")
    cafe.wait_live(page)
    start(page)
    order = customer.order("espresso")
    arrived(piece(page, "till/payments").get_by_role("link", name=order))
    assert {name for shift in shifts(page) for name in shift["pieces"]} <= {"till/payments"}


def test_who_wants_no_motion_gets_none(new_visitor: NewVisitor, customer: Customer) -> None:
    page = new_visitor(reduced_motion="reduce").go("/board")
    cafe.wait_live(page)
    assert page.evaluate(_MOVING) == []
    order = customer.order("americano")
    arrived(page.locator(f"#orders-ticket-{order}[data-changed], #orders-ticket-{order} [data-changed]").first)
    assert page.evaluate(_GLIDING) == []


def arrived(what: Locator) -> None:
    expect(what).to_be_visible()


def start(page: Page) -> None:
    page.evaluate("settled().then(() => { shifts.length = 0 })")


def shifts(page: Page) -> list[Shift]:
    return cast(list[Shift], page.evaluate("settled().then(() => shifts)"))


def score(page: Page, within: str = "") -> float:
    return sum(shift["score"] for shift in shifts(page) if within in ("", *shift["pieces"]))


# A frame is laid out before the second callback, and its shifts are told before a task after that.
_WATCH = """
window.shifts = [];
const note = (entries) => shifts.push(...entries.map(({ value, sources }) => ({
    score: value,
    pieces: sources.map(({ node }) => (node?.nodeType === 1 ? node : node?.parentElement)
        ?.closest("[data-fragment]")?.dataset.fragment ?? "outside of all"),
})));
const observer = new PerformanceObserver((list) => note(list.getEntries()));
observer.observe({ type: "layout-shift", buffered: true });
window.settled = async () => {
    for (let frame = 0; frame < 3; frame += 1) await new Promise(requestAnimationFrame);
    await new Promise((resolve) => setTimeout(resolve));
    note(observer.takeRecords());
};
"""

_MOVING = """() => [...document.querySelectorAll("body *")]
    .filter((element) => getComputedStyle(element).transitionDuration.split(",").some((time) => parseFloat(time) > 0))
    .map((element) => element.className)"""

_GLIDING = """() => document.getAnimations()
    .filter((animation) => animation.effect.getKeyframes().some(({ easing }) => !/^steps/.test(easing)))
    .map((animation) => animation.animationName)"""
