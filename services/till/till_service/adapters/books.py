"""The payments in SQL: events and the read side, written in one transaction."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from typing import Final

from sqlalchemy import Connection

from till_service.adapters.answers import OUTBOX
from till_service.adapters.closings import open_day
from till_service.adapters.day_stream import append, load_day
from till_service.adapters.payment_rows import add_payment, find_payment, keep_payment
from till_service.domain import day as decide
from till_service.domain.events import (
    ChargeStarted,
    PaymentCharged,
    PaymentDeclined,
    PaymentRefunded,
    PaymentVoided,
    TillEvent,
)
from till_service.domain.payment import Outcome, Payment, PaymentState

_REASON_LENGTH = 100


class SqlBooks:
    """Open them first in a transaction: writers queue here. ``now`` stamps everything that is written."""

    def __init__(self, connection: Connection, now: datetime) -> None:
        OUTBOX.lock(connection)
        self._connection = connection
        self.now: Final = now

    def open_day(self, of: date) -> date:
        return open_day(self._connection, of)

    def payment(self, order_id: str) -> Payment | None:
        return find_payment(self._connection, order_id)

    def start(self, charge: ChargeStarted, business_day: date, outcome: Outcome | None) -> Payment:
        loaded = load_day(self._connection, business_day)
        events: list[TillEvent] = [decide.start(loaded.state, charge)]
        payment = Payment(charge, business_day, PaymentState.CHARGING, self.now)
        if outcome is not None:
            settled = decide.settled(charge, outcome)
            events.append(settled)
            payment = _after(payment, settled)
        append(self._connection, loaded, events, self.now)
        return self.add(payment)

    def settle(self, payment: Payment, outcome: Outcome) -> Payment:
        loaded = load_day(self._connection, payment.business_day)
        event = decide.settle(loaded.state, payment.charge.order_id, outcome)
        append(self._connection, loaded, [event], self.now)
        return self.keep(_after(payment, event))

    def add(self, payment: Payment) -> Payment:
        add_payment(self._connection, payment)
        return payment

    def keep(self, payment: Payment) -> Payment:
        changed = replace(payment, at=self.now, reason=payment.reason[:_REASON_LENGTH])
        keep_payment(self._connection, changed)
        return changed

    def reversed(self, payment: Payment) -> Payment:
        charge, amount_won = payment.charge, payment.given_back_won
        about = charge.order_id, charge.payment_id, amount_won, charge.method
        event: PaymentVoided | PaymentRefunded
        if payment.state is PaymentState.VOIDING:
            event, state = PaymentVoided(*about), PaymentState.VOIDED
        else:
            event, state = PaymentRefunded(*about, payment.reason), PaymentState.REFUNDED
        append(self._connection, load_day(self._connection, payment.books_day), [event], self.now)
        return self.keep(replace(payment, state=state))


def _after(payment: Payment, event: PaymentCharged | PaymentDeclined | PaymentVoided) -> Payment:
    match event:
        case PaymentCharged(reference=reference):
            return replace(payment, state=PaymentState.CHARGED, reference=reference)
        case PaymentDeclined(reason=reason):
            return replace(payment, state=PaymentState.DECLINED, reason=reason)
        case PaymentVoided():
            return replace(payment, state=PaymentState.VOIDED)
