"""What a screen reader says of its own accord: only what somebody waits for, from an element that stays."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import JSHandle, Page, expect

from e2e.harness import cafe
from e2e.harness.customer import Customer
from e2e.harness.faults import hung
from e2e.harness.portal import Portal
from e2e.harness.visitor import Visitor

DECLINED = "Card ending 0002 (sandbox card, gets declined)"
CHARGED_MS = 20_000
"""The till's answer comes after the pause until it is asked again."""

_SPOKEN = "element => element.isConnected && element.innerText.trim()"


@pytest.fixture
def barista(portal: Portal) -> Iterator[Customer]:
    with Customer(portal) as barista:
        yield barista


def test_an_order_that_becomes_ready_is_spoken(visitor: Visitor, barista: Customer) -> None:
    cafe.order(visitor.page, "Espresso")
    spoken = words(visitor.page, "Paid")

    barista.advance(visitor.page.url.rpartition("/")[2], "take", "finish")

    expect(visitor.page.get_by_text("Ready. Please pick it up.")).to_be_visible()
    assert spoken.evaluate(_SPOKEN) == "Ready. Please pick it up."


def test_that_an_order_is_refused_is_spoken_with_the_reason(portal: Portal, visitor: Visitor) -> None:
    with hung(portal, "till-service"):
        cafe.order(visitor.page, "Espresso", payment=DECLINED)
        spoken = words(visitor.page, "going through")

    expect(visitor.page.get_by_text("The order was cancelled.")).to_be_visible(timeout=CHARGED_MS)
    assert "The card was declined." in spoken.evaluate(_SPOKEN)


def words(page: Page, text: str) -> JSHandle:
    """The element that speaks, once the order stands so."""
    cafe.wait_live(page)
    expect(page.get_by_role("status").filter(has_text=text)).to_be_visible()
    return page.evaluate_handle("document.querySelector('.orders-track [role=status]')")
