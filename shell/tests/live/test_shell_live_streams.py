"""Many streams and how they end: several pages in one, polls, rotation, slow readers, revocation, drain."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from functools import partial
from itertools import pairwise

import httpx2
import pytest
from prometheus_client import REGISTRY

from jogakbo.contract.streams import Position
from jogakbo_shell.instance import Instance
from jogakbo_shell.live.connection import Connection
from jogakbo_shell.live.limits import Limits
from shell.tests.live.live_portal import BOARD, ME, LivePortal, frames_of, live_portal
from shell.tests.wire import wire

pytestmark = pytest.mark.anyio

Eventually = Callable[[Callable[[], bool]], Awaitable[None]]
BOARD_KO = Instance.parse("orders/board", "ko")
TICKET = Instance.parse("orders/ticket?id=1")
OTHER = "guest-ba9876543210"


def figure(name: str) -> float:
    return REGISTRY.get_sample_value(f"jogakbo_live_{name}") or 0.0


def told(body: str) -> list[tuple[str, dict[str, object]]]:
    """Events and their data."""
    frames = [dict(line.split(": ", 1) for line in part.split("\n")) for part in body.split("\n\n") if part]
    return [(frame["event"], json.loads(frame["data"])) for frame in frames]


def _is_past(moment: float) -> bool:
    return time.monotonic() > moment


def pages(portal: LivePortal, *of: tuple[str, str]) -> list[tuple[str, str | int | float | bool | None]]:
    return [pair for grant, cursor in of for pair in (("grant", grant), ("cursor", cursor))]


# Several pages in one stream.


async def test_one_stream_tells_what_any_of_its_pages_shows_in_the_language_of_each() -> None:
    async with live_portal() as (portal, client):
        korean = portal.grants.sign((BOARD_KO, TICKET), "ko", "")
        query = pages(portal, (portal.grant(), portal.log.cursor), (korean, portal.log.cursor))
        async with client.stream("GET", "/-/live", params=query) as answer:
            frames = frames_of(answer)
            await anext(frames)
            portal.change("second")
            came = [json.loads((await anext(frames))["data"]) for _ in range(3)]
    assert {(frame["id"], frame["locale"]) for frame in came} == {
        (BOARD.dom_id, "en"),
        (BOARD.dom_id, "ko"),
        (TICKET.dom_id, "ko"),
    }


async def test_of_several_cursors_the_lowest_counts() -> None:
    async with live_portal() as (portal, client):
        old = portal.log.cursor
        portal.change("second")
        query = pages(portal, (portal.grant(), portal.log.cursor), (portal.grant(TICKET), old))
        body = (await client.get("/-/live", params=[*query, ("once", "1")])).text
    assert {str(data["id"]) for event, data in told(body) if event == "fragment"} == {BOARD.dom_id, TICKET.dom_id}


async def test_a_page_without_a_cursor_has_seen_nothing() -> None:
    async with live_portal() as (portal, client):
        query = [("grant", portal.grant()), ("grant", portal.grant(TICKET)), ("cursor", portal.log.cursor)]
        body = (await client.get("/-/live", params=[*query, ("once", "1")])).text
    assert len([event for event, _ in told(body) if event == "fragment"]) == 2


async def test_the_refused_among_several_grants_are_named() -> None:
    async with live_portal() as (portal, client):
        others = portal.grant(TICKET, subject=OTHER)
        answer = await client.get("/-/live", params={"grant": [portal.grant(), others, "nonsense"]})
    assert answer.status_code == 403
    assert answer.json()["refused"] == [1, 2]


async def test_no_browser_shows_so_many_pages() -> None:
    async with live_portal() as (portal, client):
        assert (await client.head("/-/live", params={"grant": [portal.grant()] * 16})).status_code == 200
        assert (await client.head("/-/live", params={"grant": [portal.grant()] * 17})).status_code == 403


@pytest.mark.parametrize(("age", "renders"), [("60000", 1), ("0", 2), ("soon", 2), ("9" * 20, 2)])
async def test_who_comes_during_a_render_with_what_is_older_is_sent_it(
    age: str, renders: int, eventually: Eventually
) -> None:
    async with live_portal() as (portal, client), AsyncExitStack() as stack:
        portal.fragments.gate.clear()
        query = portal.query(cursor="") | {"age": age}
        came = []
        for number in range(3):
            came.append(frames_of(await stack.enter_async_context(client.stream("GET", "/-/live", params=query))))
            await anext(came[number])
            await eventually(lambda: portal.fragments.renders == 1)
        portal.fragments.gate.set()
        for frames in came:
            assert (await anext(frames))["event"] == "fragment"
        await eventually(lambda: portal.hub.settled() == portal.log.cursor)
        assert portal.fragments.renders == renders


# Polls.


async def test_a_poll_is_a_whole_answer_with_what_has_changed(eventually: Eventually) -> None:
    async with live_portal() as (portal, client):
        query = portal.query() | {"once": "1"}
        portal.change("second")
        answer = await client.get("/-/live", params=query)
        assert int(answer.headers["content-length"]) == len(answer.content)
        assert [event for event, _ in told(answer.text)] == ["hello", "fragment", "settled"]
        assert answer.text.endswith("id: orders:1-101\n\n")
        assert not portal.hub.connections
        again = await client.get("/-/live", params=portal.query(cursor="orders:1-101") | {"once": "1"})
        assert [event for event, _ in told(again.text)] == ["hello"]


async def test_a_poll_that_can_tell_nothing_ends_and_leaves_the_cursor_where_it_was() -> None:
    async with live_portal(Limits(poll_seconds=0.1)) as (portal, client):
        query = portal.query() | {"once": "1"}
        portal.fragments.gate.clear()
        portal.change("second")
        answer = await client.get("/-/live", params=query)
        assert [event for event, _ in told(answer.text)] == ["hello"]
        assert "\nid: " not in answer.text
        portal.fragments.gate.set()
        assert '"second"' in (await client.get("/-/live", params=query)).text


async def test_a_poll_does_not_pass_over_a_change_that_is_still_to_be_rendered(eventually: Eventually) -> None:
    async with live_portal() as (portal, _):
        portal.fragments.gate.clear()
        connection = Connection([BOARD], [], ME)
        poll = asyncio.create_task(portal.streams.poll(connection, ("",), frozenset()))
        await eventually(lambda: portal.fragments.renders == 1)
        before = portal.log.cursor
        portal.change("second")
        portal.fragments.gate.set()
        assert (await poll).endswith(f"id: {before}\n\n".encode())


@pytest.mark.parametrize("limits", [Limits(connections=1), Limits(connections_per_visitor=1)])
async def test_a_poll_counts_as_a_stream_while_it_waits(limits: Limits, eventually: Eventually) -> None:
    async with live_portal(limits) as (portal, client):
        query = portal.query() | {"once": "1"}
        portal.fragments.gate.clear()
        portal.change("second")
        first = asyncio.create_task(client.get("/-/live", params=query))
        await eventually(lambda: bool(portal.hub.connections))
        assert (await client.get("/-/live", params=query)).status_code == 503
        portal.fragments.gate.set()
        assert (await first).status_code == 200
        assert (await client.get("/-/live", params=query)).status_code == 200


# Rotation.


@pytest.mark.parametrize("busy", [False, True], ids=["idle", "busy"])
async def test_after_its_time_a_stream_is_asked_to_come_again(busy: bool) -> None:
    rotations = figure("rotations_total")
    async with (
        live_portal(Limits(rotate_seconds=0.1, heartbeat_seconds=10 if busy else 0.05)) as (portal, client),
        client.stream("GET", "/-/live", params=portal.query()) as answer,
    ):
        events = []
        async for frame in frames_of(answer):
            events.append(frame["event"])
            if busy:
                portal.change(f"version {len(events)}")
    assert events[-1] == "goodbye"
    assert ("heartbeat" in events) is not busy
    assert figure("rotations_total") == rotations + 1


# Readers that do not read.


async def test_a_mailbox_that_overflows_ends_its_stream(eventually: Eventually) -> None:
    overflows = figure("mailbox_overflows_total")
    async with (
        live_portal(Limits(mailbox_bytes=300_000, send_seconds=60), send_bytes=4096) as (portal, _),
        wire(f"http://127.0.0.1:{portal.port}", receive_bytes=4096) as stuck,
    ):
        tickets = [Instance.parse(f"orders/ticket?id={number}") for number in range(8)]
        await stuck.get(f"/-/live?grant={portal.grant(BOARD, *tickets)}&cursor={portal.log.cursor}")
        await eventually(lambda: len(portal.streams) == 1)
        stuck.stop_reading()
        portal.change("a" * 20_000)  # of nine fragments: more than the kernel takes, and less than the mailbox
        await eventually(lambda: len(portal.streams.stalled) == 1)
        portal.change("b" * 60_000)
        await eventually(lambda: not portal.streams)
    assert figure("mailbox_overflows_total") == overflows + 1


async def test_who_reads_slowly_is_not_cut(eventually: Eventually) -> None:
    cuts = figure("cut_total")
    async with (
        live_portal(Limits(send_seconds=0.2), send_bytes=4096) as (portal, _),
        wire(f"http://127.0.0.1:{portal.port}", receive_bytes=4096) as slow,
    ):
        await slow.get(f"/-/live?grant={portal.grant()}&cursor={portal.log.cursor}")
        await slow.head()
        portal.change("x" * 100_000)
        came, began = 0, time.monotonic()
        while came < 100_000:
            piece = await slow.some(8_192)
            assert piece, "the stream was cut"
            came += len(piece)
            # Slower than it could, for longer than a stuck one may.
            await eventually(partial(_is_past, began + came / 100_000))
    assert figure("cut_total") == cuts


async def test_what_waited_for_a_slow_reader_leaves_when_it_reads_again(eventually: Eventually) -> None:
    async with (
        live_portal(Limits(heartbeat_seconds=60), send_bytes=4096) as (portal, _),
        wire(f"http://127.0.0.1:{portal.port}", receive_bytes=4096) as slow,
    ):
        await slow.get(f"/-/live?grant={portal.grant()}&cursor={portal.log.cursor}")
        await slow.head()
        slow.stop_reading()
        portal.change("x" * 60_000)
        await eventually(lambda: len(portal.streams.stalled) == 1)
        portal.change("second")
        portal.change("third")
        await eventually(lambda: portal.hub.settled() == portal.log.cursor)
        slow.go_on_reading()
        assert b'"html":"third"' in await slow.until(b'"html":"third"')
        assert not len(portal.streams.stalled)


async def test_a_stream_that_says_something_needs_no_heartbeat() -> None:
    events, said = [], []
    async with (
        live_portal(Limits(heartbeat_seconds=0.4, rotate_seconds=1)) as (portal, client),
        client.stream("GET", "/-/live", params=portal.query()) as answer,
    ):
        async for frame in frames_of(answer):
            events.append(frame["event"])
            said.append(time.monotonic())
            portal.change(f"version {len(events)}")
    was_quiet = max(after - before for before, after in pairwise(said)) > 0.15  # on a machine that has stood still
    assert set(events) - ({"heartbeat"} if was_quiet else set()) == {"hello", "fragment", "goodbye"}


async def test_while_something_is_owed_no_frame_moves_the_cursor() -> None:
    async with live_portal() as (portal, client):
        portal.fragments.gate.clear()
        async with client.stream("GET", "/-/live", params=portal.query(cursor="")) as answer:
            frames = frames_of(answer)
            hello = await anext(frames)
            assert "id" not in hello
            assert json.loads(hello["data"])["owes"] is True
            portal.fragments.gate.set()
            assert "id" not in await anext(frames)
            assert await anext(frames) == {"event": "settled", "data": "{}", "id": portal.log.cursor}


async def test_what_the_client_says_later_means_nothing(eventually: Eventually) -> None:
    async with live_portal() as (portal, _), wire(f"http://127.0.0.1:{portal.port}") as browser:
        await browser.get(f"/-/live?grant={portal.grant()}&cursor={portal.log.cursor}")
        await browser.head()
        await browser.until(b"hello")
        await browser.send(b"GET /-/live HTTP/1.1\r\nhost: x\r\n\r\n" + b"\x00" * 100_000)
        portal.change("second")
        assert b'"second"' in await browser.until(b'"second"')
        assert len(portal.streams) == 1
    await eventually(lambda: not portal.streams)


# What is not known.


async def test_while_the_bus_is_away_every_page_is_told_that_what_it_shows_may_be_old() -> None:
    async with live_portal() as (portal, client), AsyncExitStack() as stack:
        first = frames_of(await stack.enter_async_context(client.stream("GET", "/-/live", params=portal.query())))
        await anext(first)
        portal.streams.say_behind(True)
        assert (await anext(first))["event"] == "lost"
        later = frames_of(await stack.enter_async_context(client.stream("GET", "/-/live", params=portal.query())))
        assert [(await anext(later))["event"] for _ in range(2)] == ["hello", "lost"]
        polled = (await client.get("/-/live", params=portal.query() | {"once": "1"})).text
        assert [event for event, _ in told(polled)] == ["hello", "lost"]
        portal.streams.say_behind(False)
        assert [(await anext(frames))["event"] for frames in (first, later)] == ["hello", "hello"]


# Ends.


async def test_a_session_that_is_over_ends_its_streams_and_no_others() -> None:
    async with live_portal() as (portal, client), AsyncExitStack() as stack:
        mine = await stack.enter_async_context(client.stream("GET", "/-/live", params=portal.query()))
        portal.who = OTHER
        query = {"grant": portal.grant(subject=OTHER), "cursor": portal.log.cursor}
        theirs = frames_of(await stack.enter_async_context(client.stream("GET", "/-/live", params=query)))
        await anext(theirs)

        portal.streams.revoke(ME)

        assert [frame["event"] async for frame in frames_of(mine)] == ["hello", "reload"]
        portal.change("second")
        assert (await anext(theirs))["event"] == "fragment"


async def test_at_the_end_streams_are_told_to_go_a_few_at_a_time() -> None:
    limits = Limits(goodbyes_per_second=100, connections_per_visitor=50)
    loop = asyncio.get_running_loop()
    async with live_portal(limits) as (portal, client), AsyncExitStack() as stack:
        answers = [
            frames_of(await stack.enter_async_context(client.stream("GET", "/-/live", params=portal.query())))
            for _ in range(40)
        ]
        for frames in answers:
            await anext(frames)

        async def ended_at(frames: object) -> float:
            assert [frame["event"] async for frame in frames] == ["goodbye"]  # type: ignore[attr-defined]
            return loop.time()

        ends = [asyncio.create_task(ended_at(frames)) for frames in answers]
        await portal.streams.drain(5)
        assert not portal.streams
        times = sorted([await end for end in ends])
        assert times[-1] - times[0] > 0.2  # of the 0.4 s that forty take at this pace
        refused = await client.get("/-/live", params=portal.query())
        assert (refused.status_code, refused.json()["code"]) == (503, "leaving")


async def test_a_drain_does_not_wait_for_who_does_not_read(eventually: Eventually) -> None:
    async with (
        live_portal(Limits(send_seconds=60), send_bytes=4096) as (portal, _),
        wire(f"http://127.0.0.1:{portal.port}", receive_bytes=4096) as stuck,
    ):
        await stuck.get(f"/-/live?grant={portal.grant()}&cursor={portal.log.cursor}")
        await eventually(lambda: len(portal.streams) == 1)
        stuck.stop_reading()
        portal.change("x" * 400_000)
        await eventually(lambda: len(portal.streams.stalled) == 1)
        async with asyncio.timeout(3):
            await portal.streams.drain(30)
        assert not portal.streams


async def test_observers_are_told_of_what_opens_closes_and_asks(eventually: Eventually) -> None:
    seen: list[tuple[str, str]] = []

    class Observer:
        def opened(self, connection: Connection) -> None:
            seen.append(("opened", connection.visitor))
            connection.tell("presence", b"event: presence\ndata: {}\n")

        def closed(self, connection: Connection) -> None:
            seen.append(("closed", connection.visitor))

        def polled(self, connection: Connection) -> None:
            seen.append(("polled", connection.visitor))
            connection.tell("presence", b"event: presence\ndata: {}\n")

    async with live_portal() as (portal, client):
        portal.streams.listen(Observer())
        async with client.stream("GET", "/-/live", params=portal.query()) as answer:
            frames = frames_of(answer)
            assert [(await anext(frames))["event"] for _ in range(2)] == ["hello", "presence"]
        await eventually(lambda: seen == [("opened", ME), ("closed", ME)])
        polled = await client.get("/-/live", params={**portal.query(), "once": "1"})
        assert "event: presence" in polled.text
        assert seen[2:] == [("polled", ME)]


async def test_how_old_a_frame_is_when_it_is_sent_is_measured() -> None:
    async with (
        live_portal() as (portal, client),
        client.stream("GET", "/-/live", params=portal.query()) as answer,
    ):
        frames = frames_of(answer)
        await anext(frames)
        before = figure("frame_age_seconds_count"), figure("frame_age_seconds_sum")
        portal.fragments.text = "second"
        portal.hub.changed("orders", Position(1, 101), frozenset({"orders"}), happened_at=0)
        await anext(frames)
    assert figure("frame_age_seconds_count") == before[0] + 1
    assert figure("frame_age_seconds_sum") > before[1] + 1_000_000_000  # since 1970


async def test_ten_that_open_a_stream_and_go_at_once_leave_nothing(eventually: Eventually) -> None:
    async with live_portal() as (portal, _):
        for _ in range(10):
            async with wire(f"http://127.0.0.1:{portal.port}") as browser:
                await browser.get(f"/-/live?grant={portal.grant()}&cursor=")
        async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{portal.port}") as client:
            await client.head("/-/live", params=portal.query())
        await eventually(lambda: not portal.streams and not portal.hub.instances)
