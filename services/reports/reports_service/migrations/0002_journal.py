"""A journal of the facts, and two sets of what is counted from them, one of which is read.

What had been counted cannot be told apart into facts, so all streams are read again from their beginning; the outbox
behind each has everything that was ever told.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_TABLES = ("entries", "days", "day_sales", "hour_sales", "item_sales")


def upgrade() -> None:
    for table in ("item_sales", "hour_sales", "day_sales", "counted"):
        op.drop_table(table)
    op.execute("DELETE FROM positions")
    op.create_table(
        "journal",
        sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("type", sa.String(40), nullable=False),
        sa.Column("subject", sa.String(100), nullable=False),
        sa.Column("business_day", sa.Date, nullable=False),
        sa.Column("won", sa.BigInteger, nullable=False),
        sa.Column("data", sa.Text, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("ix_journal_business_day", "journal", ["business_day"])
    projection = op.create_table(
        "projection",
        sa.Column("one", sa.Integer, primary_key=True),
        sa.Column("live", sa.String(1), nullable=False),
        sa.Column("facts", sa.BigInteger, nullable=False),
        sa.Column("rebuilding", sa.Boolean, nullable=False),
        sa.Column("rebuilt", sa.BigInteger, nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True)),
        sa.Column("finished_at", sa.DateTime(timezone=True)),
    )
    op.bulk_insert(projection, [{"one": 1, "live": "a", "facts": 0, "rebuilding": False, "rebuilt": 0}])
    for suffix in ("_a", "_b"):
        _projections(suffix)
    for table in _TABLES:
        live = "(SELECT live FROM projection)"
        sets = (f"SELECT * FROM {table}_{name} WHERE {live} = '{name}'" for name in "ab")  # noqa: S608
        op.execute(f"CREATE VIEW {table} AS {' UNION ALL '.join(sets)}")


def _projections(suffix: str) -> None:
    op.create_table(
        f"entries{suffix}",
        sa.Column("kind", sa.String(10), primary_key=True),
        sa.Column("id", sa.String(100), primary_key=True),
        sa.Column("order_id", sa.String(100), nullable=False),
        sa.Column("business_day", sa.Date, nullable=False),
        sa.Column("counted_on", sa.Date, nullable=False),
        sa.Column("won", sa.BigInteger, nullable=False),
        sa.Column("method", sa.String(10), nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("of_day", sa.Date),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index(f"ix_entries{suffix}_day", f"entries{suffix}", ["business_day", "kind"])
    op.create_index(f"ix_entries{suffix}_counted", f"entries{suffix}", ["counted_on", "kind"])
    op.create_table(
        f"days{suffix}",
        sa.Column("business_day", sa.Date, primary_key=True),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("next_day", sa.Date, nullable=False),
        sa.Column("opening_cash_won", sa.BigInteger, nullable=False),
        sa.Column("closing_cash_won", sa.BigInteger, nullable=False),
        sa.Column("till_won", sa.BigInteger, nullable=False),
        sa.Column("till_payments", sa.Integer, nullable=False),
        sa.Column("till_digest", sa.String(64), nullable=False),
    )
    op.create_table(
        f"day_sales{suffix}",
        sa.Column("business_day", sa.Date, primary_key=True),
        sa.Column("orders", sa.Integer, nullable=False),
        sa.Column("won", sa.BigInteger, nullable=False),
        sa.Column("refunds", sa.Integer, nullable=False),
        sa.Column("refunded_won", sa.BigInteger, nullable=False),
        sa.Column("adjusted_won", sa.BigInteger, nullable=False),
        sa.Column("taken_won", sa.BigInteger, nullable=False),
        sa.Column("adjusted_taken_won", sa.BigInteger, nullable=False),
    )
    op.create_table(
        f"hour_sales{suffix}",
        sa.Column("business_day", sa.Date, primary_key=True),
        sa.Column("hour", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("orders", sa.Integer, nullable=False),
        sa.Column("won", sa.BigInteger, nullable=False),
    )
    op.create_table(
        f"item_sales{suffix}",
        sa.Column("business_day", sa.Date, primary_key=True),
        sa.Column("item_id", sa.String(40), primary_key=True),
        sa.Column("name_en", sa.String(80), nullable=False),
        sa.Column("name_ko", sa.String(80), nullable=False),
        sa.Column("qty", sa.Integer, nullable=False),
        sa.Column("won", sa.BigInteger, nullable=False),
    )


def downgrade() -> None:
    raise NotImplementedError(
        "what was read before the journal is gone; let an older release begin with a new database"
    )
