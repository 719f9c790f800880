"""The inbox: a consumer's position in each stream, kept in the transaction of what its handlers do."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from sqlalchemy import Connection, delete, insert, select, text, update
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

from jogakbo.contract.cloudevent import CloudEvent, EventError, decode_event, utc_now
from jogakbo.contract.streams import START, Position
from jogakbo.database import Database, TransactionConflict
from jogakbo.events import tables
from jogakbo.events.trace import traced

_FIRST = text("INSERT INTO positions (stream, epoch, seq) VALUES (:stream, 0, 0) ON CONFLICT DO NOTHING")


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a stream as it was read."""

    position: Position
    payload: bytes


class Handler(Protocol):
    """What a subscription does with one event, its data still undecoded."""

    def __call__(self, connection: Connection, event: CloudEvent, /) -> None: ...


HandlerOf = Callable[[Position, CloudEvent], Handler | None]
"""Which handler an event is for; ``None`` passes it over. Raises ``EventError`` for what must not be passed over."""


class HandlerFailed(Exception):
    """A handler raised; ``entry`` says at which event. ``hopeless`` when this release will never handle it."""

    def __init__(self, entry: Entry, cause: Exception) -> None:
        super().__init__(f"{entry.position}: {type(cause).__name__}: {cause}")
        self.entry = entry
        self.hopeless = isinstance(cause, EventError)


def continues(at: Position, next: Position) -> bool:
    """Whether ``next`` is the very next event after ``at``: the following number, or the first of a new epoch."""
    return next.follows(at) or (next.epoch > at.epoch and next.seq == 1)


class Inbox:
    """Delivers entries of streams to handlers, each exactly once as far as this database is concerned."""

    def __init__(self, database: Database, handler_of: HandlerOf) -> None:
        self._database = database
        self._handler_of = handler_of

    def position(self, stream: str) -> Position:
        """How far this service has read ``stream``."""
        with self._database.read() as connection:
            return _position(connection, stream)

    def deliver(self, stream: str, entries: Sequence[Entry]) -> Position:
        """Handle ``entries`` and move the position past them, all in one transaction or not at all.

        What lies below the position is a duplicate and skipped; at a gap delivery ends. Returns the new position.
        Raises ``HandlerFailed``, ``TransactionConflict`` when somebody else was faster, or ``SQLAlchemyError`` when
        the database itself is in trouble.
        """
        with self._database.write() as connection:
            start = at = _position(connection, stream, lock=True)
            for entry in entries:
                if entry.position <= at:
                    continue
                if not continues(at, entry.position):
                    break
                self._handle(connection, entry)
                at = entry.position
            if at != start:
                _move(connection, stream, at)
        return at

    def park(self, stream: str, entry: Entry, reason: str, attempts: int) -> Position:
        """Set an event aside that no handler could take, with the reason, and move on."""
        with self._database.write() as connection:
            start = _position(connection, stream, lock=True)
            if entry.position <= start:
                return start
            connection.execute(
                insert(tables.parked).values(
                    stream=stream,
                    epoch=entry.position.epoch,
                    seq=entry.position.seq,
                    event=_text(entry.payload.decode(errors="replace")),
                    reason=_text(reason),
                    attempts=attempts,
                    parked_at=utc_now(),
                )
            )
            _move(connection, stream, entry.position)
        return entry.position

    def unpark(self, stream: str, position: Position) -> None:
        """Handle a parked event after all and forget it. Raises ``HandlerFailed``; ``LookupError`` if unknown."""
        this = tables.parked.c
        at = (this.stream == stream) & (this.epoch == position.epoch) & (this.seq == position.seq)
        with self._database.write() as connection:
            payload = connection.execute(select(this.event).where(at).with_for_update()).scalar()
            if payload is None:
                raise LookupError(f"no event {position} of {stream} is parked")
            self._handle(connection, Entry(position, payload.encode()))
            connection.execute(delete(tables.parked).where(at))

    def _handle(self, connection: Connection, entry: Entry) -> None:
        try:
            event = decode_event(entry.payload)
            if handler := self._handler_of(entry.position, event):
                with traced(event.traceparent):
                    handler(connection, event)
        except (OperationalError, InterfaceError, TransactionConflict):
            raise
        except Exception as error:  # whatever a team's handler raises is its failure, not the kit's
            if isinstance(error, DBAPIError) and error.connection_invalidated:
                raise
            raise HandlerFailed(entry, error) from error


def _position(connection: Connection, stream: str, *, lock: bool = False) -> Position:
    query = select(tables.positions.c.epoch, tables.positions.c.seq).where(tables.positions.c.stream == stream)
    row = connection.execute(query.with_for_update() if lock else query).one_or_none()
    if row is None and lock:
        # Before the first event there is nothing to lock, and two replicas would both handle it.
        connection.execute(_FIRST, {"stream": stream})
        row = connection.execute(query.with_for_update()).one()
    return START if row is None else Position(*row)


def _move(connection: Connection, stream: str, to: Position) -> None:
    this = tables.positions.c.stream == stream
    connection.execute(update(tables.positions).where(this).values(epoch=to.epoch, seq=to.seq))


def _text(text: str) -> str:
    """PostgreSQL's texts hold every character but this one."""
    return text.replace("\x00", "\ufffd")
