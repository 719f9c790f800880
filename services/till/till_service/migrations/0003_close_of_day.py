"""Voids, refunds, and the close of a day."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("payments", sa.Column("undone_on", sa.Date, nullable=True))
    op.create_index("ix_payments_business_day", "payments", ["business_day"])
    op.create_index("ix_payments_undone_on", "payments", ["undone_on"])
    op.add_column("days", sa.Column("refunds", sa.Integer, nullable=False, server_default="0"))
    for name in ("refunded_won", "cash_refunded_won", "opening_cash_won"):
        op.add_column("days", sa.Column(name, sa.BigInteger, nullable=False, server_default="0"))
    op.create_table(
        "closings",
        sa.Column("business_day", sa.Date, primary_key=True),
        sa.Column("next_day", sa.Date, nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("data", sa.Text, nullable=False),
    )


def downgrade() -> None:
    raise NotImplementedError("closed days cannot be opened by a downgrade; restore a backup instead")
