"""A process that dies between two statements of a transaction, or just before its commit."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine, event


class Crash(BaseException):
    """The process is gone: nothing that it has not committed has happened. No `except Exception` may hold it up."""


AT_COMMIT = -1


class Crashes:
    """Counts the statements of writing transactions of one database, and ends everything before the one that is due."""

    def __init__(self) -> None:
        self._left = 0
        self._file = ""
        self.happened = False

    @contextmanager
    def before_statement(self, number: int, file: str) -> Iterator[None]:
        """Inside the block, die before the statement `number` (1 is the first, a commit counts too); 0 is never,
        `AT_COMMIT` when all is done but the commit.

        The crash itself ends here: `happened` says whether it came to it.
        """
        self._left, self._file, self.happened = number, file, False
        event.listen(Engine, "before_cursor_execute", self._statement)
        event.listen(Engine, "commit", self._commit)
        try:
            yield
        except Crash:
            self.happened = True
        finally:
            event.remove(Engine, "before_cursor_execute", self._statement)
            event.remove(Engine, "commit", self._commit)

    def _statement(self, connection: Connection, cursor: object, statement: str, *_: object) -> None:
        if statement.startswith("BEGIN"):
            connection.info["writes"] = statement == "BEGIN IMMEDIATE"
        self._count(connection)

    def _commit(self, connection: Connection) -> None:
        if self._counts(connection):
            self._die_if(self._left == AT_COMMIT)
            self._count(connection)

    def _count(self, connection: Connection) -> None:
        if self._counts(connection) and self._left > 0:
            self._left -= 1
            self._die_if(self._left == 0)

    def _counts(self, connection: Connection) -> bool:
        """What only reads has nothing to lose."""
        return bool(connection.info.get("writes")) and connection.engine.url.database == self._file

    def _die_if(self, due: bool) -> None:
        if due:
            self._left = 0
            raise Crash
