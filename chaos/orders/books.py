"""What the databases of the services say, read by SQL and by nothing of the services' own."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

SERVICES = ("menu", "orders", "inventory", "till", "reports", "gateway")

Json = Mapping[str, Any]
Place = tuple[int, int]
"""Epoch and number of an event."""


class Order(NamedTuple):
    id: str
    state: str
    total_won: int
    payment: str
    business_day: str


class Message(NamedTuple):
    """An event or a command as its sender wrote it down. The same `id` twice: it was sent again."""

    seq: int
    id: str
    type: str
    subject: str
    data: Json


class StockEvent(NamedTuple):
    stream: str
    ingredient: str
    business_day: str
    version: int
    name: str
    data: Json


class Snapshot(NamedTuple):
    stream: str
    version: int
    state: Json


class Reservation(NamedTuple):
    order_id: str
    state: str
    portions: Mapping[str, int]


class Level(NamedTuple):
    on_hand: int
    reserved: int


class Payment(NamedTuple):
    order_id: str
    payment_id: str
    state: str
    method: str
    amount_won: int


class Charge(NamedTuple):
    """What the gateway knows of an order."""

    order_id: str
    state: str
    amount_won: int


class Fact(NamedTuple):
    """What the reports have counted: a `sale`, a `refund`, a `charge` or a `return` of an order."""

    kind: str
    order_id: str
    won: int


class Parked(NamedTuple):
    service: str
    stream: str
    seq: int
    reason: str


@dataclass(frozen=True)
class Books:
    """One look at all databases; each part is read when it is first asked for. They are separate: read while the
    services work, they are of different moments.

    `reborn` are services whose outbox has begun a new epoch: everything of theirs is told again.
    """

    connections: Mapping[str, sqlite3.Connection]
    reborn: frozenset[str] = frozenset()

    @cached_property
    def orders(self) -> Mapping[str, Order]:
        rows = self._rows("orders", "SELECT id, state, total_won, payment, business_day FROM orders")
        return {row[0]: Order(*row) for row in rows}

    @cached_property
    def order_views(self) -> Mapping[str, str]:
        """What the read side says of each order's state."""
        rows = self._rows("orders", "SELECT order_id, document ->> '$.state' FROM order_views")
        return dict(rows)

    @cached_property
    def said(self) -> Mapping[str, tuple[Message, ...]]:
        """The outbox of each service."""
        query = "SELECT seq, id, type, aggregateid, payload FROM outbox ORDER BY seq"
        return {
            service: tuple(
                Message(row[0], row[1], row[2], row[3], json.loads(row[4])) for row in self._rows(service, query)
            )
            for service in ("orders", "inventory", "till")
        }

    def said_of(self, type: str) -> Iterator[Message]:
        """Every message of one type, from whoever sends it; commands are sent by orders."""
        return (message for messages in self.said.values() for message in messages if message.type == type)

    @cached_property
    def newest(self) -> Mapping[str, Place]:
        rows = ((service, self._rows(service, "SELECT epoch, seq FROM outbox_counter")) for service in self.connections)
        return {service: found[0] for service, found in rows if found}

    @cached_property
    def heard(self) -> Mapping[tuple[str, str], Place]:
        """How far each service has read each stream: `heard["till", "orders"]`."""
        query = "SELECT stream, epoch, seq FROM positions"
        return {
            (service, stream): (epoch, seq)
            for service in self.connections
            for stream, epoch, seq in self._rows(service, query)
        }

    @cached_property
    def parked(self) -> tuple[Parked, ...]:
        query = "SELECT stream, seq, reason FROM parked"
        return tuple(Parked(service, *row) for service in self.connections for row in self._rows(service, query))

    @cached_property
    def stock_events(self) -> tuple[StockEvent, ...]:
        """Archived ones too, by ingredient, day and version."""
        columns = "stream, subject, business_day, version, name, data"
        rows = {
            (row[1], row[2], row[3]): StockEvent(row[0], row[1], row[2], row[3], row[4], json.loads(row[5]))
            for table in ("stock_events", "stock_events_archive")
            for row in self._rows("inventory", f"SELECT {columns} FROM {table}")
        }
        return tuple(rows[key] for key in sorted(rows))

    @cached_property
    def stock_snapshots(self) -> tuple[Snapshot, ...]:
        rows = self._rows("inventory", "SELECT stream, version, state FROM stock_snapshots")
        return tuple(Snapshot(stream, version, json.loads(state)) for stream, version, state in rows)

    @cached_property
    def levels(self) -> Mapping[str, Level]:
        rows = self._rows("inventory", "SELECT ingredient_id, on_hand, reserved FROM stock_levels")
        return {ingredient: Level(on_hand, reserved) for ingredient, on_hand, reserved in rows}

    @cached_property
    def reservations(self) -> Mapping[str, Reservation]:
        rows = self._rows("inventory", "SELECT order_id, state, portions FROM reservations")
        return {row[0]: Reservation(row[0], row[1], _portions(row[2])) for row in rows}

    @cached_property
    def payments(self) -> Mapping[str, Payment]:
        rows = self._rows("till", "SELECT order_id, payment_id, state, method, amount_won FROM payments")
        return {row[0]: Payment(*row) for row in rows}

    @cached_property
    def charges(self) -> Mapping[str, Charge]:
        rows = self._rows("gateway", "SELECT order_id, state, amount_won FROM charges")
        return {row[0]: Charge(*row) for row in rows}

    @cached_property
    def facts(self) -> tuple[Fact, ...]:
        return tuple(Fact(*row) for row in self._rows("reports", "SELECT kind, order_id, won FROM entries"))

    @cached_property
    def sold_won(self) -> int:
        """Net, over all days of the reports."""
        return self._sum("won - refunded_won + adjusted_won")

    @cached_property
    def taken_won(self) -> int:
        """Net, over all days of the reports."""
        return self._sum("taken_won + adjusted_taken_won")

    def _sum(self, figure: str) -> int:
        rows = self._rows("reports", f"SELECT coalesce(sum({figure}), 0) FROM day_sales")
        return int(rows[0][0]) if rows else 0

    def _rows(self, service: str, query: str) -> list[tuple[Any, ...]]:
        """Nothing where the service or its table is not there."""
        connection = self.connections.get(service)
        if connection is None:
            return []
        try:
            return connection.execute(query).fetchall()
        except sqlite3.OperationalError as error:
            if "no such table" not in str(error):
                raise
            return []


@contextmanager
def opened(folder: Path) -> Iterator[Books]:
    """The databases of a folder (`orders.db`, `till.db`, …), for reading."""
    files = {service: folder / f"{service}.db" for service in SERVICES}
    connections = {service: _connect(file) for service, file in files.items() if file.exists()}
    try:
        yield Books(connections)
    finally:
        for connection in connections.values():
            connection.close()


def _connect(file: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{file}?mode=ro", uri=True, isolation_level=None)


def _portions(text: str) -> Mapping[str, int]:
    return {portion["ingredient_id"]: portion["amount"] for portion in json.loads(text)}
