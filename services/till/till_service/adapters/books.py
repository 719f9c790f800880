"""The books in SQL: events, the read side and the outbox, written in one transaction."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime

from sqlalchemy import Connection, Row, delete, insert, select, update

from jogakbo.events import Outbox
from jogakbo.service.event_store import Loaded, Stream
from till_service.adapters.messages import KEYS, settled
from till_service.adapters.tables import days, payments, till_store
from till_service.domain import day as decide
from till_service.domain.day import Day
from till_service.domain.events import ChargeStarted, PaymentCharged
from till_service.domain.payment import Outcome, Payment, PaymentState

OUTBOX = Outbox("till")


class SqlAnswers:
    """Answers to the orders service, by way of the outbox."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def payment_settled(self, payment: Payment) -> None:
        message = settled(payment)
        OUTBOX.add(self._connection, message.type, message.order_id, message, keys=KEYS)


class SqlBooks:
    """Open them first in a transaction: writers queue here. ``now`` stamps everything that is written."""

    def __init__(self, connection: Connection, now: datetime) -> None:
        OUTBOX.lock(connection)
        self._connection = connection
        self._now = now

    def payment(self, order_id: str) -> Payment | None:
        row = self._connection.execute(select(payments).where(payments.c.order_id == order_id)).first()
        return None if row is None else payment_of(row)

    def start(self, charge: ChargeStarted, business_day: date) -> Payment:
        loaded = self._day(business_day)
        till_store.append(self._connection, loaded, [decide.start(loaded.state, charge)], at=self._now)
        payment = Payment(charge, business_day, PaymentState.CHARGING, self._now)
        self._connection.execute(
            insert(payments).values(
                order_id=charge.order_id,
                payment_id=charge.payment_id,
                business_day=business_day,
                amount_won=charge.amount_won,
                method=charge.method,
                payment=charge.payment,
                state=payment.state.value,
                reference=payment.reference,
                reason=payment.reason,
                at=payment.at,
            )
        )
        return payment

    def settle(self, payment: Payment, outcome: Outcome) -> Payment:
        order_id, loaded = payment.charge.order_id, self._day(payment.business_day)
        event = decide.settle(loaded.state, order_id, outcome)
        after = till_store.append(self._connection, loaded, [event], at=self._now)
        if isinstance(event, PaymentCharged):
            changed = replace(payment, state=PaymentState.CHARGED, at=self._now, reference=event.reference)
        else:
            changed = replace(payment, state=PaymentState.DECLINED, at=self._now, reason=event.reason)
        self._connection.execute(
            update(payments)
            .where(payments.c.order_id == order_id)
            .values(state=changed.state.value, at=changed.at, reference=changed.reference, reason=changed.reason)
        )
        self._show(after)
        return changed

    def _day(self, business_day: date) -> Loaded[Day]:
        return till_store.load(self._connection, Stream("till", business_day))

    def _show(self, loaded: Loaded[Day]) -> None:
        business_day, day = loaded.stream.business_day, loaded.state
        self._connection.execute(delete(days).where(days.c.business_day == business_day))
        self._connection.execute(
            insert(days).values(
                business_day=business_day,
                cash_won=day.cash_won,
                card_won=day.card_won,
                payments=day.payments,
                declined=day.declined,
            )
        )


def payment_of(row: Row[tuple[object, ...]]) -> Payment:
    charge = ChargeStarted(row.order_id, row.payment_id, row.amount_won, row.method, row.payment)
    state = PaymentState(row.state)
    return Payment(charge, row.business_day, state, row.at, reference=row.reference, reason=row.reason)
