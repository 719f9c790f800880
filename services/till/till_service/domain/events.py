"""What can have happened to the money of one business day. Amounts are integer won."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

Method: TypeAlias = Literal["cash", "card", "unknown"]


@dataclass(frozen=True, slots=True)
class ChargeStarted:
    """The till is about to ask for the money: written before anybody is asked, so that a crash forgets nothing."""

    order_id: str
    payment_id: str
    amount_won: int
    method: Method
    payment: str


@dataclass(frozen=True, slots=True)
class PaymentCharged:
    """``reference`` is the gateway's own name of the payment."""

    order_id: str
    payment_id: str
    amount_won: int
    method: Method
    reference: str


@dataclass(frozen=True, slots=True)
class PaymentDeclined:
    order_id: str
    payment_id: str
    amount_won: int
    method: Method
    reason: str


TillEvent: TypeAlias = ChargeStarted | PaymentCharged | PaymentDeclined

EVENT_NAMES: dict[str, type[TillEvent]] = {
    "charge-started": ChargeStarted,
    "charged": PaymentCharged,
    "declined": PaymentDeclined,
}
"""The names under which events are stored; a name is never given to another event."""
