"""Closed business days of a store, and the archive that their events move to."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from sqlalchemy import Connection, delete, exists, insert, select
from sqlalchemy.exc import IntegrityError

from jogakbo.service.event_store.streams import StreamConflictError
from jogakbo.service.event_store.tables import EventTables


class Days:
    """Which days are closed. That a closed one takes no event is enforced in the database (``triggers``)."""

    def __init__(self, tables: EventTables) -> None:
        self._tables = tables

    def is_closed(self, connection: Connection, business_day: date) -> bool:
        closed = self._tables.closed_days.c.business_day
        return connection.scalar(select(closed).where(closed == business_day)) is not None

    def open_from(self, connection: Connection, not_before: date) -> date:
        """The first day from ``not_before`` on that is not closed."""
        closed = self._tables.closed_days.c.business_day
        day = not_before
        for known in connection.scalars(select(closed).where(closed >= not_before).order_by(closed)):
            if known != day:
                break
            day += timedelta(days=1)
        return day

    def close(self, connection: Connection, business_day: date, at: datetime) -> None:
        """Let no more events in. On PostgreSQL it waits for those whose transactions have not ended."""
        try:
            connection.execute(insert(self._tables.closed_days).values(business_day=business_day, closed_at=at))
        except IntegrityError as error:
            raise StreamConflictError(f"somebody else closes {business_day}") from error

    def reopen(self, connection: Connection, business_day: date) -> None:
        connection.execute(
            delete(self._tables.closed_days).where(self._tables.closed_days.c.business_day == business_day)
        )

    def archive(self, connection: Connection, business_day: date, limit: int) -> int:
        """Move up to ``limit`` events of a closed day; how many were moved."""
        if not self.is_closed(connection, business_day):
            raise ValueError(f"{business_day} is open: only events of a closed day are archived")
        events, archive = self._tables.events, self._tables.archive
        batch = select(events).where(events.c.business_day == business_day).limit(limit)
        connection.execute(insert(archive).from_select(events.c.keys(), batch))
        copied = exists().where(archive.c.stream == events.c.stream, archive.c.version == events.c.version)
        return connection.execute(delete(events).where(events.c.business_day == business_day, copied)).rowcount
