"""The money of one business day: a fold of its events, and the decisions that make new ones."""

from __future__ import annotations

from dataclasses import dataclass, replace

from till_service.domain.errors import ChargeExistsError, ChargeUnknownError
from till_service.domain.events import ChargeStarted, PaymentCharged, PaymentDeclined, TillEvent
from till_service.domain.payment import Declined, Outcome


@dataclass(frozen=True, slots=True)
class Day:
    """``under_way`` are the charges whose outcome is not known yet."""

    cash_won: int = 0
    card_won: int = 0
    payments: int = 0
    declined: int = 0
    under_way: tuple[ChargeStarted, ...] = ()

    @property
    def takings_won(self) -> int:
        return self.cash_won + self.card_won

    def without(self, order_id: str) -> tuple[ChargeStarted, ...]:
        return tuple(charge for charge in self.under_way if charge.order_id != order_id)


EMPTY = Day()


def evolve(day: Day, event: TillEvent) -> Day:
    """The day after the event. It happened, so nothing is checked here."""
    match event:
        case ChargeStarted():
            return replace(day, under_way=(*day.under_way, event))
        case PaymentCharged(order_id=order_id, amount_won=amount, method=method):
            return replace(
                day,
                cash_won=day.cash_won + (amount if method == "cash" else 0),
                card_won=day.card_won + (0 if method == "cash" else amount),
                payments=day.payments + 1,
                under_way=day.without(order_id),
            )
        case PaymentDeclined(order_id=order_id):
            return replace(day, declined=day.declined + 1, under_way=day.without(order_id))


def start(day: Day, charge: ChargeStarted) -> ChargeStarted:
    if any(other.order_id == charge.order_id for other in day.under_way):
        raise ChargeExistsError(charge.order_id)
    return charge


def settle(day: Day, order_id: str, outcome: Outcome) -> PaymentCharged | PaymentDeclined:
    for charge in day.under_way:
        if charge.order_id == order_id:
            return _settled(charge, outcome)
    raise ChargeUnknownError(order_id)


def _settled(charge: ChargeStarted, outcome: Outcome) -> PaymentCharged | PaymentDeclined:
    about = (charge.order_id, charge.payment_id, charge.amount_won, charge.method)
    if isinstance(outcome, Declined):
        return PaymentDeclined(*about, outcome.reason)
    return PaymentCharged(*about, outcome.reference)
