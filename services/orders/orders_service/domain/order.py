from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime

from orders_service.domain.errors import IllegalTransition
from orders_service.domain.kitchen import KITCHEN, Progress
from orders_service.domain.menu import Name
from orders_service.domain.saga import FAILED, SAGA, State, Step


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

    @property
    def is_open(self) -> bool:
        """Whether somebody still waits for it: not failed and not handed over."""
        return self.state not in FAILED and self.progress is not Progress.HANDED_OVER

    def after(self, step: Step, at: datetime) -> Order:
        """The order once inventory or till has answered. Raises ``IllegalTransition``."""
        return replace(self, state=SAGA.after(self.state, step), since=at, revision=self.revision + 1)

    def confirmed(self, at: datetime) -> Order:
        """The order once its stock is used and its money taken: the kitchen may begin."""
        return replace(self.after(Step.COMMITTED, at), progress=Progress.QUEUED)

    def refused(self, short: tuple[Shortage, ...], at: datetime) -> Order:
        return replace(self.after(Step.REFUSED, at), reason="out_of_stock", short=short)

    def declined(self, at: datetime) -> Order:
        return replace(self.after(Step.DECLINED, at), reason="payment_declined")

    def worked_on(self, step: Step) -> Order:
        """The order after a step of the kitchen. Raises ``IllegalTransition``."""
        if self.progress is None:
            raise IllegalTransition(self.state, step)
        return replace(self, progress=KITCHEN.after(self.progress, step), revision=self.revision + 1)

    def is_past(self, step: Step) -> bool:
        """Whether ``step`` has happened before, so that the message that brings it is a repeated one."""
        return SAGA.is_past(self.state, step) or (self.progress is not None and KITCHEN.is_past(self.progress, step))
