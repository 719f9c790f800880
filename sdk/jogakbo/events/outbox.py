"""The outbox: events written in the transaction of the change they tell of."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import KW_ONLY, dataclass

import msgspec
from sqlalchemy import BigInteger, Connection, bindparam, insert, select, update

from jogakbo.contract.cloudevent import CloudEvent, encode_data, utc_now
from jogakbo.contract.streams import Position, stream_name
from jogakbo.contract.surrogate import format_keys
from jogakbo.database import touch
from jogakbo.events import tables
from jogakbo.events.trace import current_traceparent

# Built once: every event of every service passes here, and building them again costs as much as running them.
_COUNTER = tables.outbox_counter.c
_NEXT = (
    update(tables.outbox_counter)
    .values(seq=_COUNTER.seq + bindparam("count", type_=BigInteger))
    .returning(_COUNTER.epoch, _COUNTER.seq)
)
_INSERT = insert(tables.outbox)

CHANGED = "outbox"
"""What a transaction touches that adds to an outbox; see ``Database.on_commit``."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One event or command to write.

    ``type`` is ``<owner>.<Name>``, ``subject`` the aggregate's id, ``keys`` the surrogate keys that this change
    makes stale. ``id`` is given only to send an earlier message again under its own id. ``version`` counts the forms
    of a type's data that a reader of the earlier one would misread.
    """

    type: str
    subject: str
    data: msgspec.Struct
    keys: Iterable[str] = ()
    _: KW_ONLY
    id: str = ""
    version: int = 1


class Outbox:
    """The events of one service, numbered without gaps in the order of their commits.

    It holds no connection: ``OUTBOX = Outbox("menu")`` may stand at a module's top.
    """

    def __init__(self, service: str) -> None:
        stream_name(service)
        self.service = service

    def add(
        self,
        connection: Connection,
        type: str,
        subject: str,
        data: msgspec.Struct,
        keys: Iterable[str] = (),
        *,
        id: str = "",
        version: int = 1,
    ) -> Position:
        """Write one event or command in the caller's transaction; it is sent once that has committed.

        The arguments are those of ``Outgoing``. Returns its place.
        """
        [position] = self.add_many(connection, [Outgoing(type, subject, data, keys, id=id, version=version)])
        return position

    def add_many(self, connection: Connection, messages: Sequence[Outgoing]) -> list[Position]:
        """Write several in their order, at the price of little more than one. Returns their places."""
        if not messages:
            return []
        # The updated row stays locked until commit, so a later number can never be seen before an earlier one:
        # docs/decisions/0002-contiguous-outbox.md
        epoch, last = connection.execute(_NEXT, {"count": len(messages)}).one()
        positions = [Position(epoch, seq) for seq in range(last - len(messages) + 1, last + 1)]
        now, traceparent = utc_now(), current_traceparent()
        rows = [
            {
                "seq": position.seq,
                "id": message.id or str(position),
                "aggregatetype": self.service,
                "aggregateid": message.subject,
                "type": message.type,
                "payload": bytes(encode_data(message.data)).decode(),
                "keys": format_keys(message.keys),
                "time": now,
                "traceparent": traceparent,
                "version": message.version,
            }
            for position, message in zip(positions, messages, strict=True)
        ]
        connection.execute(_INSERT, rows)
        touch(connection, CHANGED)
        return positions

    def lock(self, connection: Connection) -> None:
        """Queue up for the counter now rather than at the first ``add``.

        For transactions that read, decide and write: done first, no two of one service ever decide on the same
        state or wait for each other in a circle. SQLite's writers queue by themselves.
        """
        connection.execute(select(tables.outbox_counter.c.seq).with_for_update())

    def last(self, connection: Connection) -> Position:
        """The place of the newest event; ``seq`` is 0 when there is none yet."""
        counter = tables.outbox_counter
        return Position(*connection.execute(select(counter.c.epoch, counter.c.seq)).one())

    def after(self, connection: Connection, seq: int, limit: int) -> Sequence[CloudEvent]:
        """Up to ``limit`` events above ``seq``, in order; the first is ``seq + 1``, the next ``seq + 2``, …"""
        rows = connection.execute(
            select(tables.outbox).where(tables.outbox.c.seq > seq).order_by(tables.outbox.c.seq).limit(limit)
        )
        return [
            CloudEvent(
                id=row.id,
                source=row.aggregatetype,
                type=row.type,
                subject=row.aggregateid,
                time=row.time,
                traceparent=row.traceparent,
                keys=row.keys,
                dataversion=row.version,
                data=msgspec.Raw(row.payload.encode()),
            )
            for row in rows
        ]

    def be_reborn(self, connection: Connection, above: Position) -> Position:
        """Start a new epoch above ``above``: this database is older than what its stream has already told.

        That happens when a backup is restored. All events are sent again under the new epoch; consumers see it
        as a new life of this service, not as old news.
        """
        epoch = max(time.time_ns() // 1_000_000, above.epoch + 1)
        connection.execute(update(tables.outbox_counter).values(epoch=epoch))
        return self.last(connection)
