"""The money of a day: a fold, and the decisions."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from till_service.domain import day as decide
from till_service.domain.day import EMPTY, Day, evolve
from till_service.domain.errors import ChargeExistsError, ChargeUnknownError
from till_service.domain.events import Method
from till_service.domain.payment import Accepted, Declined, Outcome, method_of, new_charge, outcome_at_once

COFFEE = new_charge("order-1", 4500, "card-4242")


def settled(day: Day, outcome: Outcome) -> Day:
    started = evolve(day, decide.start(day, COFFEE))
    return evolve(started, decide.settle(started, "order-1", outcome))


def test_money_counts_when_it_is_charged_not_when_it_is_asked_for() -> None:
    started = evolve(EMPTY, decide.start(EMPTY, COFFEE))
    assert started.takings_won == 0
    assert settled(EMPTY, Accepted("ref")) == Day(card_won=4500, payments=1)


def test_a_declined_payment_is_counted_and_brings_nothing() -> None:
    assert settled(EMPTY, Declined("card_declined")) == Day(declined=1)


def test_an_order_is_charged_once_at_a_time() -> None:
    started = evolve(EMPTY, COFFEE)
    with pytest.raises(ChargeExistsError):
        decide.start(started, COFFEE)


def test_only_a_charge_under_way_has_an_outcome() -> None:
    with pytest.raises(ChargeUnknownError):
        decide.settle(settled(EMPTY, Accepted("ref")), "order-1", Accepted("again"))


@pytest.mark.parametrize(
    ("payment", "method"),
    [("cash", "cash"), ("card-4242", "card"), ("card-", "unknown"), ("", "unknown"), ("shells", "unknown")],
)
def test_the_payment_tells_its_method(payment: str, method: Method) -> None:
    assert method_of(payment) == method


@pytest.mark.parametrize("amount_won", [0, -4500, 10_000_001])
def test_an_amount_that_no_order_can_cost_needs_no_gateway(amount_won: int) -> None:
    assert outcome_at_once(new_charge("order-1", amount_won, "cash")) == Declined("amount_out_of_range")


_CHARGES = st.lists(
    st.tuples(
        st.integers(min_value=1, max_value=100_000),
        st.sampled_from(["cash", "card-4242"]),
        st.sampled_from([Accepted("ref"), Declined("card_declined"), None]),
    ),
    max_size=30,
)


@given(_CHARGES)
def test_takings_are_the_sum_of_the_accepted_charges(charges: list[tuple[int, str, Outcome | None]]) -> None:
    day, taken, open_charges = EMPTY, 0, 0
    for number, (amount_won, payment, outcome) in enumerate(charges):
        order_id = f"order-{number}"
        day = evolve(day, decide.start(day, new_charge(order_id, amount_won, payment)))
        if outcome is None:
            open_charges += 1
            continue
        day = evolve(day, decide.settle(day, order_id, outcome))
        taken += amount_won if isinstance(outcome, Accepted) else 0
    assert day.takings_won == taken
    assert day.payments + day.declined + len(day.under_way) == len(charges)
    assert len(day.under_way) == open_charges
