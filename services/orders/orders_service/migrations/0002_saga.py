"""Who waits for an answer sends again: when, and how often so far; the day of a refund; where each step led."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_WAITING = "('RESERVING', 'CHARGING', 'COMMITTING', 'RELEASING')"
_LED_TO = {
    "placed": "RESERVING",
    "reserved": "CHARGING",
    "refused": "REJECTED",
    "charged": "COMMITTING",
    "declined": "RELEASING",
    "released": "CANCELLED",
}


def upgrade() -> None:
    op.add_column("orders", sa.Column("tries", sa.Integer, nullable=False, server_default="0"))
    op.add_column("orders", sa.Column("due_at", sa.DateTime(timezone=True)))
    op.add_column("orders", sa.Column("refund_day", sa.Date))
    op.execute(f"UPDATE orders SET tries = 1, due_at = since WHERE state IN {_WAITING}")  # noqa: S608
    waiting = sa.text("due_at IS NOT NULL")
    op.create_index("orders_due", "orders", ["due_at"], sqlite_where=waiting, postgresql_where=waiting)

    op.add_column("order_timeline", sa.Column("state", sa.String(16), nullable=False, server_default="CONFIRMED"))
    op.add_column("order_timeline", sa.Column("tries", sa.Integer, nullable=False, server_default="0"))
    for step, state in _LED_TO.items():
        tries = int(state in _WAITING)
        op.execute(f"UPDATE order_timeline SET state = '{state}', tries = {tries} WHERE step = '{step}'")  # noqa: S608


def downgrade() -> None:
    op.drop_column("order_timeline", "tries")
    op.drop_column("order_timeline", "state")
    op.drop_index("orders_due", "orders")
    for column in ("refund_day", "due_at", "tries"):
        op.drop_column("orders", column)
