"""The tables of the event kit, in each service's own database."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Integer, MetaData, String, Table, Text

from jogakbo.database.columns import UtcDateTime

metadata = MetaData()

outbox_counter = Table(
    "outbox_counter",
    metadata,
    Column("one", Integer, primary_key=True),
    Column("epoch", BigInteger, nullable=False),
    Column("seq", BigInteger, nullable=False),
)

# Debezium's column names, so that its outbox router could stand in for the relay.
outbox = Table(
    "outbox",
    metadata,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("id", String(100), nullable=False),
    Column("aggregatetype", String(40), nullable=False),
    Column("aggregateid", String(100), nullable=False),
    Column("type", String(100), nullable=False),
    Column("payload", Text, nullable=False),
    Column("keys", Text, nullable=False),
    Column("time", UtcDateTime, nullable=False),
    Column("traceparent", String(60), nullable=False),
    Column("version", Integer, nullable=False, server_default="1"),
)

positions = Table(
    "positions",
    metadata,
    Column("stream", String(60), primary_key=True),
    Column("epoch", BigInteger, nullable=False),
    Column("seq", BigInteger, nullable=False),
)

parked = Table(
    "parked",
    metadata,
    Column("stream", String(60), primary_key=True),
    Column("epoch", BigInteger, primary_key=True, autoincrement=False),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("event", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("parked_at", UtcDateTime, nullable=False),
)
