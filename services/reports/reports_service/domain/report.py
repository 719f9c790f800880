"""What the reports say."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from reports_service.domain.facts import DayBalanced, Kind, Name
from reports_service.domain.figures import DayState


@dataclass(frozen=True, slots=True)
class HourSales:
    """What was sold in one hour of a day."""

    hour: int
    orders: int
    won: int


@dataclass(frozen=True, slots=True)
class DaySales:
    """What was sold on a business day. ``won`` is gross; ``refunded_won`` was given back on that day, whichever day's
    sale it was; ``adjusted_won`` came too late for a closed day. ``taken_won`` is the till's money, net."""

    business_day: date
    state: DayState = DayState.OPEN
    orders: int = 0
    won: int = 0
    refunds: int = 0
    refunded_won: int = 0
    adjusted_won: int = 0
    taken_won: int = 0

    @property
    def net_won(self) -> int:
        return self.won - self.refunded_won + self.adjusted_won


@dataclass(frozen=True, slots=True)
class ItemSales:
    """What was sold of one item."""

    item_id: str
    name: Name
    qty: int
    won: int


@dataclass(frozen=True, slots=True)
class MethodSums:
    """What was paid in one way, gross, and what was given back in it."""

    method: str
    payments: int
    won: int
    refunds: int
    refunded_won: int


@dataclass(frozen=True, slots=True)
class Payment:
    """A line of the day's digest; of money given back ``amount_won`` is negative."""

    payment_id: str
    order_id: str
    kind: Kind
    method: str
    amount_won: int


@dataclass(frozen=True, slots=True)
class Refund:
    """An order that was given back, on whatever day it was sold."""

    order_id: str
    number: int
    of_day: date
    won: int
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Adjustment:
    """What came when its day was closed; of what was given back ``won`` is negative."""

    what: Kind
    id: str
    of_day: date
    won: int
    at: datetime


@dataclass(frozen=True, slots=True)
class DayReport:
    """Everything about one business day; ``balance`` is what the till said when it closed the day."""

    sales: DaySales
    hours: Sequence[HourSales]
    items: Sequence[ItemSales]
    methods: Sequence[MethodSums]
    refunds: Sequence[Refund]
    adjustments: Sequence[Adjustment]
    balance: DayBalanced | None
    digest: str


def digest_of(payments: Iterable[Payment]) -> str:
    """SHA-256 of a line ``pay-0b7c…:5000`` for each; till and reports compare theirs. They must be in order."""
    lines = "".join(f"{payment.payment_id}:{payment.amount_won}\n" for payment in payments)
    return hashlib.sha256(lines.encode("ascii")).hexdigest()
