"""The business days of an ingredient, in SQL."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from sqlalchemy import Connection, func, select

from inventory_service.adapters.tables import stock_store
from jogakbo.service.event_store import Stream


def days_of(connection: Connection, ingredient_id: str, *, upto: date = date.max) -> Iterator[date]:
    """The days on which anything is written about the ingredient, newest first, each asked for when it is wanted."""
    day = _newest(connection, ingredient_id, upto, itself=True)
    while day is not None:
        yield day
        day = _newest(connection, ingredient_id, day, itself=False)


def is_archived(connection: Connection, stream: Stream) -> bool:
    """Whether the stream's first event has moved to the archive."""
    archive = stock_store.tables.archive.c
    first = (archive.stream == str(stream)) & (archive.version == 1)
    return connection.scalar(select(archive.version).where(first)) is not None


def _newest(connection: Connection, ingredient_id: str, before: date, *, itself: bool) -> date | None:
    # A question for each table finds the end of an index; one for both together would read all of it.
    found = []
    for table in (stock_store.tables.events.c, stock_store.tables.archive.c):
        within = table.business_day <= before if itself else table.business_day < before
        newest = select(func.max(table.business_day)).where(table.subject == ingredient_id, within)
        found.append(connection.scalar(newest))
    return max((day for day in found if day is not None), default=None)
