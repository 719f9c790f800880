"""A fragment server that answers rubbish: that stays in its slot, which says so, and is over as soon as it can be."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from e2e.harness import cafe, rubbish
from e2e.harness.cafe import piece
from e2e.harness.customer import Customer
from e2e.harness.gate import Answer, Gate
from e2e.harness.likeness import await_likeness
from e2e.harness.load import DEADLINE_SECONDS, TOLERANCE_SECONDS, Load, ailing, load
from e2e.harness.portal import START_SECONDS, Portal, eventually
from e2e.harness.visitor import Visitor

NewVisitor = Callable[..., Visitor]

NAMES = ("menu", "orders", "inventory", "till", "reports")
SLOT = "inventory/warnings"
NOT_FRESH = re.compile("stale|fallback|failed")
HEALED_SECONDS = 5.0


@pytest.fixture(scope="module")
def gates() -> Iterator[dict[str, Gate]]:
    gates = {name: Gate() for name in NAMES}
    yield gates
    for gate in gates.values():
        gate.close()


@pytest.fixture(scope="module")
def portal(gates: dict[str, Gate], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    addresses = " ".join(f"{name}={gate.url}" for name, gate in gates.items())
    portal = Portal(tmp_path_factory.mktemp("portal"), FRAGMENT_SERVERS=addresses)
    try:
        eventually(lambda: bool(portal.names()), "the portal has chosen its ports", START_SECONDS)
        for name, gate in gates.items():
            gate.lead_to(portal.url_of(f"{name}-fragment"))
        yield portal.wait_ready()
    finally:
        portal.stop()


@pytest.fixture(scope="module")
def customer(portal: Portal) -> Iterator[Customer]:
    with Customer(portal) as customer:
        yield customer


@pytest.fixture
def page(new_visitor: NewVisitor) -> Page:
    page = new_visitor().go("/")
    cafe.wait_live(page)
    return page


@pytest.mark.parametrize("answer", rubbish.RUBBISH)
def test_rubbish_stays_in_its_slot_which_says_so_and_heals_without_a_reload(
    answer: Answer, gates: dict[str, Gate], portal: Portal, page: Page, customer: Customer
) -> None:
    with gates["inventory"].answering(answer):
        customer.order("espresso")  # what the page shows of the stock is no longer so, and cannot be had anew
        eventually(lambda: whole(portal).states[SLOT] != "fresh", "the slot says so")
        others = {state for name, state in whole(portal).states.items() if name != SLOT}
        assert others == {"fresh"}
        assert gates["inventory"].asked
        expect(piece(page, SLOT)).to_have_attribute("data-state", NOT_FRESH)
        customer.order("americano")
    await_likeness(portal, [page], HEALED_SECONDS)
    expect(piece(page, SLOT)).to_have_attribute("data-state", "fresh")


def test_markup_that_would_swallow_the_page_stays_in_its_slot_and_is_gone_without_a_reload(
    gates: dict[str, Gate], portal: Portal, page: Page, new_visitor: NewVisitor, customer: Customer
) -> None:
    visitor = new_visitor()
    with gates["inventory"].answering(rubbish.unclosed):
        customer.order("espresso")
        expect(piece(page, SLOT).locator("textarea")).to_be_attached()
        newcomer = visitor.go("/")
        for shown in (page, newcomer):
            assert shown.locator("body > main, body > footer, main [data-fragment]").count() == 2 + 5
            expect(piece(shown, "till/today")).to_have_attribute("data-state", "fresh")
        assert "root:" not in newcomer.content()
        # To health probes it is well, and its HTML names no key: only its manifest gives it away.
        eventually(lambda: "inventory" in ailing(portal), "the shell has looked at its manifest")
    await_likeness(portal, [page, newcomer], HEALED_SECONDS)


def whole(portal: Portal) -> Load:
    """The counter, complete within its deadline."""
    loaded = load(portal, "/")
    assert loaded.seconds < DEADLINE_SECONDS + TOLERANCE_SECONDS
    assert len(loaded.states) == 5
    return loaded
