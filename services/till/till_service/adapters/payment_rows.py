"""One row per payment: what has become of it."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection, Row, bindparam, insert, select, update

from till_service.adapters.tables import payments
from till_service.domain.events import ChargeStarted
from till_service.domain.payment import Payment, PaymentState

# Built once: every charge passes here, and building them again costs more than running them.
_FIND = select(payments).where(payments.c.order_id == bindparam("of_order"))
_ADD = insert(payments)
_CHANGING = ("business_day", "state", "reference", "reason", "at", "undone_on")
_KEEP = (
    update(payments)
    .where(payments.c.order_id == bindparam("of_order"))
    .values({name: bindparam(name) for name in _CHANGING})
)


def find_payment(connection: Connection, order_id: str) -> Payment | None:
    row = connection.execute(_FIND, {"of_order": order_id}).first()
    return None if row is None else payment_of(row)


def add_payment(connection: Connection, payment: Payment) -> None:
    charge = payment.charge
    row = {
        "order_id": charge.order_id,
        "payment_id": charge.payment_id,
        "amount_won": charge.amount_won,
        "method": charge.method,
        "payment": charge.payment,
    }
    connection.execute(_ADD, {**row, **_changing(payment)})


def keep_payment(connection: Connection, payment: Payment) -> None:
    connection.execute(_KEEP, {"of_order": payment.charge.order_id, **_changing(payment)})


def payment_of(row: Row[tuple[object, ...]]) -> Payment:
    charge = ChargeStarted(row.order_id, row.payment_id, row.amount_won, row.method, row.payment)
    state = PaymentState(row.state)
    return Payment(charge, row.business_day, state, row.at, row.reference, row.reason, row.undone_on)


def _changing(payment: Payment) -> Mapping[str, object]:
    return {
        "business_day": payment.business_day,
        "state": payment.state.value,
        "reference": payment.reference,
        "reason": payment.reason,
        "at": payment.at,
        "undone_on": payment.undone_on,
    }
