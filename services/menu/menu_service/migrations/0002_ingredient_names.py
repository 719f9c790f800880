"""What ingredients are called, and their unit, beside how much is left of them."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_COLUMNS = {"name_en": 80, "name_ko": 80, "unit": 10}


def upgrade() -> None:
    # What is known already gets its names with the next event of it; until then people see its id.
    for name, length in _COLUMNS.items():
        op.add_column("stock", sa.Column(name, sa.String(length), nullable=False, server_default=""))


def downgrade() -> None:
    with op.batch_alter_table("stock") as table:
        for name in _COLUMNS:
            table.drop_column(name)
