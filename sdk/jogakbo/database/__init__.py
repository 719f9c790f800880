"""A member's own database: one engine, short transactions, migrations at start."""

from jogakbo.database.columns import UtcDateTime
from jogakbo.database.engine import Database, touch
from jogakbo.database.errors import TransactionConflict

__all__ = ["Database", "TransactionConflict", "UtcDateTime", "touch"]
