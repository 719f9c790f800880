"""What inventory says to others. The JSON Schema of each is in ``schemas/<type>.json``."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from datetime import date
from typing import ClassVar

import msgspec

from inventory_service.domain.ingredient import Level, Name, Unit
from inventory_service.domain.reservation import Reservation, Shortage
from inventory_service.handlers.ports import Shelf


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """``about`` names the field with the id of what the message is about."""

    type: ClassVar[str]
    about: ClassVar[str]

    @property
    def subject(self) -> str:
        return str(getattr(self, self.about))

    @property
    def keys(self) -> Iterable[str]:
        return ()


class OrderAnswer(Message, frozen=True, kw_only=True):
    """An answer to the saga of one order."""

    about: ClassVar[str] = "order_id"
    order_id: str


class StockReserved(OrderAnswer, frozen=True, kw_only=True):
    type: ClassVar[str] = "inventory.StockReserved"


class StockRefused(OrderAnswer, frozen=True, kw_only=True):
    type: ClassVar[str] = "inventory.StockRefused"
    short: tuple[Shortage, ...]

    @classmethod
    def of(cls, reservation: Reservation) -> StockRefused:
        return cls(order_id=reservation.order_id, short=reservation.short)


class ReservationCommitted(OrderAnswer, frozen=True, kw_only=True):
    type: ClassVar[str] = "inventory.ReservationCommitted"


class ReservationReleased(OrderAnswer, frozen=True, kw_only=True):
    type: ClassVar[str] = "inventory.ReservationReleased"


class DayClosed(Message, frozen=True, kw_only=True):
    """``digest`` is SHA-256 of a line ``beans:11850`` for each ingredient, in the order of their ids."""

    type: ClassVar[str] = "inventory.DayClosed"
    about: ClassVar[str] = "business_day"
    business_day: date
    next_day: date
    ingredients: int
    digest: str

    @classmethod
    def of(cls, business_day: date, next_day: date, balances: Mapping[str, int]) -> DayClosed:
        lines = "".join(f"{ingredient_id}:{on_hand}\n" for ingredient_id, on_hand in sorted(balances.items()))
        digest = hashlib.sha256(lines.encode()).hexdigest()
        return cls(business_day=business_day, next_day=next_day, ingredients=len(balances), digest=digest)


class StockChanged(Message, frozen=True, kw_only=True):
    type: ClassVar[str] = "inventory.StockChanged"
    about: ClassVar[str] = "ingredient_id"
    ingredient_id: str
    name: Name
    unit: Unit
    on_hand: int
    available: int
    level: Level

    @classmethod
    def of(cls, shelf: Shelf) -> StockChanged:
        ingredient, stock = shelf.ingredient, shelf.stock
        return cls(
            ingredient_id=ingredient.id,
            name=ingredient.name,
            unit=ingredient.unit,
            on_hand=stock.on_hand,
            available=stock.available,
            level=ingredient.level(stock.available),
        )

    @property
    def keys(self) -> Iterable[str]:
        return ("stock", f"ingredient-{self.ingredient_id}")
