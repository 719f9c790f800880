"""What orders says to others. The JSON Schema of each is in `schemas/<type>.json`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import ClassVar

import msgspec

from orders_service.domain.order import Line, Order, Shortage
from orders_service.domain.placing import Wanted
from orders_service.domain.saga import State


class Message(msgspec.Struct, frozen=True, kw_only=True):
    type: ClassVar[str]

    @property
    def subject(self) -> str:
        return ""

    @property
    def id(self) -> str:
        """Empty when its place in the outbox will do."""
        return ""


class OrderMessage(Message, frozen=True, kw_only=True):
    """A message about one order. Each is said once of an order, so a repeated one has the id of the first."""

    order_id: str

    @property
    def subject(self) -> str:
        return self.order_id

    @property
    def id(self) -> str:
        return message_id(self.type, self.order_id)


def message_id(type: str, order_id: str) -> str:
    return f"{type}:{order_id}"


class OrderPlaced(OrderMessage, frozen=True, kw_only=True):
    type: ClassVar[str] = "orders.OrderPlaced"
    number: int
    business_day: date
    placed_at: datetime
    lines: tuple[Line, ...]
    total_won: int
    payment: str
    guest_name: str

    @classmethod
    def of(cls, order: Order) -> OrderPlaced:
        return cls(
            order_id=order.id,
            number=order.number,
            business_day=order.business_day,
            placed_at=order.placed_at,
            lines=order.lines,
            total_won=order.total_won,
            payment=order.payment,
            guest_name=order.guest_name,
        )


class ReserveStock(OrderMessage, frozen=True, kw_only=True):
    type: ClassVar[str] = "inventory.ReserveStock"
    lines: tuple[Wanted, ...]
    business_day: date

    @classmethod
    def of(cls, order: Order) -> ReserveStock:
        lines = tuple(Wanted(line.item_id, line.qty) for line in order.lines)
        return cls(order_id=order.id, lines=lines, business_day=order.business_day)


class ChargePayment(OrderMessage, frozen=True, kw_only=True):
    type: ClassVar[str] = "till.ChargePayment"
    amount_won: int
    payment: str
    business_day: date

    @classmethod
    def of(cls, order: Order) -> ChargePayment:
        return cls(
            order_id=order.id,
            amount_won=order.total_won,
            payment=order.payment,
            business_day=order.business_day,
        )


class CommitReservation(OrderMessage, frozen=True, kw_only=True):
    type: ClassVar[str] = "inventory.CommitReservation"

    @classmethod
    def of(cls, order: Order) -> CommitReservation:
        return cls(order_id=order.id)


class VoidPayment(OrderMessage, frozen=True, kw_only=True):
    type: ClassVar[str] = "till.VoidPayment"
    business_day: date

    @classmethod
    def of(cls, order: Order) -> VoidPayment:
        return cls(order_id=order.id, business_day=order.business_day)


class ReleaseReservation(OrderMessage, frozen=True, kw_only=True):
    type: ClassVar[str] = "inventory.ReleaseReservation"

    @classmethod
    def of(cls, order: Order) -> ReleaseReservation:
        return cls(order_id=order.id)


class RefundPayment(OrderMessage, frozen=True, kw_only=True):
    """``business_day`` is that of the refund, not the order's."""

    type: ClassVar[str] = "till.RefundPayment"
    business_day: date
    reason: str

    @classmethod
    def of(cls, order: Order) -> RefundPayment:
        return cls(order_id=order.id, business_day=order.refund_day or order.business_day, reason=order.reason or "")


class OrderConfirmed(OrderMessage, frozen=True, kw_only=True):
    type: ClassVar[str] = "orders.OrderConfirmed"
    number: int
    business_day: date
    confirmed_at: datetime
    lines: tuple[Line, ...]
    total_won: int

    @classmethod
    def of(cls, order: Order) -> OrderConfirmed:
        return cls(
            order_id=order.id,
            number=order.number,
            business_day=order.business_day,
            confirmed_at=order.since,
            lines=order.lines,
            total_won=order.total_won,
        )


class OrderRejected(OrderMessage, frozen=True, kw_only=True):
    type: ClassVar[str] = "orders.OrderRejected"
    reason: str
    short: tuple[Shortage, ...]

    @classmethod
    def of(cls, order: Order) -> OrderRejected:
        return cls(order_id=order.id, reason=order.reason or "", short=order.short)


class OrderCancelled(OrderMessage, frozen=True, kw_only=True):
    type: ClassVar[str] = "orders.OrderCancelled"
    reason: str

    @classmethod
    def of(cls, order: Order) -> OrderCancelled:
        return cls(order_id=order.id, reason=order.reason or "")


class OrderRefunded(OrderMessage, frozen=True, kw_only=True):
    """``business_day`` is that of the refund, ``of_day`` the order's."""

    type: ClassVar[str] = "orders.OrderRefunded"
    number: int
    business_day: date
    of_day: date
    lines: tuple[Line, ...]
    total_won: int
    reason: str
    refunded_at: datetime

    @classmethod
    def of(cls, order: Order) -> OrderRefunded:
        return cls(
            order_id=order.id,
            number=order.number,
            business_day=order.refund_day or order.business_day,
            of_day=order.business_day,
            lines=order.lines,
            total_won=order.total_won,
            reason=order.reason or "",
            refunded_at=order.since,
        )


SAID_IN: Mapping[State, Callable[[Order], OrderMessage]] = {
    State.RESERVING: ReserveStock.of,
    State.CHARGING: ChargePayment.of,
    State.COMMITTING: CommitReservation.of,
    State.CONFIRMED: OrderConfirmed.of,
    State.REJECTED: OrderRejected.of,
    State.VOIDING: VoidPayment.of,
    State.RELEASING: ReleaseReservation.of,
    State.CANCELLED: OrderCancelled.of,
    State.REFUNDING: RefundPayment.of,
    State.REFUNDED: OrderRefunded.of,
}
"""What an order says when it comes into a state: the command whose answer it waits for, or how it ended."""


class OrderTaken(OrderMessage, frozen=True, kw_only=True):
    type: ClassVar[str] = "orders.OrderTaken"
    at: datetime


class OrderFinished(OrderMessage, frozen=True, kw_only=True):
    type: ClassVar[str] = "orders.OrderFinished"
    at: datetime


class OrderHandedOver(OrderMessage, frozen=True, kw_only=True):
    type: ClassVar[str] = "orders.OrderHandedOver"
    at: datetime


class DraftChanged(Message, frozen=True, kw_only=True):
    """Carries nothing but its keys: whose open pages to draw again."""

    type: ClassVar[str] = "orders.DraftChanged"
