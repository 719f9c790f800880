"""One order's claim on the stock: all its ingredients or none."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from inventory_service.domain.ingredient import Name
from inventory_service.domain.recipe import OrderLine, Portion
from inventory_service.domain.stock import Stock


class ReservationState(StrEnum):
    WAITING = "waiting"  # for a recipe that the menu has not told yet
    RESERVED = "reserved"
    REFUSED = "refused"
    COMMITTED = "committed"
    RELEASED = "released"


@dataclass(frozen=True, slots=True)
class Shortage:
    ingredient_id: str
    name: Name
    needed: int
    available: int


@dataclass(frozen=True, slots=True)
class Reservation:
    """``portions`` are what it holds, or held; ``short`` is why it was refused."""

    order_id: str
    state: ReservationState
    business_day: date | None = None
    lines: tuple[OrderLine, ...] = ()
    portions: tuple[Portion, ...] = ()
    short: tuple[Shortage, ...] = ()


@dataclass(frozen=True, slots=True)
class OnShelf:
    """An ingredient's name and stock, as far as a reservation looks at it."""

    name: Name
    stock: Stock


def shortages(portions: Iterable[Portion], shelves: Mapping[str, OnShelf]) -> tuple[Shortage, ...]:
    """What is missing; an ingredient that nobody keeps counts as none available, under its id."""
    short = []
    for portion in portions:
        shelf = shelves.get(portion.ingredient_id)
        available = shelf.stock.available if shelf else 0
        if portion.amount > available:
            name = shelf.name if shelf else Name(portion.ingredient_id, portion.ingredient_id)
            short.append(Shortage(portion.ingredient_id, name, portion.amount, available))
    return tuple(short)
