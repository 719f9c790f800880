"""Requests that call back, through every adapter of the port: told once, told late enough, told not at all."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

import pytest
from structlog.testing import capture_logs

from jogakbo_shell.upstream.errors import GoingDown, TimedOut, Unreachable, Unsendable, UpstreamError
from jogakbo_shell.upstream.pool import PooledUpstream
from jogakbo_shell.upstream.port import Answer, Call, HeaderLines, Request, Upstream
from shell.tests.harness import FakeFragmentServer, Gate, Received, answer, eventually, hang

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, bool]]:
    """The loop that the portal runs on."""
    return "asyncio", {"use_uvloop": True}


class Told:
    """A `done` that remembers, and goes on to the next thing if there is one."""

    def __init__(self, then: Callable[[], object] | None = None) -> None:
        self.outcomes: list[Answer | UpstreamError] = []
        self._then = then
        self._event = asyncio.Event()

    def __call__(self, outcome: Answer | UpstreamError) -> None:
        self.outcomes.append(outcome)
        self._event.set()
        if self._then is not None:
            self._then()

    async def outcome(self) -> Answer | UpstreamError:
        async with asyncio.timeout(5):
            await self._event.wait()
        return self.outcomes[0]


def begin(upstream: Upstream, url: str, told: Told, deadline: float = 2.0, *more: HeaderLines) -> Call:
    return upstream.begin(upstream.prepare(Request(url)), more, deadline=deadline, done=told)


def body(outcome: Answer | UpstreamError) -> bytes:
    assert isinstance(outcome, Answer)
    return outcome.body


async def test_a_prepared_request_is_sent_with_what_else_belongs_to_it(
    upstream: Upstream, cafe: FakeFragmentServer
) -> None:
    cafe.at["/x"] = answer("hello")
    prepared = upstream.prepare(Request(f"{cafe.address}/x?a=1", {"accept": "text/html"}))
    common = HeaderLines.of({"podium-locale": "ko", "podium-debug": "false"})
    for number in "12":
        told = Told()
        upstream.begin(prepared, (common, HeaderLines.of({"x-number": number})), deadline=1, done=told)
        assert body(await told.outcome()) == b"hello"
    for number, got in zip("12", cafe.received, strict=True):
        assert got.target == "/x?a=1"
        assert [got.header(name) for name in ("accept", "accept-encoding")] == ["text/html", "identity"]
        assert [got.header(name) for name in ("podium-locale", "podium-debug", "x-number")] == ["ko", "false", number]


async def test_a_body_goes_behind_all_headers(upstream: Upstream, cafe: FakeFragmentServer) -> None:
    cafe.at["/x"] = answer("hello")
    told = Told()
    prepared = upstream.prepare(Request(f"{cafe.address}/x", method="POST", body=b"a=1"))
    upstream.begin(prepared, [HeaderLines.of({"x-a": "b"})], deadline=1, done=told)
    assert body(await told.outcome()) == b"hello"
    assert (cafe.received[0].header("x-a"), cafe.received[0].body) == ("b", b"a=1")


async def test_the_one_who_began_has_the_call_before_it_is_over(upstream: Upstream, cafe: FakeFragmentServer) -> None:
    cafe.at["/x"] = answer("x")
    url = f"{cafe.address}/x"
    await upstream.fetch(Request(url), deadline=1)  # leaves a connection that is ready
    for deadline in (1.0, 0.0):
        told = Told()
        begin(upstream, url, told, deadline)
        assert not told.outcomes
        await told.outcome()
    await upstream.close()
    told = Told()
    begin(upstream, url, told)
    assert not told.outcomes
    assert isinstance(await told.outcome(), GoingDown)


async def test_nobody_listening_is_told_once(upstream: Upstream, cafe: FakeFragmentServer) -> None:
    await cafe.stop()
    told = Told()
    begin(upstream, f"{cafe.address}/x", told)
    assert isinstance(await told.outcome(), Unreachable)
    assert len(told.outcomes) == 1


async def test_an_answer_after_the_deadline_is_not_told(upstream: Upstream, cafe: FakeFragmentServer) -> None:
    gate = Gate(answer("late"))
    cafe.at["/x"] = gate
    told = Told()
    begin(upstream, f"{cafe.address}/x", told, 0.05)
    assert isinstance(await told.outcome(), TimedOut)
    gate.open.set()
    await eventually(lambda: cafe.open_connections == 0)
    assert len(told.outcomes) == 1


async def test_a_cancelled_call_drops_its_connection_and_is_never_told(
    upstream: Upstream, cafe: FakeFragmentServer
) -> None:
    cafe.at["/x"] = hang
    told = Told()
    call = begin(upstream, f"{cafe.address}/x", told)
    await eventually(lambda: cafe.requests("/x") != [])
    call.cancel()
    call.cancel()
    await eventually(lambda: cafe.open_connections == 0)
    assert not told.outcomes


async def test_a_call_cancelled_as_soon_as_it_began_is_never_told(upstream: Upstream, cafe: FakeFragmentServer) -> None:
    cafe.at["/x"] = answer("x")
    told = Told()
    for deadline in (1.0, 0.0):
        begin(upstream, f"{cafe.address}/x", told, deadline).cancel()
    await upstream.fetch(Request(f"{cafe.address}/x"), deadline=1)
    await upstream.close()
    begin(upstream, f"{cafe.address}/x", told).cancel()
    await asyncio.sleep(0)
    assert not told.outcomes
    assert len(cafe.requests("/x")) == 1


async def test_a_call_cancelled_while_it_waits_is_never_sent(upstream: Upstream, cafe: FakeFragmentServer) -> None:
    gate = Gate(answer("x"))
    cafe.at["/x"], cafe.at["/late"] = gate, answer("late")
    holding = [Told() for _ in range(4)]
    for told in holding:
        begin(upstream, f"{cafe.address}/x", told)
    await eventually(lambda: cafe.open_connections == 4)
    late = Told()
    call = begin(upstream, f"{cafe.address}/late", late)
    await asyncio.sleep(0)
    call.cancel()
    gate.open.set()
    assert [body(await told.outcome()) for told in holding] == [b"x"] * 4
    assert not cafe.requests("/late")
    assert not late.outcomes


async def test_cancelling_a_call_that_is_over_harms_no_other(upstream: Upstream, cafe: FakeFragmentServer) -> None:
    cafe.at["/x"] = answer("x")
    first, second = Told(), Told()
    call = begin(upstream, f"{cafe.address}/x", first)
    await first.outcome()
    begin(upstream, f"{cafe.address}/x", second)
    call.cancel()
    assert body(await second.outcome()) == b"x"
    assert cafe.connections == 1


async def test_one_call_may_begin_the_next_on_the_same_connection(upstream: Upstream, cafe: FakeFragmentServer) -> None:
    cafe.at["/x"] = answer("x")
    last = Told()

    def again() -> None:
        begin(upstream, f"{cafe.address}/x", last if len(cafe.received) == 4 else Told(again))

    again()
    assert body(await last.outcome()) == b"x"
    assert (len(cafe.received), cafe.connections) == (5, 1)


async def test_one_call_may_cancel_others(upstream: Upstream, cafe: FakeFragmentServer) -> None:
    cafe.at["/x"], cafe.at["/y"] = answer("x"), hang
    others: list[Call] = []

    def cancel() -> None:
        for call in others:
            call.cancel()

    never = [Told() for _ in range(6)]
    others += [begin(upstream, f"{cafe.address}/y", told) for told in never[:3]]
    await eventually(lambda: len(cafe.requests("/y")) == 3)
    told = Told(cancel)
    begin(upstream, f"{cafe.address}/x", told)
    others += [begin(upstream, f"{cafe.address}/y", told) for told in never[3:]]  # these wait
    assert body(await told.outcome()) == b"x"
    assert body(await _asked(upstream, f"{cafe.address}/x")) == b"x"
    assert not any(each.outcomes for each in never)


async def test_what_a_caller_raises_is_logged_and_harms_nobody(upstream: Upstream, cafe: FakeFragmentServer) -> None:
    cafe.at["/x"] = answer("x")

    def fail() -> None:
        raise ValueError("the caller's own fault")

    with capture_logs() as logs:
        told = Told(fail)
        begin(upstream, f"{cafe.address}/x", told)
        assert body(await told.outcome()) == b"x"
        assert body(await _asked(upstream, f"{cafe.address}/x")) == b"x"
        told = Told(fail)
        begin(upstream, f"{cafe.address}/x", told, 0.0)
        assert isinstance(await told.outcome(), TimedOut)
    assert cafe.connections == 1
    assert [line["event"] for line in logs] == ["upstream_done_failed"] * 2


async def test_closing_tells_everybody_once(upstream: Upstream, cafe: FakeFragmentServer) -> None:
    cafe.at["/x"] = hang
    everybody = [Told() for _ in range(6)]
    for told in everybody:
        begin(upstream, f"{cafe.address}/x", told)
    await eventually(lambda: cafe.open_connections == 4)
    await upstream.close()
    await eventually(lambda: cafe.open_connections == 0)
    assert [[type(each) for each in told.outcomes] for told in everybody] == [[GoingDown]] * 6


@pytest.mark.parametrize(
    "fields",
    [
        {"x-a": "b\r\nx-c: d"},
        {"x-a": "b\nc"},
        {"x-a": "b\rc"},
        {"x-a": "b\0c"},
        {"x-a": "커피"},
        {"x a": "b"},
        {"x-a:b\r\nx-c": "d"},
        {"": "b"},
        {"Content-Length": "5"},
        {"transfer-encoding": "chunked"},
        {"host": "elsewhere"},
    ],
)
def test_header_lines_bring_no_request_of_their_own(fields: Mapping[str, str]) -> None:
    with pytest.raises(Unsendable):
        HeaderLines.of(fields)


def test_header_lines_are_as_they_go_over_the_wire() -> None:
    assert HeaderLines.of({"x-a": "b", "x-c": "é"}).encoded == b"x-a: b\r\nx-c: \xe9\r\n"
    assert HeaderLines.of({}).encoded == b""


async def test_the_same_answer_is_told_once_whatever_comes_behind_it(
    pool: PooledUpstream, cafe: FakeFragmentServer
) -> None:
    async def twice(request: Received, writer: asyncio.StreamWriter) -> None:
        await answer("x")(request, writer)
        await answer("y")(request, writer)

    cafe.at["/x"] = twice
    told = Told()
    begin(pool, f"{cafe.address}/x", told)
    assert body(await told.outcome()) == b"x"
    await eventually(lambda: cafe.open_connections == 0)
    assert len(told.outcomes) == 1


async def _asked(upstream: Upstream, url: str) -> Answer:
    return await upstream.fetch(Request(url), deadline=1)
