"""Ingredients, their append-only events, the read side, reservations and the copy of the recipes."""

import sqlalchemy as sa
from alembic import op

from jogakbo.service.event_store import append_only_ddl

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "ingredients",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("name_en", sa.String(100), nullable=False),
        sa.Column("name_ko", sa.String(100), nullable=False),
        sa.Column("unit", sa.String(10), nullable=False),
        sa.Column("low_at", sa.Integer, nullable=False),
        sa.Column("place", sa.Integer, nullable=False),
    )
    op.create_table(
        "stock_events",
        sa.Column("stream", sa.String(120), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("subject", sa.String(100), nullable=False),
        sa.Column("business_day", sa.Date, nullable=False),
        sa.Column("name", sa.String(40), nullable=False),
        sa.Column("data", sa.Text, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("stream", "version", name="pk_stock_events"),
    )
    op.create_index("ix_stock_events_subject_day", "stock_events", ["subject", "business_day", "version"])
    for statement in append_only_ddl("stock_events", op.get_context().dialect.name):
        op.execute(statement)
    op.create_table(
        "stock_snapshots",
        sa.Column("stream", sa.String(120), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("format", sa.Integer, nullable=False),
        sa.Column("state", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("stream", "version", name="pk_stock_snapshots"),
    )
    op.create_table(
        "stock_levels",
        sa.Column("ingredient_id", sa.String(40), sa.ForeignKey("ingredients.id"), primary_key=True),
        sa.Column("on_hand", sa.Integer, nullable=False),
        sa.Column("reserved", sa.Integer, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
    )
    op.create_table(
        "reservations",
        sa.Column("order_id", sa.String(100), primary_key=True),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("business_day", sa.Date),
        sa.Column("lines", sa.Text, nullable=False),
        sa.Column("portions", sa.Text, nullable=False),
        sa.Column("short", sa.Text, nullable=False),
    )
    op.create_index("ix_reservations_state", "reservations", ["state"])
    op.create_table(
        "recipes",
        sa.Column("item_id", sa.String(100), primary_key=True),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("portions", sa.Text, nullable=False),
    )


def downgrade() -> None:
    raise NotImplementedError("the events of the stock cannot be made again; restore a backup instead")
