"""The whole portal as people start it: `jogak up` as a process, on free ports, with a data folder of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import cast

import httpx2
import psutil

ROOT = Path(__file__).parent.parent.parent
START_SECONDS = 60.0
STOP_SECONDS = 20.0
_PAGES = ("/", "/board", "/stock", "/stock/milk?upto=1", "/menu", "/till", "/reports", "/reports/2026-01-01", "/checks")


def eventually(condition: Callable[[], bool], what: str, seconds: float = 10.0) -> None:
    """Wait for a condition that only shows from outside, by looking again and again."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds:g} s: {what}")
        time.sleep(0.02)


class Portal:
    """A running portal. Everything is asked from outside: its state file, `jogak`, HTTP and signals."""

    def __init__(self, var: Path, *words: str, **environment: str) -> None:
        self.var = var
        self._output = var / "output.log"
        var.mkdir(parents=True, exist_ok=True)
        with self._output.open("ab") as sink:
            self.process = subprocess.Popen(
                self._jogak("up", "--free-ports", "--with-parent", *words),
                stdout=sink,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                cwd=ROOT,
                env={**_surroundings(), **environment},
            )

    def wait_ready(self, seconds: float = START_SECONDS) -> Portal:
        """Return when every member is ready."""
        eventually(lambda: self.process.poll() is not None or bool(self._state().get("ready")), "ready", seconds)
        if self.process.poll() is not None:
            raise AssertionError(f"the portal did not start:\n{self.output()}")
        return self

    def look_round(self) -> Portal:
        """Open the pages once, as whoever has deployed a portal does. A first view takes ten times as long as others
        (SQL, threads and connections), and may miss its deadline on a machine that does much else at the time.
        """
        with httpx2.Client(base_url=self.url, timeout=10.0, trust_env=False) as client:
            eventually(lambda: all(client.get(path).status_code == 200 for path in _PAGES), "every page in time")
        return self

    @property
    def url(self) -> str:
        """The origin that browsers talk to."""
        return cast(str, self._state()["url"])

    @property
    def redis_url(self) -> str:
        """The bus."""
        return cast(str, self._state()["redis_url"])

    def names(self) -> list[str]:
        """Every process by name, Valkey among them."""
        return list(self._members())

    def pid(self, name: str) -> int:
        """The process of a member."""
        return cast(int, self._members()[name]["pid"])

    def state(self, name: str) -> str:
        """`ready`, `starting`, `paused`…"""
        return cast(str, self._members()[name]["state"])

    def url_of(self, name: str) -> str:
        """Where a member answers by itself: what people never see."""
        return f"http://127.0.0.1:{self._members()[name]['port']}"

    def ask(self, name: str, path: str) -> dict[str, object]:
        """GET JSON from a member."""
        answer = httpx2.get(self.url_of(name) + path, timeout=10.0, trust_env=False)
        answer.raise_for_status()
        return cast(dict[str, object], answer.json())

    def restart(self, *names: str) -> None:
        """`jogak restart`, which returns when they are ready."""
        subprocess.run(self._jogak("restart", *names), cwd=ROOT, check=True, capture_output=True, env=_surroundings())

    def send_signal(self, name: str, number: signal.Signals) -> None:
        """SIGKILL, SIGSTOP, SIGCONT… to a member."""
        os.kill(self.pid(name), number)

    def wait_state(self, name: str, state: str, seconds: float = 20.0) -> None:
        """Return when a member is in that state."""
        eventually(lambda: self.state(name) == state, f"{name} {state}", seconds)

    def processes(self) -> list[psutil.Process]:
        """The supervisor and all that it has started."""
        supervisor = psutil.Process(self.process.pid)
        return [supervisor, *supervisor.children(recursive=True)]

    def output(self) -> str:
        """All that it has printed."""
        return self._output.read_text(errors="replace")

    def stop(self) -> int:
        """SIGTERM, and the exit code."""
        if self.process.poll() is None:
            self.process.terminate()
        return self.process.wait(STOP_SECONDS)

    def _members(self) -> dict[str, dict[str, object]]:
        return cast(dict[str, dict[str, object]], self._state().get("members", {}))

    def _state(self) -> dict[str, object]:
        try:
            state = cast(dict[str, object], json.loads((self.var / "run" / "portal.json").read_bytes()))
        except FileNotFoundError:
            return {}
        return state if state["pid"] == self.process.pid else {}  # not one that was killed in the same folder

    def _jogak(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "jogakbo.cli", *words, "--var", str(self.var)]


def _surroundings() -> dict[str, str]:
    # What a developer has set for a portal of their own is not for the one under test.
    own = ("PORT", "HOST", "REDIS_URL", "JWKS_URL", "FRAGMENT_SERVERS", "LOG_FORMAT", "PYTHONDONTWRITEBYTECODE")
    kept = {name: value for name, value in os.environ.items() if name not in own}
    return {name: value for name, value in kept.items() if not name.endswith(("_DATABASE_URL", "_SERVICE_URL"))}
