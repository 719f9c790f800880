"""Fragment servers that do what a test says, byte by byte, and a shell in front of them over real HTTP."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import httpx2
from starlette.applications import Starlette

from jogakbo_shell.app import create_app
from jogakbo_shell.server import Server, build_server
from jogakbo_shell.settings import Settings
from shell.tests.closing import close, hang_up, take_no_more

_BOUND_SECONDS = 15.0
_POLL_SECONDS = 0.01
_LOOKS_SECONDS = 3.0


@dataclass
class Received:
    method: str
    target: str
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str:
        return ", ".join(value for key, value in self.headers if key.lower() == name)


Behaviour = Callable[[Received, asyncio.StreamWriter], Awaitable[None]]


def answer(
    body: str | bytes = b"", status: int = 200, headers: Mapping[str, str] | None = None, reason: str = "Whatever"
) -> Behaviour:
    """A well-formed answer, `text/html` unless told otherwise."""
    payload = body.encode() if isinstance(body, str) else body
    fields = {"content-type": "text/html; charset=utf-8", **(headers or {}), "content-length": str(len(payload))}
    head = f"HTTP/1.1 {status} {reason}\r\n" + "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return raw(head.encode() + b"\r\n" + payload)


def cacheable(body: str, keys: str = "", policy: str = "max-age=60, stale-if-error=600", **more: str) -> Behaviour:
    return answer(body, headers={"cache-control": policy, "surrogate-key": keys, **more})


def raw(payload: bytes) -> Behaviour:
    async def behave(request: Received, writer: asyncio.StreamWriter) -> None:
        writer.write(payload)
        await writer.drain()

    return behave


async def hang(request: Received, writer: asyncio.StreamWriter) -> None:
    """Take the request and never say a word."""
    await asyncio.Event().wait()


class Gate:
    """An answer that comes when the test says so; `reached` is set when the request is there."""

    def __init__(self, then: Behaviour) -> None:
        self.reached = asyncio.Event()
        self.open = asyncio.Event()
        self.then = then

    async def __call__(self, request: Received, writer: asyncio.StreamWriter) -> None:
        self.reached.set()
        await self.open.wait()
        await self.then(request, writer)


@dataclass
class FakeFragmentServer:
    """Listens on a free port; `at` maps a path (without query) to what happens there."""

    at: dict[str, Behaviour] = field(default_factory=dict)
    received: list[Received] = field(default_factory=list)
    connections: int = 0
    open_connections: int = 0
    port: int = 0
    _server: asyncio.Server | None = None
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def declare(self, name: str = "cafe", version: str = "1", **fragments: Mapping[str, object]) -> None:
        """Show a manifest with these fragments, each at `/<name>`."""
        self.at["/manifest.json"] = answer(manifest(name, version, **fragments), headers={"content-type": "x/json"})
        self.at.setdefault("/readyz", answer('{"checks": {}}'))

    def requests(self, path: str) -> list[Received]:
        return [request for request in self.received if request.target.partition("?")[0] == path]

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._visited, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        assert self._server is not None
        await close(self._server)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.stop()

    def _visited(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.open_connections += 1
        task = asyncio.create_task(self._serve(reader, writer))
        self._tasks.add(task)

        def left(_: asyncio.Task[None]) -> None:
            # Also of one that was cancelled before its first step.
            self.open_connections -= 1
            self._tasks.discard(task)
            writer.close()

        task.add_done_callback(left)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.CancelledError):
            while await self._exchange(reader, writer):
                pass

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError:
            return False
        lines = head.decode("latin-1").split("\r\n")
        method, target, _ = lines[0].split(" ")
        pairs = (line.partition(":") for line in lines[1:] if line)
        request = Received(method, target, [(name, value.strip()) for name, _, value in pairs], b"")
        request.body = await reader.readexactly(int(request.header("content-length") or 0))
        self.received.append(request)
        behaviour = self.at.get(target.partition("?")[0], answer("no such path", 404))
        working = asyncio.ensure_future(behaviour(request, writer))
        leaving = asyncio.ensure_future(reader.read(1))
        try:
            await asyncio.wait({working, leaving}, return_when=asyncio.FIRST_COMPLETED)
            return working.done() and not writer.is_closing()
        finally:
            for task in (working, leaving):
                task.cancel()
            await asyncio.gather(working, leaving, return_exceptions=True)


def manifest(name: str = "cafe", version: str = "1", **fragments: Mapping[str, object]) -> str:
    declared = {key: {"path": f"/{key}", "title": {"en": key.title()}, **value} for key, value in fragments.items()}
    first = next(iter(declared.values()))["path"] if declared else "/"
    return json.dumps(
        {
            "name": name,
            "version": version,
            "content": first,
            "team": "test",
            "css": [{"value": f"/assets/{name}.css?v=1", "type": "text/css"}],
            "jogakbo": {
                "contract": 1,
                "fragments": declared,
                "pages": [
                    {"path": f"/{name}", "title": {"en": "Café", "ko": "카페"}, "nav": {"en": "Café"}}
                    | {"fragments": [f"{name}/{key}" for key in declared]}
                ],
            },
        }
    )


LUNCH = '[[page]]\npath = "/lunch"\ntemplate = "lunch.html"\ntitle = { en = "Lunch" }\n'


def pages(folder: Path, table: str = LUNCH, **templates: str) -> Path:
    """A PAGES_DIR with this table, and `lunch="…"` as `lunch.html`."""
    folder.mkdir(exist_ok=True)
    (folder / "pages.toml").write_text(table)
    for name, text in templates.items():
        (folder / f"{name}.html").write_text(text)
    return folder


@dataclass
class Portal:
    app: Starlette
    server: Server
    client: httpx2.AsyncClient
    origin: str

    async def is_ready(self) -> bool:
        return (await self.get("/readyz")).status_code == 200

    async def knows_all(self) -> bool:
        """Whether no server's first look, cut short on a busy machine, is still to be made up for."""
        checks = (await self.get("/readyz")).json()["checks"].values()
        return all(check["version"] or check["status"] not in ("ok", "unknown") for check in checks)

    async def shows(self, path: str, text: str) -> bool:
        return text in (await self.get(path)).text

    async def get(self, path: str, **headers: str) -> httpx2.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.client.get(path, headers={"accept": "text/html", **named})

    async def post(self, path: str, data: Mapping[str, str] | None = None, **headers: str) -> httpx2.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        allowed = {"accept": "text/html", "sec-fetch-site": "same-origin", **named}
        return await self.client.post(path, data=dict(data or {}), headers=allowed)


