"""The stock of one ingredient: decisions, and what every sequence of them keeps true."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inventory_service.domain import stock as decide
from inventory_service.domain.errors import (
    AmountOutOfRangeError,
    CountBelowHoldsError,
    HoldExistsError,
    HoldUnknownError,
    NotEnoughError,
    StockError,
)
from inventory_service.domain.events import Counted, DayOpened, Hold, StockEvent, moved
from inventory_service.domain.stock import EMPTY, Stock, evolve

BEANS = Stock(on_hand=1000)
HELD = Stock(on_hand=1000, holds=(Hold("order-1", 300),))


def test_a_hold_lowers_what_is_available_and_leaves_what_is_on_hand() -> None:
    stock = evolve(BEANS, decide.hold(BEANS, "order-1", 300))
    assert (stock.on_hand, stock.reserved, stock.available) == (1000, 300, 700)


def test_a_commit_turns_the_hold_into_consumption() -> None:
    stock = evolve(HELD, decide.commit(HELD, "order-1"))
    assert (stock.on_hand, stock.reserved, stock.available) == (700, 0, 700)


def test_a_release_frees_the_hold() -> None:
    assert evolve(HELD, decide.release(HELD, "order-1")) == BEANS


def test_more_than_is_available_cannot_be_held() -> None:
    with pytest.raises(NotEnoughError):
        decide.hold(HELD, "order-2", 701)


def test_one_order_holds_an_ingredient_once() -> None:
    with pytest.raises(HoldExistsError):
        decide.hold(HELD, "order-1", 1)


def test_only_a_hold_that_exists_can_be_committed_or_released() -> None:
    with pytest.raises(HoldUnknownError):
        decide.commit(HELD, "order-2")
    with pytest.raises(HoldUnknownError):
        decide.release(BEANS, "order-1")


def test_a_count_says_by_how_much_the_books_were_wrong() -> None:
    assert decide.count(HELD, 950) == Counted(950, -50)


def test_a_count_cannot_leave_less_than_open_orders_hold() -> None:
    with pytest.raises(CountBelowHoldsError, match="300 are held"):
        decide.count(HELD, 299)


@pytest.mark.parametrize("amount", [-1, 0, decide.MAX_RESTOCK + 1])
def test_a_delivery_that_nobody_can_mean_is_refused(amount: int) -> None:
    with pytest.raises(AmountOutOfRangeError):
        decide.restock(BEANS, amount)


def test_the_shelf_has_an_end() -> None:
    full = Stock(on_hand=decide.MAX_ON_HAND - 5)
    with pytest.raises(AmountOutOfRangeError):
        decide.restock(full, 6)


def test_a_new_day_opens_with_the_closing_balance_and_the_open_holds() -> None:
    assert evolve(EMPTY, decide.carry_over(HELD)) == HELD


_ORDERS = st.sampled_from(["order-1", "order-2", "order-3"])
_AMOUNTS = st.integers(min_value=-5, max_value=200)
_COMMANDS = st.one_of(
    st.tuples(st.just("hold"), _ORDERS, _AMOUNTS),
    st.tuples(st.just("commit"), _ORDERS, st.just(0)),
    st.tuples(st.just("release"), _ORDERS, st.just(0)),
    st.tuples(st.just("restock"), st.just(""), _AMOUNTS),
    st.tuples(st.just("count"), st.just(""), _AMOUNTS),
    st.tuples(st.just("new-day"), st.just(""), st.just(0)),
)


def _event(stock: Stock, command: str, order_id: str, amount: int) -> StockEvent:
    match command:
        case "hold":
            return decide.hold(stock, order_id, amount)
        case "commit":
            return decide.commit(stock, order_id)
        case "release":
            return decide.release(stock, order_id)
        case "restock":
            return decide.restock(stock, amount)
        case "count":
            return decide.count(stock, amount)
        case _:
            return decide.carry_over(stock)


@given(st.integers(min_value=0, max_value=500), st.lists(_COMMANDS, max_size=60))
def test_stock_is_conserved_and_never_negative(opening: int, commands: list[tuple[str, str, int]]) -> None:
    events: list[StockEvent] = [DayOpened(opening)]
    stock = evolve(EMPTY, events[0])
    for command in commands:
        try:
            events.append(_event(stock, *command))
        except StockError:
            continue
        stock = evolve(stock, events[-1])
        assert 0 <= stock.reserved <= stock.on_hand
        assert stock.available >= 0
        assert all(hold.amount > 0 for hold in stock.holds)
        assert stock.on_hand == opening + sum(moved(event) for event in events)
