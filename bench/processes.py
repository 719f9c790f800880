"""Programs under measurement and around it: each in a group of its own, on one core, gone when we are gone."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Self

import psutil

LOAD_CORE = 0
SYSTEM_CORE = 1

_PR_SET_PDEATHSIG = 1
_GOODBYE_SECONDS = 5.0
_libc = ctypes.CDLL(None)


class Broken(Exception):
    """A program did not do what it was started for; the message has the end of what it printed."""


class Process:
    """A program that runs until `stop`, on `core` or wherever there is room; what it prints goes to `log`."""

    def __init__(
        self,
        words: Sequence[str | Path],
        *,
        core: int | None,
        log: Path,
        environment: Mapping[str, str] | None = None,
        folder: Path | None = None,
    ) -> None:
        log.parent.mkdir(parents=True, exist_ok=True)
        self._words = [str(word) for word in words]
        self.log = log
        with log.open("wb") as sink:
            self._process = subprocess.Popen(
                self._words,
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=subprocess.STDOUT,
                cwd=folder,
                env={**os.environ, **(environment or {})},
                start_new_session=True,
                preexec_fn=lambda: bind_to(core),  # noqa: PLW1509 - no thread here
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        return self._process.pid

    def cpu_seconds(self) -> float:
        """User and system time of the program and of all that it has started."""
        times = [process.cpu_times() for process in self._tree()]
        return sum(one.user + one.system for one in times)

    def rss_bytes(self) -> int:
        """Memory of the program and of all that it has started; what they share is counted for each."""
        return sum(process.memory_info().rss for process in self._tree())

    def pss_bytes(self) -> int:
        """Memory of the program and of all that it has started; what they share is counted once."""
        return sum(process.memory_full_info().pss for process in self._tree())

    def connections(self, port: int) -> int:
        """How many connections to its port the program and all that it has started hold."""
        held = (one for process in self._tree() for one in process.net_connections("tcp4"))
        return sum(one.laddr.port == port and bool(one.raddr) for one in held)

    def wait_until(self, condition: Callable[[], bool], what: str, seconds: float = 20.0) -> None:
        """Raises Broken when the program ends, or the condition does not hold in time."""
        deadline = time.monotonic() + seconds
        while not condition():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise Broken(f"{self._words[0]}: no {what}\n{self.log.read_text(errors='replace')[-2000:]}")
            time.sleep(0.02)

    def stop(self) -> None:
        self._process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_GOODBYE_SECONDS)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def _tree(self) -> list[psutil.Process]:
        top = psutil.Process(self._process.pid)
        return [top, *top.children(recursive=True)]


def run(words: Sequence[str | Path], *, core: int, environment: Mapping[str, str] | None = None) -> str:
    """A program that ends by itself, and what it printed. Raises CalledProcessError."""
    with subprocess.Popen(
        [str(word) for word in words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, **(environment or {})},
        start_new_session=True,
        preexec_fn=lambda: bind_to(core),  # noqa: PLW1509 - no thread here
    ) as process:
        try:
            printed, _ = process.communicate()
        except BaseException:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            raise
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, process.args, printed)
    return printed


def bind_to(core: int | None) -> None:
    """Stay on one core, if one is named, and end when the parent does, even if it is killed."""
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if core is not None:
        os.sched_setaffinity(0, {core})


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0
