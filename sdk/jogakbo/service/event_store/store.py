"""The store: read a stream, fold it, append to it, close its day."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Generic, TypeVar

from sqlalchemy import Connection, MetaData, Row, bindparam, insert, select
from sqlalchemy.exc import IntegrityError

from jogakbo.service.event_store.codec import EventCodec, Upcaster
from jogakbo.service.event_store.days import Days
from jogakbo.service.event_store.snapshots import Snapshots
from jogakbo.service.event_store.streams import Loaded, Stored, Stream, StreamClosedError, StreamConflictError
from jogakbo.service.event_store.tables import event_tables

S = TypeVar("S")
E = TypeVar("E")

SNAPSHOT_EVERY = 100
"""So many events are folded at most to know a state (and those of one append)."""

ARCHIVED_AT_ONCE = 5_000
"""So many events move in one transaction; it keeps SQLite's one writer for about 0.1 s."""

_NEWEST = 2**31 - 1


class EventStore(Generic[S, E]):
    """The tables ``<name>_events``, ``<name>_snapshots``, … and the ways to read and to append.

    ``names`` gives each event class (frozen dataclass or msgspec struct) the name it is stored under,
    ``initial`` is the state before any event, ``evolve(state, event)`` folds. ``upcasters`` take the JSON of an old
    version of an event to the next: ``{("charged", 1): with_method}``.
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
        upcasters: Mapping[tuple[str, int], Upcaster] | None = None,
        snapshot_every: int = SNAPSHOT_EVERY,
    ) -> None:
        self._codec = EventCodec(names, upcasters or {})
        self._initial = initial
        self._evolve = evolve
        self._every = snapshot_every
        self.tables = event_tables(metadata, name)
        self.events, self.snapshots = self.tables.events, self.tables.snapshots
        self._snapshots = Snapshots(self.snapshots, type(initial))
        self._days = Days(self.tables)
        # Built once: to build a statement costs as much as to run it.
        within = self.tables.everything.c
        part = (within.stream == bindparam("stream")) & (within.version.between(bindparam("first"), bindparam("last")))
        self._read = select(self.tables.everything).where(part).order_by(within.version)
        facts = (within.version, within.name, within.schema_version, within.data)
        self._read_facts = select(*facts).where(part).order_by(within.version)

    def load(self, connection: Connection, stream: Stream, *, upto: int = _NEWEST) -> Loaded[S]:
        """The state at version ``upto``, the newest by default: a snapshot and the events after it."""
        start = self._snapshots.last(connection, stream, upto=upto) or self._start(stream)
        return self._fold(connection, start, upto=upto)

    def replay(self, connection: Connection, stream: Stream) -> Loaded[S]:
        """The newest state from the events alone. It must equal ``load``; audits compare the two."""
        return self._fold(connection, self._start(stream))

    def at(self, connection: Connection, stored: Stored[E]) -> S:
        """The state just after ``stored``: time travel, from the nearest snapshot before it."""
        return self.load(connection, stored.stream, upto=stored.version).state

    def days(self, connection: Connection, subject: str, *, limit: int) -> list[date]:
        """The subject's business days, newest first, at most ``limit``; each costs a look into the index."""
        events = self.tables.everything.c
        found: list[date] = []
        while len(found) < limit:
            days = select(events.business_day).where(events.subject == subject)
            earlier = days.where(events.business_day < found[-1]) if found else days
            day = connection.scalar(earlier.order_by(events.business_day.desc()).limit(1))
            if day is None:
                break
            found.append(day)
        return found

    def current(self, connection: Connection, subject: str) -> Loaded[S] | None:
        """The state of the subject's newest business day, or ``None`` if it never had one."""
        days = self.days(connection, subject, limit=1)
        return self.load(connection, Stream(subject, days[0])) if days else None

    def append(self, connection: Connection, loaded: Loaded[S], events: Sequence[E], *, at: datetime) -> Loaded[S]:
        """Write the events after the version that was loaded.

        Raises ``StreamConflictError``, or ``StreamClosedError`` when the stream's day is closed.
        """
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
            if "the day is closed" in str(error.orig):
                raise StreamClosedError(f"{loaded.stream} is closed") from error
            raise StreamConflictError(f"{loaded.stream} has moved on from version {loaded.version}") from error
        after = Loaded(loaded.stream, version, state, loaded.folded + len(rows))
        if version // self._every > loaded.version // self._every or after.folded >= self._every:
            return self._keep(connection, after)
        return after

    def read(
        self, connection: Connection, stream: Stream, *, after: int = 0, upto: int = _NEWEST
    ) -> Iterator[Stored[E]]:
        """The stream's events above version ``after`` and not above ``upto``, oldest first."""
        for row in connection.execute(self._read, {"stream": str(stream), "first": after + 1, "last": upto}):
            yield self._stored(row)

    def newest(self, connection: Connection, subject: str, *, limit: int) -> list[Stored[E]]:
        """The subject's last events over all days, newest first, at most ``limit``."""
        events = self.tables.everything.c
        query = select(self.tables.everything).where(events.subject == subject)
        ordered = query.order_by(events.business_day.desc(), events.version.desc()).limit(limit)
        return [self._stored(row) for row in connection.execute(ordered)]

    def streams(self, connection: Connection, business_day: date) -> list[Stream]:
        """The streams of the day that have events, in the order of their subjects' code points."""
        events = self.tables.everything.c
        subjects = connection.scalars(select(events.subject).distinct().where(events.business_day == business_day))
        return [Stream(subject, business_day) for subject in sorted(subjects)]

    def close(self, connection: Connection, business_day: date, *, at: datetime) -> list[Loaded[S]]:
        """Let the day take no more events, with a last snapshot of each of its streams; their final states.

        To close it again changes nothing and returns the same. Raises ``StreamConflictError``.
        """
        if self._days.is_closed(connection, business_day):
            return [self.load(connection, stream) for stream in self.streams(connection, business_day)]
        self._days.close(connection, business_day, at)
        final = [self.load(connection, stream) for stream in self.streams(connection, business_day)]
        return [self._keep(connection, loaded) if loaded.folded else loaded for loaded in final]

    def reopen(self, connection: Connection, business_day: date) -> None:
        """Let the day take events again, archived or not."""
        self._days.reopen(connection, business_day)

    def is_closed(self, connection: Connection, business_day: date) -> bool:
        """Whether the day refuses events."""
        return self._days.is_closed(connection, business_day)

    def open_day(self, connection: Connection, not_before: date) -> date:
        """The first day from ``not_before`` on that takes events."""
        return self._days.open_from(connection, not_before)

    def archive(self, connection: Connection, business_day: date, *, limit: int = ARCHIVED_AT_ONCE) -> int:
        """Move up to ``limit`` events of a closed day to the archive; how many were moved, 0 when all are there.

        Call it in short transactions of its own. Raises ``ValueError`` when the day is open.
        """
        return self._days.archive(connection, business_day, limit)

    def _start(self, stream: Stream) -> Loaded[S]:
        return Loaded(stream, 0, self._initial)

    def _keep(self, connection: Connection, loaded: Loaded[S]) -> Loaded[S]:
        self._snapshots.keep(connection, loaded)
        return Loaded(loaded.stream, loaded.version, loaded.state)

    def _fold(self, connection: Connection, loaded: Loaded[S], *, upto: int = _NEWEST) -> Loaded[S]:
        state, version = loaded.state, loaded.version
        part = {"stream": str(loaded.stream), "first": version + 1, "last": upto}
        for fact in connection.execute(self._read_facts, part):
            event = self._codec.decode(fact.name, fact.schema_version, fact.data)
            state, version = self._evolve(state, event), fact.version
        return Loaded(loaded.stream, version, state, version - loaded.version)

    def _row(self, stream: Stream, version: int, event: E, at: datetime) -> dict[str, object]:
        name, schema_version, data = self._codec.encode(event)
        return {
            "stream": str(stream),
            "version": version,
            "subject": stream.subject,
            "business_day": stream.business_day,
            "name": name,
            "schema_version": schema_version,
            "data": data,
            "at": at,
        }

    def _stored(self, row: Row[tuple[object, ...]]) -> Stored[E]:
        event = self._codec.decode(row.name, row.schema_version, row.data)
        return Stored(Stream(row.subject, row.business_day), row.version, row.name, event, row.at)
