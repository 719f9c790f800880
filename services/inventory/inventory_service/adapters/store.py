"""The service's database behind the ports."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date

from sqlalchemy import Connection

from inventory_service.adapters.books import SqlAnswers, SqlBooks
from inventory_service.adapters.checks import checks
from inventory_service.adapters.levels import SqlLevels
from inventory_service.adapters.recent import Recent
from inventory_service.adapters.tables import stock_store
from inventory_service.handlers.views import Check
from jogakbo.service import Database
from jogakbo.service.clock import Clock


class SqlStore:
    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._recent = Recent()

    @contextmanager
    def read(self) -> Iterator[SqlLevels]:
        with self._database.read() as connection:
            yield SqlLevels(connection)

    def levels(self, connection: Connection) -> SqlLevels:
        return SqlLevels(connection)

    def books(self, connection: Connection) -> SqlBooks:
        return SqlBooks(connection, self._clock.now(), self._recent)

    def answers(self, connection: Connection) -> SqlAnswers:
        return SqlAnswers(connection)

    def archive(self, connection: Connection, business_day: date) -> None:
        while stock_store.archive(connection, business_day):
            pass

    def checks(self) -> Sequence[Check]:
        with self._database.read() as connection:
            return checks(connection, self._clock.now())
