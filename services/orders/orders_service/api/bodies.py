"""The JSON of the API."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from orders_service.domain.draft import Draft
from orders_service.domain.kitchen import Progress
from orders_service.domain.placing import HIGHEST_QTY, Wanted
from orders_service.domain.saga import SAGA, Command, State, Step
from orders_service.handlers.messages import message_id
from orders_service.handlers.placing import PlaceOrder
from orders_service.handlers.ports import Moment, OrderView

ItemId = Annotated[str, Field(pattern=r"^[a-z0-9-]{1,40}$", description="Id of an item on the menu.")]
Subject = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,64}$", description="Whose draft it is.")]


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _Answer(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class NameBody(_Answer):
    en: str
    ko: str


class DraftLineBody(_Answer):
    item_id: str
    name: NameBody
    qty: int
    price_won: int
    on_sale: bool
    sold_out: bool


class DraftBody(_Answer):
    """``order_id`` is the id under which to place the draft; it stays until the draft is placed or discarded."""

    order_id: str
    lines: list[DraftLineBody]
    total_won: int

    @classmethod
    def of(cls, draft: Draft) -> Self:
        lines = [
            DraftLineBody(
                item_id=line.item.id,
                name=NameBody.model_validate(line.item.name),
                qty=line.qty,
                price_won=line.item.price_won,
                on_sale=line.item.on_sale,
                sold_out=line.item.sold_out,
            )
            for line in draft.lines
        ]
        return cls(order_id=draft.order_id, lines=lines, total_won=draft.total_won)


class AddLine(_Request):
    item_id: ItemId
    qty: Annotated[int, Field(ge=-HIGHEST_QTY, le=HIGHEST_QTY, description="How many more, or fewer when negative.")]


class SetLine(_Request):
    qty: Annotated[int, Field(ge=0, le=HIGHEST_QTY, description="How many; 0 takes the line out.")]


class WantedBody(_Request):
    item_id: ItemId
    qty: Annotated[int, Field(description=f"1 to {HIGHEST_QTY}.")]


class PlaceOrderBody(_Request):
    """Exactly one of ``lines`` and ``draft_of``."""

    lines: Annotated[list[WantedBody], Field(max_length=50)] | None = None
    draft_of: Subject | None = None
    payment: Annotated[str, Field(pattern=r"^(cash|card-[0-9]{4})$", description="cash, or card-<last four digits>.")]
    guest_name: Annotated[str, Field(max_length=40, description="The name to call.")] = ""
    expected_total_won: Annotated[
        int | None, Field(ge=0, description="What the guest was shown; the order is refused when it costs otherwise.")
    ] = None

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.lines is None) == (self.draft_of is None):
            raise ValueError("give exactly one of 'lines' and 'draft_of'")
        return self

    def command(self, order_id: str) -> PlaceOrder:
        return PlaceOrder(
            order_id=order_id,
            lines=tuple(Wanted(line.item_id, line.qty) for line in self.lines or ()),
            draft_of=self.draft_of,
            payment=self.payment,
            guest_name=self.guest_name.strip(),
            expected_total_won=self.expected_total_won,
        )


class LineBody(_Answer):
    item_id: str
    name: NameBody
    qty: int
    price_won: int


class ShortageBody(_Answer):
    ingredient_id: str
    name: NameBody
    needed: int
    available: int


class MomentBody(_Answer):
    """``command`` is what was sent at this step and waits for an answer; ``try`` counts how often it was sent."""

    model_config = ConfigDict(serialize_by_alias=True, validate_by_name=True)

    at: datetime
    step: Step
    state: State
    command: Command | None
    tries: Annotated[int | None, Field(alias="try")]
    message_id: str | None

    @classmethod
    def of(cls, order_id: str, moment: Moment) -> Self:
        command = SAGA[moment.state].sends if moment.tries else None
        return cls(
            at=moment.at,
            step=moment.step,
            state=moment.state,
            command=command,
            tries=moment.tries or None,
            message_id=command and message_id(command, order_id),
        )


class OrderBody(_Answer):
    """``progress`` is set while CONFIRMED.

    ``reason`` is ``out_of_stock`` (with ``short``), ``payment_declined``, ``payment_voided``, ``timed_out``,
    ``cancelled_by_guest``, ``refunded_by_manager``, or what whoever called the order off gave as a reason.
    ``tries`` says how often the command ``waits_for`` was sent, ``due_at`` when it is sent again or given up.
    """

    id: str
    number: int
    state: State
    progress: Progress | None
    business_day: date
    placed_at: datetime
    guest_name: str
    payment: str
    lines: list[LineBody]
    total_won: int
    reason: str | None
    short: list[ShortageBody]
    waits_for: Command | None
    tries: int
    due_at: datetime | None
    alarm: Annotated[bool, Field(description="Nobody answers; a person should look.")]
    can: list[Literal["cancel", "refund"]]
    timeline: list[MomentBody]

    @classmethod
    def of(cls, view: OrderView) -> Self:
        order = view.order
        return cls(
            id=order.id,
            number=order.number,
            state=order.state,
            progress=order.progress,
            business_day=order.business_day,
            placed_at=order.placed_at,
            guest_name=order.guest_name,
            payment=order.payment,
            lines=[LineBody.model_validate(line) for line in order.lines],
            total_won=order.total_won,
            reason=order.reason,
            short=[ShortageBody.model_validate(shortage) for shortage in order.short],
            waits_for=order.waits_for,
            tries=order.tries,
            due_at=order.due_at,
            alarm=order.alarm,
            can=[*(["cancel"] if order.can_cancel else []), *(["refund"] if order.can_refund else [])],
            timeline=[MomentBody.of(order.id, moment) for moment in view.timeline],
        )


class ReasonBody(_Request):
    reason: Annotated[str | None, Field(min_length=1, max_length=40, description="In whoever's words.")] = None


class OrdersBody(_Answer):
    orders: list[OrderBody]


class BoardBody(_Answer):
    """The kitchen's three columns, oldest order first."""

    queued: list[OrderBody]
    making: list[OrderBody]
    ready: list[OrderBody]

    @classmethod
    def of(cls, views: Sequence[OrderView]) -> Self:
        columns = {
            progress: [OrderBody.of(view) for view in views if view.order.progress is progress]
            for progress in (Progress.QUEUED, Progress.MAKING, Progress.READY)
        }
        return cls(queued=columns[Progress.QUEUED], making=columns[Progress.MAKING], ready=columns[Progress.READY])
