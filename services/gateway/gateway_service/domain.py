"""A charge: at most one per order, and what may become of it. Amounts are integer won."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum

_ACCEPTED = frozenset({"card-4242"})
_DECLINED = frozenset({"card-0002"})


class ChargeState(StrEnum):
    ACCEPTED = "accepted"
    DECLINED = "declined"
    VOIDED = "voided"
    REFUNDED = "refunded"


class ChargeUnknown(Exception):
    """No such order was ever charged here."""


class ChargeDiffers(Exception):
    """The key of one charge came with another."""


class NotRefundable(Exception):
    """A charge that took no money has none to give back."""


@dataclass(frozen=True, slots=True)
class Charge:
    """``business_day`` and ``refunded_on`` are the merchant's own marks; of several words the latest day counts."""

    order_id: str
    amount_won: int
    payment: str
    state: ChargeState
    reason: str = ""
    business_day: date | None = None
    refunded_on: date | None = None

    @property
    def is_tombstone(self) -> bool:
        """Voided before it came."""
        return self.state is ChargeState.VOIDED and not self.amount_won

    def voided(self) -> Charge:
        """As if it had never been. What was declined or given back stays as it is: it moves no money any more."""
        return replace(self, state=ChargeState.VOIDED) if self.state is ChargeState.ACCEPTED else self

    def marked(self, business_day: date | None) -> Charge:
        return replace(self, business_day=_later(self.business_day, business_day))

    def refunded(self, on: date) -> Charge:
        if self.state not in (ChargeState.ACCEPTED, ChargeState.REFUNDED):
            raise NotRefundable(
                f"the charge of order {self.order_id!r} is {self.state}: there is no money to give back"
            )
        return replace(self, state=ChargeState.REFUNDED, refunded_on=_later(self.refunded_on, on))


def new_charge(order_id: str, amount_won: int, payment: str, business_day: date, *, declines: bool) -> Charge:
    """Test cards, in the manner of Stripe's: the number decides; ``declines``: the gateway's mood does."""
    reason = "" if payment in _ACCEPTED else "card_declined" if payment in _DECLINED else "card_unknown"
    if declines:
        reason = "card_declined"
    state = ChargeState.DECLINED if reason else ChargeState.ACCEPTED
    return Charge(order_id, amount_won, payment, state, reason, business_day)


def tombstone(order_id: str) -> Charge:
    """A void that came before its charge."""
    return Charge(order_id, 0, "", ChargeState.VOIDED)


def _later(known: date | None, day: date | None) -> date | None:
    """What was asked again late must not undo what was asked after it."""
    return max(known, day) if known and day else known or day
