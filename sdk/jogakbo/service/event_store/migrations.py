"""Steps for a service's Alembic revisions. A published step never changes: a new layout is a new function."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from jogakbo.service.event_store.triggers import archive_ddl


def add_archive(name: str) -> None:
    """From events and snapshots alone to schema versions, an archive, closed days and snapshots with a schema hash.

    Events stay as they are, of schema version 1; snapshots are thrown away, as they always may be.
    """
    op.add_column(f"{name}_events", sa.Column("schema_version", sa.Integer, nullable=False, server_default="1"))
    archive = f"{name}_events_archive"
    op.create_table(
        archive,
        sa.Column("stream", sa.String(120), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("subject", sa.String(100), nullable=False),
        sa.Column("business_day", sa.Date, nullable=False),
        sa.Column("name", sa.String(40), nullable=False),
        sa.Column("schema_version", sa.Integer, nullable=False, server_default="1"),
        sa.Column("data", sa.Text, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("stream", "version", name=f"pk_{archive}"),
    )
    op.create_index(f"ix_{archive}_subject_day", archive, ["subject", "business_day", "version"])
    op.create_index(f"ix_{archive}_day", archive, ["business_day", "subject"])
    op.create_table(
        f"{name}_closed_days",
        sa.Column("business_day", sa.Date, primary_key=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.drop_table(f"{name}_snapshots")
    op.create_table(
        f"{name}_snapshots",
        sa.Column("stream", sa.String(120), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("schema", sa.String(64), nullable=False),
        sa.Column("state", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("stream", "version", name=f"pk_{name}_snapshots"),
    )
    for statement in archive_ddl(name, op.get_context().dialect.name):
        op.execute(statement)
