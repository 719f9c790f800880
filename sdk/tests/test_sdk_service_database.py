"""The database of a service: transactions, migrations, instants."""

from __future__ import annotations

import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor, wait
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy import Column, Integer, MetaData, Table, insert, select, text
from sqlalchemy.exc import InternalError, StatementError
from sqlalchemy.pool import QueuePool

from jogakbo.database import Database, UtcDateTime, touch
from jogakbo.testing.databases import FreshDatabase

_TABLES = MetaData()
_CUPS = Table("cups", _TABLES, Column("n", Integer, primary_key=True), Column("at", UtcDateTime))

_REVISION = """
import sqlalchemy as sa
from alembic import op

revision = "{revision}"
down_revision = {down}


def upgrade() -> None:
    op.create_table("t{revision}", sa.Column("n", sa.Integer, primary_key=True))
"""


@pytest.fixture
def cups(database: Database) -> Database:
    with database.write() as connection:
        _TABLES.create_all(connection)
    return database


def _revisions(folder: Path, *names: str) -> Path:
    folder.mkdir(exist_ok=True)
    down = "None"
    for name in names:
        (folder / f"{name}_cups.py").write_text(_REVISION.format(revision=name, down=down))
        down = repr(name)
    return folder


def test_readers_do_not_wait_for_the_writer_and_see_what_is_committed(cups: Database) -> None:
    with cups.write() as writer, cups.read() as reader:
        writer.execute(insert(_CUPS).values(n=1))
        assert reader.execute(select(_CUPS.c.n)).all() == []
    with cups.read() as reader:
        assert reader.execute(select(_CUPS.c.n)).scalars().all() == [1]


@pytest.mark.databases("sqlite")
def test_a_commit_is_on_the_disk(cups: Database) -> None:
    with cups.write() as writer:
        assert writer.execute(text("PRAGMA synchronous")).scalar() == 2
        assert writer.execute(text("PRAGMA journal_mode")).scalar() == "wal"


@pytest.mark.databases("sqlite")
def test_a_block_that_reads_first_and_then_writes_has_the_write_lock_from_its_start(cups: Database) -> None:
    other = sqlite3.connect(str(cups._url.database), timeout=0)
    with cups.write() as connection:
        connection.execute(select(_CUPS.c.n)).all()
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            other.execute("INSERT INTO cups VALUES (2, NULL)")
    other.close()


@pytest.mark.databases("postgresql")
def test_a_block_for_reading_cannot_write(cups: Database) -> None:
    with pytest.raises(InternalError, match="read-only"), cups.read() as connection:
        connection.execute(insert(_CUPS).values(n=1))


def test_closing_waits_for_the_blocks_under_way(cups: Database) -> None:
    with ThreadPoolExecutor(1) as threads:
        with cups.read() as connection:
            closing = threads.submit(cups.close)
            assert not wait([closing], timeout=0.05).done
            assert connection.execute(select(_CUPS.c.n)).all() == []
        closing.result(10)
    assert _idle_connections(cups) == 0


def test_a_block_that_outlasts_the_closing_leaves_no_connection(cups: Database) -> None:
    with cups.read() as connection:
        cups.close(patience_seconds=0.01)
        assert connection.execute(select(_CUPS.c.n)).all() == []
    with cups.write() as connection:
        connection.execute(insert(_CUPS).values(n=1))
    assert _idle_connections(cups) == 0


def _idle_connections(database: Database) -> int:
    pool = database._engine.pool
    assert isinstance(pool, QueuePool)
    return pool.checkedin()


def test_a_block_that_raises_leaves_nothing(cups: Database) -> None:
    with pytest.raises(RuntimeError), cups.write() as connection:  # noqa: PT012
        connection.execute(insert(_CUPS).values(n=1))
        raise RuntimeError("dropped")
    with cups.read() as connection:
        assert connection.execute(select(_CUPS.c.n)).all() == []


