from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from orders_service.domain.errors import (
    EmptyOrder,
    IllegalTransition,
    ItemOffSale,
    QuantityOutOfRange,
    TotalChanged,
    UnknownItem,
)
from orders_service.domain.kitchen import Progress
from orders_service.domain.menu import MenuItem, Name
from orders_service.domain.order import Line, Order
from orders_service.domain.placing import Wanted, merged, priced, total_won
from orders_service.domain.saga import ENDED, SAGA, State, Step, after, led_to
from orders_service.handlers.messages import SAID_IN

NOON = datetime(2026, 3, 2, 3, 0, tzinfo=UTC)
LATTE = MenuItem("latte", Name("Café latte", "카페 라테"), 5000, on_sale=True, sold_out=False, version=1)
MENU = {"latte": LATTE, "yuzu-tea": replace(LATTE, id="yuzu-tea", on_sale=False)}
ANSWERS = (
    Step.RESERVED,
    Step.REFUSED,
    Step.CHARGED,
    Step.DECLINED,
    Step.COMMITTED,
    Step.VOIDED,
    Step.RELEASED,
    Step.REFUNDED,
)


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
        state = after(state, step)
    assert state is State.CONFIRMED


def test_every_state_has_its_row_and_says_what_the_row_says() -> None:
    assert set(SAGA) == set(SAID_IN) == set(State)
    for state, row in SAGA.items():
        said = SAID_IN[state](order(state)).type
        assert said == row.sends if row.sends else said.startswith("orders.")


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("step", ANSWERS)
def test_every_answer_moves_the_order_or_comes_late_or_raises(state: State, step: Step) -> None:
    assert not (step in SAGA[state].leads and step in SAGA[state].late)
    if step not in SAGA[state].leads:
        with pytest.raises(IllegalTransition, match=f"{step.value}.*{state.value}"):
            after(state, step)


@pytest.mark.parametrize("step", ANSWERS)
def test_the_answer_that_led_to_a_state_is_known_there_when_it_is_repeated(step: Step) -> None:
    for state, row in SAGA.items():
        if led_to(state, step):
            assert step in row.late or step in row.leads


@pytest.mark.parametrize(
    ("state", "step"),
    [
        (State.REJECTED, Step.RESERVED),
        (State.CHARGING, Step.REFUSED),
        (State.COMMITTING, Step.VOIDED),
        (State.CONFIRMED, Step.DECLINED),
        (State.CONFIRMED, Step.RELEASED),
        (State.RESERVING, Step.CHARGED),
        (State.REFUNDED, Step.VOIDED),
    ],
)
def test_an_answer_that_contradicts_what_happened_is_neither(state: State, step: Step) -> None:
    assert step not in SAGA[state].late
    assert step not in SAGA[state].leads


def test_from_every_state_an_end_can_be_reached() -> None:
    for start in State:
        reached, fresh = {start}, {start}
        while fresh:
            fresh = {target for state in fresh for target in SAGA[state].leads.values()} - reached
            reached |= fresh
        assert reached & {State.CONFIRMED, *ENDED}


def test_an_order_is_tried_again_after_pauses_that_double_up_to_a_minute() -> None:
    waiting = order(State.COMMITTING).waiting(NOON)
    pauses: list[timedelta] = []
    while len(pauses) < 8:
        assert waiting.due_at is not None
        pauses.append(waiting.due_at - (NOON + sum(pauses, timedelta())))
        waiting = waiting.resent(waiting.due_at, None)
    assert [pause.total_seconds() for pause in pauses] == [2, 4, 8, 16, 32, 60, 60, 60]


def test_an_order_that_gives_up_is_due_when_it_does() -> None:
    waiting = order(State.CHARGING).waiting(NOON).resent(NOON + timedelta(seconds=28), timedelta(seconds=30))
    assert (waiting.tries, waiting.due_at) == (2, NOON + timedelta(seconds=30))


@pytest.mark.parametrize("state", [state for state, row in SAGA.items() if row.sends])
def test_who_insists_raises_an_alarm_at_the_fifth_try(state: State) -> None:
    insists = state not in (State.RESERVING, State.CHARGING)
    assert not replace(order(state), tries=4).alarm
    assert replace(order(state), tries=5).alarm is insists


@pytest.mark.parametrize("state", State)
def test_what_waits_is_due_and_what_does_not_is_never(state: State) -> None:
    standing = order(state).waiting(NOON)
    assert (standing.due_at is not None) == (standing.tries == 1) == (SAGA[state].sends is not None)


def test_a_confirmed_order_is_queued_for_the_kitchen_until_it_is_refunded() -> None:
    confirmed = order(State.COMMITTING).after(Step.COMMITTED, NOON)
    assert (confirmed.state, confirmed.progress, confirmed.revision) == (State.CONFIRMED, Progress.QUEUED, 2)
    assert confirmed.after(Step.REFUND_ASKED, NOON).progress is None


@pytest.mark.parametrize(
    ("state", "progress", "can_cancel", "can_refund"),
    [
        (State.RESERVING, None, True, False),
        (State.CHARGING, None, True, False),
        (State.COMMITTING, None, False, False),
        (State.CONFIRMED, Progress.QUEUED, True, True),
        (State.CONFIRMED, Progress.HANDED_OVER, False, True),
        (State.REFUNDING, None, False, False),
        (State.CANCELLED, None, False, False),
    ],
)
def test_who_may_still_call_it_off(state: State, progress: Progress | None, can_cancel: bool, can_refund: bool) -> None:
    standing = order(state, progress)
    assert (standing.can_cancel, standing.can_refund) == (can_cancel, can_refund)


def test_the_kitchen_goes_step_by_step() -> None:
    for progress, step in ((Progress.QUEUED, Step.FINISHED), (Progress.READY, Step.TAKEN)):
        with pytest.raises(IllegalTransition):
            order(State.CONFIRMED, progress).worked_on(step)
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
        (State.REFUNDING, None, True),
        (State.REFUNDED, None, False),
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
