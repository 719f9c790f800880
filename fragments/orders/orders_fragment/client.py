"""The orders service as this fragment server knows it: only the fields that are shown."""

from __future__ import annotations

from datetime import datetime

import msgspec

from jogakbo.fragment import Service


class Line(msgspec.Struct, frozen=True):
    """So many of one item, at the price of the moment."""

    item_id: str
    name: dict[str, str]
    qty: int
    price_won: int
    sold_out: bool = False

    @property
    def sum_won(self) -> int:
        return self.qty * self.price_won


class Draft(msgspec.Struct, frozen=True):
    """The order being made; ``order_id`` is the id it will have."""

    order_id: str
    lines: list[Line]
    total_won: int


class Moment(msgspec.Struct, frozen=True):
    """An entry of an order's timeline: the ``state`` it led to, the ``command`` it sent, and for which time."""

    at: datetime
    step: str
    state: str = ""
    command: str | None = None
    attempt: int | None = msgspec.field(default=None, name="try")
    message_id: str | None = None


class Shortage(msgspec.Struct, frozen=True):
    """An ingredient of which there was not enough."""

    ingredient_id: str
    name: dict[str, str]


class Order(msgspec.Struct, frozen=True):
    """An order as people see it; ``progress`` is the kitchen's, once it is CONFIRMED.

    ``waits_for`` is the command that has no answer yet, sent ``tries`` times and again at ``due_at``; ``can`` says what
    may be asked for now: ``cancel``, ``refund``.
    """

    id: str
    number: int
    state: str
    placed_at: datetime
    lines: list[Line]
    total_won: int
    payment: str
    progress: str | None = None
    guest_name: str | None = None
    reason: str | None = None
    short: list[Shortage] = []
    timeline: list[Moment] = []
    waits_for: str | None = None
    tries: int = 0
    due_at: datetime | None = None
    alarm: bool = False
    can: list[str] = []


class Board(msgspec.Struct, frozen=True):
    """The barista's three columns."""

    queued: list[Order]
    making: list[Order]
    ready: list[Order]


class _Orders(msgspec.Struct, frozen=True):
    orders: list[Order]


class OrdersService:
    """Typed calls of the orders service."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def draft(self, subject: str) -> Draft:
        """The order that this person is making."""
        return await self._service.get(f"/drafts/{subject}", Draft)

    async def add(self, subject: str, item_id: str, qty: int) -> None:
        """So many more (or, below zero, fewer) of an item."""
        await self._service.send("POST", f"/drafts/{subject}/lines", Draft, {"item_id": item_id, "qty": qty})

    async def remove(self, subject: str, item_id: str) -> None:
        """None of this item."""
        await self._service.send("PUT", f"/drafts/{subject}/lines/{item_id}", Draft, {"qty": 0})

    async def place(
        self, order_id: str, *, subject: str, payment: str, guest_name: str, expected_total_won: int | None
    ) -> None:
        """Place the order being made; the same ``order_id`` twice is one order."""
        order: dict[str, object] = {"draft_of": subject, "payment": payment}
        if guest_name:
            order["guest_name"] = guest_name
        if expected_total_won is not None:
            order["expected_total_won"] = expected_total_won
        await self._service.send("PUT", f"/orders/{order_id}", Order, order)

    async def order(self, order_id: str) -> Order:
        """One order with its timeline."""
        return await self._service.get(f"/orders/{order_id}", Order)

    async def queue(self) -> list[Order]:
        """The newest orders that are still under way."""
        return (await self._service.get("/queue", _Orders, limit=12)).orders

    async def board(self) -> Board:
        """What the barista has to do."""
        return await self._service.get("/board", Board)

    async def advance(self, order_id: str, step: str) -> None:
        """``take``, ``finish`` or ``hand-over`` an order."""
        await self._service.send("POST", f"/orders/{order_id}/{step}", Order)

    async def recent(self, limit: int) -> list[Order]:
        """The newest orders, whatever became of them."""
        return (await self._service.get("/recent", _Orders, limit=limit)).orders

    async def cancel(self, order_id: str) -> None:
        """The guest wants it no more."""
        await self._service.send("POST", f"/orders/{order_id}/cancellation", Order)

    async def refund(self, order_id: str, reason: str) -> None:
        """Give the money of a confirmed order back."""
        body = {"reason": reason} if reason else None
        await self._service.send("POST", f"/orders/{order_id}/refund", Order, body)

    async def lose(self, message: str) -> None:
        """The service shall drop the next message of this type unread; in the lab only."""
        await self._service.send("POST", "/-/lab/lose", type(None), {"type": message, "count": 1})

    async def kill(self) -> None:
        """End the service in the middle of whatever it does; in the lab only."""
        await self._service.send("POST", "/-/lab/kill", type(None))
