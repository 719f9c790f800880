"""The tables of this service. The migrations create them; a test holds the two together."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
)

from jogakbo.database import UtcDateTime

metadata = MetaData()

orders = Table(
    "orders",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("digest", String(64), nullable=False),
    Column("revision", Integer, nullable=False),
    Column("state", String(16), nullable=False),
    Column("progress", String(16)),
    Column("since", UtcDateTime, nullable=False),
    Column("number", Integer, nullable=False),
    Column("business_day", Date, nullable=False),
    Column("placed_at", UtcDateTime, nullable=False),
    Column("guest_name", String(40), nullable=False),
    Column("payment", String(40), nullable=False),
    Column("lines", JSON, nullable=False),
    Column("total_won", Integer, CheckConstraint("total_won >= 0"), nullable=False),
    Column("reason", String(40)),
    Column("short", JSON, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("due_at", UtcDateTime),
    Column("refund_day", Date),
)
Index("orders_day_number", orders.c.business_day, orders.c.number, unique=True)
_waiting = orders.c.due_at.is_not(None)
Index("orders_due", orders.c.due_at, sqlite_where=_waiting, postgresql_where=_waiting)

order_timeline = Table(
    "order_timeline",
    metadata,
    Column("order_id", String(36), ForeignKey("orders.id"), primary_key=True),
    Column("revision", Integer, primary_key=True),
    Column("at", UtcDateTime, nullable=False),
    Column("step", String(16), nullable=False),
    Column("state", String(16), nullable=False),
    Column("tries", Integer, nullable=False),
)

order_views = Table(
    "order_views",
    metadata,
    Column("order_id", String(36), primary_key=True),
    Column("placed_at", UtcDateTime, nullable=False),
    Column("is_open", Boolean, nullable=False),
    Column("progress", String(16)),
    Column("document", JSON, nullable=False),
)
Index("order_views_open", order_views.c.is_open, order_views.c.placed_at)
Index("order_views_progress", order_views.c.progress, order_views.c.placed_at)

day_numbers = Table(
    "day_numbers",
    metadata,
    Column("business_day", Date, primary_key=True),
    Column("last_number", Integer, nullable=False),
)

menu_items = Table(
    "menu_items",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("name_en", String(80), nullable=False),
    Column("name_ko", String(80), nullable=False),
    Column("price_won", Integer, CheckConstraint("price_won >= 0"), nullable=False),
    Column("on_sale", Boolean, nullable=False),
    Column("sold_out", Boolean, nullable=False),
    Column("version", Integer, nullable=False),
)

drafts = Table(
    "drafts",
    metadata,
    Column("sub", String(64), primary_key=True),
    Column("order_id", String(36), nullable=False),
)

draft_lines = Table(
    "draft_lines",
    metadata,
    Column("sub", String(64), ForeignKey("drafts.sub", ondelete="CASCADE"), primary_key=True),
    Column("item_id", String(40), ForeignKey("menu_items.id"), primary_key=True),
    Column("qty", Integer, CheckConstraint("qty BETWEEN 1 AND 99"), nullable=False),
    Column("added_at", UtcDateTime, nullable=False),
)
Index("draft_lines_item", draft_lines.c.item_id)
