"""What happened elsewhere, as far as the reports count it. Money is in won, a refund's ``won`` is positive too."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from enum import StrEnum
from typing import TypeAlias


class Kind(StrEnum):
    """What an entry of the reports' ledger is: orders sell and refund, the till charges and gives money back."""

    SALE = "sale"
    REFUND = "refund"
    CHARGE = "charge"
    RETURN = "return"

    @property
    def sign(self) -> int:
        """Whether it adds to the figures of its day or takes away."""
        return 1 if self in (Kind.SALE, Kind.CHARGE) else -1


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
class Entry:
    """One thing that is counted once. ``business_day`` is its own, never the reader's clock.

    ``id`` is the order's or the payment's; ``of_day`` is the day of what a refund gives back.
    """

    kind: Kind
    id: str
    order_id: str
    business_day: date
    won: int
    at: datetime
    method: str = ""
    number: int = 0
    of_day: date | None = None
    reason: str = ""
    lines: tuple[SaleLine, ...] = ()

    @property
    def signed_won(self) -> int:
        """What it adds to the figures."""
        return self.kind.sign * self.won

    def hour(self, zone: tzinfo) -> int:
        """The hour on the café's wall clock, 0 to 23."""
        return self.at.astimezone(zone).hour


@dataclass(frozen=True, slots=True)
class DayBalanced:
    """The till has closed its books of a day and waits for ours; ``till_won`` is net."""

    business_day: date
    next_day: date
    opening_cash_won: int
    closing_cash_won: int
    till_won: int
    till_payments: int
    till_digest: str


@dataclass(frozen=True, slots=True)
class DayArchived:
    """Till, reports and gateway agree: the day is over."""

    business_day: date


@dataclass(frozen=True, slots=True)
class DayReopened:
    """The newest closed day counts again."""

    business_day: date


Fact: TypeAlias = Entry | DayBalanced | DayArchived | DayReopened
