"""The charges, one per order."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "charges",
        sa.Column("order_id", sa.String(100), primary_key=True),
        sa.Column("amount_won", sa.BigInteger, nullable=False),
        sa.Column("payment", sa.String(100), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("reason", sa.String(100), nullable=False),
        sa.Column("business_day", sa.Date, nullable=True),
        sa.Column("refunded_on", sa.Date, nullable=True),
    )
    op.create_index("ix_charges_business_day", "charges", ["business_day"])
    op.create_index("ix_charges_refunded_on", "charges", ["refunded_on"])


def downgrade() -> None:
    raise NotImplementedError("charges cannot be made again; restore a backup instead")
