from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from orders_service.domain import kitchen, saga
from orders_service.domain.errors import IllegalTransition
from orders_service.domain.kitchen import Progress
from orders_service.domain.menu import Name
from orders_service.domain.saga import SAGA, Command, State, Step


@dataclass(frozen=True, slots=True)
class Line:
    """Name and price are those of the moment of placing; the menu may change afterwards."""

    item_id: str
    name: Name
    qty: int
    price_won: int


@dataclass(frozen=True, slots=True)
class Shortage:
    """An ingredient that inventory had too little of; amounts in the ingredient's unit."""

    ingredient_id: str
    name: Name
    needed: int
    available: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """An order as it stands.

    ``since`` is when it came into its state, ``revision`` counts its steps, so that two writers cannot both take one.
    While it waits, ``tries`` says how often its command was sent and ``due_at`` when it is looked at again.
    ``refund_day`` is the business day on which the money is given back.
    """

    id: str
    number: int
    business_day: date
    placed_at: datetime
    guest_name: str
    payment: str
    lines: tuple[Line, ...]
    total_won: int
    state: State = State.RESERVING
    progress: Progress | None = None
    reason: str | None = None
    short: tuple[Shortage, ...] = ()
    since: datetime
    revision: int = 1
    tries: int = 0
    due_at: datetime | None = None
    refund_day: date | None = None

    @property
    def is_open(self) -> bool:
        """Whether somebody still waits for it: neither ended nor handed over."""
        return self.state not in saga.ENDED and self.progress is not Progress.HANDED_OVER

    @property
    def waits_for(self) -> Command | None:
        """The command whose answer it waits for."""
        return SAGA[self.state].sends

    @property
    def alarm(self) -> bool:
        """Whether a person should look why nobody answers."""
        return self.tries >= saga.ALARMING_TRIES and not saga.times_out(self.state)

    @property
    def can_cancel(self) -> bool:
        """Whether its guest may call it off."""
        return Step.CANCEL_ASKED in SAGA[self.state].leads or self.progress is Progress.QUEUED

    @property
    def can_refund(self) -> bool:
        return Step.REFUND_ASKED in SAGA[self.state].leads

    def waiting(self, at: datetime) -> Order:
        """The order that has just sent the command of its state, if that has one."""
        sends = self.waits_for is not None
        return replace(self, since=at, tries=int(sends), due_at=at + saga.pause(1) if sends else None)

    def after(self, step: Step, at: datetime) -> Order:
        """The order once ``step`` has happened. Raises ``IllegalTransition``."""
        state = saga.after(self.state, step)
        progress = Progress.QUEUED if state is State.CONFIRMED else None
        return replace(self, state=state, progress=progress, revision=self.revision + 1).waiting(at)

    def failed(self, step: Step, reason: str, at: datetime) -> Order:
        return replace(self.after(step, at), reason=reason)

    def resent(self, at: datetime, limit: timedelta | None) -> Order:
        """The order whose command is sent once more; it gives up when ``limit`` has passed since its state began."""
        due_at = at + saga.pause(self.tries + 1)
        if limit is not None:
            due_at = min(due_at, self.since + limit)
        return replace(self, tries=self.tries + 1, due_at=due_at, revision=self.revision + 1)

    def worked_on(self, step: Step) -> Order:
        """The order after a step of the kitchen. Raises ``IllegalTransition``."""
        if self.progress is None:
            raise IllegalTransition(self.state, step)
        return replace(self, progress=kitchen.after(self.progress, step), revision=self.revision + 1)

    def is_worked_on(self, step: Step) -> bool:
        """Whether the kitchen has taken ``step`` before, so that the click is a repeated one."""
        return self.progress is not None and kitchen.is_past(self.progress, step)
