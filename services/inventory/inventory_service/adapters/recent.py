"""States kept in memory, so that busy ingredients are not folded from their last snapshot at every command.

What has been committed to an append-only stream never changes, so a state that was read stays right for its version,
and only the events after it are read. A cache like a snapshot: never the only copy, and nothing depends on it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import reduce
from weakref import WeakKeyDictionary

from sqlalchemy import Connection

from inventory_service.adapters.days import days_of
from inventory_service.adapters.tables import stock_store
from inventory_service.domain.stock import Stock, evolve
from jogakbo.service.event_store import Loaded, Stream


@dataclass(slots=True)
class _Transaction:
    """``now`` has what this transaction has read or written; once it ``wrote``, what it reads may be undone."""

    now: dict[str, Loaded[Stock]] = field(default_factory=dict)
    wrote: bool = False


class Recent:
    """The newest known states by ingredient: those of open transactions, and the committed ones."""

    def __init__(self) -> None:
        self._transactions: WeakKeyDictionary[Connection, _Transaction] = WeakKeyDictionary()
        self._committed: dict[str, Loaded[Stock]] = {}

    def load(self, connection: Connection, ingredient_id: str) -> Loaded[Stock] | None:
        """The newest state. The caller holds the lock that every writer takes first."""
        here = self._transactions.setdefault(connection, _Transaction())
        loaded = here.now.get(ingredient_id)
        if loaded is None:
            loaded = self._read(connection, ingredient_id)
            if loaded is None:
                return None
            here.now[ingredient_id] = loaded
            if not here.wrote:
                self._committed[ingredient_id] = loaded
        return loaded

    def wrote(self, connection: Connection, ingredient_id: str, after: Loaded[Stock] | None = None) -> None:
        """Remember what this transaction made of the ingredient; None: it is to be read again."""
        here = self._transactions.setdefault(connection, _Transaction())
        here.wrote = True
        here.now.pop(ingredient_id, None)
        if after is not None:
            here.now[ingredient_id] = after

    def _read(self, connection: Connection, ingredient_id: str) -> Loaded[Stock] | None:
        day = next(days_of(connection, ingredient_id), None)
        if day is None:
            return None
        known, stream = self._committed.get(ingredient_id), Stream(ingredient_id, day)
        if known is None or known.stream != stream:
            return stock_store.load(connection, stream)
        # Its own event is read again: after a backup was restored it may not be there any more.
        events = [stored.event for stored in stock_store.read(connection, stream, after=known.version - 1)]
        if not events:
            return stock_store.load(connection, stream)
        return Loaded(stream, known.version + len(events) - 1, reduce(evolve, events[1:], known.state))
