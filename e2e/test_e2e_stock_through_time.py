"""The stock of an ingredient after any of its events: a slider that a sale does not take out of one's hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import expect

from e2e.harness import cafe
from e2e.harness.cafe import LIVE_MS, piece
from e2e.harness.customer import Customer
from e2e.harness.portal import Portal
from e2e.harness.visitor import Visitor

NewVisitor = Callable[..., Visitor]


@pytest.fixture
def customer(portal: Portal) -> Iterator[Customer]:
    with Customer(portal) as customer:
        customer.restock("honey", 7)
        customer.restock("honey", 11)
        yield customer


def test_the_slider_goes_back_and_stays_where_it_is_when_something_is_delivered(
    new_visitor: NewVisitor, customer: Customer
) -> None:
    page = new_visitor().go("/stock/honey")
    cafe.wait_live(page)
    slider = page.get_by_label("After which event")
    newest = int(slider.get_attribute("max") or 0)
    slider.focus()
    page.keyboard.press("ArrowLeft")
    expect(piece(page, "inventory/moment")).to_contain_text(f"After event {newest - 1} of {newest}")
    expect(piece(page, "inventory/moment").get_by_role("row").nth(1)).to_contain_text("+7")
    customer.restock("honey", 13)
    expect(slider).to_have_attribute("max", str(newest + 1), timeout=LIVE_MS)
    expect(slider).to_be_focused()
    assert slider.input_value() == str(newest - 1)
    expect(piece(page, "inventory/moment")).to_contain_text(f"After event {newest - 1} of {newest}")
    page.keyboard.press("ArrowRight")
    expect(piece(page, "inventory/moment").get_by_role("row").nth(1)).to_contain_text("+11")


def test_without_scripts_a_button_looks_back(new_visitor: NewVisitor, customer: Customer) -> None:
    page = new_visitor(java_script_enabled=False).go("/stock?ingredient=honey")
    page.get_by_role("link", name="Through time").click()
    page.get_by_label("After which event").focus()
    page.keyboard.press("Home")
    page.get_by_role("button", name="Look back").click()
    expect(piece(page, "inventory/moment")).to_contain_text("After event 1 of")
    expect(piece(page, "inventory/moment").get_by_role("row")).to_have_count(2)
    assert "upto=1" in page.url


def test_what_nobody_keeps_and_a_day_that_never_was_are_not_found(new_visitor: NewVisitor) -> None:
    visitor = new_visitor()
    visitor.tolerate("status of 404")
    for path in ("/stock/gold", "/stock/honey?day=1999-01-01", "/reports/2026-02-31"):
        answer = visitor.page.goto(path)
        assert answer is not None
        assert answer.status == 404
