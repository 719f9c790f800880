"""A café in full swing: orders in every state, long names, something sold out, something low."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from playwright.sync_api import Browser

from e2e.harness import cafe
from e2e.harness.customer import Customer
from e2e.harness.portal import Portal, eventually
from e2e.harness.visitor import Visitor

LONG_NAME = "Alexandra Papadopoulou-Featherstonehaugh"
_DECLINED = "card-0002"
_STARTED = ("iced-americano", "earl-grey-tea")


@dataclass(frozen=True)
class FullHouse:
    """Ids of orders by what became of them."""

    waiting: str
    making: str
    ready: str
    rejected: str
    cancelled: str


@contextmanager
def full_house(portal: Portal, browser: Browser) -> Iterator[FullHouse]:
    """Fill the café; afterwards what was taken off the shelves is back."""
    staff = Visitor(browser, portal.url, locale="en-US", java_script_enabled=False)
    with Customer(portal) as customer:
        making, ready = (_confirmed(portal, customer.order(item)) for item in _STARTED)
        _advance(staff, portal, making, "Take")
        _advance(staff, portal, ready, "Take", "Finish")
        cancelled = customer.order("espresso", payment=_DECLINED)
        customer.count("misutgaru", 0)
        customer.count("rice-cake", 4)
        rejected = _order(staff, "Injeolmi red bean toast", times=2)
        waiting = _order(staff, "Vanilla latte", name=LONG_NAME)
        _wait(portal, waiting, "CONFIRMED")
        _wait(portal, rejected, "REJECTED")
        _wait(portal, cancelled, "CANCELLED")
        try:
            yield FullHouse(waiting, making, ready, rejected, cancelled)
        finally:
            customer.restock("misutgaru", 3000)
            customer.restock("rice-cake", 86)
            staff.leave()


def _order(staff: Visitor, item: str, times: int = 1, name: str = "") -> str:
    staff.go("/")
    cafe.add(staff.page, item, times=times)
    return cafe.place(staff.page, name=name).rsplit("/", 1)[1]


def _advance(staff: Visitor, portal: Portal, order: str, *steps: str) -> None:
    number = portal.ask("orders-service", f"/orders/{order}")["number"]
    staff.go("/board")
    for step in steps:
        staff.page.get_by_role("button", name=f"{step} order {number}", exact=True).click()


def _confirmed(portal: Portal, order: str) -> str:
    _wait(portal, order, "CONFIRMED")
    return order


def _wait(portal: Portal, order: str, state: str) -> None:
    eventually(lambda: portal.ask("orders-service", f"/orders/{order}")["state"] == state, f"order {state}")
