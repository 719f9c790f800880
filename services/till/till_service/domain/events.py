"""What can have happened to the money of one business day. Amounts are integer won."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
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


@dataclass(frozen=True, slots=True)
class PaymentVoided:
    """``amount_won`` had been charged and was given back on this day; 0 when nothing had been."""

    order_id: str
    payment_id: str
    amount_won: int
    method: Method


@dataclass(frozen=True, slots=True)
class PaymentRefunded:
    """On the day of the refund, which may be later than that of the charge."""

    order_id: str
    payment_id: str
    amount_won: int
    method: Method
    reason: str


@dataclass(frozen=True, slots=True)
class ChargeCarriedOver:
    """The day ends before the gateway has answered; the charge goes on as one of ``to``."""

    order_id: str
    to: date


@dataclass(frozen=True, slots=True)
class DayOpened:
    """The cash that the day before left in the drawer."""

    opening_cash_won: int


@dataclass(frozen=True, slots=True)
class DayClosed:
    closing_cash_won: int
    digest: str


@dataclass(frozen=True, slots=True)
class DayReopened:
    reason: str


TillEvent: TypeAlias = (
    ChargeStarted
    | PaymentCharged
    | PaymentDeclined
    | PaymentVoided
    | PaymentRefunded
    | ChargeCarriedOver
    | DayOpened
    | DayClosed
    | DayReopened
)

EVENT_NAMES: dict[str, type[TillEvent]] = {
    "charge-started": ChargeStarted,
    "charged": PaymentCharged,
    "declined": PaymentDeclined,
    "voided": PaymentVoided,
    "refunded": PaymentRefunded,
    "charge-carried-over": ChargeCarriedOver,
    "day-opened": DayOpened,
    "day-closed": DayClosed,
    "day-reopened": DayReopened,
}
"""The names under which events are stored; a name is never given to another event."""
