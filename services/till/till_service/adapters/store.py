"""The service's database behind the ports."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from sqlalchemy import Connection

from jogakbo.service import Database
from jogakbo.service.clock import Clock
from till_service.adapters.books import SqlAnswers, SqlBooks
from till_service.adapters.views import SqlViews
from till_service.handlers.ports import Answers, Books, Views


class SqlStore:
    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    @contextmanager
    def read(self) -> Iterator[Views]:
        with self._database.read() as connection:
            yield SqlViews(connection)

    @contextmanager
    def write(self) -> Iterator[tuple[Books, Answers]]:
        with self._database.write() as connection:
            yield self.within(connection)

    def within(self, connection: Connection) -> tuple[Books, Answers]:
        return SqlBooks(connection, self._clock.now()), SqlAnswers(connection)

    def on_commit(self, wake: Callable[[], None]) -> AbstractContextManager[None]:
        return self._database.on_commit(wake)
