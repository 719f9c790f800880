"""A fragment server or the service behind it dies or hangs: pages are whole in time, say so, and heal by themselves."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import pytest
from playwright.sync_api import Locator, Page, expect

from e2e.harness import cafe
from e2e.harness.cafe import piece
from e2e.harness.customer import Customer
from e2e.harness.faults import hung, killed
from e2e.harness.likeness import await_likeness
from e2e.harness.load import DEADLINE_SECONDS, TOLERANCE_SECONDS, Load, load
from e2e.harness.portal import Portal, eventually
from e2e.harness.visitor import Visitor

NewVisitor = Callable[..., Visitor]
Fault = Callable[[Portal, str], AbstractContextManager[None]]
Change = Callable[[Portal, Customer], None]

HEALED_SECONDS = 5.0
BROWSER_SECONDS = 1.5
"""What a browser needs besides, on a busy machine; without its stylesheets a page is not loaded."""

_LOADED_MS = "performance.getEntriesByType('navigation')[0].loadEventEnd"
NOT_FRESH = re.compile("stale|fallback|failed")


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    portal = Portal(tmp_path_factory.mktemp("portal"))
    try:
        yield portal.wait_ready()
    finally:
        portal.stop()


@pytest.fixture(scope="module")
def customer(portal: Portal) -> Iterator[Customer]:
    with Customer(portal) as customer:
        yield customer


def sell(_: Portal, customer: Customer) -> None:
    """Changes the queue, the stock, the takings and the reports."""
    customer.order("espresso")


def sell_out(portal: Portal, customer: Customer) -> None:
    """Changes the menu: salt bread is sold out, or there is some again."""
    left = portal.ask("inventory-service", "/ingredients/salt-bread")["available"]
    if left:
        customer.count("salt-bread", 0)
    else:
        customer.restock("salt-bread", 40)


# Who is ill, the page, what of it is theirs, and what changes meanwhile.
CASES = [
    ("menu-fragment", "/", {"menu/list"}, sell_out),
    ("inventory-fragment", "/", {"inventory/warnings"}, sell),
    ("till-fragment", "/", {"till/today"}, sell),
    (
        "reports-fragment",
        "/reports",
        {"reports/sales", "reports/bestsellers", "reports/days", "reports/rebuild"},
        sell,
    ),
]


@pytest.mark.parametrize("fault", [killed, hung])
@pytest.mark.parametrize(("member", "path", "slots", "change"), CASES, ids=[case[0] for case in CASES])
def test_the_page_is_whole_in_time_says_what_is_old_and_heals_without_a_reload(
    fault: Fault, member: str, path: str, slots: set[str], change: Change, portal: Portal, customer: Customer,
    new_visitor: NewVisitor,
) -> None:  # fmt: skip
    page, newcomer = open_page(new_visitor(), path), new_visitor()
    with fault(portal, member):
        change(portal, customer)
        eventually(lambda: not slots & fresh(whole(portal, path)), f"{slots} say that they are old")
        loaded = whole(portal, path)
        assert fresh(loaded) == set(loaded.states) - slots
        for slot in slots:
            expect(piece(page, slot)).to_have_attribute("data-state", NOT_FRESH)
        assert open_page(newcomer, path).evaluate(_LOADED_MS) < 1000 * (DEADLINE_SECONDS + BROWSER_SECONDS)
    await_likeness(portal, [page, newcomer.page], HEALED_SECONDS)
    for slot in slots:
        expect(piece(page, slot)).to_have_attribute("data-state", "fresh")


@pytest.mark.parametrize("fault", [killed, hung])
@pytest.mark.parametrize("member", ["orders-fragment", "orders-service"])
def test_a_page_opened_without_its_private_fragment_gets_it_without_a_reload(
    fault: Fault, member: str, portal: Portal, new_visitor: NewVisitor
) -> None:
    visitor = new_visitor()
    visitor.tolerate("status of 50[234]")
    with fault(portal, member):
        loaded = whole(portal, "/")
        assert fresh(loaded) >= set(loaded.states) - {"orders/cart", "orders/queue"}
        assert "orders/cart" not in fresh(loaded)
        page = open_page(visitor, "/")
        assert page.evaluate(_LOADED_MS) < 1000 * (DEADLINE_SECONDS + BROWSER_SECONDS)
        expect(piece(page, "orders/cart")).to_have_attribute("data-state", NOT_FRESH)
    expect(piece(page, "orders/cart")).to_contain_text("Nothing here yet", timeout=1000 * HEALED_SECONDS)
    await_likeness(portal, [page], HEALED_SECONDS)
    cafe.order(page, "Espresso")


@pytest.mark.parametrize(
    ("fault", "member", "path"), [(killed, "menu-service", "/menu"), (hung, "till-service", "/till")]
)
def test_without_the_service_behind_it_a_fragment_never_shown_before_has_its_fallback_until_it_heals(
    fault: Fault, member: str, path: str, portal: Portal, new_visitor: NewVisitor
) -> None:
    visitor = new_visitor(locale="ko-KR")  # no other test of this portal fills the cache with Korean
    visitor.tolerate("status of 50[234]")  # what the page is for is not on it
    with fault(portal, member):
        page = open_page(visitor, path)
        assert page.evaluate(_LOADED_MS) < 1000 * (DEADLINE_SECONDS + BROWSER_SECONDS)
        for slot in page.locator("main [data-fragment]").all():
            expect(slot).to_have_attribute("data-state", "fallback")
    await_likeness(portal, [page], HEALED_SECONDS)
    for slot in page.locator("main [data-fragment]").all():
        expect(slot).to_have_attribute("data-state", "fresh")


@pytest.mark.parametrize("member", ["orders-fragment", "orders-service"])
def test_an_order_that_did_not_get_through_says_so_and_can_be_sent_again_as_it_was(
    member: str, portal: Portal, new_visitor: NewVisitor, customer: Customer
) -> None:
    visitor = new_visitor()
    visitor.tolerate("status of 50[234]")
    page = open_page(visitor, "/")
    cafe.add(page, "Americano")
    name, send = page.get_by_label("Name to call (optional)"), page.get_by_role("button", name="Place order")
    name.fill("Hana")
    with killed(portal, member):
        send.click()
        expect(page.get_by_role("alert").filter(has_text="No answer came")).to_be_visible()
        customer.restock("milk", 1)  # whatever does not need the orders goes on
    expect(name).to_have_value("Hana")
    eventually(lambda: press(page, send) < 400, "the order gets through", HEALED_SECONDS)
    page.wait_for_url(re.compile("/orders/"))
    order = portal.ask("orders-service", f"/orders/{page.url.rsplit('/', 1)[1]}")
    assert order["guest_name"] == "Hana"


def press(page: Page, button: Locator) -> int:
    """The status of the answer."""
    with page.expect_response("**/actions/place") as answered:
        button.click()
    return answered.value.status


def open_page(visitor: Visitor, path: str) -> Page:
    page = visitor.go(path)
    cafe.wait_live(page)
    return page


def whole(portal: Portal, path: str) -> Load:
    """The page, complete within its deadline."""
    loaded = load(portal, path)
    assert loaded.seconds < DEADLINE_SECONDS + TOLERANCE_SECONDS
    return loaded


def fresh(loaded: Load) -> set[str]:
    return {name for name, state in loaded.states.items() if state == "fresh"}
