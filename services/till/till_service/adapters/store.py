"""The service's database behind the ports."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TypeVar

from sqlalchemy import Connection

from jogakbo.service import Database
from jogakbo.service.clock import Clock
from till_service.adapters.answers import SqlAnswers
from till_service.adapters.books import SqlBooks
from till_service.adapters.closings import SqlDayBooks
from till_service.adapters.views import SqlViews
from till_service.handlers.ports import Answers, Books, DayBooks, Views

T = TypeVar("T")


class SqlStore:
    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self.clock = clock

    @contextmanager
    def read(self) -> Iterator[Views]:
        with self._database.read() as connection:
            yield SqlViews(connection)

    def write_together(self, work: Callable[[Books, Answers], T]) -> T:
        return self._database.write_together(lambda connection: work(*self.within(connection)))

    @contextmanager
    def close(self) -> Iterator[tuple[DayBooks, Answers]]:
        with self._database.write() as connection:
            yield self.closing_within(connection)

    def within(self, connection: Connection) -> tuple[Books, Answers]:
        return SqlBooks(connection, self.clock.now()), SqlAnswers(connection)

    def closing_within(self, connection: Connection) -> tuple[DayBooks, Answers]:
        return SqlDayBooks(connection, self.clock.now()), SqlAnswers(connection)

    def on_commit(self, wake: Callable[[], None]) -> AbstractContextManager[None]:
        return self._database.on_commit(wake)
