"""The read side in SQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from sqlalchemy import Connection, Row, select

from till_service.adapters.checks import broken_invariants
from till_service.adapters.closings import find_closing, open_day
from till_service.adapters.payment_rows import payment_of
from till_service.adapters.tables import closings, days, payments
from till_service.domain.closing import CloseState, Closing
from till_service.domain.day import EMPTY, Day
from till_service.domain.payment import UNDER_WAY, Payment, PaymentState


class SqlViews:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def day(self, business_day: date) -> Day:
        row = self._connection.execute(select(days).where(days.c.business_day == business_day)).first()
        return EMPTY if row is None else _day(row)

    def days(self, limit: int) -> Sequence[tuple[date, Day]]:
        newest = select(days).order_by(days.c.business_day.desc()).limit(limit)
        return [(row.business_day, _day(row)) for row in self._connection.execute(newest)]

    def open_day(self, of: date) -> date:
        return open_day(self._connection, of)

    def payments(self, limit: int, business_day: date | None = None) -> Sequence[Payment]:
        query = select(payments).where(payments.c.state != PaymentState.CHARGING)
        if business_day is not None:
            query = query.where(payments.c.business_day == business_day)
        ordered = query.order_by(payments.c.at.desc(), payments.c.order_id).limit(limit)
        return [payment_of(row) for row in self._connection.execute(ordered)]

    def under_way(self) -> Sequence[Payment]:
        query = select(payments).where(payments.c.state.in_([state.value for state in UNDER_WAY]))
        return [payment_of(row) for row in self._connection.execute(query.order_by(payments.c.at, payments.c.order_id))]

    def checks(self) -> Mapping[str, str]:
        return broken_invariants(self._connection)

    def closing(self, business_day: date) -> Closing | None:
        return find_closing(self._connection, closings.c.business_day == business_day)

    def closing_under_way(self) -> Closing | None:
        return find_closing(self._connection, closings.c.state == CloseState.CLOSING)


def _day(row: Row[tuple[object, ...]]) -> Day:
    return Day(
        cash_won=row.cash_won,
        card_won=row.card_won,
        payments=row.payments,
        declined=row.declined,
        refunds=row.refunds,
        refunded_won=row.refunded_won,
        cash_refunded_won=row.cash_refunded_won,
        opening_cash_won=row.opening_cash_won,
    )
