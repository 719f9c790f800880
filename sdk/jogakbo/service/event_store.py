"""Event sourcing by business day: append-only streams, optimistic concurrency, snapshots.

A *stream* is what happened to one subject (an ingredient, the till) on one business day. Its events are
numbered from 1 without gaps, and ``(stream, version)`` is the primary key: of two writers that read the same
version one commits and the other gets ``StreamConflictError``. State is a fold of the events, so it is never
stored, but for snapshots that shorten the fold and can be thrown away at any time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Generic, TypeVar

import msgspec
from sqlalchemy import (
    Column,
    Connection,
    Date,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Row,
    Select,
    String,
    Table,
    Text,
    insert,
    select,
)
from sqlalchemy.exc import IntegrityError

from jogakbo.database.columns import UtcDateTime

S = TypeVar("S")
E = TypeVar("E")

SNAPSHOT_EVERY = 100

_NEWEST = 2**31 - 1


class StreamConflictError(Exception):
    """Somebody else appended first. Start the transaction again; nothing of this one may be kept."""


@dataclass(frozen=True, slots=True)
class Stream:
    """The events of one subject on one business day; written ``beans/2025-11-22``."""

    subject: str
    business_day: date

    def __str__(self) -> str:
        return f"{self.subject}/{self.business_day.isoformat()}"


@dataclass(frozen=True, slots=True)
class Stored(Generic[E]):
    """An event with its place in its stream and the UTC instant when it was written."""

    stream: Stream
    version: int
    name: str
    event: E
    at: datetime


@dataclass(frozen=True, slots=True)
class Loaded(Generic[S]):
    """A state and the version that it includes; version 0 is a stream without events."""

    stream: Stream
    version: int
    state: S


class EventStore(Generic[S, E]):
    """The two tables ``<name>_events`` and ``<name>_snapshots`` and the ways to read and to append.

    ``names`` gives each event class (frozen dataclass or msgspec struct) the name it is stored under,
    ``initial`` is the state before any event, ``evolve(state, event)`` folds. Raise ``snapshot_format`` when
    ``evolve`` or the shape of the state changes: older snapshots are passed over and the events replayed.
    Nothing here begins or commits a transaction; that is the caller's.
    """

    def __init__(
        self,
        metadata: MetaData,
        name: str,
        *,
        names: Mapping[str, type[E]],
        initial: S,
        evolve: Callable[[S, E], S],
        snapshot_format: int = 1,
        snapshot_every: int = SNAPSHOT_EVERY,
    ) -> None:
        self._classes = dict(names)
        self._names = {event_class: event_name for event_name, event_class in names.items()}
        self._initial = initial
        self._evolve = evolve
        self._format = snapshot_format
        self._every = snapshot_every
        self.events, self.snapshots = _tables(metadata, name)

    def load(self, connection: Connection, stream: Stream) -> Loaded[S]:
        """The newest state: the last usable snapshot and the events after it."""
        return self._fold(connection, self._snapshot(connection, stream) or self._start(stream))

    def replay(self, connection: Connection, stream: Stream) -> Loaded[S]:
        """The newest state from the events alone. It must equal ``load``; audits compare the two."""
        return self._fold(connection, self._start(stream))

    def at(self, connection: Connection, stored: Stored[E]) -> S:
        """The state just after ``stored``: time travel, from the nearest snapshot before it."""
        start = self._snapshot(connection, stored.stream, upto=stored.version) or self._start(stored.stream)
        return self._fold(connection, start, upto=stored.version).state

    def current(self, connection: Connection, subject: str) -> Loaded[S] | None:
        """The state of the subject's newest business day, or ``None`` if it never had one."""
        day = connection.scalar(
            select(self.events.c.business_day)
            .where(self.events.c.subject == subject)
            .order_by(self.events.c.business_day.desc())
            .limit(1)
        )
        return None if day is None else self.load(connection, Stream(subject, day))

    def append(self, connection: Connection, loaded: Loaded[S], events: Sequence[E], *, at: datetime) -> Loaded[S]:
        """Write the events after the version that was loaded. Raises ``StreamConflictError``."""
        state, version = loaded.state, loaded.version
        rows = []
        for event in events:
            version += 1
            state = self._evolve(state, event)
            rows.append(self._row(loaded.stream, version, event, at))
        if not rows:
            return loaded
        try:
            connection.execute(insert(self.events), rows)
        except IntegrityError as error:
            raise StreamConflictError(f"{loaded.stream} has moved on from version {loaded.version}") from error
        after = Loaded(loaded.stream, version, state)
        if version // self._every > loaded.version // self._every:
            self._keep_snapshot(connection, after)
        return after

    def read(
        self, connection: Connection, stream: Stream, *, after: int = 0, upto: int = _NEWEST
    ) -> Iterator[Stored[E]]:
        """The stream's events above version ``after`` and not above ``upto``, oldest first."""
        events = self.events.c
        within = (events.version > after) & (events.version <= upto)
        query = self._select().where(events.stream == str(stream), within)
        for row in connection.execute(query.order_by(events.version)):
            yield self._stored(row)

    def newest(self, connection: Connection, subject: str, *, limit: int) -> list[Stored[E]]:
        """The subject's last events over all days, newest first, at most ``limit``."""
        events = self.events.c
        query = self._select().where(events.subject == subject)
        ordered = query.order_by(events.business_day.desc(), events.version.desc()).limit(limit)
        return [self._stored(row) for row in connection.execute(ordered)]

    def _start(self, stream: Stream) -> Loaded[S]:
        return Loaded(stream, 0, self._initial)

    def _fold(self, connection: Connection, loaded: Loaded[S], *, upto: int = _NEWEST) -> Loaded[S]:
        state, version = loaded.state, loaded.version
        for stored in self.read(connection, loaded.stream, after=version, upto=upto):
            state, version = self._evolve(state, stored.event), stored.version
        return Loaded(loaded.stream, version, state)

    def _snapshot(self, connection: Connection, stream: Stream, *, upto: int = _NEWEST) -> Loaded[S] | None:
        snapshots = self.snapshots.c
        usable = (snapshots.format == self._format) & (snapshots.version <= upto)
        row = connection.execute(
            select(snapshots.version, snapshots.state)
            .where(snapshots.stream == str(stream), usable)
            .order_by(snapshots.version.desc())
            .limit(1)
        ).first()
        if row is None:
            return None
        try:
            return Loaded(stream, row.version, msgspec.json.decode(row.state, type=type(self._initial)))
        except (msgspec.ValidationError, msgspec.DecodeError):
            return None  # a snapshot is never the only copy: replay

    def _keep_snapshot(self, connection: Connection, loaded: Loaded[S]) -> None:
        row = {"stream": str(loaded.stream), "version": loaded.version, "format": self._format}
        connection.execute(insert(self.snapshots), row | {"state": msgspec.json.encode(loaded.state)})

    def _row(self, stream: Stream, version: int, event: E, at: datetime) -> dict[str, object]:
        return {
            "stream": str(stream),
            "version": version,
            "subject": stream.subject,
            "business_day": stream.business_day,
            "name": self._names[type(event)],
            "data": msgspec.json.encode(event).decode(),
            "at": at,
        }

    def _select(self) -> Select[tuple[str, date, int, str, str, datetime]]:
        events = self.events.c
        return select(events.subject, events.business_day, events.version, events.name, events.data, events.at)

    def _stored(self, row: Row[tuple[str, date, int, str, str, datetime]]) -> Stored[E]:
        event = msgspec.json.decode(row.data, type=self._classes[row.name])
        stream = Stream(row.subject, row.business_day)
        return Stored(stream, row.version, row.name, event, row.at)


