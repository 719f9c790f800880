"""A payment: how it is asked for, what came of it, and how its money is given back."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from typing import TypeAlias

from till_service.domain.errors import NothingToRefundError
from till_service.domain.events import ChargeStarted, Method

MAX_CHARGE_WON = 10_000_000


class PaymentState(StrEnum):
    CHARGING = "charging"
    CHARGED = "charged"
    DECLINED = "declined"
    VOIDING = "voiding"
    VOIDED = "voided"
    REFUNDING = "refunding"
    REFUNDED = "refunded"


UNDER_WAY = frozenset({PaymentState.CHARGING, PaymentState.VOIDING, PaymentState.REFUNDING})
"""The states that wait for the gateway."""


@dataclass(frozen=True, slots=True)
class Accepted:
    reference: str


@dataclass(frozen=True, slots=True)
class Declined:
    """``reason`` is a stable word such as ``card_declined``."""

    reason: str


@dataclass(frozen=True, slots=True)
class Voided:
    """The gateway was told to void this charge before it came; no money has moved, and none will."""


Outcome: TypeAlias = Accepted | Declined | Voided


@dataclass(frozen=True, slots=True)
class Payment:
    """The one payment of an order; ``at`` is when it reached its state.

    ``undone_on`` is the business day whose books say that charged money was given back, or are about to.
    """

    charge: ChargeStarted
    business_day: date
    state: PaymentState
    at: datetime
    reference: str = ""
    reason: str = ""
    undone_on: date | None = None

    @property
    def given_back_won(self) -> int:
        """What a void or refund takes out of the books; 0 when nothing was ever booked."""
        return self.charge.amount_won if self.undone_on is not None else 0

    @property
    def books_day(self) -> date:
        """The day whose books the next news of this payment belongs to."""
        return self.undone_on or self.business_day

    @property
    def is_void_on_its_own_day(self) -> bool:
        """Money that is booked and may be gone at the gateway already: no other day can take this over."""
        return self.state is PaymentState.VOIDING and self.undone_on == self.business_day

    def moved_to(self, day: date) -> Payment:
        """The same payment, its outstanding news in the books of another day."""
        if self.undone_on is not None:
            return replace(self, undone_on=day)
        return replace(self, business_day=day)

    def voiding(self, open_day: date) -> Payment:
        """About to be voided, whatever may have become of the charge; ``self`` when there is no need."""
        match self.state:
            case PaymentState.CHARGING:
                return replace(self, state=PaymentState.VOIDING)
            case PaymentState.CHARGED:
                return replace(self, state=PaymentState.VOIDING, undone_on=open_day)
            case _:
                return self

    def refunding(self, open_day: date, reason: str) -> Payment:
        """About to be refunded. Raises ``NothingToRefundError``."""
        match self.state:
            case PaymentState.CHARGED:
                return replace(self, state=PaymentState.REFUNDING, undone_on=open_day, reason=reason)
            case PaymentState.REFUNDING | PaymentState.REFUNDED:
                return self
            case _:
                raise NothingToRefundError(self.charge.order_id, self.state)


def method_of(payment: str) -> Method:
    """``cash``, ``card-4242`` → ``card``, anything else is unknown to this till."""
    if payment == "cash":
        return "cash"
    return "card" if payment.startswith("card-") and len(payment) > len("card-") else "unknown"


def payment_id(order_id: str) -> str:
    """Made from the order's, so that a retry is the same payment."""
    return f"pay-{order_id}"


def new_charge(order_id: str, amount_won: int, payment: str) -> ChargeStarted:
    return ChargeStarted(order_id, payment_id(order_id), amount_won, method_of(payment), payment)


def tombstone(order_id: str, business_day: date, at: datetime) -> Payment:
    """The payment of an order that was voided before its charge came."""
    return Payment(
        ChargeStarted(order_id, payment_id(order_id), 0, "unknown", ""), business_day, PaymentState.VOIDING, at
    )


def outcome_at_once(charge: ChargeStarted) -> Outcome | None:
    """What needs no gateway: cash, which the cashier has in hand when the order is placed, and what none would take."""
    if not 0 < charge.amount_won <= MAX_CHARGE_WON:
        return Declined("amount_out_of_range")
    if charge.method == "cash":
        return Accepted(f"cash-{charge.order_id}")
    return Declined("payment_unknown") if charge.method == "unknown" else None
