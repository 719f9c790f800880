"""Somebody with all of the café open at once: browsers give a host six connections, and the portal needs one."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from e2e.harness import cafe
from e2e.harness.customer import Customer
from e2e.harness.likeness import await_likeness
from e2e.harness.portal import Portal
from e2e.harness.visitor import Visitor

NewVisitor = Callable[..., Visitor]

PATHS = ("/", "/board", "/stock", "/menu", "/till", "/reports", "/stock", "/board")


@pytest.fixture
def customer(portal: Portal) -> Iterator[Customer]:
    with Customer(portal) as customer:
        yield customer


def tabs(visitor: Visitor, *paths: str) -> list[Page]:
    """The first is in the visitor's own page."""
    pages = [visitor.go(paths[0])]
    for path in paths[1:]:
        pages.append(visitor.context.new_page())
        pages[-1].goto(path)
    return pages


def test_eight_open_tabs_are_live_and_right(portal: Portal, visitor: Visitor, customer: Customer) -> None:
    pages = tabs(visitor, *PATHS)
    for page in pages:
        cafe.wait_live(page)

    customer.order("espresso")

    for page in (pages[1], pages[-1]):
        expect(cafe.column(page, "To make").get_by_text("Espresso").first).to_be_visible()
    await_likeness(portal, pages, 10.0)


def test_tabs_in_two_languages_stay_in_theirs(portal: Portal, visitor: Visitor, customer: Customer) -> None:
    english, korean = tabs(visitor, "/stock?lang=en", "/stock?lang=ko")
    for page in (english, korean):
        cafe.wait_live(page)
    amounts = [page.locator(".inventory-amount").all_inner_texts() for page in (english, korean)]

    customer.order("americano")

    for page, before in zip((english, korean), amounts, strict=True):
        expect(page.locator(".inventory-amount")).not_to_have_text(before)
    expect(english.get_by_role("heading", name="Stock", exact=True).first).to_be_visible()
    expect(english.get_by_text("Coffee beans").first).to_be_visible()
    expect(korean.get_by_text("Coffee beans")).to_have_count(0)
