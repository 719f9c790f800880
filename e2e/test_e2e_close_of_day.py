"""A day is closed, reported, blocked by what differs, and taken back; at another portal, for it moves the day on."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx2
import pytest
from playwright.sync_api import Locator, Page, expect

from e2e.harness import cafe
from e2e.harness.axe import faults
from e2e.harness.cafe import piece
from e2e.harness.customer import Customer
from e2e.harness.portal import Portal, eventually
from e2e.harness.visitor import Visitor

NewVisitor = Callable[..., Visitor]
CLOSE_MS = 20_000
STRANGE_WON = 4_321
STEPS = 6


@pytest.fixture(scope="module")
def takings(lab_portal: Portal) -> Iterator[int]:
    """What two orders brought in, one in cash and one by card."""
    with Customer(lab_portal) as customer:
        orders = [customer.order("espresso"), customer.order("americano", payment="card-4242")]
        eventually(lambda: {view(lab_portal, order)["state"] for order in orders} == {"CONFIRMED"}, "both are paid")
        yield sum(int(str(view(lab_portal, order)["total_won"])) for order in orders)


def test_a_day_is_closed_step_by_step_before_everybodys_eyes(
    new_lab_visitor: NewVisitor, takings: int, tmp_path: Path
) -> None:
    manager, colleague = new_lab_visitor(reduced_motion="reduce"), new_lab_visitor().page
    page = manager.go("/till")
    colleague.goto("/till")
    for open_page in (page, colleague):
        cafe.wait_live(open_page)
    expect(piece(page, "till/day")).to_contain_text(f"₩{takings:,}")
    press(page, "Close ")
    for open_page in (page, colleague):
        expect(done(open_page)).to_have_count(STEPS, timeout=CLOSE_MS)
        expect(words(open_page)).to_contain_text("Closed. Every figure agrees")
    expect(piece(page, "till/day")).to_contain_text("Cash at opening")
    assert faults(page) == []
    page.get_by_role("link", name="Report of the day").click()
    report = piece(page, "reports/report")
    expect(report.locator(".figure")).to_have_text(f"₩{takings:,}")
    expect(report).to_contain_text("the same")
    expect(piece(page, "reports/items")).to_contain_text("Espresso")
    assert faults(page) == []
    with page.expect_download() as download:
        report.get_by_role("link", name="Download CSV").click()
    assert re.fullmatch(r"jogakbo-[0-9-]{10}\.csv", download.value.suggested_filename)
    download.value.save_as(tmp_path / "day.csv")
    assert f"sales,net,,,2,{takings}" in (tmp_path / "day.csv").read_text("utf-8-sig")


def test_on_paper_the_report_is_alone(new_lab_visitor: NewVisitor, takings: int) -> None:
    page = new_lab_visitor().go("/reports")
    piece(page, "reports/days").get_by_role("row").filter(has_text=f"₩{takings:,}").get_by_role("link").click()
    page.emulate_media(media="print")
    expect(piece(page, "reports/report").locator(".figure")).to_be_visible()
    expect(piece(page, "reports/hours").get_by_role("img")).to_be_visible()
    expect(page.get_by_role("navigation", name="Pages")).to_be_hidden()
    expect(page.get_by_role("button", name="Print")).to_be_hidden()


def test_without_scripts_a_day_is_reopened_with_a_reason_and_closed_again(
    new_lab_visitor: NewVisitor, takings: int
) -> None:
    visitor = new_lab_visitor(java_script_enabled=False, viewport={"width": 390, "height": 844})
    page = visitor.go("/till")
    close_by_reloading(page)
    page.get_by_text("Reopen this day").click()
    page.get_by_label("Why").fill("A roll of coins was found")
    page.get_by_role("button", name="Reopen ").click()
    expect(words(page)).to_contain_text("Reopened.")
    with page.expect_navigation():
        press(page, "Close ")
    close_by_reloading(page)
    page.get_by_role("link", name="Report of the day").click()
    expect(piece(page, "reports/report").locator(".figure")).to_have_text(f"₩{takings:,}")
    expect(page.get_by_role("button", name="Print")).to_be_hidden()


def test_what_the_gateway_knows_and_the_till_does_not_blocks_the_close_until_it_is_settled(
    new_lab_visitor: NewVisitor, lab_portal: Portal, takings: int
) -> None:
    page = new_lab_visitor(reduced_motion="reduce").go("/till")
    cafe.wait_live(page)
    reopen(page, "The gateway called")
    day = piece(page, "till/close").locator("time").first.inner_text()
    charges = f"{lab_portal.url_of('gateway-service')}/charges"
    charge = {"order_id": "of-nobody", "amount_won": STRANGE_WON, "payment": "card-4242", "business_day": day}
    httpx2.post(charges, json=charge, headers={"idempotency-key": "of-nobody"}, trust_env=False).raise_for_status()
    press(page, "Close ")
    expect(words(page)).to_contain_text("Blocked", timeout=CLOSE_MS)
    expect(piece(page, "till/close").locator(".till-off").filter(has_text=f"₩{STRANGE_WON:,}")).to_have_count(1)
    assert faults(page) == []
    httpx2.post(f"{charges}/of-nobody/void", trust_env=False).raise_for_status()
    press(page, "Check again")
    expect(done(page)).to_have_count(STEPS, timeout=CLOSE_MS)


def test_the_reporting_database_is_made_anew_by_a_button(new_lab_visitor: NewVisitor, takings: int) -> None:
    page = new_lab_visitor().go("/reports")
    piece(page, "reports/rebuild").get_by_role("button", name="Rebuild").click()
    expect(piece(page, "reports/rebuild")).to_contain_text("Made anew from")
    expect(piece(page, "reports/days").get_by_role("row").filter(has_text=f"₩{takings:,}")).to_have_count(1)


def test_everything_that_must_be_true_is(new_lab_visitor: NewVisitor, takings: int) -> None:
    page = new_lab_visitor().go("/checks")
    for owner in ("orders", "inventory", "till", "reports"):
        expect(piece(page, f"{owner}/checks")).to_contain_text("all hold")


def test_what_is_true_is_said_in_korean_with_its_figures(new_lab_visitor: NewVisitor, takings: int) -> None:
    page = new_lab_visitor(locale="ko-KR").go("/checks")
    for owner in ("orders", "inventory", "till", "reports"):
        expect(piece(page, f"{owner}/checks")).to_contain_text("모두 맞음")
    expect(piece(page, "inventory/checks")).to_contain_text(re.compile(r"재료 \d+ · 기록 [\d,]+"))
    expect(piece(page, "orders/checks")).to_contain_text(re.compile(r"확정 \d+ · 결제 가능 \d+"))
    expect(piece(page, "reports/checks")).to_contain_text(re.compile(r"비교한 날 \d+"))
    expect(page.locator(".check [lang=en]")).to_have_count(0)


def view(portal: Portal, order: str) -> dict[str, object]:
    return portal.ask("orders-service", f"/orders/{order}")


def words(page: Page) -> Locator:
    return piece(page, "till/close").get_by_role("status")


def done(page: Page) -> Locator:
    return piece(page, "till/close").get_by_role("listitem").filter(has_text=re.compile(", done"))


def press(page: Page, name: str) -> None:
    piece(page, "till/close").get_by_role("button", name=name).click()


def reopen(page: Page, reason: str) -> None:
    page.get_by_text("Reopen this day").click()
    page.get_by_label("Why").fill(reason)
    press(page, "Reopen ")
    expect(words(page)).to_contain_text("Reopened.")


def close_by_reloading(page: Page) -> None:
    """As a person does who has no scripts."""
    eventually(lambda: page.reload() is not None and done(page).count() == STEPS, "closed", CLOSE_MS / 1000)
