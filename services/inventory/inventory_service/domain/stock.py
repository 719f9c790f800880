"""The stock of one ingredient: a fold of its events, and the decisions that make new ones."""

from __future__ import annotations

from dataclasses import dataclass

from inventory_service.domain.errors import (
    AmountOutOfRangeError,
    CountBelowHoldsError,
    HoldExistsError,
    HoldUnknownError,
    NotEnoughError,
)
from inventory_service.domain.events import (
    Counted,
    DayClosed,
    DayOpened,
    Hold,
    HoldCommitted,
    HoldReleased,
    Restocked,
    StockEvent,
    StockHeld,
)

MAX_RESTOCK = 1_000_000
"""One delivery: a tonne of beans or a cubic metre of milk. More is a slip of the finger."""

MAX_ON_HAND = 10_000_000


@dataclass(frozen=True, slots=True)
class Stock:
    on_hand: int = 0
    holds: tuple[Hold, ...] = ()

    @property
    def reserved(self) -> int:
        return sum(hold.amount for hold in self.holds)

    @property
    def available(self) -> int:
        return self.on_hand - self.reserved

    def held_by(self, order_id: str) -> int:
        return sum(hold.amount for hold in self.holds if hold.order_id == order_id)

    def without(self, order_id: str) -> tuple[Hold, ...]:
        return tuple(hold for hold in self.holds if hold.order_id != order_id)


EMPTY = Stock()


def evolve(stock: Stock, event: StockEvent) -> Stock:
    """The stock after the event. It happened, so nothing is checked here."""
    match event:
        case DayOpened(on_hand=on_hand, holds=holds):
            return Stock(on_hand, holds)
        case StockHeld(order_id=order_id, amount=amount):
            return Stock(stock.on_hand, (*stock.holds, Hold(order_id, amount)))
        case HoldCommitted(order_id=order_id, amount=amount):
            return Stock(stock.on_hand - amount, stock.without(order_id))
        case HoldReleased(order_id=order_id):
            return Stock(stock.on_hand, stock.without(order_id))
        case Restocked(amount=amount):
            return Stock(stock.on_hand + amount, stock.holds)
        case Counted(counted=on_hand) | DayClosed(on_hand=on_hand):
            return Stock(on_hand, stock.holds)


def carry_over(stock: Stock) -> DayOpened:
    return DayOpened(stock.on_hand, stock.holds)


def close(stock: Stock) -> DayClosed:
    return DayClosed(stock.on_hand)


def hold(stock: Stock, order_id: str, amount: int) -> StockHeld:
    _require_range(amount, 1, MAX_ON_HAND)
    if stock.held_by(order_id):
        raise HoldExistsError(order_id)
    if amount > stock.available:
        raise NotEnoughError(amount, stock.available)
    return StockHeld(order_id, amount)


def commit(stock: Stock, order_id: str) -> HoldCommitted:
    return HoldCommitted(order_id, _held(stock, order_id))


def release(stock: Stock, order_id: str) -> HoldReleased:
    return HoldReleased(order_id, _held(stock, order_id))


def restock(stock: Stock, amount: int) -> Restocked:
    _require_range(amount, 1, min(MAX_RESTOCK, MAX_ON_HAND - stock.on_hand))
    return Restocked(amount)


def count(stock: Stock, counted: int) -> Counted:
    _require_range(counted, 0, MAX_ON_HAND)
    if counted < stock.reserved:
        raise CountBelowHoldsError(counted, stock.reserved)
    return Counted(counted, counted - stock.on_hand)


def _held(stock: Stock, order_id: str) -> int:
    amount = stock.held_by(order_id)
    if not amount:
        raise HoldUnknownError(order_id)
    return amount


def _require_range(amount: int, lowest: int, highest: int) -> None:
    if not lowest <= amount <= highest:
        raise AmountOutOfRangeError(amount, lowest, highest)
