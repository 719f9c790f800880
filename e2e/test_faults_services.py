"""The services of an order die between its steps: each order still comes to its end, and money and stock add up."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import expect

from e2e.harness import cafe
from e2e.harness.books import Books
from e2e.harness.customer import Customer, queueing
from e2e.harness.faults import hung
from e2e.harness.likeness import await_likeness
from e2e.harness.portal import Portal, eventually
from e2e.harness.visitor import Visitor

NewVisitor = Callable[..., Visitor]

SERVICES = ("orders-service", "inventory-service", "till-service")
ITEMS = ("espresso", "americano", "latte")
ROUNDS = 3
SETTLED_SECONDS = 15.0


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    portal = Portal(tmp_path_factory.mktemp("portal"))
    try:
        portal.wait_ready()
        with Customer(portal) as manager:
            manager.restock("milk", 100_000)
        yield portal
    finally:
        portal.stop()


def test_orders_outlive_the_services_that_carry_them(portal: Portal, new_visitor: NewVisitor) -> None:
    visitor = new_visitor()
    visitor.tolerate("status of 50[234]")
    page = visitor.go("/")
    cafe.wait_live(page)
    books = Books(portal)
    with queueing(portal, ITEMS, customers=4) as queue:
        for _ in range(ROUNDS):
            for name in SERVICES:
                portal.wait_state(name, "ready")
                queue.wait_for(3)
                portal.send_signal(name, signal.SIGKILL)
    books.settle(queue.orders, SETTLED_SECONDS)
    books.check(queue.orders)
    await_likeness(portal, [page], SETTLED_SECONDS)


@pytest.mark.parametrize(("name", "waits_in"), [("inventory-service", "RESERVING"), ("till-service", "CHARGING")])
def test_an_order_waits_for_a_service_that_hangs_and_its_page_goes_on_by_itself(
    name: str, waits_in: str, portal: Portal, new_visitor: NewVisitor
) -> None:
    page = new_visitor().page
    books = Books(portal)
    with hung(portal, name):
        id = cafe.order(page, "Espresso").rsplit("/", 1)[1]
        eventually(lambda: books.state(id) == waits_in, f"the order waits in {waits_in}")
        cafe.wait_live(page)
        expect(page.get_by_role("status").filter(has_text="Paid")).to_have_count(0)
    expect(page.get_by_role("status").filter(has_text="Paid. You are in the queue.")).to_be_visible()
    books.settle({id: "espresso"}, SETTLED_SECONDS)
    books.check({id: "espresso"})
