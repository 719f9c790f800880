"""The four tables of an event store; a migration makes them, with the triggers of ``triggers``."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import (
    Column,
    Date,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Subquery,
    Table,
    Text,
    select,
    union_all,
)

from jogakbo.database import UtcDateTime


@dataclass(frozen=True, slots=True)
class EventTables:
    """``everything`` is events and archive read as one: a single statement, so that nothing is met twice or missed
    while it moves from one to the other."""

    events: Table
    archive: Table
    snapshots: Table
    closed_days: Table
    everything: Subquery


def event_tables(metadata: MetaData, name: str) -> EventTables:
    """``<name>_events``, ``<name>_events_archive``, ``<name>_snapshots`` and ``<name>_closed_days``."""
    events = _events(metadata, f"{name}_events")
    archive = _events(metadata, f"{name}_events_archive")
    Index(f"ix_{name}_events_archive_day", archive.c.business_day, archive.c.subject)
    snapshots = Table(
        f"{name}_snapshots",
        metadata,
        Column("stream", String(120), nullable=False),
        Column("version", Integer, nullable=False),
        Column("schema", String(64), nullable=False),
        Column("state", LargeBinary, nullable=False),
        PrimaryKeyConstraint("stream", "version", name=f"pk_{name}_snapshots"),
    )
    closed_days = Table(
        f"{name}_closed_days",
        metadata,
        Column("business_day", Date, primary_key=True),
        Column("closed_at", UtcDateTime, nullable=False),
    )
    everything = union_all(select(events), select(archive)).subquery()
    return EventTables(events, archive, snapshots, closed_days, everything)


def _events(metadata: MetaData, table: str) -> Table:
    return Table(
        table,
        metadata,
        Column("stream", String(120), nullable=False),
        Column("version", Integer, nullable=False),
        Column("subject", String(100), nullable=False),
        Column("business_day", Date, nullable=False),
        Column("name", String(40), nullable=False),
        Column("schema_version", Integer, nullable=False, server_default="1"),
        Column("data", Text, nullable=False),
        Column("at", UtcDateTime, nullable=False),
        PrimaryKeyConstraint("stream", "version", name=f"pk_{table}"),
        Index(f"ix_{table}_subject_day", "subject", "business_day", "version"),
    )
