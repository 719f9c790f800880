"""Migrations of every service and of the kit: up from nothing, and from each earlier revision with rows everywhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from sqlalchemy import (
    Boolean,
    Connection,
    Date,
    DateTime,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    insert,
    inspect,
    select,
)
from sqlalchemy.types import JSON, TypeEngine

from jogakbo.database import Database
from jogakbo.database.migrations import KIT_REVISIONS, KIT_TABLE, SERVICE_TABLE, upgrade
from jogakbo.testing.databases import FreshDatabase

SERVICES = sorted(Path(__file__).parent.parent.glob("services/*/*_service/migrations"))
NAMES = [path.parents[1].name for path in SERVICES]

THROWN_AWAY = {
    # Made again from the events, in the first read after.
    "stock_snapshots",
    "till_snapshots",
    # Counted again from the streams, whose positions are forgotten: reports/0002.
    "counted",
    "day_sales",
    "hour_sales",
    "item_sales",
    "positions",
}
"""Tables whose rows a migration may drop, with the place that they come back from."""

Rows = Mapping[str, list[dict[str, object]]]


def _revisions(folder: Path) -> list[str]:
    return sorted(path.name.partition("_")[0] for path in folder.glob("[0-9]*_*.py"))


_STEPS = [
    pytest.param(folder, before, id=f"{name}-{before}")
    for name, folder in [("kit", KIT_REVISIONS), *zip(NAMES, SERVICES, strict=True)]
    for before in _revisions(folder)[:-1]
]


@contextmanager
def _connected(url: str) -> Iterator[Connection]:
    database = Database(url)
    try:
        with database.write() as connection:
            yield connection
    finally:
        database.close()


@pytest.mark.parametrize("folder", SERVICES, ids=NAMES)
def test_a_service_starts_from_an_empty_database_and_again(fresh_database: FreshDatabase, folder: Path) -> None:
    url = fresh_database()
    for _ in range(2):
        database = Database(url, migrations=folder)
        database.migrate()
        database.close()
    with _connected(url) as connection:
        assert _version(connection, SERVICE_TABLE) == _revisions(folder)[-1]
        assert _version(connection, KIT_TABLE) == _revisions(KIT_REVISIONS)[-1]


@pytest.mark.parametrize(("folder", "before"), _STEPS)
def test_rows_of_an_earlier_release_survive(fresh_database: FreshDatabase, folder: Path, before: str) -> None:
    """One row in every table at revision ``before`` is there, with the same values, at the newest."""
    url, is_kit = fresh_database(), folder == KIT_REVISIONS
    with _connected(url) as connection:
        upgrade(connection, KIT_REVISIONS, KIT_TABLE, before if is_kit else "head")
        if not is_kit:
            upgrade(connection, folder, SERVICE_TABLE, before)
        _fill(connection)
    with _connected(url) as connection:
        there = _rows(connection)
    database = Database(url, migrations=None if is_kit else folder)
    database.migrate()
    database.close()
    with _connected(url) as connection:
        after = _rows(connection)
    assert len(there) >= 5
    for table, rows in there.items():
        if table not in THROWN_AWAY:
            assert [{name: row[name] for name in rows[0]} for row in after[table]] == rows


def _version(connection: Connection, table: str) -> str | None:
    reflected = Table(table, MetaData(), autoload_with=connection)
    version: str | None = connection.scalar(select(reflected.c.version_num))
    return version


def _tables(connection: Connection) -> list[Table]:
    """All but Alembic's own, in an order in which foreign keys find what they name."""
    metadata = MetaData()
    metadata.reflect(connection)
    tables = [table for table in metadata.sorted_tables if table.name not in (KIT_TABLE, SERVICE_TABLE)]
    # An event is written before its day is closed, and archived after it.
    return sorted(tables, key=lambda table: (table.name.endswith("_archive"), table.name.endswith("_closed_days")))


def _fill(connection: Connection) -> None:
    for table in _tables(connection):
        if connection.execute(select(table)).first() is None:
            values = {column.name: _value(column.type) for column in table.columns}
            connection.execute(insert(table).values(values))


def _rows(connection: Connection) -> Rows:
    assert "outbox" in inspect(connection).get_table_names()
    return {
        table.name: [dict(row) for row in connection.execute(select(table)).mappings()] for table in _tables(connection)
    }


def _value(kind: TypeEngine[object]) -> object:
    """The same everywhere, so that foreign keys hold; small, so that checks do."""
    values: list[tuple[type[object], object]] = [
        (Boolean, True),
        (Integer, 7),
        (DateTime, datetime(2026, 3, 2, 3, 0, tzinfo=UTC)),
        (Date, date(2026, 3, 2)),
        (LargeBinary, b"{}"),
        (JSON, {"a": [1]}),
        (String, "word"),
    ]
    return next(value for known, value in values if isinstance(kind, known))
