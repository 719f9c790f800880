"""Schema migrations at start: Alembic, one revision table for the kit and one for the service."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from sqlalchemy import Connection, inspect, text

_HERE = Path(__file__).parent
KIT_REVISIONS = _HERE / "kit_migrations"
KIT_TABLE = "jogakbo_version"
SERVICE_TABLE = "alembic_version"
_LOCK_KEY = 7_640_226


def migrate(write: Callable[[], AbstractContextManager[Connection]], migrations: Path | None) -> None:
    """Bring the kit's tables and then the service's to their newest revisions; ``write`` opens a transaction.

    A revision file is named ``<revision>_<what>.py`` and revisions sort by name, so that the newest one is known
    without importing Alembic (0.2 s of CPU at every start of every service).
    """
    parts = [(KIT_REVISIONS, KIT_TABLE)]
    if migrations is not None:
        parts.append((migrations, SERVICE_TABLE))
    with write() as connection:
        due = [part for part in parts if _revision(connection, part[1]) != _newest(part[0])]
    if not due:
        return
    with write() as connection:
        _lock(connection)
        for revisions, table in due:
            if _revision(connection, table) != _newest(revisions):
                upgrade(connection, revisions, table)


def _newest(revisions: Path) -> str:
    names = sorted(path.name for path in revisions.glob("[0-9]*_*.py"))
    if not names:
        raise FileNotFoundError(f"no revisions like 0001_items.py in {revisions}")
    return names[-1].partition("_")[0]


def _revision(connection: Connection, table: str) -> str | None:
    if not inspect(connection).has_table(table):
        return None
    revision: str | None = connection.execute(text(f"SELECT version_num FROM {table}")).scalar()  # noqa: S608
    return revision


def _lock(connection: Connection) -> None:
    """Two processes of one service may start at once; the second waits here and finds the work done."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK_KEY})


def upgrade(connection: Connection, revisions: Path, table: str, to: str = "head") -> None:
    """Run the revisions of a folder up to ``to``, in the caller's transaction; ``table`` keeps how far they went."""
    from alembic import command  # noqa: PLC0415 (see migrate: only a start that has work to do pays for it)
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(_HERE / "alembic"))
    config.set_main_option("version_locations", str(revisions))
    config.set_main_option("path_separator", "newline")
    config.attributes.update(connection=connection, version_table=table)
    command.upgrade(config, to)
