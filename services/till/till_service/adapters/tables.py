"""The tables. ``till_events`` is the truth; ``payments`` and ``days`` are made in the same transaction."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Date, Index, Integer, MetaData, String, Table, Text

from jogakbo.database import UtcDateTime
from jogakbo.service.event_store import EventStore
from till_service.domain.day import EMPTY, Day, evolve
from till_service.domain.events import EVENT_NAMES, TillEvent

metadata = MetaData()

till_store: EventStore[Day, TillEvent] = EventStore(metadata, "till", names=EVENT_NAMES, initial=EMPTY, evolve=evolve)

payments = Table(
    "payments",
    metadata,
    # The primary key is what allows at most one charge per order.
    Column("order_id", String(100), primary_key=True),
    Column("payment_id", String(110), nullable=False, unique=True),
    Column("business_day", Date, nullable=False),
    Column("amount_won", BigInteger, nullable=False),
    Column("method", String(10), nullable=False),
    Column("payment", String(100), nullable=False),
    Column("state", String(10), nullable=False),
    Column("reference", String(200), nullable=False),
    Column("reason", String(100), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("undone_on", Date, nullable=True),
    Index("ix_payments_state_at", "state", "at"),
    Index("ix_payments_business_day", "business_day"),
    Index("ix_payments_undone_on", "undone_on"),
)

days = Table(
    "days",
    metadata,
    Column("business_day", Date, primary_key=True),
    Column("cash_won", BigInteger, nullable=False),
    Column("card_won", BigInteger, nullable=False),
    Column("payments", Integer, nullable=False),
    Column("declined", Integer, nullable=False),
    Column("refunds", Integer, nullable=False, server_default="0"),
    Column("refunded_won", BigInteger, nullable=False, server_default="0"),
    Column("cash_refunded_won", BigInteger, nullable=False, server_default="0"),
    Column("opening_cash_won", BigInteger, nullable=False, server_default="0"),
)

# One row per close. ``data`` is the whole ``Closing`` in JSON; the other columns are what is searched for.
closings = Table(
    "closings",
    metadata,
    Column("business_day", Date, primary_key=True),
    Column("next_day", Date, nullable=False),
    Column("state", String(10), nullable=False),
    Column("data", Text, nullable=False),
)
