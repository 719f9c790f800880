"""Copies of a PostgreSQL database that can be set back: a tenth of the work of making the next one."""

from __future__ import annotations

from jogakbo.testing.postgres import Postgres

_OTHERS = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
)
_TABLES = "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY relname"
_SHAPE = "SELECT oid, relname FROM pg_class WHERE relnamespace = 'public'::regnamespace ORDER BY oid"
_SEQUENCES = "SELECT sequencename, coalesce(last_value, start_value), last_value IS NOT NULL FROM pg_sequences"


class PostgresCopy:
    """A copy of ``template`` with the rows that it began with kept aside, in temporary tables of its own session."""

    def __init__(self, server: Postgres, name: str, template: str) -> None:
        self._server = server
        self._name = name
        server.create(name, template)
        self._session = server.connect(name)
        statements = ["SET LOCAL session_replication_role = replica"]  # neither triggers nor foreign keys are asked
        for (table,) in self._session.execute(_TABLES).fetchall():
            statements.append(f'DELETE FROM public."{table}"')  # noqa: S608
            self._execute(f'CREATE TEMPORARY TABLE "kept_{table}" AS TABLE public."{table}"')
            statements.append(f'INSERT INTO public."{table}" OVERRIDING SYSTEM VALUE TABLE "kept_{table}"')
        for sequence, value, called in self._session.execute(_SEQUENCES).fetchall():
            statements.append(f"SELECT setval('public.\"{sequence}\"', {value}, {called})")
        self._set_back = ";".join(["BEGIN", *statements, "COMMIT"])
        self._shape = self._session.execute(_SHAPE).fetchall()

    @property
    def url(self) -> str:
        """SQLAlchemy's address."""
        return self._server.url(self._name)

    def set_back(self) -> bool:
        """End every other connection and bring the first rows back. False when there are other tables by now."""
        self._execute(_OTHERS)
        if self._session.execute(_SHAPE).fetchall() != self._shape:
            return False
        self._execute(self._set_back)
        return True

    def close(self) -> None:
        """Forget it."""
        self._session.close()
        self._server.drop(self._name)

    def _execute(self, statements: str) -> None:
        self._session.execute(statements.encode())
