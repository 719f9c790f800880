from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from orders_service.domain.errors import (
    EmptyOrder,
    IllegalTransition,
    ItemOffSale,
    QuantityOutOfRange,
    TotalChanged,
    UnknownItem,
)
from orders_service.domain.kitchen import KITCHEN, Progress
from orders_service.domain.menu import MenuItem, Name
from orders_service.domain.order import Line, Order
from orders_service.domain.placing import Wanted, merged, priced, total_won
from orders_service.domain.saga import SAGA, State, Step

NOON = datetime(2026, 3, 2, 3, 0, tzinfo=UTC)
LATTE = MenuItem("latte", Name("Café latte", "카페 라테"), 5000, on_sale=True, sold_out=False, version=1)
MENU = {"latte": LATTE, "yuzu-tea": replace(LATTE, id="yuzu-tea", on_sale=False)}
ANSWERS = (Step.RESERVED, Step.REFUSED, Step.CHARGED, Step.DECLINED, Step.COMMITTED, Step.RELEASED)


def order(state: State = State.RESERVING, progress: Progress | None = None) -> Order:
    return Order(
        id="a",
        number=1,
        business_day=date(2026, 3, 2),
        placed_at=NOON,
        since=NOON,
        guest_name="",
        payment="cash",
        lines=(Line("latte", LATTE.name, 1, 5000),),
        total_won=5000,
        state=state,
        progress=progress,
    )


def test_the_way_to_confirmed_is_reserve_charge_commit() -> None:
    state = State.RESERVING
    for step in (Step.RESERVED, Step.CHARGED, Step.COMMITTED):
        state = SAGA.after(state, step)
    assert state is State.CONFIRMED


def test_a_declined_payment_gives_the_stock_back_before_the_order_is_cancelled() -> None:
    declined = order(State.CHARGING).declined(NOON)
    assert (declined.state, declined.reason) == (State.RELEASING, "payment_declined")
    assert declined.after(Step.RELEASED, NOON).state is State.CANCELLED


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("step", ANSWERS)
def test_every_answer_moves_the_order_or_is_a_repeat_or_raises(state: State, step: Step) -> None:
    if (state, step) in SAGA.transitions:
        assert not SAGA.is_past(state, step)
    else:
        with pytest.raises(IllegalTransition, match=f"{step.value}.*{state.value}"):
            SAGA.after(state, step)


@pytest.mark.parametrize(
    ("state", "step"),
    [
        (State.CHARGING, Step.RESERVED),
        (State.CANCELLED, Step.RESERVED),
        (State.CONFIRMED, Step.CHARGED),
        (State.CANCELLED, Step.DECLINED),
        (State.REJECTED, Step.REFUSED),
    ],
)
def test_an_answer_that_led_to_the_present_state_is_a_repeat(state: State, step: Step) -> None:
    assert SAGA.is_past(state, step)


@pytest.mark.parametrize(
    ("state", "step"),
    [
        (State.REJECTED, Step.RESERVED),
        (State.CHARGING, Step.REFUSED),
        (State.CONFIRMED, Step.DECLINED),
        (State.CANCELLED, Step.CHARGED),
        (State.RESERVING, Step.CHARGED),
    ],
)
def test_an_answer_that_contradicts_what_happened_is_no_repeat(state: State, step: Step) -> None:
    assert not SAGA.is_past(state, step)


def test_no_state_leads_out_of_a_terminal_one() -> None:
    sources = {source for source, _ in SAGA.transitions}
    assert set(State) - sources == {State.CONFIRMED, State.REJECTED, State.CANCELLED}


def test_a_confirmed_order_is_queued_for_the_kitchen() -> None:
    confirmed = order(State.COMMITTING).confirmed(NOON)
    assert (confirmed.state, confirmed.progress, confirmed.revision) == (State.CONFIRMED, Progress.QUEUED, 2)


def test_the_kitchen_goes_step_by_step() -> None:
    with pytest.raises(IllegalTransition):
        KITCHEN.after(Progress.QUEUED, Step.FINISHED)
    with pytest.raises(IllegalTransition):
        order(State.CHARGING).worked_on(Step.TAKEN)


@pytest.mark.parametrize(
    ("state", "progress", "is_open"),
    [
        (State.RESERVING, None, True),
        (State.CONFIRMED, Progress.READY, True),
        (State.CONFIRMED, Progress.HANDED_OVER, False),
        (State.REJECTED, None, False),
        (State.CANCELLED, None, False),
    ],
)
def test_an_order_is_open_while_somebody_waits_for_it(state: State, progress: Progress | None, is_open: bool) -> None:
    assert order(state, progress).is_open is is_open


def test_lines_of_the_same_item_become_one() -> None:
    assert merged([Wanted("latte", 1), Wanted("mocha", 1), Wanted("latte", 2)]) == (
        Wanted("latte", 3),
        Wanted("mocha", 1),
    )


@pytest.mark.parametrize("quantities", [[0], [-1], [100], [60, 40]])
def test_a_quantity_outside_of_1_to_99_is_refused(quantities: list[int]) -> None:
    with pytest.raises(QuantityOutOfRange):
        merged([Wanted("latte", qty) for qty in quantities])


def test_what_is_not_on_the_menu_or_not_for_sale_is_refused() -> None:
    with pytest.raises(EmptyOrder):
        priced([], MENU)
    with pytest.raises(UnknownItem, match="mocha"):
        priced([Wanted("mocha", 1)], MENU)
    with pytest.raises(ItemOffSale, match="yuzu-tea"):
        priced([Wanted("yuzu-tea", 1)], MENU)


def test_the_total_must_be_what_the_guest_was_shown() -> None:
    lines = priced([Wanted("latte", 2)], MENU)
    assert total_won(lines, 10_000) == 10_000
    with pytest.raises(TotalChanged, match=r"9000.*10000"):
        total_won(lines, 9_000)
