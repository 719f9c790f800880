"""Items with their recipes, and the copy of the stock."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "items",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("place", sa.Integer, nullable=False),
        sa.Column("name_en", sa.String(80), nullable=False),
        sa.Column("name_ko", sa.String(80), nullable=False),
        sa.Column("category", sa.String(20), nullable=False),
        sa.Column("price_won", sa.BigInteger, nullable=False),
        sa.Column("on_sale", sa.Boolean, nullable=False),
        sa.Column("sold_out", sa.Boolean, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
    )
    op.create_table(
        "portions",
        sa.Column("item_id", sa.String(40), sa.ForeignKey("items.id"), primary_key=True),
        sa.Column("place", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("ingredient_id", sa.String(40), nullable=False, index=True),
        sa.Column("amount", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "stock",
        sa.Column("ingredient_id", sa.String(40), primary_key=True),
        sa.Column("available", sa.BigInteger, nullable=False),
    )


def downgrade() -> None:
    for table in ("stock", "portions", "items"):
        op.drop_table(table)
