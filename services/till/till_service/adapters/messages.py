"""What the till says to others. The JSON Schema of each is in ``schemas/<type>.json``."""

from __future__ import annotations

from datetime import date, datetime
from typing import ClassVar

import msgspec

from till_service.domain.events import Method
from till_service.domain.payment import Payment, PaymentState

KEYS = ("till",)


class Settled(msgspec.Struct, frozen=True, kw_only=True):
    """An answer to the saga of one order."""

    type: ClassVar[str]
    order_id: str
    payment_id: str
    amount_won: int
    method: Method
    business_day: date


class PaymentCharged(Settled, frozen=True, kw_only=True):
    type: ClassVar[str] = "till.PaymentCharged"
    charged_at: datetime


class PaymentDeclined(Settled, frozen=True, kw_only=True):
    type: ClassVar[str] = "till.PaymentDeclined"
    reason: str
    declined_at: datetime


def settled(payment: Payment) -> Settled:
    charge = payment.charge
    if payment.state is PaymentState.CHARGED:
        return PaymentCharged(
            order_id=charge.order_id,
            payment_id=charge.payment_id,
            amount_won=charge.amount_won,
            method=charge.method,
            business_day=payment.business_day,
            charged_at=payment.at,
        )
    return PaymentDeclined(
        order_id=charge.order_id,
        payment_id=charge.payment_id,
        amount_won=charge.amount_won,
        method=charge.method,
        business_day=payment.business_day,
        reason=payment.reason,
        declined_at=payment.at,
    )