@pytest.mark.databases("sqlite")  # elsewhere they work side by side, and lock what they must
def test_writers_queue_instead_of_failing(cups: Database) -> None:
    def count_up(_: int) -> None:
        with cups.write() as connection:
            highest = len(connection.execute(select(_CUPS.c.n)).all())
            connection.execute(insert(_CUPS).values(n=highest + 1))

    with ThreadPoolExecutor(6) as threads:
        list(threads.map(count_up, range(30)))
    with cups.read() as connection:
        assert connection.execute(select(_CUPS.c.n)).scalars().all() == list(range(1, 31))


def test_whoever_asked_is_woken_after_a_commit_and_not_after_a_rollback(cups: Database) -> None:
    woken = threading.Semaphore(0)
    with cups.on_commit(woken.release):
        with pytest.raises(RuntimeError), cups.write():
            raise RuntimeError("dropped")
        assert not woken.acquire(blocking=False)
        with cups.write() as connection:
            connection.execute(insert(_CUPS).values(n=1))
    assert woken.acquire(blocking=False)


def test_who_asked_for_one_thing_is_woken_only_when_that_was_touched(cups: Database) -> None:
    def drop() -> None:
        with cups.write() as connection:
            touch(connection, "cups")
            raise RuntimeError("dropped")

    woken = threading.Semaphore(0)
    with cups.on_commit(woken.release, of="cups"):
        with pytest.raises(RuntimeError):
            drop()
        with cups.write() as connection:
            touch(connection, "plates")
        assert not woken.acquire(blocking=False)
        with cups.write() as connection:
            touch(connection, "cups")
            touch(connection, "plates")
            assert not woken.acquire(blocking=False)
    assert woken.acquire(blocking=False)


def test_an_instant_comes_back_in_utc(cups: Database) -> None:
    at = datetime(2026, 11, 22, 9, 30, tzinfo=timezone(timedelta(hours=9)))
    with cups.write() as connection:
        connection.execute(insert(_CUPS).values(n=1, at=at))
        stored = connection.execute(select(_CUPS.c.at)).scalar_one()
    assert stored == at
    assert stored.tzinfo is UTC


def test_a_naive_datetime_is_refused(cups: Database) -> None:
    with pytest.raises(StatementError, match="with a time zone"), cups.write() as connection:
        connection.execute(insert(_CUPS).values(n=1, at=datetime(2026, 11, 22)))


def test_the_folder_of_a_new_database_is_made(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/deep/er/cups.db")
    database.migrate()
    database.close()


def test_migrations_run_once_and_new_ones_are_added(fresh_database: FreshDatabase, tmp_path: Path) -> None:
    folder, url = _revisions(tmp_path / "migrations", "0001"), fresh_database()
    first = Database(url, migrations=folder)
    first.migrate()
    first.migrate()
    first.close()
    _revisions(folder, "0001", "0002")
    second = Database(url, migrations=folder)
    second.migrate()
    with second.read() as connection:
        assert connection.execute(text("SELECT n FROM t0001")).all() == []
        assert connection.execute(text("SELECT n FROM t0002")).all() == []
        assert connection.execute(text("SELECT version_num FROM alembic_version")).scalars().all() == ["0002"]
    second.close()


def test_two_starts_at_once_migrate_once(fresh_database: FreshDatabase, tmp_path: Path) -> None:
    folder, url = _revisions(tmp_path / "migrations", "0001"), fresh_database()
    databases = [Database(url, migrations=folder) for _ in range(2)]
    with ThreadPoolExecutor(2) as threads:
        list(threads.map(lambda database: database.migrate(), databases))
    for database in databases:
        database.close()


def test_an_empty_migrations_folder_is_a_mistake(tmp_path: Path) -> None:
    (tmp_path / "migrations").mkdir()
    database = Database(f"sqlite:///{tmp_path}/cups.db", migrations=tmp_path / "migrations")
    with pytest.raises(FileNotFoundError, match="no revisions like 0001_items"):
        database.migrate()
    database.close()
