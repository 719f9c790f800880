"""Debian's Varnish with the configuration that this repository ships, as a process of the test's own."""

from __future__ import annotations

import ctypes
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2

from shell.tests.harness import FakeFragmentServer, Portal, portal, until_true

_VCL = Path(__file__).parents[2] / "deploy" / "varnish" / "default.vcl"
_START_SECONDS = 30.0
_STOP_SECONDS = 10.0
_LIBC = ctypes.CDLL(None)
_PR_SET_PDEATHSIG = 1


class Varnish:
    """Listens on a free port; in front of whatever shell listens on `shell_port`."""

    def __init__(self, folder: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.shell_port: int = free.getsockname()[1]
        self._folder = folder
        self._vcl = folder / "default.vcl"
        self._vcl.write_text(_VCL.read_text().replace('.port = "8000"', f'.port = "{self.shell_port}"'))
        self._process: subprocess.Popen[bytes] | None = None
        self.url = ""

    def start(self) -> None:
        binary = shutil.which("varnishd", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")
        assert binary, "no varnishd: sh shell/tests/ensure_varnish.sh installs it"
        with (self._folder / "log").open("wb") as log:
            self._process = subprocess.Popen(
                [
                    binary,
                    "-F",
                    "-j",
                    "none",
                    "-n",
                    self._folder,
                    "-f",
                    self._vcl,
                    "-a",
                    "127.0.0.1:0",
                    "-s",
                    "default,32m",
                ],
                stdout=log,
                stderr=log,
                preexec_fn=_die_with_parent,  # noqa: PLW1509  # it calls the kernel and nothing else
            )
        ends = time.monotonic() + _START_SECONDS
        while not (listens := self._listens()):
            assert self._process.poll() is None, (self._folder / "log").read_text()
            assert time.monotonic() < ends, "varnish did not start"
            time.sleep(0.05)
        self.url = f"http://127.0.0.1:{listens}"

    def forget(self) -> None:
        """Drop all that is kept."""
        self._tell("ban", "req.url ~ .")

    def forget_pages(self) -> None:
        """The same for pages, but not for what stands in them."""
        self._tell("ban", "req.url !~ ^/-/")

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(_STOP_SECONDS)

    def _listens(self) -> str:
        """The port, once there is a child that answers on it; `a0 127.0.0.1 45123` is how it is told."""
        if "running" not in self._tell("status"):
            return ""
        return self._tell("debug.listen_address").split()[-1]

    def _tell(self, *words: str) -> str:
        told = subprocess.run(
            ["varnishadm", "-n", self._folder, "-t", "5", *words], capture_output=True, text=True, check=False
        )
        return told.stdout


def _die_with_parent() -> None:
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


@dataclass
class Edge:
    """`shell` is asked directly, `client` asks Varnish."""

    shell: Portal
    client: httpx2.AsyncClient

    async def get(self, path: str, **headers: str) -> httpx2.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.client.get(path, headers={"accept": "text/html", **named})


Fronted = Callable[..., AbstractAsyncContextManager[Edge]]


def front(varnish: Varnish, folder: Path) -> Fronted:
    """A shell with Varnish in front of it: `async with fronted(cafe) as edge`; Varnish outlives the shell."""

    @asynccontextmanager
    async def start(cafe: FakeFragmentServer, **settings: object) -> AsyncIterator[Edge]:
        varnish.forget()
        values: dict[str, Any] = {"esi_edges": "127.0.0.1", "edge_purge_urls": varnish.url, **settings}
        async with (
            portal(folder, {"cafe": cafe.address}, at_port=varnish.shell_port, **values) as shell,
            httpx2.AsyncClient(base_url=varnish.url, timeout=10, trust_env=False) as client,
        ):
            edge = Edge(shell, client)
            await until_shown(edge, "/livez", "ok")  # Varnish leaves a shell that was away alone for a moment
            yield edge

    return start


async def until_shown(edge: Edge, path: str, text: str) -> None:
    async def is_shown() -> bool:
        return text in (await edge.get(path)).text

    await until_true(is_shown)
