"""The append-only events of the till, and the read side: payments and days."""

import sqlalchemy as sa
from alembic import op

from jogakbo.service.event_store import append_only_ddl

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "till_events",
        sa.Column("stream", sa.String(120), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("subject", sa.String(100), nullable=False),
        sa.Column("business_day", sa.Date, nullable=False),
        sa.Column("name", sa.String(40), nullable=False),
        sa.Column("data", sa.Text, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("stream", "version", name="pk_till_events"),
    )
    op.create_index("ix_till_events_subject_day", "till_events", ["subject", "business_day", "version"])
    for statement in append_only_ddl("till_events", op.get_context().dialect.name):
        op.execute(statement)
    op.create_table(
        "till_snapshots",
        sa.Column("stream", sa.String(120), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("format", sa.Integer, nullable=False),
        sa.Column("state", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("stream", "version", name="pk_till_snapshots"),
    )
    op.create_table(
        "payments",
        sa.Column("order_id", sa.String(100), primary_key=True),
        sa.Column("payment_id", sa.String(110), nullable=False, unique=True),
        sa.Column("business_day", sa.Date, nullable=False),
        sa.Column("amount_won", sa.BigInteger, nullable=False),
        sa.Column("method", sa.String(10), nullable=False),
        sa.Column("payment", sa.String(100), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("reference", sa.String(200), nullable=False),
        sa.Column("reason", sa.String(100), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("ix_payments_state_at", "payments", ["state", "at"])
    op.create_table(
        "days",
        sa.Column("business_day", sa.Date, primary_key=True),
        sa.Column("cash_won", sa.BigInteger, nullable=False),
        sa.Column("card_won", sa.BigInteger, nullable=False),
        sa.Column("payments", sa.Integer, nullable=False),
        sa.Column("declined", sa.Integer, nullable=False),
    )


def downgrade() -> None:
    raise NotImplementedError("the events of the till cannot be made again; restore a backup instead")
