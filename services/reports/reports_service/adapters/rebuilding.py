"""The rebuild: the journal is folded anew into the tables that nobody reads, and then those are the ones that are read.

Each batch is one transaction that also notes how far it came, so a rebuild that was killed goes on where it was.
Reads do not notice, and new facts go into the journal meanwhile and so into both sets. The last batch finds no more
facts while it holds the lock that who adds one would need: that is the moment to change over.
"""

from __future__ import annotations

import asyncio
from datetime import tzinfo

from sqlalchemy import Connection

from jogakbo.contract.cloudevent import utc_now
from jogakbo.service import Database
from reports_service.adapters.counting import OUTBOX
from reports_service.adapters.journal import after, stand, standing
from reports_service.adapters.messages import RebuildProgressed
from reports_service.adapters.projection import SqlProjection
from reports_service.adapters.tables import SETS, idle
from reports_service.domain.operation import Standing
from reports_service.handlers.counting import fold

_BATCH = 1_000
_LOOK_SECONDS = 2.0
"""How soon a rebuild goes on that another replica was asked for, or left behind."""


class Rebuilder:
    """Rebuilds when it is asked to, one batch after the other. Several replicas may run one each."""

    def __init__(self, database: Database, zone: tzinfo, *, batch: int = _BATCH) -> None:
        self._database = database
        self._zone = zone
        self._batch = batch
        self._asked = asyncio.Event()

    def begin(self, connection: Connection) -> Standing:
        """Start a rebuild, unless one is under way."""
        now = standing(connection, lock=True)
        if not now.rebuilding:
            SqlProjection(connection, SETS[idle(now.live)]).empty()
            stand(connection, rebuilding=True, rebuilt=0, started_at=utc_now(), finished_at=None)
            now = _told(connection, "reports")
        return now

    def wake(self) -> None:
        """Say that a rebuild has begun; to be called in the event loop."""
        self._asked.set()

    def step(self) -> bool:
        """Fold one batch, or change over to what was built; False when there is nothing to do."""
        with self._database.read() as connection:
            if not standing(connection).rebuilding:
                return False
        with self._database.write() as connection:
            now = standing(connection, lock=True)
            if not now.rebuilding:
                return True
            facts = after(connection, now.rebuilt, self._batch)
            if facts:
                fold(SqlProjection(connection, SETS[idle(now.live)]), facts, self._zone)
                stand(connection, rebuilt=now.rebuilt + len(facts))
                _told(connection)
            else:
                stand(connection, live=idle(now.live), rebuilding=False, finished_at=utc_now())
                _told(connection, "reports")
        return True

    async def run(self) -> None:
        """Work until cancelled."""
        asked = self._asked = asyncio.Event()
        while True:
            asked.clear()
            if not await asyncio.to_thread(self.step):
                await _wait(asked)


async def _wait(asked: asyncio.Event) -> None:
    try:
        async with asyncio.timeout(_LOOK_SECONDS):
            await asked.wait()
    except TimeoutError:
        return


def _told(connection: Connection, *stale: str) -> Standing:
    now = standing(connection)
    progress = RebuildProgressed("running" if now.rebuilding else "idle", now.rebuilt, now.facts)
    OUTBOX.add(connection, "reports.RebuildProgressed", "rebuild", progress, ["rebuild", *stale])
    return now
