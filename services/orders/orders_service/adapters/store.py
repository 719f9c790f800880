from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import date, datetime

from sqlalchemy import Connection

from jogakbo.database import Database
from jogakbo.events import Outbox
from jogakbo.service.clock import Clock
from orders_service.adapters.drafts import SqlDrafts
from orders_service.adapters.menu import SqlMenu
from orders_service.adapters.orders import SqlOrders
from orders_service.adapters.views import SqlViews
from orders_service.handlers.messages import Message
from orders_service.handlers.ports import Transaction, Views

_OUTBOX = Outbox("orders")


class SqlTransaction:
    """Everything a handler does goes through one connection, its messages too."""

    def __init__(self, connection: Connection, clock: Clock) -> None:
        self._connection = connection
        self._now = clock.now()
        self._clock = clock
        self._orders = SqlOrders(connection)
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

    def send(self, message: Message, keys: Iterable[str] = ()) -> None:
        _OUTBOX.add(self._connection, message.type, message.subject, message, keys)


class SqlStore:
    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    @contextmanager
    def write(self) -> Iterator[Transaction]:
        with self._database.write() as connection:
            yield self.within(connection)

    def within(self, connection: Connection) -> Transaction:
        return SqlTransaction(connection, self._clock)

    @contextmanager
    def read(self) -> Iterator[Views]:
        with self._database.read() as connection:
            yield SqlViews(connection)
