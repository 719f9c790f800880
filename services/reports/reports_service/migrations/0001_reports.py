"""What has been counted, and sales by day, by hour and by item."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "counted",
        sa.Column("source", sa.String(10), primary_key=True),
        sa.Column("id", sa.String(100), primary_key=True),
    )
    op.create_table(
        "day_sales",
        sa.Column("business_day", sa.Date, primary_key=True),
        sa.Column("orders", sa.Integer, nullable=False),
        sa.Column("won", sa.BigInteger, nullable=False),
        sa.Column("taken_won", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "hour_sales",
        sa.Column("business_day", sa.Date, primary_key=True),
        sa.Column("hour", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("orders", sa.Integer, nullable=False),
        sa.Column("won", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "item_sales",
        sa.Column("business_day", sa.Date, primary_key=True),
        sa.Column("item_id", sa.String(40), primary_key=True),
        sa.Column("name_en", sa.String(80), nullable=False),
        sa.Column("name_ko", sa.String(80), nullable=False),
        sa.Column("qty", sa.Integer, nullable=False),
        sa.Column("won", sa.BigInteger, nullable=False),
    )


def downgrade() -> None:
    for table in ("item_sales", "hour_sales", "day_sales", "counted"):
        op.drop_table(table)
