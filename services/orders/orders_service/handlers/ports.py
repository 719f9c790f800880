"""What the handlers need from the outside; `adapters` has the real ones."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol, TypeVar

from sqlalchemy import Connection

from jogakbo.contract.streams import Position
from orders_service.domain.draft import Draft
from orders_service.domain.menu import MenuItem
from orders_service.domain.order import Order
from orders_service.domain.saga import State, Step
from orders_service.handlers.messages import Message


@dataclass(frozen=True, slots=True)
class Moment:
    """An entry of an order's timeline: where ``step`` led, and the how-manieth try it was of what is sent there.

    ``tries`` is 0 where nothing was sent that waits for an answer.
    """

    at: datetime
    step: Step
    state: State
    tries: int


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

    def due(self, limit: int) -> Sequence[Order]:
        """Orders that nobody has answered in time, the longest due first; no two transactions get the same one."""
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

    @property
    def position(self) -> Position:
        """The place of the newest message in the outbox."""
        ...

    def send(self, *messages: Message, keys: Iterable[str] = ()) -> None:
        """Put ``messages`` into the outbox; the first carries ``keys``, the surrogate keys that have changed."""
        ...


@dataclass(frozen=True, slots=True)
class Check:
    """An invariant of this database, whether it held at that moment, by what it did not, and how much was looked at."""

    name: str
    holds: bool
    detail: str
    figures: Mapping[str, int]
    checked_at: datetime


class Views(Protocol):
    """The read side."""

    def order(self, order_id: str) -> OrderView:
        """Raises ``UnknownOrder``."""
        ...

    def queue(self, limit: int) -> Sequence[OrderView]:
        """The newest orders that somebody still waits for, newest first."""
        ...

    def recent(self, limit: int) -> Sequence[OrderView]:
        """The newest orders, however they stand, newest first."""
        ...

    def board(self) -> Sequence[OrderView]:
        """The orders in the kitchen's hands, oldest first."""
        ...

    def draft(self, sub: str) -> Draft: ...

    def checks(self) -> Sequence[Check]: ...


T = TypeVar("T")


class Store(Protocol):
    """Where transactions come from."""

    def write(self) -> AbstractContextManager[Transaction]: ...

    def write_together(self, work: Callable[[Transaction], T]) -> T:
        """``work`` in a transaction that it may share with others who come at the same time; none sees the failure
        of another."""
        ...

    def within(self, connection: Connection) -> Transaction:
        """The transaction that ``connection`` has begun."""
        ...

    def read(self) -> AbstractContextManager[Views]: ...
