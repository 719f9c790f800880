from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import date, datetime
from typing import TypeVar

from sqlalchemy import Connection

from jogakbo.contract.streams import Position
from jogakbo.database import Database
from jogakbo.events import Outbox, Outgoing
from jogakbo.service.clock import Clock
from orders_service.adapters.drafts import SqlDrafts
from orders_service.adapters.menu import SqlMenu
from orders_service.adapters.orders import SqlOrders
from orders_service.adapters.views import SqlViews
from orders_service.handlers.messages import Message
from orders_service.handlers.ports import Transaction, Views

T = TypeVar("T")

_OUTBOX = Outbox("orders")


class SqlTransaction:
    """Everything a handler does goes through one connection, its messages too."""

    def __init__(self, connection: Connection, clock: Clock) -> None:
        self._connection = connection
        self._now = clock.now()
        self._clock = clock
        self._sent: Position | None = None
        self._orders = SqlOrders(connection, self._now)
        self._menu = SqlMenu(connection)
        self._drafts = SqlDrafts(connection)

    @property
    def now(self) -> datetime:
        return self._now

    @property
    def business_day(self) -> date:
        return self._clock.business_day()

    @property
    def orders(self) -> SqlOrders:
        return self._orders

    @property
    def menu(self) -> SqlMenu:
        return self._menu

    @property
    def drafts(self) -> SqlDrafts:
        return self._drafts

    @property
    def position(self) -> Position:
        return self._sent or _OUTBOX.last(self._connection)

    def send(self, *messages: Message, keys: Iterable[str] = ()) -> None:
        told = [tuple(keys), *[()] * (len(messages) - 1)]
        *_, self._sent = _OUTBOX.add_many(
            self._connection,
            [
                Outgoing(message.type, message.subject, message, changed, id=message.id)
                for message, changed in zip(messages, told, strict=True)
            ],
        )


class SqlStore:
    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    @contextmanager
    def write(self) -> Iterator[Transaction]:
        with self._database.write() as connection:
            yield self.within(connection)

    def write_together(self, work: Callable[[Transaction], T]) -> T:
        return self._database.write_together(lambda connection: work(self.within(connection)))

    def within(self, connection: Connection) -> Transaction:
        if not self._database.is_sqlite:
            _OUTBOX.lock(connection)  # who took an order's row first and then waited for the counter could deadlock
        return SqlTransaction(connection, self._clock)

    @contextmanager
    def read(self) -> Iterator[Views]:
        with self._database.read() as connection:
            yield SqlViews(connection, self._clock.now())
