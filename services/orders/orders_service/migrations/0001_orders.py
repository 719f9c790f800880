"""Orders with timeline and read side, drafts, and the copy of the menu."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    _orders()
    _read_side()
    _menu_and_drafts()


def _orders() -> None:
    op.create_table(
        "orders",
        sa.Column("id", sa.String(36), primary_key=True),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("progress", sa.String(16)),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("business_day", sa.Date, nullable=False),
        sa.Column("placed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("guest_name", sa.String(40), nullable=False),
        sa.Column("payment", sa.String(40), nullable=False),
        sa.Column("lines", sa.JSON, nullable=False),
        sa.Column("total_won", sa.Integer, sa.CheckConstraint("total_won >= 0"), nullable=False),
        sa.Column("reason", sa.String(40)),
        sa.Column("short", sa.JSON, nullable=False),
    )
    op.create_index("orders_day_number", "orders", ["business_day", "number"], unique=True)
    op.create_table(
        "order_timeline",
        sa.Column("order_id", sa.String(36), sa.ForeignKey("orders.id"), primary_key=True),
        sa.Column("revision", sa.Integer, primary_key=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("step", sa.String(16), nullable=False),
    )
    op.create_table(
        "day_numbers",
        sa.Column("business_day", sa.Date, primary_key=True),
        sa.Column("last_number", sa.Integer, nullable=False),
    )


def _read_side() -> None:
    op.create_table(
        "order_views",
        sa.Column("order_id", sa.String(36), primary_key=True),
        sa.Column("placed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("is_open", sa.Boolean, nullable=False),
        sa.Column("progress", sa.String(16)),
        sa.Column("document", sa.JSON, nullable=False),
    )
    op.create_index("order_views_open", "order_views", ["is_open", "placed_at"])
    op.create_index("order_views_progress", "order_views", ["progress", "placed_at"])


def _menu_and_drafts() -> None:
    op.create_table(
        "menu_items",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("name_en", sa.String(80), nullable=False),
        sa.Column("name_ko", sa.String(80), nullable=False),
        sa.Column("price_won", sa.Integer, sa.CheckConstraint("price_won >= 0"), nullable=False),
        sa.Column("on_sale", sa.Boolean, nullable=False),
        sa.Column("sold_out", sa.Boolean, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
    )
    op.create_table(
        "drafts",
        sa.Column("sub", sa.String(64), primary_key=True),
        sa.Column("order_id", sa.String(36), nullable=False),
    )
    op.create_table(
        "draft_lines",
        sa.Column("sub", sa.String(64), sa.ForeignKey("drafts.sub", ondelete="CASCADE"), primary_key=True),
        sa.Column("item_id", sa.String(40), sa.ForeignKey("menu_items.id"), primary_key=True),
        sa.Column("qty", sa.Integer, sa.CheckConstraint("qty BETWEEN 1 AND 99"), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("draft_lines_item", "draft_lines", ["item_id"])


def downgrade() -> None:
    for table in ("draft_lines", "drafts", "menu_items", "order_views", "day_numbers", "order_timeline", "orders"):
        op.drop_table(table)
