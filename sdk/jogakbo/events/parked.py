"""Parked events: what no handler could take, kept until a person has it tried again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, func, select, update

from jogakbo.contract.cloudevent import EventError, decode_event
from jogakbo.contract.streams import Position
from jogakbo.database import Database
from jogakbo.events import tables
from jogakbo.events.consumer import Consumer
from jogakbo.events.inbox import HandlerFailed

_PARKED = tables.parked.c


@dataclass(frozen=True, slots=True)
class ParkedEvent:
    """One event that waits; ``type`` and ``subject`` are empty when it is no CloudEvent."""

    stream: str
    position: str
    type: str
    subject: str
    reason: str
    attempts: int
    parked_at: datetime


class Parked:
    """The events that one service has set aside."""

    def __init__(self, database: Database, consumer: Consumer) -> None:
        self._database = database
        self._consumer = consumer

    def count(self) -> int:
        """How many wait for a person."""
        with self._database.read() as connection:
            return connection.execute(select(func.count()).select_from(tables.parked)).scalar_one()

    def oldest(self, limit: int) -> list[ParkedEvent]:
        """Those that have waited longest."""
        query = select(tables.parked).order_by(_PARKED.parked_at, _PARKED.stream, _PARKED.epoch, _PARKED.seq)
        with self._database.read() as connection:
            rows = connection.execute(query.limit(limit)).all()
        return [
            ParkedEvent(
                row.stream,
                str(Position(row.epoch, row.seq)),
                *_type_and_subject(row.event),
                row.reason,
                row.attempts,
                row.parked_at,
            )
            for row in rows
        ]

    def retry(self, stream: str, position: Position) -> None:
        """Handle one after all and forget it. Raises ``LookupError`` for one that is not parked, ``HandlerFailed``
        with the new reason, and what ``Inbox.deliver`` raises besides."""
        try:
            self._consumer.inbox(self._database, stream).unpark(stream, position)
        except HandlerFailed as failure:
            tried = {"reason": str(failure), "attempts": _PARKED.attempts + 1}
            with self._database.write() as connection:
                connection.execute(update(tables.parked).where(_at(stream, position)).values(tried))
            raise


def _at(stream: str, position: Position) -> ColumnElement[bool]:
    return (_PARKED.stream == stream) & (_PARKED.epoch == position.epoch) & (_PARKED.seq == position.seq)


def _type_and_subject(payload: str) -> tuple[str, str]:
    try:
        event = decode_event(payload.encode())
    except EventError:
        return "", ""
    return event.type, event.subject