@asynccontextmanager
async def portal(
    folder: Path, servers: Mapping[str, str], *, at_port: int = 0, **settings: object
) -> AsyncIterator[Portal]:
    """A shell over real HTTP in front of these fragment servers; quick to give up, so that tests are quick."""
    listener = socket.create_server(("127.0.0.1", at_port))
    values: dict[str, object] = {
        "redis_url": "",
        "shell_data_dir": folder,
        "fragment_servers": " ".join(f"{name}={address}" for name, address in servers.items()),
        "fragment_deadline_ms": 500,
        "page_deadline_ms": 600,
        "page_budget_ms": 300,
        "action_deadline_ms": 800,
        "manifest_interval_ms": 100,
        "breaker_retry_ms": 50,
        **settings,
    }
    configured = Settings.model_validate(values)
    app = create_app(configured)
    server = build_server(app, configured)
    serving = asyncio.create_task(server.serve([listener]))
    origin = f"http://127.0.0.1:{listener.getsockname()[1]}"
    try:
        async with httpx2.AsyncClient(base_url=origin, timeout=10, trust_env=False) as client:
            shell = Portal(app, server, client, origin)
            await eventually(lambda: server.started)
            await until_true(shell.is_ready)
            with suppress(TimeoutError):  # some tests have a server that never shows a manifest
                await until_true(shell.knows_all, _LOOKS_SECONDS)
            yield shell
    finally:
        await take_no_more(listener)
        server.should_exit = True
        await serving
        await hang_up(server)
        listener.close()


async def until_true(asked: Callable[[], Awaitable[bool]], seconds: float = _BOUND_SECONDS) -> None:
    """Ask until the answer is yes, with a bound."""
    async with asyncio.timeout(seconds):
        while not await asked():  # noqa: ASYNC110 - the other side is another process or a real socket
            await asyncio.sleep(_POLL_SECONDS)


async def eventually(condition: Callable[[], bool], seconds: float = _BOUND_SECONDS) -> None:
    """Wait until a condition holds, with a bound."""

    async def asked() -> bool:
        return condition()

    await until_true(asked, seconds)
