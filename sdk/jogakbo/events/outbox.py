"""The outbox: events written in the transaction of the change they tell of."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence

import msgspec
from sqlalchemy import Connection, insert, select, update

from jogakbo.contract.cloudevent import CloudEvent, encode_data, utc_now
from jogakbo.contract.streams import Position, stream_name
from jogakbo.contract.surrogate import format_keys
from jogakbo.events import tables
from jogakbo.events.trace import current_traceparent

# Built once: every event of every service passes here, and building them again costs as much as running them.
_COUNTER = tables.outbox_counter.c
_NEXT = update(tables.outbox_counter).values(seq=_COUNTER.seq + 1).returning(_COUNTER.epoch, _COUNTER.seq)
_INSERT = insert(tables.outbox)


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
    ) -> Position:
        """Write one event or command in the caller's transaction; it is sent once that has committed.

        ``type`` is ``<owner>.<Name>``, ``subject`` the aggregate's id, ``keys`` the surrogate keys that this change
        makes stale. ``id`` is given only to send an earlier message again under its own id. Returns its place.
        """
        # The updated row stays locked until commit, so a later number can never be seen before an earlier one:
        # docs/decisions/0002-contiguous-outbox.md
        position = Position(*connection.execute(_NEXT).one())
        row = {
            "seq": position.seq,
            "id": id or str(position),
            "aggregatetype": self.service,
            "aggregateid": subject,
            "type": type,
            "payload": bytes(encode_data(data)).decode(),
            "keys": format_keys(keys),
            "time": utc_now(),
            "traceparent": current_traceparent(),
        }
        connection.execute(_INSERT, row)
        return position

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
