"""What the reports count: sales of confirmed orders, and the money that was taken for them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, tzinfo


@dataclass(frozen=True, slots=True)
class Name:
    """What people call an item, in the portal's languages."""

    en: str
    ko: str


@dataclass(frozen=True, slots=True)
class SaleLine:
    """One item of a sale, at the price of that moment."""

    item_id: str
    name: Name
    qty: int
    price_won: int

    @property
    def won(self) -> int:
        return self.qty * self.price_won


@dataclass(frozen=True, slots=True)
class Sale:
    """An order that was confirmed. ``business_day`` is the order's own, never the reader's clock."""

    order_id: str
    business_day: date
    confirmed_at: datetime
    lines: tuple[SaleLine, ...]
    total_won: int

    def hour(self, zone: tzinfo) -> int:
        """The hour on the café's wall clock, 0 to 23."""
        return self.confirmed_at.astimezone(zone).hour


@dataclass(frozen=True, slots=True)
class Payment:
    """Money that the till took."""

    payment_id: str
    business_day: date
    amount_won: int


@dataclass(frozen=True, slots=True)
class HourSales:
    """What was sold in one hour of a day."""

    hour: int
    orders: int
    won: int


@dataclass(frozen=True, slots=True)
class DaySales:
    """What was sold on a business day; ``taken_won`` is what the till says, and ends up equal to ``won``."""

    business_day: date
    orders: int = 0
    won: int = 0
    taken_won: int = 0


@dataclass(frozen=True, slots=True)
class ItemSales:
    """What was sold of one item."""

    item_id: str
    name: Name
    qty: int
    won: int
