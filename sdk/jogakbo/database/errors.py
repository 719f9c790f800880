"""What a transaction may run into that is nobody's fault."""

from __future__ import annotations


class TransactionConflict(Exception):
    """Somebody else was faster: keep nothing of this transaction and start it again."""
