"""The service's database and bus behind the ports."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from jogakbo.contract.streams import Position
from jogakbo.events import Consumer
from jogakbo.service import Database
from jogakbo.service.clock import Clock
from reports_service.adapters.bus import write_side
from reports_service.adapters.checks import checks
from reports_service.adapters.counting import OutboxNews
from reports_service.adapters.journal import standing
from reports_service.adapters.queries import SqlReads
from reports_service.adapters.rebuilding import Rebuilder
from reports_service.domain.operation import Check, Standing, WriteSide


class SqlStore:
    """``Store`` and ``Operations``: what the API asks for."""

    def __init__(
        self, database: Database, clock: Clock, consumer: Consumer, rebuilder: Rebuilder, redis_url: str
    ) -> None:
        self._database = database
        self._clock = clock
        self._consumer = consumer
        self._rebuilder = rebuilder
        self._redis_url = redis_url

    @property
    def frozen(self) -> bool:
        return self._consumer.paused

    @contextmanager
    def read(self) -> Iterator[SqlReads]:
        with self._database.read() as connection:
            yield SqlReads(connection)

    def freeze(self, frozen: bool) -> None:
        self._consumer.paused = frozen
        with self._database.write() as connection:
            OutboxNews(connection).sales_changed(self._clock.business_day())

    async def rebuild(self) -> Standing:
        now = await asyncio.to_thread(self._begin)
        self._rebuilder.wake()
        return now

    def standing(self) -> Standing:
        with self._database.read() as connection:
            return standing(connection)

    def checks(self) -> Sequence[Check]:
        with self._database.read() as connection:
            return checks(connection, self._clock.now())

    async def write_side(self, read: Mapping[str, Position], limit: int) -> WriteSide:
        return await write_side(self._redis_url, read, limit, self._clock.now())

    def _begin(self) -> Standing:
        with self._database.write() as connection:
            return self._rebuilder.begin(connection)
