"""`/-/live` behind a real uvicorn: who is let in, what the bytes look like, slow and stuck readers, the goodbye."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import httpx2
import pytest

from jogakbo.contract.streams import Position
from jogakbo_shell.live.grants import GrantRefused, Grants
from jogakbo_shell.live.limits import Limits
from shell.tests.live.live_portal import BOARD, ME, frames_of, live_portal

pytestmark = pytest.mark.anyio

Eventually = Callable[[Callable[[], bool]], Awaitable[None]]


async def test_a_stream_says_hello_and_then_what_changes() -> None:
    async with live_portal() as (portal, client), client.stream("GET", "/-/live", params=portal.query()) as answer:
        assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
        assert answer.headers["cache-control"] == "no-store, no-transform"
        frames = frames_of(answer)
        assert await anext(frames) == {"event": "hello", "data": '{"sample":0.05}', "id": "orders:1-100"}

        portal.change("second")

        frame = await anext(frames)
        assert frame["event"] == "fragment"
        assert frame["id"] == "orders:1-101"
        assert '"id":"f-orders-board"' in frame["data"]
        assert '"html":"second"' in frame["data"]


async def test_a_stream_resumes_at_the_last_event_id_as_at_a_cursor() -> None:
    async with live_portal() as (portal, client):
        query = portal.query(cursor="")
        headers = {"last-event-id": portal.log.cursor}
        portal.change("second")
        async with client.stream("GET", "/-/live", params=query, headers=headers) as answer:
            frames = frames_of(answer)
            assert [(await anext(frames))["event"] for _ in range(2)] == ["hello", "fragment"]


async def test_heartbeats_move_the_cursor() -> None:
    limits = Limits(heartbeat_seconds=0.02)
    async with (
        live_portal(limits) as (portal, client),
        client.stream("GET", "/-/live", params=portal.query()) as answer,
    ):
        frames = frames_of(answer)
        await anext(frames)
        portal.hub.changed("orders", Position(1, 101), frozenset())
        beats = [await anext(frames) for _ in range(2)]

    assert beats[-1] == {"event": "heartbeat", "data": "{}", "id": "orders:1-101"}


@pytest.mark.parametrize("grant", ["", "nonsense", "W10.aaaa.bbbb"])
async def test_without_a_grant_of_ours_nobody_is_told_anything(grant: str) -> None:
    async with live_portal() as (_, client):
        answer = await client.get("/-/live", params={"grant": grant})

    assert answer.status_code == 403
    assert answer.headers["content-type"] == "application/problem+json"


async def test_a_grant_is_of_no_use_to_another_session() -> None:
    async with live_portal() as (portal, client):
        query = portal.query()
        portal.who = "guest-ba9876543210"
        assert (await client.get("/-/live", params=query)).status_code == 403
        assert (await client.head("/-/live", params=query)).status_code == 403


async def test_a_grant_can_be_asked_after_without_opening_a_stream() -> None:
    async with live_portal() as (portal, client):
        assert (await client.head("/-/live", params=portal.query())).status_code == 200


def test_an_old_grant_is_refused() -> None:
    grants = Grants(b"secret", lifetime_seconds=-1)
    text = grants.sign((BOARD,), "en", ME)
    with pytest.raises(GrantRefused, match="too old"):
        grants.verify(text, ME)


@pytest.mark.parametrize("limits", [Limits(connections=1), Limits(connections_per_visitor=1)])
async def test_one_stream_too_many_is_told_to_come_back(limits: Limits) -> None:
    async with (
        live_portal(limits) as (portal, client),
        client.stream("GET", "/-/live", params=portal.query()),
    ):
        answer = await client.get("/-/live", params=portal.query())

    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "5"


async def test_nothing_is_left_of_a_browser_that_has_gone(eventually: Eventually) -> None:
    async with live_portal() as (portal, client):
        async with client.stream("GET", "/-/live", params=portal.query()):
            assert len(portal.hub.connections) == 1
        await eventually(lambda: not portal.hub.connections)


async def test_at_the_end_streams_get_a_goodbye_and_the_server_exits() -> None:
    async with live_portal() as (portal, client):
        async with client.stream("GET", "/-/live", params=portal.query()) as answer:
            frames = frames_of(answer)
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
    async with live_portal(Limits(send_seconds=0.2)) as (portal, _):
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
