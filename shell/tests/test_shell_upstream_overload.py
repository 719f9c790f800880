"""How many may wait for a server, and what is not its fault."""

from __future__ import annotations

import asyncio

import pytest

from jogakbo_shell.upstream.errors import GoingDown, Overloaded, TimedOut, Unreachable, Unsendable, UpstreamError
from jogakbo_shell.upstream.httpx2_adapter import Httpx2Upstream
from jogakbo_shell.upstream.pool import PooledUpstream
from jogakbo_shell.upstream.port import Answer, Request, Upstream
from shell.tests.harness import FakeFragmentServer, Gate, answer, eventually, hang, raw

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, bool]]:
    """The loop that the portal runs on."""
    return "asyncio", {"use_uvloop": True}


def narrow(adapter: type[PooledUpstream] | type[Httpx2Upstream], *, max_waiting: int) -> Upstream:
    return adapter(max_body_bytes=1000, max_header_bytes=1000, max_connections=2, max_waiting=max_waiting)


async def outcome(upstream: Upstream, url: str, deadline: float = 2.0) -> Answer | UpstreamError:
    try:
        return await upstream.fetch(Request(url), deadline=deadline)
    except UpstreamError as error:
        return error


@pytest.mark.parametrize("adapter", [PooledUpstream, Httpx2Upstream])
@pytest.mark.parametrize("max_waiting", [0, 3])
async def test_who_would_wait_behind_too_many_fails_at_once(
    adapter: type[PooledUpstream] | type[Httpx2Upstream], max_waiting: int, cafe: FakeFragmentServer
) -> None:
    upstream, gate = narrow(adapter, max_waiting=max_waiting), Gate(answer("x"))
    cafe.at["/x"] = gate
    holding = [asyncio.create_task(outcome(upstream, f"{cafe.address}/x")) for _ in range(2 + max_waiting)]
    await eventually(lambda: len(cafe.requests("/x")) == 2)
    refused = await outcome(upstream, f"{cafe.address}/x")
    assert isinstance(refused, Overloaded)
    assert (refused.status, refused.silent, refused.blames_server) == (503, False, False)
    gate.open.set()
    assert {type(each) for each in await asyncio.gather(*holding)} == {Answer}
    assert isinstance(await outcome(upstream, f"{cafe.address}/x"), Answer)
    await upstream.close()


@pytest.mark.parametrize("adapter", [PooledUpstream, Httpx2Upstream])
async def test_who_is_refused_is_told_after_the_call_is_theirs(
    adapter: type[PooledUpstream] | type[Httpx2Upstream], cafe: FakeFragmentServer
) -> None:
    upstream = narrow(adapter, max_waiting=0)
    cafe.at["/x"] = hang
    prepared, told = upstream.prepare(Request(f"{cafe.address}/x")), list[Answer | UpstreamError]()
    for _ in range(2):
        upstream.begin(prepared, (), deadline=2, done=lambda _: None)
    await eventually(lambda: len(cafe.requests("/x")) == 2)
    upstream.begin(prepared, (), deadline=2, done=told.append)
    upstream.begin(prepared, (), deadline=2, done=told.append).cancel()
    assert not told
    await eventually(lambda: bool(told))
    assert [type(each) for each in told] == [Overloaded]
    await upstream.close()


async def test_what_is_not_the_servers_fault_says_so(upstream: Upstream, cafe: FakeFragmentServer) -> None:
    with pytest.raises(Unsendable) as unsendable:
        await upstream.fetch(Request(f"{cafe.address}/x", {"x-a": "b\r\n"}), deadline=1)
    late = await outcome(upstream, f"{cafe.address}/x", deadline=0.0)
    await upstream.close()
    gone = await outcome(upstream, f"{cafe.address}/x")
    assert isinstance(late, TimedOut)
    assert isinstance(gone, GoingDown)
    assert [(each.blames_server, each.silent) for each in (unsendable.value, late, gone)] == [(False, False)] * 3
    assert cafe.connections == 0


async def test_what_is_the_servers_fault_says_so(upstream: Upstream, cafe: FakeFragmentServer) -> None:
    cafe.at["/wrong"], cafe.at["/hung"] = raw(b"rubbish\r\n\r\n"), hang
    wrong = await outcome(upstream, f"{cafe.address}/wrong")
    hung = await outcome(upstream, f"{cafe.address}/hung", deadline=0.05)
    await cafe.stop()
    gone = await outcome(upstream, f"{cafe.address}/x")
    assert isinstance(gone, Unreachable)
    faults = [each for each in (wrong, hung, gone) if isinstance(each, UpstreamError)]
    assert [(each.blames_server, each.silent) for each in faults] == [(True, False), (True, True), (True, True)]
