"""Processes of the small world: they die with this one, and can be killed, hung and started again."""

from __future__ import annotations

import asyncio
import ctypes
import os
import random
import signal
import socket
import subprocess
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path

_LIBC = ctypes.CDLL(None)
_PR_SET_PDEATHSIG = 1
_START_SECONDS = 30.0
_POLL_SECONDS = 0.05
_PORTS = range(20_000, 32_000)  # below those that the kernel gives away: a port stays ours while nobody listens on it


class NotWithin(AssertionError):
    """What was waited for did not come; the message says what and how long."""


async def until(condition: Callable[[], Awaitable[bool]], what: str, seconds: float = _START_SECONDS) -> None:
    """Ask again and again. Raises NotWithin."""
    deadline = time.monotonic() + seconds
    while not await condition():
        if time.monotonic() > deadline:
            raise NotWithin(f"not within {seconds:g} s: {what}")
        await asyncio.sleep(_POLL_SECONDS)


def free_port() -> int:
    for port in random.sample(_PORTS, 200):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise OSError(f"no free port in {_PORTS}")


async def status_of(port: int, path: str, seconds: float = 1.0) -> int:
    """The status of a GET; 0 if there is no answer."""
    try:
        async with asyncio.timeout(seconds):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            try:
                writer.write(f"GET {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n".encode())
                line = await reader.readline()
            finally:
                writer.close()
        return int(line.split()[1]) if line.startswith(b"HTTP/") else 0
    except (OSError, TimeoutError, ValueError, IndexError):
        return 0


class Member:
    """One process in all its lives: the same words, port and log."""

    def __init__(
        self, name: str, words: Sequence[str], port: int, log: Path, environment: Mapping[str, str] | None = None
    ) -> None:
        self.name = name
        self.port = port
        self._words = words
        self._log = log
        self._environment = _surroundings() | dict(environment or {})
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def runs(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        with self._log.open("ab") as sink:
            self._process = subprocess.Popen(
                self._words,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C is for us; we end them
                preexec_fn=_die_with_parent,  # noqa: PLW1509 - it calls the kernel and nothing else
            )

    async def is_ready(self) -> bool:
        return await status_of(self.port, "/readyz") == 200

    async def wait_ready(self, seconds: float = _START_SECONDS) -> None:
        """Raises NotWithin, also when it has ended."""

        async def ready_or_dead() -> bool:
            return not self.runs or await self.is_ready()

        await until(ready_or_dead, f"{self.name} is ready", seconds)
        if not self.runs:
            raise NotWithin(f"{self.name} ended at its start: see {self._log}")

    def send(self, number: signal.Signals) -> None:
        if self._process is not None and self.runs:
            self._process.send_signal(number)

    async def end(self, number: signal.Signals = signal.SIGKILL, seconds: float = 15.0) -> None:
        """Send a signal and wait until it is gone; one that does not go is killed."""
        self.send(number)
        gives_up_at = time.monotonic() + seconds
        while self.runs:
            if time.monotonic() > gives_up_at:
                self.send(signal.SIGKILL)
            await asyncio.sleep(_POLL_SECONDS)

    async def restart(self) -> None:
        self.start()
        await self.wait_ready()

    def destroy(self) -> None:
        """At the end, without waiting for anything but the kernel."""
        if self._process is not None and self.runs:
            self._process.kill()
            self._process.wait()


class Valkey(Member):
    """Keeps nothing between two lives."""

    def __init__(self, binary: Path, port: int, folder: Path) -> None:
        words = [str(binary), "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
        super().__init__("valkey", words, port, folder / "valkey.log")

    async def is_ready(self) -> bool:
        try:
            async with asyncio.timeout(1):
                reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
                writer.write(b"PING\r\n")
                answer = await reader.readline()
                writer.close()
        except (OSError, TimeoutError):
            return False
        return answer == b"+PONG\r\n"


def _surroundings() -> dict[str, str]:
    """What somebody has set for a portal of their own is not for this one."""
    own = ("PORT", "HOST", "REDIS_URL", "JWKS_URL", "FRAGMENT_SERVERS", "PAGES_DIR", "SERVICE_URL")
    return {name: value for name, value in os.environ.items() if name not in own}


def _die_with_parent() -> None:
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
