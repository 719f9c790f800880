"""The reporting tables: what was heard (``journal``), and two equal sets of what was made of it.

One set is read and follows the events; the other is empty, or a rebuild is filling it. ``projection`` says which is
which, and the views without a suffix (``day_sales``, …) show the one that is read.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import BigInteger, Boolean, Column, Date, Index, Integer, MetaData, String, Table, Text

from jogakbo.database import UtcDateTime

metadata = MetaData()
views = MetaData()

journal = Table(
    "journal",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("type", String(40), nullable=False),
    Column("subject", String(100), nullable=False),
    Column("business_day", Date, nullable=False),
    Column("won", BigInteger, nullable=False),
    Column("data", Text, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("read_at", UtcDateTime, nullable=False),
    Index("ix_journal_business_day", "business_day"),
)

projection = Table(
    "projection",
    metadata,
    Column("one", Integer, primary_key=True),
    Column("live", String(1), nullable=False),
    Column("facts", BigInteger, nullable=False),
    Column("rebuilding", Boolean, nullable=False),
    Column("rebuilt", BigInteger, nullable=False),
    Column("started_at", UtcDateTime),
    Column("finished_at", UtcDateTime),
)


@dataclass(frozen=True, slots=True)
class Projections:
    """One set of the tables that facts are folded into."""

    entries: Table
    days: Table
    day_sales: Table
    hour_sales: Table
    item_sales: Table

    @property
    def all(self) -> tuple[Table, ...]:
        return (self.entries, self.days, self.day_sales, self.hour_sales, self.item_sales)


def _projections(metadata: MetaData, suffix: str) -> Projections:
    entries = Table(
        f"entries{suffix}",
        metadata,
        Column("kind", String(10), primary_key=True),
        Column("id", String(100), primary_key=True),
        Column("order_id", String(100), nullable=False),
        Column("business_day", Date, nullable=False),
        Column("counted_on", Date, nullable=False),
        Column("won", BigInteger, nullable=False),
        Column("method", String(10), nullable=False),
        Column("number", Integer, nullable=False),
        Column("of_day", Date),
        Column("reason", Text, nullable=False),
        Column("at", UtcDateTime, nullable=False),
    )
    Index(f"ix_entries{suffix}_day", entries.c.business_day, entries.c.kind)
    Index(f"ix_entries{suffix}_counted", entries.c.counted_on, entries.c.kind)
    days = Table(
        f"days{suffix}",
        metadata,
        Column("business_day", Date, primary_key=True),
        Column("state", String(10), nullable=False),
        Column("next_day", Date, nullable=False),
        Column("opening_cash_won", BigInteger, nullable=False),
        Column("closing_cash_won", BigInteger, nullable=False),
        Column("till_won", BigInteger, nullable=False),
        Column("till_payments", Integer, nullable=False),
        Column("till_digest", String(64), nullable=False),
    )
    day_sales = Table(
        f"day_sales{suffix}",
        metadata,
        Column("business_day", Date, primary_key=True),
        Column("orders", Integer, nullable=False),
        Column("won", BigInteger, nullable=False),
        Column("refunds", Integer, nullable=False),
        Column("refunded_won", BigInteger, nullable=False),
        Column("adjusted_won", BigInteger, nullable=False),
        Column("taken_won", BigInteger, nullable=False),
        Column("adjusted_taken_won", BigInteger, nullable=False),
    )
    hour_sales = Table(
        f"hour_sales{suffix}",
        metadata,
        Column("business_day", Date, primary_key=True),
        Column("hour", Integer, primary_key=True, autoincrement=False),
        Column("orders", Integer, nullable=False),
        Column("won", BigInteger, nullable=False),
    )
    item_sales = Table(
        f"item_sales{suffix}",
        metadata,
        Column("business_day", Date, primary_key=True),
        Column("item_id", String(40), primary_key=True),
        Column("name_en", String(80), nullable=False),
        Column("name_ko", String(80), nullable=False),
        Column("qty", Integer, nullable=False),
        Column("won", BigInteger, nullable=False),
    )
    return Projections(entries, days, day_sales, hour_sales, item_sales)


SETS = {name: _projections(metadata, f"_{name}") for name in "ab"}
READ = _projections(views, "")
"""The views; nothing is written through them."""


def idle(live: str) -> str:
    """The name of the set that nobody reads."""
    return "b" if live == "a" else "a"
