"""The lab: what is broken there on purpose is borne, and the guest is told; at a portal of its own."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from e2e.harness import cafe
from e2e.harness.axe import faults
from e2e.harness.cafe import piece
from e2e.harness.customer import Customer
from e2e.harness.portal import Portal
from e2e.harness.visitor import Visitor

NewVisitor = Callable[..., Visitor]
ASKED_AGAIN_MS = 20_000
"""Who waits asks again after 2 s, then after 4 s; a service that was killed is back after about one."""

PAID = "Paid. You are in the queue."
KEEP_ASKING = re.compile(r"The till has not answered yet\. We have asked \d+ times")


@pytest.fixture
def customer(lab_portal: Portal) -> Iterator[Customer]:
    with Customer(lab_portal) as customer:
        yield customer


def test_a_message_that_is_lost_is_sent_again(new_lab_visitor: NewVisitor, customer: Customer) -> None:
    page = new_lab_visitor().go("/")
    page.get_by_role("navigation", name="Pages").get_by_role("link", name="Lab").click()
    piece(page, "till/lab").get_by_role("button", name="Lose till.ChargePayment").click()
    expect(piece(page, "till/lab").get_by_text("will lose the next till.ChargePayment × 1")).to_be_visible()
    order = customer.order("espresso")
    expect(piece(page, "orders/sagas").locator(f"#orders-saga-{order}")).to_contain_text(
        "CONFIRMED", timeout=ASKED_AGAIN_MS
    )
    page.goto(f"/orders/{order}")
    page.locator("summary", has_text="Behind the scenes").click()
    expect(page.locator(".orders-leg", has_text="ChargePayment try 2")).to_be_visible()


def test_a_declined_card_and_a_payment_that_is_down_end_well(new_lab_visitor: NewVisitor, customer: Customer) -> None:
    lab, guest = new_lab_visitor().go("/lab"), new_lab_visitor().page
    mood(lab, "Decline the card")
    guest.goto(f"/orders/{customer.order('espresso', payment='card-4242')}")
    expect(guest.get_by_text("The card was declined. Nothing was charged")).to_be_visible()
    mood(lab, "Payment is down")
    guest.goto(f"/orders/{customer.order('espresso', payment='card-4242')}")
    expect(guest.get_by_text(KEEP_ASKING)).to_be_visible(timeout=ASKED_AGAIN_MS)
    mood(lab, "The gateway works")
    expect(guest.get_by_text(PAID)).to_be_visible(timeout=ASKED_AGAIN_MS)


def test_a_service_that_is_killed_goes_on_where_it_stopped(
    new_lab_visitor: NewVisitor, lab_portal: Portal, customer: Customer
) -> None:
    page = new_lab_visitor(java_script_enabled=False).go("/lab")
    before = lab_portal.pid("inventory-service")
    piece(page, "inventory/lab").get_by_role("button", name="Kill inventory-service").click()
    assert page.url.endswith("/lab")
    guest = new_lab_visitor().go(f"/orders/{customer.order('americano')}")
    expect(guest.get_by_text(PAID)).to_be_visible(timeout=ASKED_AGAIN_MS)
    assert lab_portal.pid("inventory-service") != before


def test_a_frozen_read_side_is_behind_while_the_cafe_sells_and_catches_up(
    new_lab_visitor: NewVisitor, customer: Customer
) -> None:
    visitor = new_lab_visitor()
    page = visitor.go("/panes")
    cafe.wait_live(page)
    page.get_by_role("button", name="Freeze the read side").click()
    expect(page.get_by_text("The read side is frozen. Orders go on.")).to_be_visible()
    customer.order("espresso")
    expect(page.locator(".reports-fact-new").filter(has_text="OrderConfirmed")).to_be_visible()
    page.get_by_role("button", name="Let it catch up").click()
    expect(page.get_by_text("0 behind")).to_be_visible()
    expect(page.locator(".reports-fact-new")).to_have_count(0)


def test_the_lab_is_for_everybody(new_lab_visitor: NewVisitor) -> None:
    visitor = new_lab_visitor(locale="ko-KR", reduced_motion="reduce")
    assert faults(visitor.go("/lab")) == []
    visitor.resize(390)
    assert not visitor.page.evaluate("document.documentElement.scrollWidth > innerWidth")


def mood(lab: Page, name: str) -> None:
    """Let the payment gateway behave so for a while."""
    button = piece(lab, "till/moods").get_by_role("button", name=name)
    button.click()
    expect(button).to_have_attribute("aria-pressed", "true")
