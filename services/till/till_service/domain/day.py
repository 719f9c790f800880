"""The money of one business day: a fold of its events, and the decisions that make new ones."""

from __future__ import annotations

from dataclasses import dataclass, replace

from till_service.domain.errors import ChargeExistsError, ChargeUnknownError
from till_service.domain.events import (
    ChargeCarriedOver,
    ChargeStarted,
    DayClosed,
    DayOpened,
    DayReopened,
    PaymentCharged,
    PaymentDeclined,
    PaymentRefunded,
    PaymentVoided,
    TillEvent,
)
from till_service.domain.payment import Accepted, Outcome, Voided


@dataclass(frozen=True, slots=True)
class Day:
    """``cash_won`` and ``card_won`` are what was charged, ``refunded_won`` what was given back, ``refunds`` how often.

    ``under_way`` are the charges whose outcome is not known yet.
    """

    cash_won: int = 0
    card_won: int = 0
    payments: int = 0
    declined: int = 0
    refunds: int = 0
    refunded_won: int = 0
    cash_refunded_won: int = 0
    opening_cash_won: int = 0
    under_way: tuple[ChargeStarted, ...] = ()

    @property
    def takings_won(self) -> int:
        return self.cash_won + self.card_won - self.refunded_won

    @property
    def cash_in_drawer_won(self) -> int:
        """What the drawer holds, if nobody took anything out of it."""
        return self.opening_cash_won + self.cash_won - self.cash_refunded_won

    def without(self, order_id: str) -> tuple[ChargeStarted, ...]:
        return tuple(charge for charge in self.under_way if charge.order_id != order_id)


EMPTY = Day()


def evolve(day: Day, event: TillEvent) -> Day:
    """The day after the event. It happened, so nothing is checked here."""
    match event:
        case ChargeStarted():
            return replace(day, under_way=(*day.under_way, event))
        case PaymentCharged(amount_won=amount, method=method):
            return replace(
                day,
                cash_won=day.cash_won + (amount if method == "cash" else 0),
                card_won=day.card_won + (0 if method == "cash" else amount),
                payments=day.payments + 1,
                under_way=day.without(event.order_id),
            )
        case PaymentVoided() | PaymentRefunded():
            return _given_back(day, event)
        case PaymentDeclined() | ChargeCarriedOver():
            declined = day.declined + isinstance(event, PaymentDeclined)
            return replace(day, declined=declined, under_way=day.without(event.order_id))
        case DayOpened(opening_cash_won=opening):
            return replace(day, opening_cash_won=opening)
        case DayClosed() | DayReopened():
            return day


def _given_back(day: Day, event: PaymentVoided | PaymentRefunded) -> Day:
    return replace(
        day,
        refunds=day.refunds + bool(event.amount_won),
        refunded_won=day.refunded_won + event.amount_won,
        cash_refunded_won=day.cash_refunded_won + (event.amount_won if event.method == "cash" else 0),
        under_way=day.without(event.order_id),
    )


def start(day: Day, charge: ChargeStarted) -> ChargeStarted:
    if any(other.order_id == charge.order_id for other in day.under_way):
        raise ChargeExistsError(charge.order_id)
    return charge


def settle(day: Day, order_id: str, outcome: Outcome) -> PaymentCharged | PaymentDeclined | PaymentVoided:
    for charge in day.under_way:
        if charge.order_id == order_id:
            return settled(charge, outcome)
    raise ChargeUnknownError(order_id)


def settled(charge: ChargeStarted, outcome: Outcome) -> PaymentCharged | PaymentDeclined | PaymentVoided:
    """What the outcome is in the books."""
    about = charge.order_id, charge.payment_id
    if isinstance(outcome, Accepted):
        return PaymentCharged(*about, charge.amount_won, charge.method, outcome.reference)
    if isinstance(outcome, Voided):
        return PaymentVoided(*about, 0, charge.method)
    return PaymentDeclined(*about, charge.amount_won, charge.method, outcome.reason)
