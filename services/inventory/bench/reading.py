"""How long it takes to know the present state of a stream, by the number of events in it.

.venv/bin/python services/inventory/bench/reading.py
"""

from __future__ import annotations

import statistics
import tempfile
import time
from datetime import UTC, date, datetime
from pathlib import Path

from inventory_service.adapters.tables import stock_store
from inventory_service.app import MIGRATIONS
from inventory_service.domain.events import Restocked
from inventory_service.domain.stock import EMPTY
from jogakbo.database import Database
from jogakbo.service.event_store import Loaded, Stream

LENGTHS = (100, 199, 100_000, 100_099)
"""Right after a snapshot, and just before the next one: the least and the most that is folded."""

_TIMES = 300
_AT_ONCE = 100
_DAY = date(2026, 3, 2)
_AT = datetime(2026, 3, 2, 3, 0, tzinfo=UTC)


def reading_figures() -> dict[int, float]:
    """Median microseconds to load a stream of each of ``LENGTHS`` from SQLite."""
    with tempfile.TemporaryDirectory() as folder:
        database = Database(f"sqlite:///{Path(folder)}/inventory.db", migrations=MIGRATIONS)
        database.migrate()
        streams = {length: Stream(f"beans-{length}", _DAY) for length in LENGTHS}
        for length, stream in streams.items():
            _fill(database, stream, length)
        figures = _median_us(database, streams)
        database.close()
    return figures


def _fill(database: Database, stream: Stream, length: int) -> None:
    with database.write() as connection:
        loaded = Loaded(stream, 0, EMPTY)
        while (left := length - loaded.version) > 0:
            loaded = stock_store.append(connection, loaded, [Restocked(1)] * min(left, _AT_ONCE), at=_AT)


def _median_us(database: Database, streams: dict[int, Stream]) -> dict[int, float]:
    """In turns, so that whatever else the machine does is shared by all."""
    times: dict[int, list[float]] = {length: [] for length in streams}
    with database.read() as connection:
        for _ in range(_TIMES):
            for length, stream in streams.items():
                began = time.perf_counter()
                stock_store.load(connection, stream)
                times[length].append(time.perf_counter() - began)
    return {length: statistics.median(took) * 1e6 for length, took in times.items()}


if __name__ == "__main__":
    for length, microseconds in reading_figures().items():
        print(f"{length:>8,} events: {microseconds:6.0f} µs")
