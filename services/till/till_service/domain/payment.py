"""A payment: how it is asked for, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import TypeAlias

from till_service.domain.events import ChargeStarted, Method

MAX_CHARGE_WON = 10_000_000


class PaymentState(StrEnum):
    CHARGING = "charging"
    CHARGED = "charged"
    DECLINED = "declined"


@dataclass(frozen=True, slots=True)
class Accepted:
    reference: str


@dataclass(frozen=True, slots=True)
class Declined:
    """``reason`` is a stable word such as ``card_declined``."""

    reason: str


Outcome: TypeAlias = Accepted | Declined


@dataclass(frozen=True, slots=True)
class Payment:
    """The one payment of an order; ``at`` is when it reached its state."""

    charge: ChargeStarted
    business_day: date
    state: PaymentState
    at: datetime
    reference: str = ""
    reason: str = ""


def method_of(payment: str) -> Method:
    """``cash``, ``card-4242`` → ``card``, anything else is unknown to this till."""
    if payment == "cash":
        return "cash"
    return "card" if payment.startswith("card-") and len(payment) > len("card-") else "unknown"


def new_charge(order_id: str, amount_won: int, payment: str) -> ChargeStarted:
    """The payment's id is made from the order's, so that a retry is the same payment."""
    return ChargeStarted(order_id, f"pay-{order_id}", amount_won, method_of(payment), payment)


def refusal(charge: ChargeStarted) -> Declined | None:
    """Why no gateway needs to be asked."""
    if not 0 < charge.amount_won <= MAX_CHARGE_WON:
        return Declined("amount_out_of_range")
    return Declined("payment_unknown") if charge.method == "unknown" else None