def append_only_ddl(table: str, dialect: str) -> tuple[str, ...]:
    """The statements that make a database refuse to change or delete rows of ``table``.

    ``dialect`` is ``"sqlite"`` or ``"postgresql"``; a migration executes them one by one.
    """
    refusal = f"{table} is append-only"
    if dialect == "sqlite":
        return tuple(
            f"CREATE TRIGGER {table}_no_{verb} BEFORE {verb.upper()} ON {table} "
            f"BEGIN SELECT RAISE(ABORT, '{refusal}'); END"
            for verb in ("update", "delete")
        )
    return (
        f"CREATE FUNCTION {table}_refuse() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{refusal}' USING ERRCODE = 'integrity_constraint_violation'; END $$",
        f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
        f"FOR EACH STATEMENT EXECUTE FUNCTION {table}_refuse()",
    )


def _tables(metadata: MetaData, name: str) -> tuple[Table, Table]:
    events = Table(
        f"{name}_events",
        metadata,
        Column("stream", String(120), nullable=False),
        Column("version", Integer, nullable=False),
        Column("subject", String(100), nullable=False),
        Column("business_day", Date, nullable=False),
        Column("name", String(40), nullable=False),
        Column("data", Text, nullable=False),
        Column("at", UtcDateTime, nullable=False),
        PrimaryKeyConstraint("stream", "version", name=f"pk_{name}_events"),
        Index(f"ix_{name}_events_subject_day", "subject", "business_day", "version"),
    )
    snapshots = Table(
        f"{name}_snapshots",
        metadata,
        Column("stream", String(120), nullable=False),
        Column("version", Integer, nullable=False),
        Column("format", Integer, nullable=False),
        Column("state", LargeBinary, nullable=False),
        PrimaryKeyConstraint("stream", "version", name=f"pk_{name}_snapshots"),
    )
    return events, snapshots
