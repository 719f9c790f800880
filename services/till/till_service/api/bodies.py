"""What the API gives. Money is integer won."""

from __future__ import annotations

from datetime import date, datetime
from typing import Self

from pydantic import BaseModel

from till_service.domain.day import Day
from till_service.domain.events import Method
from till_service.domain.payment import Payment, PaymentState


class ByMethodBody(BaseModel):
    cash: int
    card: int


class DayBody(BaseModel):
    """``payments`` and ``declined`` are numbers of payments."""

    business_day: date
    takings_won: int
    payments: int
    declined: int
    by_method: ByMethodBody

    @classmethod
    def of(cls, business_day: date, day: Day) -> Self:
        return cls(
            business_day=business_day,
            takings_won=day.takings_won,
            payments=day.payments,
            declined=day.declined,
            by_method=ByMethodBody(cash=day.cash_won, card=day.card_won),
        )


class PaymentBody(BaseModel):
    """``reason`` says why a payment was declined: ``card_declined``, ``card_unknown``, ``payment_unknown``, …"""

    id: str
    order_id: str
    business_day: date
    amount_won: int
    method: Method
    state: PaymentState
    at: datetime
    reason: str | None

    @classmethod
    def of(cls, payment: Payment) -> Self:
        charge = payment.charge
        return cls(
            id=charge.payment_id,
            order_id=charge.order_id,
            business_day=payment.business_day,
            amount_won=charge.amount_won,
            method=charge.method,
            state=payment.state,
            at=payment.at,
            reason=payment.reason or None,
        )


class PaymentsBody(BaseModel):
    payments: list[PaymentBody]
