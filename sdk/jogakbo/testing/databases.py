"""A pytest plugin: tests of what touches a database run on SQLite and on PostgreSQL, each on a fresh one.

Switched on by ``-p jogakbo.testing.databases``::

    @pytest.fixture
    def database(fresh_database: FreshDatabase) -> Iterator[Database]:
        database = Database(fresh_database("inventory", _prepare), migrations=MIGRATIONS)
        yield database
        database.close()

Tests whose point is not the database may run on one of them: ``pytestmark = pytest.mark.databases("sqlite")``.
"""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Protocol

import pytest

from jogakbo.testing.copies import PostgresCopy
from jogakbo.testing.postgres import Postgres

DATABASE_KINDS = ("sqlite", "postgresql")

Prepare = Callable[[str], None]
"""Fills the empty database at an SQLAlchemy URL, and closes its connections."""


class FreshDatabase(Protocol):
    """What the fixture ``fresh_database`` is: gives the URL of a database that only this test knows.

    ``prepare`` fills a template once in a session, under its ``name`` (an identifier of SQL); the test gets a copy
    of it. Without one the database is empty.
    """

    def __call__(self, name: str = "empty", prepare: Prepare | None = None) -> str: ...


class _Templates:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._made: set[str] = set()
        self._numbers = itertools.count(1)
        self._server: Postgres | None = None
        self._free: dict[str, list[PostgresCopy]] = {}

    def sqlite(self, name: str, prepare: Prepare | None, folder: Path) -> str:
        copy = folder / f"{name}-{next(self._numbers)}.db"
        if prepare is not None:
            template = self._folder / f"{name}.db"
            self._make_once(f"sqlite:///{template}", prepare)
            shutil.copy(template, copy)
        return f"sqlite:///{copy}"

    @contextmanager
    def postgresql(self, name: str, prepare: Prepare | None) -> Iterator[str]:
        free = self._free.setdefault(name, [])
        copy = free.pop() if free else self._copy(name, prepare)
        yield copy.url
        if prepare is not None and copy.set_back():
            free.append(copy)
        else:
            copy.close()

    def stop(self) -> None:
        for copy in itertools.chain(*self._free.values()):
            copy.close()
        if self._server is not None:
            self._server.stop()

    def _copy(self, name: str, prepare: Prepare | None) -> PostgresCopy:
        server, template = self._started(), "template1"
        if prepare is not None:
            template = f"template_{name}"
            self._make_template(server, template, prepare)
        return PostgresCopy(server, f"copy_{next(self._numbers)}", template)

    def _make_template(self, server: Postgres, template: str, prepare: Prepare) -> None:
        url = server.url(template)
        if url in self._made:
            return
        server.create(template)
        try:
            self._make_once(url, prepare)
        except BaseException:
            server.drop(template)  # so that the next test fails for the same reason, not for this half
            raise

    def _make_once(self, url: str, prepare: Prepare) -> None:
        if url not in self._made:
            prepare(url)
            self._made.add(url)

    def _started(self) -> Postgres:
        if self._server is None:
            self._server = Postgres()
            self._server.start()
        return self._server


@pytest.fixture(scope="session")
def _database_templates(tmp_path_factory: pytest.TempPathFactory) -> Iterator[_Templates]:
    templates = _Templates(tmp_path_factory.mktemp("templates"))
    yield templates
    templates.stop()


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "databases(*kinds): run on these kinds of databases only, not on all")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "database_kind" in metafunc.fixturenames:
        marker = metafunc.definition.get_closest_marker("databases")
        metafunc.parametrize("database_kind", marker.args if marker else DATABASE_KINDS, indirect=True)


@pytest.fixture
def database_kind(request: pytest.FixtureRequest) -> str:
    """``sqlite`` or ``postgresql``."""
    kind: str = request.param
    return kind


@pytest.fixture
def fresh_database(database_kind: str, _database_templates: _Templates, tmp_path: Path) -> Iterator[FreshDatabase]:
    """Fresh databases of the test's kind; they are gone when it ends."""
    with ExitStack() as made:

        def fresh(name: str = "empty", prepare: Prepare | None = None) -> str:
            if database_kind == "sqlite":
                return _database_templates.sqlite(name, prepare, tmp_path)
            return made.enter_context(_database_templates.postgresql(name, prepare))

        yield fresh
