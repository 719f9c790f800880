"""A process that dies between two statements of a transaction, or just before its commit."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine, event


class Crash(BaseException):
    """The process is gone: nothing that it has not committed has happened. No `except Exception` may hold it up."""


class Crashes:
    """Counts the statements of writing transactions, and ends everything before the one that is due."""

    def __init__(self) -> None:
        self._left = 0
        self.happened = False

    @contextmanager
    def before_statement(self, number: int) -> Iterator[None]:
        """Inside the block, die before the statement `number` (1 is the first, a commit counts too); 0 is never.

        The crash itself ends here: `happened` says whether it came to it.
        """
        self._left, self.happened = number, False
        event.listen(Engine, "before_cursor_execute", self._statement)
        event.listen(Engine, "commit", self._commit)
        try:
            yield
        except Crash:
            self.happened = True
        finally:
            event.remove(Engine, "before_cursor_execute", self._statement)
            event.remove(Engine, "commit", self._commit)

    def _statement(self, connection: Connection, *_: object) -> None:
        self._count(connection)

    def _commit(self, connection: Connection) -> None:
        self._count(connection)

    def _count(self, connection: Connection) -> None:
        if not connection.get_execution_options().get("immediate"):
            return  # what only reads has nothing to lose
        self._left -= 1
        if self._left == 0:
            raise Crash
