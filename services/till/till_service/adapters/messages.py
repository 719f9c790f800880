"""What the till says to others. The JSON Schema of each is in ``schemas/<type>.json``."""

from __future__ import annotations

from datetime import date, datetime
from typing import ClassVar

import msgspec

from till_service.domain.events import Method
from till_service.domain.payment import Payment, PaymentState


class Settled(msgspec.Struct, frozen=True, kw_only=True):
    """An answer to the saga of one order. ``business_day``: whose books it is in."""

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


class PaymentVoided(Settled, frozen=True, kw_only=True):
    type: ClassVar[str] = "till.PaymentVoided"
    voided_at: datetime


class PaymentRefunded(Settled, frozen=True, kw_only=True):
    type: ClassVar[str] = "till.PaymentRefunded"
    reason: str
    refunded_at: datetime


class OfDay(msgspec.Struct, frozen=True, kw_only=True):
    """What is said about one business day."""

    type: ClassVar[str]
    business_day: date


class DayCloseStarted(OfDay, frozen=True, kw_only=True):
    type: ClassVar[str] = "till.DayCloseStarted"
    next_day: date


class DayCloseAdvanced(OfDay, frozen=True, kw_only=True):
    type: ClassVar[str] = "till.DayCloseAdvanced"
    state: str
    step: str


class DayClosed(OfDay, frozen=True, kw_only=True):
    type: ClassVar[str] = "till.DayClosed"
    next_day: date
    opening_cash_won: int
    closing_cash_won: int
    cash_won: int
    card_won: int
    refunded_won: int
    cash_refunded_won: int
    payments: int
    refunds: int
    digest: str


class DayArchived(OfDay, frozen=True, kw_only=True):
    type: ClassVar[str] = "till.DayArchived"
    report_digest: str


class DayReopened(OfDay, frozen=True, kw_only=True):
    type: ClassVar[str] = "till.DayReopened"
    reason: str


def settled(payment: Payment) -> Settled:
    match payment.state:
        case PaymentState.CHARGED:
            return _about(PaymentCharged, payment, payment.charge.amount_won, charged_at=payment.at)
        case PaymentState.VOIDED:
            return _about(PaymentVoided, payment, payment.given_back_won, voided_at=payment.at)
        case PaymentState.REFUNDED:
            reason, at = payment.reason, payment.at
            return _about(PaymentRefunded, payment, payment.given_back_won, reason=reason, refunded_at=at)
        case _:
            reason, at = payment.reason, payment.at
            return _about(PaymentDeclined, payment, payment.charge.amount_won, reason=reason, declined_at=at)


def voided(payment: Payment) -> Settled:
    """That there is no money, of a payment that needed no void: it gives nothing back a second time."""
    if payment.state is PaymentState.VOIDED:
        return settled(payment)
    return _about(PaymentVoided, payment, 0, voided_at=payment.at)


def _about(kind: type[Settled], payment: Payment, amount_won: int, **rest: object) -> Settled:
    about = payment.charge
    return kind(
        order_id=about.order_id,
        payment_id=about.payment_id,
        amount_won=amount_won,
        method=about.method,
        business_day=payment.books_day,
        **rest,
    )
