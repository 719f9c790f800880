"""The database of one service: SQLite or PostgreSQL behind the same two context managers."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry

from jogakbo.database.migrations import migrate
from jogakbo.database.together import Together

T = TypeVar("T")

_BUSY_TIMEOUT_MS = 5_000
_POOL_TIMEOUT_SECONDS = 5
_CLOSE_SECONDS = 5.0
_TOUCHED = "jogakbo.touched"
_SQLITE_SETTINGS = (
    "PRAGMA journal_mode = WAL",
    # NORMAL may lose the last commits at a power cut, and with them events that were already sent.
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    f"PRAGMA busy_timeout = {_BUSY_TIMEOUT_MS}",
)


class Database:
    """One service's own database; nothing connects before the first use.

    ``url`` is SQLAlchemy's: ``sqlite:////srv/var/data/menu.db`` or ``postgresql+psycopg://user:pw@host/menu``.
    ``migrations`` is the folder with the service's Alembic revisions (``0001_items.py``, …). Safe to share
    between threads. Errors of the database come out as ``sqlalchemy.exc.SQLAlchemyError``.
    """

    def __init__(self, url: str, *, migrations: Path | None = None) -> None:
        self._url = make_url(url)
        self._migrations = migrations
        self._committed: list[tuple[str, Callable[[], None]]] = []
        self._engine = create_engine(self._url, pool_timeout=_POOL_TIMEOUT_SECONDS, pool_pre_ping=not self.is_sqlite)
        self._blocks = _Blocks()
        self._closed = False
        # SQLite has one writer: queueing here is fair and at once, where its busy handler sleeps and tries again.
        self._one_writer = threading.Lock() if self.is_sqlite else nullcontext()
        if self.is_sqlite:
            event.listen(self._engine, "connect", _set_up_sqlite)
        self._writer = self._engine.execution_options()
        self._reader = self._engine.execution_options(postgresql_readonly=True)
        self._together = Together(self.write)

    @property
    def is_sqlite(self) -> bool:
        """Whether this is the file of one machine rather than a PostgreSQL."""
        return self._url.get_backend_name() == "sqlite"

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """One transaction that may change things: commits at the end, rolls back when the block raises.

        In SQLite it holds the one write lock from its start (``BEGIN IMMEDIATE``), so a block that has begun
        never fails half way because another one was faster. Keep blocks short, without network calls.
        """
        with self._one_writer, self._begun(self._writer, "BEGIN IMMEDIATE") as connection:
            connection.info.pop(_TOUCHED, None)  # of one that was rolled back
            yield connection
            touched: Collection[str] = connection.info.pop(_TOUCHED, ())
        for what, wake in tuple(self._committed):
            if not what or what in touched:
                wake()

    def write_together(self, work: Callable[[Connection], T]) -> T:
        """Run ``work`` in a transaction that it may share with the works of other threads, and return what it returns.

        For many small changes at once: they share one wait for the disk. The changes of a work are kept or undone on
        their own; it must not begin or end transactions. Raises what ``work`` raised, or what the commit did.
        """
        return self._together.run(work)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """One transaction that only reads; in SQLite it never waits for the writer."""
        with self._begun(self._reader, "BEGIN") as connection:
            yield connection

    @contextmanager
    def on_commit(self, wake: Callable[[], None], *, of: str = "") -> Iterator[None]:
        """Inside the block, call ``wake`` after every commit of ``write``, in the thread that committed.

        With ``of`` only after those that called ``touch`` with it. ``wake`` must not block and must not raise: the
        commit has happened.
        """
        self._committed.append((of, wake))
        try:
            yield
        finally:
            self._committed.remove((of, wake))

    def migrate(self) -> None:
        """Bring the schema to its newest revision. Cheap when it is already there; safe to run twice at once."""
        if self.is_sqlite and self._url.database:
            Path(self._url.database).parent.mkdir(parents=True, exist_ok=True)
        migrate(self.write, self._migrations)

    def check(self) -> None:
        """Ask the database for a sign of life. Raises ``SQLAlchemyError``."""
        with self.read() as connection:
            connection.execute(text("SELECT 1"))

    def close(self, *, patience_seconds: float = _CLOSE_SECONDS) -> None:
        """Close every connection, once the blocks under way have ended; waits for them, but not for ever.

        A block that ends or begins later does no harm: the database is closed again behind it.
        """
        self._closed = True
        if self._blocks.ended(patience_seconds):
            self._engine.dispose()

    @contextmanager
    def _begun(self, engine: Engine, sqlite_begin: str) -> Iterator[Connection]:
        try:
            with self._blocks.one(), engine.begin() as connection:
                if self.is_sqlite:
                    # Not by the driver, which would begin late, deferred, and not at all around DDL; nor by a listener
                    # to SQLAlchemy's "begin", with which each later statement costs half as much again.
                    connection.exec_driver_sql(sqlite_begin)
                yield connection
        finally:
            # The last one: a pool that is disposed of forgets the connections that are still in use.
            if self._closed and self._blocks.ended(0):
                self._engine.dispose()


def touch(connection: Connection, what: str) -> None:
    """Say what the transaction of ``Database.write`` changes, to those who wait for a commit ``of`` it."""
    connection.info.setdefault(_TOUCHED, set()).add(what)


class _Blocks:
    """Counts what is under way."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._open = 0

    @contextmanager
    def one(self) -> Iterator[None]:
        with self._changed:
            self._open += 1
        try:
            yield
        finally:
            with self._changed:
                self._open -= 1
                self._changed.notify_all()

    def ended(self, seconds: float) -> bool:
        """Whether none is under way any more, within so many seconds."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._open, seconds)


def _set_up_sqlite(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
    connection.isolation_level = None
    cursor = connection.cursor()
    for statement in _SQLITE_SETTINGS:
        cursor.execute(statement)
    cursor.close()
