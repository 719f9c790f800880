"""The shell as a process of its own, as it is run."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import socket
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from shell.tests.harness import until_true
from shell.tests.wire import wire

_START_SECONDS = 20.0
_END_SECONDS = 15.0
_PORTS = range(20_000, 32_000)


@dataclass
class ShellProcess:
    origin: str
    process: asyncio.subprocess.Process

    @property
    def resident_bytes(self) -> int:
        return int(psutil.Process(self.process.pid).memory_info().rss)

    @property
    def connections(self) -> int:
        """Those of clients and to fragment servers."""
        return len([one for one in psutil.Process(self.process.pid).net_connections("tcp4") if one.raddr])

    def terminate(self) -> None:
        self.process.send_signal(signal.SIGTERM)

    async def exit_status(self) -> int:
        async with asyncio.timeout(_END_SECONDS):
            return await self.process.wait()

    async def answers(self, path: str) -> bool:
        try:
            async with wire(self.origin) as browser:
                await browser.get(path)
                return (await browser.reply()).status == 200
        except OSError:
            return False


def free_port() -> int:
    """None that the kernel gives to a connection in between, nor likely another test that runs beside this one."""
    for port in random.sample(_PORTS, 200):
        with socket.socket() as free, suppress(OSError):
            free.bind(("127.0.0.1", port))
            return port
    raise OSError(f"no free port in {_PORTS}")


@asynccontextmanager
async def shell_process(
    folder: Path, servers: Mapping[str, str], until: str = "/readyz", /, **settings: object
) -> AsyncIterator[ShellProcess]:
    """Answers at `until`; killed at the end if it has not ended by itself. Its log is added to the file `log`."""
    port, log = settings.pop("port", None) or free_port(), settings.pop("log", None)
    values: dict[str, object] = {
        "port": port,
        "redis_url": "",
        "shell_data_dir": folder,
        "fragment_servers": " ".join(f"{name}={address}" for name, address in servers.items()),
        "log_level": "error",
        **settings,
    }
    environment = os.environ | {name.upper(): str(value) for name, value in values.items()}
    with Path(str(log)).open("ab") if log else nullcontext() as stderr:  # noqa: ASYNC230
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "jogakbo_shell", env=environment, stderr=stderr
        )
    shell = ShellProcess(f"http://127.0.0.1:{port}", process)
    try:
        await until_true(lambda: shell.answers(until), _START_SECONDS)
        yield shell
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
