"""Events on the wire: what the reports tell (a JSON Schema in ``schemas/``), and the fields they read."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

import msgspec

from reports_service.domain.facts import (
    DayArchived,
    DayBalanced,
    DayReopened,
    Entry,
    Fact,
    Kind,
    Name,
    SaleLine,
)


class SalesChanged(msgspec.Struct, frozen=True):
    """``reports.SalesChanged``: the figures of this day are different now."""

    business_day: date


class LineSent(msgspec.Struct, frozen=True):
    """A line of the digest."""

    payment_id: str
    amount_won: int


class DayFolded(msgspec.Struct, frozen=True):
    """``reports.DayFolded``: answer to ``till.DayClosed``; ``lines`` are told only when the digests differ."""

    business_day: date
    lines: list[LineSent]
    taken_won: int
    payments: int
    digest: str


class RebuildProgressed(msgspec.Struct, frozen=True):
    """``reports.RebuildProgressed``: so many of the journal's facts have been counted anew."""

    state: Literal["idle", "running"]
    done: int
    of: int


class Heard(msgspec.Struct, frozen=True):
    """Base of what is read; ``fact`` is what the reports make of it, None when there is nothing to count."""

    def fact(self) -> Fact | None:
        raise NotImplementedError


class NameData(msgspec.Struct, frozen=True):
    """A name in the portal's languages."""

    en: str
    ko: str


class LineData(msgspec.Struct, frozen=True):
    """A line of an order."""

    item_id: str
    name: NameData
    qty: int
    price_won: int

    def line(self) -> SaleLine:
        return SaleLine(self.item_id, Name(self.name.en, self.name.ko), self.qty, self.price_won)


class OrderConfirmed(Heard, frozen=True):
    """``orders.OrderConfirmed``, as far as the reports read it."""

    order_id: str
    business_day: date
    confirmed_at: datetime
    lines: list[LineData]
    total_won: int

    def fact(self) -> Entry:
        lines = tuple(line.line() for line in self.lines)
        about = (self.order_id, self.order_id, self.business_day, self.total_won, self.confirmed_at)
        return Entry(Kind.SALE, *about, lines=lines)


class OrderRefunded(Heard, frozen=True):
    """``orders.OrderRefunded``, as far as the reports read it."""

    order_id: str
    number: int
    business_day: date
    of_day: date
    total_won: int
    reason: str
    refunded_at: datetime

    def fact(self) -> Entry:
        about = (self.order_id, self.order_id, self.business_day, self.total_won, self.refunded_at)
        return Entry(Kind.REFUND, *about, number=self.number, of_day=self.of_day, reason=self.reason)


class _Payment(Heard, frozen=True):
    """``till.Payment…``, as far as the reports read them."""

    order_id: str
    payment_id: str
    amount_won: int
    method: str
    business_day: date

    def _entry(self, kind: Kind, at: datetime) -> Entry:
        about = (self.payment_id, self.order_id, self.business_day, self.amount_won, at)
        return Entry(kind, *about, method=self.method)


class PaymentCharged(_Payment, frozen=True):
    """``till.PaymentCharged``."""

    charged_at: datetime

    def fact(self) -> Entry:
        return self._entry(Kind.CHARGE, self.charged_at)


class PaymentRefunded(_Payment, frozen=True):
    """``till.PaymentRefunded``."""

    refunded_at: datetime

    def fact(self) -> Entry:
        return self._entry(Kind.RETURN, self.refunded_at)


class PaymentVoided(_Payment, frozen=True):
    """``till.PaymentVoided``; nothing was given back when nothing had been charged."""

    voided_at: datetime

    def fact(self) -> Entry | None:
        return self._entry(Kind.RETURN, self.voided_at) if self.amount_won else None


class DayClosed(Heard, frozen=True):
    """``till.DayClosed``, as far as the reports read it."""

    business_day: date
    next_day: date
    opening_cash_won: int
    closing_cash_won: int
    cash_won: int
    card_won: int
    refunded_won: int
    payments: int
    digest: str

    def fact(self) -> DayBalanced:
        net = self.cash_won + self.card_won - self.refunded_won
        cash = (self.opening_cash_won, self.closing_cash_won)
        return DayBalanced(self.business_day, self.next_day, *cash, net, self.payments, self.digest)


class DayOver(Heard, frozen=True):
    """``till.DayArchived``."""

    business_day: date

    def fact(self) -> DayArchived:
        return DayArchived(self.business_day)


class DayAgain(Heard, frozen=True):
    """``till.DayReopened``."""

    business_day: date

    def fact(self) -> DayReopened:
        return DayReopened(self.business_day)


HEARD: dict[str, type[Heard]] = {
    "orders.OrderConfirmed": OrderConfirmed,
    "orders.OrderRefunded": OrderRefunded,
    "till.PaymentCharged": PaymentCharged,
    "till.PaymentVoided": PaymentVoided,
    "till.PaymentRefunded": PaymentRefunded,
    "till.DayClosed": DayClosed,
    "till.DayArchived": DayOver,
    "till.DayReopened": DayAgain,
}
"""Everything that the reports read, and so everything that is in their journal."""
