"""An order under the eyes of who waits for it: what went to and fro, called off, given back; and both sides of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from e2e.harness import cafe
from e2e.harness.axe import faults
from e2e.harness.cafe import piece
from e2e.harness.customer import Customer
from e2e.harness.portal import Portal, eventually
from e2e.harness.visitor import Visitor

NewVisitor = Callable[..., Visitor]
HAPPY = [
    "To Inventory: ReserveStock",
    "Answer from Inventory: StockReserved",
    "To Till: ChargePayment",
    "Answer from Till: PaymentCharged",
    "To Inventory: CommitReservation",
    "Answer from Inventory: ReservationCommitted",
]


@pytest.fixture
def customer(portal: Portal) -> Iterator[Customer]:
    with Customer(portal) as customer:
        yield customer


@pytest.fixture
def paid(portal: Portal, customer: Customer) -> str:
    """The id of an order that waits for the kitchen."""
    order = customer.order("espresso", payment="card-4242")
    eventually(lambda: portal.ask("orders-service", f"/orders/{order}")["state"] == "CONFIRMED", "confirmed")
    return order


def test_what_went_to_and_fro_unfolds_and_stays_open_while_the_order_goes_on(
    visitor: Visitor, customer: Customer, paid: str
) -> None:
    page = visitor.go(f"/orders/{paid}")
    cafe.wait_live(page)
    page.locator("summary", has_text="Behind the scenes").press("Enter")
    assert messages(page) == HAPPY
    customer.advance(paid, "take")
    expect(page.locator(".orders-log-entry").filter(has_text="Begun")).to_be_visible()


def test_a_paid_order_is_called_off_after_a_second_look_and_leaves_the_board(
    new_visitor: NewVisitor, paid: str
) -> None:
    guest, board = new_visitor().go(f"/orders/{paid}"), new_visitor().go("/board")
    cafe.wait_live(board)
    expect(board.locator(f"#orders-ticket-{paid}")).to_be_visible()
    expect(guest.get_by_role("button", name="Yes, cancel it")).to_be_hidden()
    guest.locator("summary", has_text="Cancel the order").press("Enter")
    guest.get_by_role("button", name="Yes, cancel it").press("Enter")
    expect(guest.get_by_text(re.compile(r"As you asked\. ₩[\d,]+ was given back\."))).to_be_visible()
    expect(board.locator(f"#orders-ticket-{paid}")).to_have_count(0)


def test_without_javascript_a_guest_comes_too_late_and_staff_give_the_money_back_with_a_reason(
    new_visitor: NewVisitor, customer: Customer, paid: str
) -> None:
    visitor = new_visitor(java_script_enabled=False, locale="ko-KR", viewport={"width": 390, "height": 844})
    visitor.tolerate("status of 409")
    page = visitor.go(f"/orders/{paid}")
    customer.advance(paid, "take")
    page.locator("summary", has_text="주문 취소").click()
    page.get_by_role("button", name="네, 취소합니다").click()
    expect(page.get_by_role("alert")).to_have_text("이미 만들기 시작했습니다. 카운터에 문의해 주세요.")
    page.locator("summary", has_text="환불").click()
    page.get_by_label("사유 (선택)").fill("우유가 상했어요")
    page.get_by_role("button", name="네, 환불합니다").click()
    assert page.url.endswith(f"/orders/{paid}")
    reload_until(page, page.get_by_text("환불되었습니다."))
    expect(page.get_by_text(re.compile("사유: 우유가 상했어요. ₩[0-9,]+을 돌려 드렸습니다."))).to_be_visible()


@pytest.mark.parametrize("language", ["en", "ko"])
def test_the_unfolded_page_is_for_everybody(new_visitor: NewVisitor, paid: str, language: str) -> None:
    visitor = new_visitor(reduced_motion="reduce")
    page = visitor.go(f"/orders/{paid}?lang={language}")
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true })")
    assert faults(page) == []
    visitor.resize(390)
    assert not page.evaluate("document.documentElement.scrollWidth > innerWidth")


def test_there_is_no_lab_and_nothing_leads_there(visitor: Visitor) -> None:
    visitor.tolerate("status of 404")
    answer = visitor.page.goto("/lab")
    assert answer
    assert answer.status == 404
    page = visitor.go("/panes")
    assert page.locator("a[href='/lab']").count() == 0
    expect(page.get_by_role("button", name="Freeze the read side")).to_have_count(0)


def test_what_is_written_is_read_a_moment_later_on_the_open_page(visitor: Visitor, customer: Customer) -> None:
    page = visitor.go("/panes")
    cafe.wait_live(page)
    newest = page.locator(".reports-fact").filter(has_text="OrderConfirmed").first
    before = newest.inner_text() if newest.count() else ""
    customer.order("espresso")
    expect(newest).not_to_have_text(before)
    expect(newest.get_by_text("read", exact=True)).to_be_visible()
    expect(piece(page, "reports/panes").get_by_text("0 behind")).to_be_visible()


def messages(page: Page) -> list[str]:
    """As a screen reader says them, one after the other."""
    return [" ".join(text.split()) for text in page.locator(".orders-leg").all_text_contents()]


def reload_until(page: Page, wanted: Locator) -> None:
    """As a person does who waits for others."""
    for _ in range(100):
        if wanted.count():
            return
        page.reload()
    raise AssertionError(f"not there after 100 reloads: {wanted}")
