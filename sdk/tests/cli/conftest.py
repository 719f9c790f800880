"""A tiny portal of fake members, and `jogak` as a process of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast
from urllib.error import URLError
from urllib.request import urlopen

import psutil
import pytest

BOUND_SECONDS = 15.0

MEMBER = """
import http.server, json, os, signal

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/crash":
            os._exit(3)
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps({"pid": os.getpid(), "version": VERSION, "environment": dict(os.environ)}).encode())

    def log_message(self, *words):
        pass

def main():
    print("serving", VERSION)
    if os.environ.get("STUBBORN"):
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    http.server.HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
"""

PORTAL = """
preload = []

[valkey]
port = 8379

[[member]]
name = "shell"
kind = "shell"
module = "fake_shell"
port = 8000
needs = ["tea-fragment"]

[[member]]
name = "tea-fragment"
kind = "fragment"
module = "fake_tea"
port = 8101
needs = ["tea-service"]

[[member]]
name = "tea-service"
kind = "service"
module = "fake_tea"
port = 8201
database = "tea"
"""


def eventually(condition: Callable[[], bool], what: str, seconds: float = BOUND_SECONDS) -> None:
    """Wait for a condition of another process, which can only be looked at again and again."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.02)


class Running:
    """One `jogak` process and what it says of itself."""

    def __init__(self, process: subprocess.Popen[bytes], var: Path, output: Path) -> None:
        self.process = process
        self.var = var
        self._output = output

    @property
    def output(self) -> str:
        return self._output.read_text()

    def state(self) -> dict[str, object]:
        try:
            return cast(dict[str, object], json.loads((self.var / "run" / "portal.json").read_bytes()))
        except FileNotFoundError:
            return {}

    def member(self, name: str) -> dict[str, object]:
        return cast(dict[str, dict[str, object]], self.state()["members"])[name]

    def members(self) -> list[str]:
        return list(cast(dict[str, object], self.state()["members"]))

    def wait_state(self, name: str, state: str) -> None:
        eventually(lambda: self.member(name)["state"] == state, f"{name} {state}")

    def wait_another(self, name: str, before: int) -> None:
        """Until the member is ready in another process than `before`."""
        eventually(
            lambda: self.member(name)["state"] == "ready" and self.member(name)["pid"] not in (before, None),
            f"another {name}",
        )

    def pid(self, name: str) -> int:
        return cast(int, self.member(name)["pid"])

    def port(self, name: str) -> int:
        return cast(int, self.member(name)["port"])

    def ask(self, name: str, path: str = "/") -> dict[str, object]:
        with urlopen(f"http://127.0.0.1:{self.port(name)}{path}", timeout=5) as answer:
            return cast(dict[str, object], json.load(answer))

    def crash(self, name: str) -> None:
        with pytest.raises((URLError, ConnectionError)):
            self.ask(name, "/crash")

    def wait_ready(self) -> Running:
        eventually(self._is_ready_or_over, "ready")
        assert self.process.poll() is None, self.output
        return self

    def wait_said(self, text: str) -> None:
        eventually(lambda: text in self.output, f"{text!r} in the log:\n{self.output}")

    def processes(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(BOUND_SECONDS)

    def _is_ready_or_over(self) -> bool:
        return bool(self.state().get("ready")) or self.process.poll() is not None


class Bench:
    """A folder with a portal.toml and the code of its members."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.var = folder / "var"
        self.started: list[Running] = []
        (folder / "portal.toml").write_text(PORTAL)
        for name in ("shell", "tea"):
            self.write_member(name, version=1)

    def write_member(self, name: str, version: int) -> None:
        package = self.folder / f"fake_{name}"
        package.mkdir(exist_ok=True)
        (package / "__init__.py").touch()
        (package / "__main__.py").write_text(f"VERSION = {version}\n{MEMBER}")

    def start(self, *words: str, var: Path | None = None, **environment: str) -> Running:
        return self._start(self._command("up", *words, var=var), var, environment)

    def start_by_another(self, *words: str) -> Running:
        """`jogak up` as the child of a process that can be killed: `process` is that one."""
        wait_for_it = "import subprocess, sys; subprocess.run(sys.argv[1:])"
        return self._start([sys.executable, "-c", wait_for_it, *self._command("up", *words, var=None)], None, {})

    @contextmanager
    def start_into_a_pipe(self, *words: str) -> Iterator[tuple[Running, IO[bytes]]]:
        """`jogak up | …`, with the reading end."""
        with subprocess.Popen(
            self._command("up", *words, var=None),
            stdout=subprocess.PIPE,
            cwd=self.folder,
            env=self._environment({}),
        ) as process:
            assert process.stdout is not None
            self.started.append(Running(process, self.var, self.folder / "no-output"))
            yield self.started[-1], process.stdout

    def _start(self, command: list[str], var: Path | None, environment: dict[str, str]) -> Running:
        output = self.folder / f"output-{len(self.started)}.log"
        with output.open("wb") as sink:
            process = subprocess.Popen(
                command,
                stdout=sink,
                stderr=subprocess.STDOUT,
                cwd=self.folder,
                env=self._environment(environment),
            )
        self.started.append(Running(process, var or self.var, output))
        return self.started[-1]

    def wait_status(self, code: int) -> None:
        """Until `jogak status` ends with it."""
        eventually(lambda: self.run("status").returncode == code, f"status {code}")

    def run(self, *words: str, var: Path | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self._command(*words, var=var),
            cwd=self.folder,
            env=self._environment(environment),
            capture_output=True,
            text=True,
            timeout=BOUND_SECONDS,
            check=False,
        )

    def _command(self, *words: str, var: Path | None) -> list[str]:
        return [sys.executable, "-m", "jogakbo.cli", *words, "--var", str(var or self.var)]

    def _environment(self, extra: dict[str, str]) -> dict[str, str]:
        inherited = {name: value for name, value in os.environ.items() if name not in ("PORT", "HOST", "REDIS_URL")}
        return {**inherited, "PYTHONPATH": str(self.folder), "PYTHONDONTWRITEBYTECODE": "1", **extra}


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path)
    yield bench
    for running in bench.started:
        if running.process.poll() is None:
            running.process.kill()
            running.process.wait()
