"""The read side in SQL."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from sqlalchemy import Connection, select

from till_service.adapters.books import payment_of
from till_service.adapters.tables import days, payments
from till_service.domain.day import EMPTY, Day
from till_service.domain.payment import Payment, PaymentState


class SqlViews:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def day(self, business_day: date) -> Day:
        row = self._connection.execute(select(days).where(days.c.business_day == business_day)).first()
        if row is None:
            return EMPTY
        return Day(row.cash_won, row.card_won, row.payments, row.declined)

    def settled(self, limit: int) -> Sequence[Payment]:
        query = select(payments).where(payments.c.state != PaymentState.CHARGING)
        ordered = query.order_by(payments.c.at.desc(), payments.c.order_id).limit(limit)
        return [payment_of(row) for row in self._connection.execute(ordered)]

    def under_way(self) -> Sequence[Payment]:
        query = select(payments).where(payments.c.state == PaymentState.CHARGING)
        return [payment_of(row) for row in self._connection.execute(query.order_by(payments.c.at))]
