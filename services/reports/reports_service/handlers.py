"""Projections: each event is folded into the tables that are read, in the caller's transaction."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, tzinfo
from typing import Protocol

from reports_service.domain import Payment, Sale


class Projections(Protocol):
    """The tables that the reports are read from."""

    def first_sight_of(self, source: str, id: str) -> bool:
        """Note that this order or payment has been counted; False when it had been before."""
        ...

    def add_sale(self, sale: Sale, hour: int) -> None:
        """Add a sale to its day, its hour and its items."""
        ...

    def add_payment(self, payment: Payment) -> None:
        """Add a payment to its day."""
        ...


class News(Protocol):
    """Where the reports' own events go."""

    def sales_changed(self, business_day: date) -> None:
        """Tell that the figures of a day are different now."""
        ...


@dataclass(frozen=True, slots=True)
class Reports:
    """Everything a handler works on, bound to one transaction."""

    projections: Projections
    news: News


def count_sale(reports: Reports, sale: Sale, zone: tzinfo) -> None:
    """An order was confirmed. Told twice (a sender's new life does that), it counts once."""
    if reports.projections.first_sight_of("order", sale.order_id):
        reports.projections.add_sale(sale, sale.hour(zone))
        reports.news.sales_changed(sale.business_day)


def count_payment(reports: Reports, payment: Payment) -> None:
    """The till took money. Told twice (it repeats its answer to a repeated command), it counts once."""
    if reports.projections.first_sight_of("payment", payment.payment_id):
        reports.projections.add_payment(payment)
        reports.news.sales_changed(payment.business_day)
