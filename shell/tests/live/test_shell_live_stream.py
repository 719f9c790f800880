"""`/-/live` behind a real uvicorn: who is let in, what the bytes look like, slow and stuck readers, the goodbye."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from typing import cast

import httpx2
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.routing import Route
from starlette.types import Scope

from jogakbo.contract.streams import Position
from jogakbo_shell.composition.rendered import Rendered
from jogakbo_shell.instance import Instance
from jogakbo_shell.live.changelog import ChangeLog
from jogakbo_shell.live.endpoint import LiveEndpoint
from jogakbo_shell.live.grants import GrantRefused, Grants
from jogakbo_shell.live.hub import Hub
from jogakbo_shell.live.limits import Limits
from jogakbo_shell.live.pace import Pace
from jogakbo_shell.live.post import Post
from jogakbo_shell.live.protocol import LiveProtocol
from jogakbo_shell.live.streams import Streams

pytestmark = pytest.mark.anyio

BOARD = Instance.parse("orders/board")
ME = "guest-0123456789ab"
Eventually = Callable[[Callable[[], bool]], Awaitable[None]]


class FakeFragments:
    def __init__(self) -> None:
        self.text = "first"

    async def render(self, instance: Instance) -> Rendered:
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


class Portal:
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

    def query(self, cursor: str | None = None) -> dict[str, str]:
        grant = self.grants.sign((BOARD,), "en", ME)
        return {"grant": grant, "cursor": self.log.cursor if cursor is None else cursor}

    async def start(self) -> asyncio.Task[None]:
        sockets = [socket.create_server(("127.0.0.1", 0))]
        self.port = sockets[0].getsockname()[1]
        return asyncio.create_task(self.server.serve(sockets))


@asynccontextmanager
async def _portal(limits: Limits | None = None) -> AsyncIterator[tuple[Portal, httpx2.AsyncClient]]:
    portal = Portal(limits or Limits())
    serving = await portal.start()
    async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{portal.port}", timeout=5) as client:
        yield portal, client
    portal.streams.stop()
    portal.server.should_exit = True
    async with asyncio.timeout(5):
        await serving


async def _frames(answer: httpx2.Response) -> AsyncIterator[dict[str, str]]:
    """Each frame as its fields."""
    lines: list[str] = []
    async for line in answer.aiter_lines():
        if line:
            lines.append(line)
        else:
            yield dict(cast(tuple[str, str], tuple(line.split(": ", 1))) for line in lines)
            lines.clear()


async def test_a_stream_says_hello_and_then_what_changes() -> None:
    async with _portal() as (portal, client), client.stream("GET", "/-/live", params=portal.query()) as answer:
        assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
        assert answer.headers["cache-control"] == "no-store, no-transform"
        frames = _frames(answer)
        assert await anext(frames) == {"event": "hello", "data": '{"sample":0.05}', "id": "orders:1-100"}

        portal.change("second")

        frame = await anext(frames)
        assert frame["event"] == "fragment"
        assert frame["id"] == "orders:1-101"
        assert '"id":"f-orders-board"' in frame["data"]
        assert '"html":"second"' in frame["data"]


async def test_a_stream_resumes_at_the_last_event_id_as_at_a_cursor() -> None:
    async with _portal() as (portal, client):
        query = portal.query(cursor="")
        headers = {"last-event-id": portal.log.cursor}
        portal.change("second")
        async with client.stream("GET", "/-/live", params=query, headers=headers) as answer:
            frames = _frames(answer)
            assert [(await anext(frames))["event"] for _ in range(2)] == ["hello", "fragment"]


async def test_heartbeats_move_the_cursor() -> None:
    limits = Limits(heartbeat_seconds=0.02)
    async with (
        _portal(limits) as (portal, client),
        client.stream("GET", "/-/live", params=portal.query()) as answer,
    ):
        frames = _frames(answer)
        await anext(frames)
        portal.hub.changed("orders", Position(1, 101), frozenset())
        beats = [await anext(frames) for _ in range(2)]

    assert beats[-1] == {"event": "heartbeat", "data": "{}", "id": "orders:1-101"}


@pytest.mark.parametrize("grant", ["", "nonsense", "W10.aaaa.bbbb"])
async def test_without_a_grant_of_ours_nobody_is_told_anything(grant: str) -> None:
    async with _portal() as (_, client):
        answer = await client.get("/-/live", params={"grant": grant})

    assert answer.status_code == 403
    assert answer.headers["content-type"] == "application/problem+json"


async def test_a_grant_is_of_no_use_to_another_session() -> None:
    async with _portal() as (portal, client):
        query = portal.query()
        portal.who = "guest-ba9876543210"
        assert (await client.get("/-/live", params=query)).status_code == 403
        assert (await client.head("/-/live", params=query)).status_code == 403


async def test_a_grant_can_be_asked_after_without_opening_a_stream() -> None:
    async with _portal() as (portal, client):
        assert (await client.head("/-/live", params=portal.query())).status_code == 200


def test_an_old_grant_is_refused() -> None:
    grants = Grants(b"secret", lifetime_seconds=-1)
    text = grants.sign((BOARD,), "en", ME)
    with pytest.raises(GrantRefused, match="too old"):
        grants.verify(text, ME)


@pytest.mark.parametrize("limits", [Limits(connections=1), Limits(connections_per_visitor=1)])
async def test_one_stream_too_many_is_told_to_come_back(limits: Limits) -> None:
    async with (
        _portal(limits) as (portal, client),
        client.stream("GET", "/-/live", params=portal.query()),
    ):
        answer = await client.get("/-/live", params=portal.query())

    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "5"


async def test_nothing_is_left_of_a_browser_that_has_gone(eventually: Eventually) -> None:
    async with _portal() as (portal, client):
        async with client.stream("GET", "/-/live", params=portal.query()):
            assert len(portal.hub.connections) == 1
        await eventually(lambda: not portal.hub.connections)


async def test_at_the_end_streams_get_a_goodbye_and_the_server_exits() -> None:
    async with _portal() as (portal, client):
        async with client.stream("GET", "/-/live", params=portal.query()) as answer:
            frames = _frames(answer)
            await anext(frames)
            await portal.streams.drain(1)
            portal.server.should_exit = True
            last = [frame async for frame in frames]

        assert last[-1]["event"] == "goodbye"
        assert 0 < int(last[-1]["retry"]) <= 5_000
        async with asyncio.timeout(5):
            while portal.server.server_state.connections:  # noqa: ASYNC110  # uvicorn tells nobody
                await asyncio.sleep(0.01)


async def test_a_browser_that_does_not_read_is_cut_and_costs_no_memory(eventually: Eventually) -> None:
    async with _portal(Limits(send_seconds=0.2)) as (portal, _):
        reader, writer = await asyncio.open_connection("127.0.0.1", portal.port, limit=1024)
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        request = httpx2.Request("GET", f"http://127.0.0.1:{portal.port}/-/live", params=portal.query())
        writer.write(f"GET {request.url.raw_path.decode()} HTTP/1.1\r\nhost: localhost\r\n\r\n".encode())
        await eventually(lambda: len(portal.hub.connections) == 1)
        turns = 0

        def is_cut() -> bool:
            nonlocal turns
            turns += 1
            if turns % 4 == 0:
                portal.change(f"{turns}" * 200_000)
            return not portal.hub.connections

        await eventually(is_cut)
        await eventually(lambda: not portal.server.server_state.connections)
        writer.close()
        assert reader
