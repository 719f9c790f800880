"""Snapshots: states that shorten a fold. Never the only copy, so any of them may be lost, wrong in form or old."""

from __future__ import annotations

import hashlib
from typing import Generic, TypeVar

import msgspec
from sqlalchemy import Connection, Table, delete, insert, select

from jogakbo.service.event_store.streams import Loaded, Stream

S = TypeVar("S")


class Snapshots(Generic[S]):
    """The snapshots of one store whose state is of ``state_type``.

    Each carries the hash of that type's JSON schema: once the shape of the state is another, older ones are passed
    over and the events replayed. A fold that comes to mean something else within the same shape deletes the
    snapshots in a migration.
    """

    def __init__(self, table: Table, state_type: type[S]) -> None:
        self._table = table
        self._type = state_type
        self._schema = hashlib.sha256(msgspec.json.encode(msgspec.json.schema(state_type), order="sorted")).hexdigest()

    def last(self, connection: Connection, stream: Stream, *, upto: int) -> Loaded[S] | None:
        """The newest usable one that is not above version ``upto``."""
        snapshots = self._table.c
        usable = (snapshots.schema == self._schema) & (snapshots.version <= upto)
        row = connection.execute(
            select(snapshots.version, snapshots.state)
            .where(snapshots.stream == str(stream), usable)
            .order_by(snapshots.version.desc())
            .limit(1)
        ).first()
        if row is None:
            return None
        try:
            return Loaded(stream, row.version, msgspec.json.decode(row.state, type=self._type))
        except (msgspec.ValidationError, msgspec.DecodeError):
            return None

    def keep(self, connection: Connection, loaded: Loaded[S]) -> None:
        """Write one, in place of whatever stood at that version."""
        stream, version = str(loaded.stream), loaded.version
        there = (self._table.c.stream == stream) & (self._table.c.version == version)
        connection.execute(delete(self._table).where(there))
        row = {"stream": stream, "version": version, "schema": self._schema}
        connection.execute(insert(self._table), row | {"state": msgspec.json.encode(loaded.state)})
