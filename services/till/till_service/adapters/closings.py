"""The closes of days in SQL."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Final

import msgspec
from sqlalchemy import ColumnElement, Connection, delete, func, insert, or_, select

from till_service.adapters.answers import OUTBOX, SqlAnswers
from till_service.adapters.day_stream import append, load_day, stream_of
from till_service.adapters.payment_rows import keep_payment, payment_of
from till_service.adapters.tables import closings, days, payments, till_store
from till_service.domain.closing import Balance, CloseState, Closing, Line, digest
from till_service.domain.events import (
    ChargeCarriedOver,
    DayClosed,
    DayOpened,
    DayReopened,
    PaymentCharged,
    PaymentRefunded,
    PaymentVoided,
)
from till_service.domain.payment import UNDER_WAY, Payment, PaymentState

_AT_WORK = [state.value for state in UNDER_WAY]
_NEWEST_NEXT_DAY = select(func.max(closings.c.next_day)).where(closings.c.state != CloseState.REOPENED)
_books_day = func.coalesce(payments.c.undone_on, payments.c.business_day)


def find_closing(connection: Connection, which: ColumnElement[bool], *, newest: bool = True) -> Closing | None:
    order = closings.c.business_day.desc() if newest else closings.c.business_day
    data = connection.scalar(select(closings.c.data).where(which).order_by(order).limit(1))
    return None if data is None else msgspec.json.decode(data, type=Closing)


def newest_closing(connection: Connection) -> Closing | None:
    return find_closing(connection, closings.c.state != CloseState.REOPENED)


def open_day(connection: Connection, of: date) -> date:
    """``of``, or the day after the newest close: from the close's first step on the day takes nothing more."""
    next_day = connection.scalar(_NEWEST_NEXT_DAY)
    return of if next_day is None else max(of, next_day)


class SqlDayBooks:
    """Open them first in a transaction: writers queue here. ``now`` stamps everything that is written."""

    def __init__(self, connection: Connection, now: datetime) -> None:
        OUTBOX.lock(connection)
        self._connection = connection
        self.now: Final = now

    def closing(self, business_day: date) -> Closing | None:
        return find_closing(self._connection, closings.c.business_day == business_day)

    def newest(self) -> Closing | None:
        return newest_closing(self._connection)

    def earlier_open_day(self, business_day: date) -> date | None:
        closed = select(closings.c.business_day).where(closings.c.state == CloseState.CLOSED)
        moved = or_(days.c.payments > 0, days.c.declined > 0, days.c.refunds > 0)
        settled = select(func.min(days.c.business_day)).where(moved, days.c.business_day.not_in(closed))
        first = self._connection.scalar(settled.where(days.c.business_day < business_day))
        waiting = select(func.min(_books_day)).where(payments.c.state.in_(_AT_WORK), _books_day < business_day)
        return min((day for day in (first, self._connection.scalar(waiting)) if day is not None), default=None)

    def keep(self, closing: Closing) -> None:
        self._connection.execute(delete(closings).where(closings.c.business_day == closing.business_day))
        self._connection.execute(
            insert(closings).values(
                business_day=closing.business_day,
                next_day=closing.next_day,
                state=closing.state.value,
                data=msgspec.json.encode(closing).decode(),
            )
        )
        SqlAnswers(self._connection).close_advanced(closing)

    def waiting(self, business_day: date) -> Sequence[Payment]:
        at_work = select(payments).where(payments.c.state.in_(_AT_WORK), _books_day == business_day)
        return [payment_of(row) for row in self._connection.execute(at_work.order_by(payments.c.order_id))]

    def carry_over(self, payment: Payment, to: date) -> None:
        order_id = payment.charge.order_id
        keep_payment(self._connection, payment.moved_to(to))
        left = load_day(self._connection, payment.business_day)
        started = [charge for charge in left.state.under_way if charge.order_id == order_id]
        if started and payment.undone_on is None:
            append(self._connection, left, [ChargeCarriedOver(order_id, to)], self.now)
            append(self._connection, load_day(self._connection, to), started, self.now)

    def balance(self, business_day: date, next_day: date) -> Balance:
        day = load_day(self._connection, business_day)
        before = (closings.c.state == CloseState.CLOSED) & (closings.c.business_day < business_day)
        last = find_closing(self._connection, before)
        if last and last.balance and last.balance.closing_cash_won != day.state.opening_cash_won:
            day = append(self._connection, day, [DayOpened(last.balance.closing_cash_won)], self.now)
        lines, money = self.lines(business_day), day.state
        balance = Balance(
            opening_cash_won=money.opening_cash_won,
            closing_cash_won=money.cash_in_drawer_won,
            cash_won=money.cash_won,
            card_won=money.card_won,
            refunded_won=money.refunded_won,
            cash_refunded_won=money.cash_refunded_won,
            payments=money.payments,
            refunds=money.refunds,
            digest=digest(lines),
        )
        append(self._connection, day, [DayClosed(balance.closing_cash_won, balance.digest)], self.now)
        till_store.close(self._connection, business_day, at=self.now)
        append(self._connection, load_day(self._connection, next_day), [DayOpened(balance.closing_cash_won)], self.now)
        return balance

    def lines(self, business_day: date) -> Sequence[Line]:
        c = payments.c
        charged = select(c.payment_id, c.amount_won).where(c.business_day == business_day, c.reference != "")
        back = [PaymentState.VOIDED.value, PaymentState.REFUNDED.value]
        given_back = select(c.payment_id, -c.amount_won).where(c.undone_on == business_day, c.state.in_(back))
        return [Line(*row) for query in (charged, given_back) for row in self._connection.execute(query)]

    def replayed_lines(self, business_day: date) -> Sequence[Line]:
        found = []
        for stored in till_store.read(self._connection, stream_of(business_day)):
            match stored.event:
                case PaymentCharged(payment_id=payment_id, amount_won=amount_won):
                    found.append(Line(payment_id, amount_won))
                case PaymentVoided(payment_id=payment_id, amount_won=amount_won) if amount_won:
                    found.append(Line(payment_id, -amount_won))
                case PaymentRefunded(payment_id=payment_id, amount_won=amount_won):
                    found.append(Line(payment_id, -amount_won))
        return found

    def cards(self, business_day: date) -> frozenset[str]:
        of_day = or_(payments.c.business_day == business_day, payments.c.undone_on == business_day)
        return frozenset(
            self._connection.scalars(select(payments.c.payment_id).where(of_day, payments.c.method == "card"))
        )

    def concerns(self, line: Line, closing: Closing) -> bool:
        row = self._connection.execute(select(payments).where(payments.c.payment_id == line.payment_id)).first()
        if row is None or closing.business_day in (row.business_day, row.undone_on):
            return True
        return row.state not in _AT_WORK and bool(row.at < closing.done["balance"])

    def archive(self, business_day: date) -> int:
        return till_store.archive(self._connection, business_day)

    def reopen(self, business_day: date, reason: str) -> None:
        till_store.reopen(self._connection, business_day)
        append(self._connection, load_day(self._connection, business_day), [DayReopened(reason)], self.now)
