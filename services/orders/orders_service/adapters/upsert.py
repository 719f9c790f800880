from __future__ import annotations

from sqlalchemy import Table
from sqlalchemy.dialects import postgresql, sqlite


def insert_into(dialect: str, table: Table) -> sqlite.Insert | postgresql.Insert:
    """An ``INSERT`` that knows ``ON CONFLICT``, which SQLAlchemy has per dialect only."""
    return postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)
