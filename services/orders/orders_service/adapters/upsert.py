from __future__ import annotations

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite


def insert_into(connection: Connection, table: Table) -> sqlite.Insert | postgresql.Insert:
    """An ``INSERT`` that knows ``ON CONFLICT``, which SQLAlchemy has per dialect only."""
    return postgresql.insert(table) if connection.dialect.name == "postgresql" else sqlite.insert(table)
