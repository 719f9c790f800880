"""What the database itself refuses, whoever asks: changes of the past. As SQL for a migration to execute.

Only the names of tables are put into the SQL, and those stand in the code of services.
"""

# ruff: noqa: S608

from __future__ import annotations

_KEY = ("stream", "version")
_REST = ("subject", "business_day", "name", "schema_version", "data", "at")

# For all columns but the key: with "=" PostgreSQL may look a row up by its day, among thousands, and not by its key.
_EQUALS = "IS NOT DISTINCT FROM"


def append_only_ddl(table: str, dialect: str) -> tuple[str, ...]:
    """The statements that make a database refuse to change or delete rows of ``table``.

    ``dialect`` is ``"sqlite"`` or ``"postgresql"``; a migration executes them one by one.
    """
    refusal = f"{table} is append-only"
    if dialect == "sqlite":
        return tuple(
            f"CREATE TRIGGER {table}_no_{verb} BEFORE {verb.upper()} ON {table} "
            f"BEGIN SELECT RAISE(ABORT, '{refusal}'); END"
            for verb in ("update", "delete")
        )
    return (
        f"CREATE FUNCTION {table}_refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {_raise(refusal)} END $$",
        f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
        f"FOR EACH STATEMENT EXECUTE FUNCTION {table}_refuse()",
    )


def archive_ddl(name: str, dialect: str) -> tuple[str, ...]:
    """The statements that a store with an archive needs beyond ``append_only_ddl`` of its events.

    An event may be deleted where its equal copy is archived, and not otherwise. The archive takes copies of events
    of closed days, and nothing else ever happens to it. No event comes to a closed day, nor under a number that is
    taken: SQLite's ``INSERT OR REPLACE`` would ask no delete trigger.
    """
    return _sqlite(name) if dialect == "sqlite" else _postgresql(name)


def _sqlite(name: str) -> tuple[str, ...]:
    events, archive = f"{name}_events", f"{name}_events_archive"
    return (
        f"DROP TRIGGER {events}_no_delete",
        _sqlite_trigger(
            f"{events}_no_delete", f"DELETE ON {events}", f"NOT {_same(archive, 'OLD')}", f"{events} is append-only"
        ),
        _sqlite_trigger(f"{events}_day", f"INSERT ON {events}", _closed(name), f"{events}: the day is closed"),
        _sqlite_trigger(
            f"{events}_taken", f"INSERT ON {events}", f"{_taken(events)} OR {_taken(archive)}", f"{events}: taken"
        ),
        *append_only_ddl(archive, "sqlite"),
        _sqlite_trigger(
            f"{archive}_copies",
            f"INSERT ON {archive}",
            f"NOT {_closed(name)} OR NOT {_same(events, 'NEW')} OR {_taken(archive)}",
            f"{archive} takes copies of closed days only",
        ),
    )


def _postgresql(name: str) -> tuple[str, ...]:
    events, archive = f"{name}_events", f"{name}_events_archive"
    day = "NEW.business_day - DATE '2000-01-01'"
    # An append that has begun holds the day's lock until it commits, so whoever closes the day waits and sees it.
    lock = f"PERFORM pg_advisory_xact_lock{{shared}}(hashtext('{events}'), {day});"
    return (
        f"DROP TRIGGER {events}_append_only ON {events}",
        f"CREATE TRIGGER {events}_append_only BEFORE UPDATE OR TRUNCATE ON {events} "
        f"FOR EACH STATEMENT EXECUTE FUNCTION {events}_refuse()",
        *_row_trigger(
            f"{events}_delete",
            f"DELETE ON {events}",
            f"IF NOT {_same(archive, 'OLD', _EQUALS)} THEN {_raise(f'{events} is append-only')} END IF; RETURN OLD;",
        ),
        *_row_trigger(
            f"{events}_insert",
            f"INSERT ON {events}",
            f"{lock.format(shared='_shared')} "
            f"IF {_closed(name)} THEN {_raise(f'{events}: the day is closed')} END IF; "
            f"IF {_taken(archive)} THEN {_raise(f'{events}: taken')} END IF; RETURN NEW;",
        ),
        *_row_trigger(
            f"{name}_closed_days_lock", f"INSERT ON {name}_closed_days", f"{lock.format(shared='')} RETURN NEW;"
        ),
        *append_only_ddl(archive, "postgresql"),
        *_row_trigger(
            f"{archive}_copies",
            f"INSERT ON {archive}",
            f"IF NOT {_closed(name)} OR NOT {_same(events, 'NEW', _EQUALS)} "
            f"THEN {_raise(f'{archive} takes copies of closed days only')} END IF; RETURN NEW;",
        ),
    )


def _closed(name: str) -> str:
    return f"EXISTS (SELECT 1 FROM {name}_closed_days c WHERE c.business_day = NEW.business_day)"


def _taken(table: str) -> str:
    return f"EXISTS (SELECT 1 FROM {table} e WHERE e.stream = NEW.stream AND e.version = NEW.version)"


def _same(table: str, row: str, equals: str = "=") -> str:
    key = [f"e.{column} = {row}.{column}" for column in _KEY]
    rest = [f"e.{column} {equals} {row}.{column}" for column in _REST]
    return f"EXISTS (SELECT 1 FROM {table} e WHERE {' AND '.join(key + rest)})"


def _sqlite_trigger(trigger: str, before: str, when: str, refusal: str) -> str:
    return f"CREATE TRIGGER {trigger} BEFORE {before} WHEN {when} BEGIN SELECT RAISE(ABORT, '{refusal}'); END"


def _row_trigger(trigger: str, before: str, body: str) -> tuple[str, str]:
    return (
        f"CREATE FUNCTION {trigger}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body} END $$",
        f"CREATE TRIGGER {trigger} BEFORE {before} FOR EACH ROW EXECUTE FUNCTION {trigger}()",
    )


def _raise(refusal: str) -> str:
    return f"RAISE EXCEPTION '{refusal}' USING ERRCODE = 'integrity_constraint_violation';"
