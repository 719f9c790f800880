"""What the API gives. Money is integer won."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal, Self

from pydantic import BaseModel, Field

from till_service.domain.closing import STEPS, CloseState, Closing, Mismatch
from till_service.domain.day import Day
from till_service.domain.events import Method
from till_service.domain.payment import Payment, PaymentState


class ByMethodBody(BaseModel):
    """What was charged, before anything was given back."""

    cash: int
    card: int


class DayBody(BaseModel):
    """``payments``, ``declined`` and ``refunds`` are numbers; ``takings_won`` is less what was given back.

    ``closing_cash_won`` is null until the day's books are closed.
    """

    business_day: date
    state: Literal["open", "closing", "blocked", "closed"]
    next_day: date | None
    takings_won: int
    payments: int
    declined: int
    by_method: ByMethodBody
    refunds: int
    refunded_won: int
    opening_cash_won: int
    closing_cash_won: int | None

    @classmethod
    def of(cls, business_day: date, day: Day, closing: Closing | None) -> Self:
        if closing is not None and closing.state is CloseState.REOPENED:
            closing = None
        return cls(
            business_day=business_day,
            state="open" if closing is None else _STATES[closing.state],
            next_day=closing.next_day if closing else None,
            takings_won=day.takings_won,
            payments=day.payments,
            declined=day.declined,
            by_method=ByMethodBody(cash=day.cash_won, card=day.card_won),
            refunds=day.refunds,
            refunded_won=day.refunded_won,
            opening_cash_won=day.opening_cash_won,
            closing_cash_won=closing.balance.closing_cash_won if closing and closing.balance else None,
        )


class DaysBody(BaseModel):
    days: list[DayBody]


class PaymentBody(BaseModel):
    """``reason`` says why it was declined (``card_declined``, …) or refunded; ``undone_on`` when money came back."""

    id: str
    order_id: str
    business_day: date
    amount_won: int
    method: Method
    state: PaymentState
    at: datetime
    reason: str | None
    undone_on: date | None

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
            undone_on=payment.undone_on,
        )


class PaymentsBody(BaseModel):
    payments: list[PaymentBody]


class StepBody(BaseModel):
    """``detail`` is words and numbers: ``waiting:3``, ``carried:2``, ``waiting:reports inventory``, …"""

    name: str
    state: Literal["done", "current", "waiting", "blocked"]
    at: datetime | None
    detail: str


class MismatchBody(BaseModel):
    """Figures that should be equal, as text; null where there is none."""

    what: str
    order_id: str | None
    till: str | None
    reports: str | None
    gateway: str | None
    replay: str | None

    @classmethod
    def of(cls, mismatch: Mismatch) -> Self:
        return cls(
            what=mismatch.what,
            order_id=mismatch.order_id,
            till=mismatch.till,
            reports=mismatch.reports,
            gateway=mismatch.gateway,
            replay=mismatch.replay,
        )


class ClosingBody(BaseModel):
    """Where the close of a day stands. ``alarm``: it has been trying in vain for a while."""

    business_day: date
    next_day: date
    state: CloseState
    step: str
    steps: list[StepBody]
    progress: float
    alarm: bool
    mismatches: list[MismatchBody]

    @classmethod
    def of(cls, closing: Closing) -> Self:
        return cls(
            business_day=closing.business_day,
            next_day=closing.next_day,
            state=closing.state,
            step=closing.step,
            steps=[_step(name, closing) for name in STEPS],
            progress=round(len(closing.done) / len(STEPS), 2),
            alarm=closing.is_alarming,
            mismatches=[MismatchBody.of(mismatch) for mismatch in closing.mismatches],
        )


class ReopenBody(BaseModel):
    reason: Annotated[str, Field(min_length=1, max_length=500)]


class CheckBody(BaseModel):
    """An invariant of this service's own books."""

    name: str
    holds: bool
    detail: str
    checked_at: datetime


_STATES: dict[CloseState, Literal["open", "closing", "blocked", "closed"]] = {
    CloseState.CLOSING: "closing",
    CloseState.BLOCKED: "blocked",
    CloseState.CLOSED: "closed",
}


def _step(name: str, closing: Closing) -> StepBody:
    state: Literal["done", "current", "waiting", "blocked"] = "waiting"
    if name in closing.done:
        state = "done"
    elif name == closing.step:
        state = "blocked" if closing.state is CloseState.BLOCKED else "current"
    return StepBody(name=name, state=state, at=closing.done.get(name), detail=closing.details.get(name, ""))
