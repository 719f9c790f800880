"""Events on the wire: what the reports tell (a JSON Schema in ``schemas/``), and the fields they read."""

from __future__ import annotations

from datetime import date, datetime

import msgspec

from reports_service.domain import Name, Payment, Sale, SaleLine


class SalesChanged(msgspec.Struct, frozen=True):
    """``reports.SalesChanged``: the figures of this day are different now."""

    business_day: date


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


class OrderConfirmed(msgspec.Struct, frozen=True):
    """``orders.OrderConfirmed``, as far as the reports read it."""

    order_id: str
    business_day: date
    confirmed_at: datetime
    lines: list[LineData]
    total_won: int

    def sale(self) -> Sale:
        """The sale that it is."""
        lines = (
            SaleLine(line.item_id, Name(line.name.en, line.name.ko), line.qty, line.price_won) for line in self.lines
        )
        return Sale(self.order_id, self.business_day, self.confirmed_at, tuple(lines), self.total_won)


class PaymentCharged(msgspec.Struct, frozen=True):
    """``till.PaymentCharged``, as far as the reports read it."""

    payment_id: str
    business_day: date
    amount_won: int

    def payment(self) -> Payment:
        """The payment that it is."""
        return Payment(self.payment_id, self.business_day, self.amount_won)
