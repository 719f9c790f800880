"""The shell dies under open pages: they come back by themselves, with what was typed, and catch up."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from e2e.harness import cafe
from e2e.harness.cafe import piece
from e2e.harness.customer import Customer, queueing
from e2e.harness.faults import kill_once
from e2e.harness.likeness import await_likeness
from e2e.harness.portal import Portal
from e2e.harness.visitor import Visitor

NewVisitor = Callable[..., Visitor]

CAUGHT_UP_SECONDS = 10.0
"""The shell's own start, and a page's pause before it tries again."""

CUT = r"ERR_(CONNECTION|CONTENT_LENGTH|INCOMPLETE|EMPTY|NETWORK)|status of 50[234]"


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    portal = Portal(tmp_path_factory.mktemp("portal"))
    try:
        yield portal.wait_ready()
    finally:
        portal.stop()


@pytest.fixture
def customer(portal: Portal) -> Iterator[Customer]:
    with Customer(portal) as customer:
        yield customer


def test_open_pages_come_back_and_catch_up_after_the_shell_was_killed(portal: Portal, new_visitor: NewVisitor) -> None:
    pages = [watching(new_visitor(), path) for path in ("/", "/board", "/reports")]
    with queueing(portal, ("espresso", "americano"), customers=2) as queue:
        queue.wait_for(2)
        kill_once(portal, "shell")
        queue.wait_for(2)
    await_likeness(portal, pages, CAUGHT_UP_SECONDS)
    for page in pages:
        cafe.wait_live(page)


def test_a_tab_older_than_the_shell_goes_on_where_it_was(
    portal: Portal, new_visitor: NewVisitor, customer: Customer
) -> None:
    page = watching(new_visitor(), "/")
    cafe.add(page, "Espresso")
    kill_once(portal, "shell")
    cafe.add(page, "Americano")
    expect(piece(page, "orders/cart").get_by_label("Espresso, quantity")).to_have_text("1")
    cafe.place(page, name="Old tab")
    expect(page.get_by_role("status").filter(has_text="Paid")).to_be_visible()


def test_what_is_being_typed_survives_live_changes_and_the_death_of_the_shell(
    portal: Portal, new_visitor: NewVisitor, customer: Customer
) -> None:
    page = watching(new_visitor(), "/stock")
    beans = amount(page, "Coffee beans")
    field = cafe.level(page, "Coffee beans").get_by_label("Counted Coffee beans")
    field.press_sequentially("11")
    for is_killed in (False, True):
        if is_killed:
            kill_once(portal, "shell")
        before = beans.inner_text()
        customer.order("espresso")
        expect(beans).not_to_have_text(before, timeout=1000 * CAUGHT_UP_SECONDS)
        expect(field).to_be_focused()
        page.keyboard.type("9")
    expect(field).to_have_value("1199")
    await_likeness(portal, [page], CAUGHT_UP_SECONDS)


def watching(visitor: Visitor, path: str) -> Page:
    visitor.tolerate(CUT)
    page = visitor.go(path)
    cafe.wait_live(page)
    return page


def amount(page: Page, ingredient: str) -> Locator:
    return cafe.level(page, ingredient).locator(".inventory-amount")
