"""What the handlers need from the outside; `adapters` has the real ones."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from sqlalchemy import Connection

from orders_service.domain.draft import Draft
from orders_service.domain.menu import MenuItem
from orders_service.domain.order import Order
from orders_service.domain.saga import Step
from orders_service.handlers.messages import Message


@dataclass(frozen=True, slots=True)
class Moment:
    """An entry of an order's timeline."""

    at: datetime
    step: Step


@dataclass(frozen=True, slots=True)
class OrderView:
    """An order as the read side shows it."""

    order: Order
    timeline: tuple[Moment, ...]


@dataclass(frozen=True, slots=True)
class Placed:
    """An order that was found, with the digest of the request that placed it."""

    view: OrderView
    digest: str


class Orders(Protocol):
    def get(self, order_id: str) -> Order:
        """Raises ``UnknownOrder``."""
        ...

    def placed(self, order_id: str) -> Placed | None: ...

    def next_number(self, business_day: date) -> int: ...

    def add(self, order: Order, digest: str) -> None: ...

    def save(self, order: Order, step: Step, at: datetime) -> None:
        """Write ``order`` over the revision just below its own, and ``step`` into its timeline."""
        ...


class Menu(Protocol):
    def items(self, item_ids: Iterable[str]) -> Mapping[str, MenuItem]: ...

    def keep(self, item: MenuItem) -> bool:
        """Keep the item; ``False`` if a version at least as new is known."""
        ...


class Drafts(Protocol):
    def get(self, sub: str) -> Draft: ...

    def set_line(self, draft: Draft, item_id: str, qty: int, at: datetime) -> None:
        """Set the quantity; 0 takes the line out."""
        ...

    def discard(self, sub: str) -> None: ...

    def holding(self, item_id: str) -> tuple[str, ...]:
        """The subjects whose drafts contain the item."""
        ...


class Transaction(Protocol):
    """One local transaction: what is written and what is sent commit together or not at all."""

    @property
    def now(self) -> datetime: ...
    @property
    def business_day(self) -> date: ...
    @property
    def orders(self) -> Orders: ...
    @property
    def menu(self) -> Menu: ...
    @property
    def drafts(self) -> Drafts: ...

    def send(self, message: Message, keys: Iterable[str] = ()) -> None:
        """Put ``message`` into the outbox; ``keys`` are the surrogate keys that it has changed."""
        ...


class Views(Protocol):
    """The read side."""

    def order(self, order_id: str) -> OrderView:
        """Raises ``UnknownOrder``."""
        ...

    def queue(self, limit: int) -> Sequence[OrderView]:
        """The newest orders that somebody still waits for, newest first."""
        ...

    def board(self) -> Sequence[OrderView]:
        """The orders in the kitchen's hands, oldest first."""
        ...

    def draft(self, sub: str) -> Draft: ...


class Store(Protocol):
    """Where transactions come from."""

    def write(self) -> AbstractContextManager[Transaction]: ...

    def within(self, connection: Connection) -> Transaction:
        """The transaction that ``connection`` has begun."""
        ...

    def read(self) -> AbstractContextManager[Views]: ...
