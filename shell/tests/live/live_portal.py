"""A uvicorn with nothing but the live endpoint, and a browser's way of reading it."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import cast

import httpx2
import uvicorn
from starlette.applications import Starlette
from starlette.routing import Route
from starlette.types import Scope

from jogakbo.contract.streams import Position
from jogakbo_shell.composition.rendered import Rendered
from jogakbo_shell.instance import Instance
from jogakbo_shell.live.changelog import ChangeLog
from jogakbo_shell.live.endpoint import LiveEndpoint
from jogakbo_shell.live.grants import Grants
from jogakbo_shell.live.hub import Hub
from jogakbo_shell.live.limits import Limits
from jogakbo_shell.live.pace import Pace
from jogakbo_shell.live.post import Post
from jogakbo_shell.live.protocol import LiveProtocol
from jogakbo_shell.live.streams import Streams
from shell.tests.closing import hang_up, take_no_more

BOARD = Instance.parse("orders/board")
ME = "guest-0123456789ab"


class FakeFragments:
    """`gate` holds renders up while it is closed."""

    def __init__(self) -> None:
        self.text = "first"
        self.renders = 0
        self.gate = asyncio.Event()
        self.gate.set()

    async def render(self, instance: Instance) -> Rendered:
        self.renders += 1
        await self.gate.wait()
        markup = self.text.encode()
        return Rendered(markup, "fresh", 200, self.text[:20], frozenset({"orders"}), False, "", 0)


class FakeShell:
    """Cache and catalog that have nothing to say."""

    def purge(self, keys: Iterable[str], *, soft: bool = False) -> int:
        return 0

    def purge_servers(self, servers: Iterable[str], *, soft: bool = False) -> int:
        return 0

    def streams(self) -> frozenset[str]:
        return frozenset({"orders"})

    def servers_of(self, stream: str) -> frozenset[str]:
        return frozenset({"orders"})

    def is_private(self, instance: Instance) -> bool:
        return False


class LivePortal:
    """A uvicorn with nothing but the live endpoint; `who` is whose session every request belongs to."""

    def __init__(self, limits: Limits) -> None:
        self.who = ME
        self.log, self.fragments = ChangeLog(), FakeFragments()
        self.hub = Hub(self.log, self.fragments, FakeShell(), FakeShell(), Pace(0, 0, 0))
        self.grants = Grants(b"secret")
        post = Post(self.hub.settled)
        self.hub.frames_go_by(post)
        self.streams = Streams(self.hub, post, limits)
        self.endpoint = LiveEndpoint(self.streams, self.grants, FakeShell(), self._subject)
        app = Starlette(routes=[Route("/-/live", self.endpoint, methods=["GET"])])
        config = uvicorn.Config(app, port=0, http=LiveProtocol, lifespan="off", log_level="warning")
        self.server = uvicorn.Server(config)
        self.hub.resynced("orders", Position(1, 100))
        self.port = 0

    def _subject(self, scope: Scope) -> str:
        return self.who

    def change(self, text: str) -> None:
        self.fragments.text = text
        last = self.log.position("orders")
        assert last is not None
        self.hub.changed("orders", Position(1, last.seq + 1), frozenset({"orders"}))

    def grant(self, *instances: Instance, subject: str = ME) -> str:
        return self.grants.sign(instances or (BOARD,), "en", subject)

    def query(self, cursor: str | None = None) -> dict[str, str]:
        return {"grant": self.grant(), "cursor": self.log.cursor if cursor is None else cursor}

    async def start(self, send_bytes: int) -> asyncio.Task[None]:
        self.listener = socket.create_server(("127.0.0.1", 0))
        if send_bytes:
            self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, send_bytes)
        self.port = self.listener.getsockname()[1]
        return asyncio.create_task(self.server.serve([self.listener]))


@asynccontextmanager
async def live_portal(
    limits: Limits | None = None, *, send_bytes: int = 0
) -> AsyncIterator[tuple[LivePortal, httpx2.AsyncClient]]:
    """`send_bytes` is what the kernel may hold for each client; 0 leaves it to the kernel."""
    portal = LivePortal(limits or Limits())
    serving = await portal.start(send_bytes)
    async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{portal.port}", timeout=5) as client:
        yield portal, client
    portal.streams.stop()
    await take_no_more(portal.listener)
    portal.server.should_exit = True
    async with asyncio.timeout(5):
        await serving
    await hang_up(portal.server)


async def frames_of(answer: httpx2.Response) -> AsyncIterator[dict[str, str]]:
    """Each frame as its fields."""
    lines: list[str] = []
    async for line in answer.aiter_lines():
        if line:
            lines.append(line)
        else:
            yield dict(cast(tuple[str, str], tuple(line.split(": ", 1))) for line in lines)
            lines.clear()
