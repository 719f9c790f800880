"""How the pool makes, keeps, shares and gives up connections."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable

import pytest

from jogakbo_shell.upstream.answer_reader import Bounds
from jogakbo_shell.upstream.errors import GoingDown, TimedOut, Unreachable, UpstreamError
from jogakbo_shell.upstream.exchange import Exchange
from jogakbo_shell.upstream.location import Origin
from jogakbo_shell.upstream.origin_pool import OriginPool
from jogakbo_shell.upstream.pool import PooledUpstream
from jogakbo_shell.upstream.port import Answer, Request, Upstream
from shell.tests.harness import FakeFragmentServer, Gate, answer, eventually, hang
from shell.tests.listening import listening, reset

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, bool]]:
    """The loop that the portal runs on."""
    return "asyncio", {"use_uvloop": True}


async def test_all_kept_connections_may_be_dead_at_once(pool: PooledUpstream, cafe: FakeFragmentServer) -> None:
    gate = Gate(answer("x"))
    cafe.at["/x"] = gate
    request = Request(f"{cafe.address}/x")
    asking = [asyncio.create_task(pool.fetch(request, deadline=2)) for _ in range(4)]
    await eventually(lambda: cafe.open_connections == 4)
    gate.open.set()
    await asyncio.gather(*asking)
    await cafe.stop()
    await cafe.start()
    got = await asyncio.gather(*(pool.fetch(request, deadline=2) for _ in range(4)))
    assert [each.body for each in got] == [b"x"] * 4


async def test_who_waits_gets_the_connection_that_comes_free(pool: PooledUpstream, cafe: FakeFragmentServer) -> None:
    gate = Gate(answer("x"))
    cafe.at["/x"] = gate
    asking = [asyncio.create_task(pool.fetch(Request(f"{cafe.address}/x"), deadline=2)) for _ in range(20)]
    await eventually(lambda: cafe.open_connections == 4)
    gate.open.set()
    assert [each.body for each in await asyncio.gather(*asking)] == [b"x"] * 20
    assert cafe.connections == 4


async def test_who_gave_up_waiting_is_never_sent(pool: PooledUpstream, cafe: FakeFragmentServer) -> None:
    gate = Gate(answer("x"))
    cafe.at["/x"], cafe.at["/late"] = gate, answer("late")
    asking = [asyncio.create_task(pool.fetch(Request(f"{cafe.address}/x"), deadline=2)) for _ in range(4)]
    await eventually(lambda: cafe.open_connections == 4)
    with pytest.raises(TimedOut):
        await pool.fetch(Request(f"{cafe.address}/late"), deadline=0.02)
    gate.open.set()
    await asyncio.gather(*asking)
    assert not cafe.requests("/late")


async def test_one_hung_origin_takes_no_connection_from_another(upstream: Upstream, cafe: FakeFragmentServer) -> None:
    cafe.at["/x"] = hang
    holding = [asyncio.create_task(upstream.fetch(Request(f"{cafe.address}/x"), deadline=5)) for _ in range(8)]
    await eventually(lambda: cafe.open_connections == 4)
    async with FakeFragmentServer({"/y": answer("y")}) as other:
        assert (await upstream.fetch(Request(f"{other.address}/y"), deadline=1)).body == b"y"
    for task in holding:
        task.cancel()
    await asyncio.gather(*holding, return_exceptions=True)


async def test_a_refusing_origin_refuses_everybody_who_waits(pool: PooledUpstream, cafe: FakeFragmentServer) -> None:
    await cafe.stop()
    asking = [pool.fetch(Request(f"{cafe.address}/x"), deadline=2) for _ in range(20)]
    got = await asyncio.gather(*asking, return_exceptions=True)
    assert [type(each) for each in got] == [Unreachable] * 20


async def test_a_connection_that_is_never_accepted_costs_the_deadline(pool: PooledUpstream) -> None:
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        address = full.getsockname()
        with socket.create_connection(address), pytest.raises(TimedOut, match="no answer") as caught:
            await pool.fetch(Request(f"http://127.0.0.1:{address[1]}/"), deadline=0.1)
    assert caught.value.silent


class Refuses:
    """Answers before it has read the body, which it leaves where it is."""

    def __init__(self, then: Callable[[asyncio.StreamWriter], object]) -> None:
        self.heads = 0
        self._then = then

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        await reader.readuntil(b"\r\n\r\n")
        self.heads += 1
        writer.write(b"HTTP/1.1 413 Too Large\r\ncontent-length: 0\r\n\r\n")
        await writer.drain()
        self._then(writer)
        await asyncio.Event().wait()


@pytest.mark.parametrize("then", [id, reset], ids=["keeps it open", "resets it"])
async def test_an_early_answer_does_not_let_the_rest_of_the_request_be_read_as_another(
    pool: PooledUpstream, then: Callable[[asyncio.StreamWriter], object]
) -> None:
    server = Refuses(then)
    async with listening(server) as address:
        for _ in range(2):
            request = Request(address, method="POST", body=b"GET /stolen HTTP/1.1\r\n\r\n" * 400_000)
            assert (await pool.fetch(request, deadline=2)).status == 413
    assert server.heads == 2


async def test_idle_connections_are_closed_before_the_other_side_does(cafe: FakeFragmentServer) -> None:
    def no_tls() -> ssl.SSLContext:
        raise AssertionError("plain http asks for no context")

    cafe.at["/x"] = answer("x")
    pool = OriginPool(
        Origin(False, "127.0.0.1", cafe.port), bounds=Bounds(1000, 1000), max_connections=1, max_waiting=1, tls=no_tls
    )
    sent = b"GET /x HTTP/1.1\r\nhost: x\r\n\r\n"

    async def ask(later: float = 0.0) -> None:
        outcome: asyncio.Future[Answer | UpstreamError] = asyncio.get_running_loop().create_future()
        began = pool.now() + later
        exchange = Exchange("GET", sent, began=began, deadline=1, done=outcome.set_result, place=pool)
        pool.place(exchange)
        got = await outcome
        assert isinstance(got, Answer)
        assert got.body == b"x"

    await ask()
    pool.expire_idle(asyncio.get_running_loop().time() + 3.9)
    await ask()
    assert cafe.connections == 1
    await ask(later=4.1)
    assert cafe.connections == 2
    pool.expire_idle(asyncio.get_running_loop().time() + 4.1)
    assert pool.empty
    await eventually(lambda: cafe.open_connections == 0)


async def test_cancelling_while_connecting_leaves_nothing(pool: PooledUpstream, cafe: FakeFragmentServer) -> None:
    for _ in range(20):
        task = asyncio.create_task(pool.fetch(Request(f"{cafe.address}/x"), deadline=1))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    await eventually(lambda: cafe.open_connections == 0)


async def test_closing_ends_what_is_under_way_and_takes_no_more(pool: PooledUpstream, cafe: FakeFragmentServer) -> None:
    cafe.at["/x"] = hang
    request = Request(f"{cafe.address}/x")
    asking = [asyncio.create_task(pool.fetch(request, deadline=5)) for _ in range(6)]
    await eventually(lambda: cafe.open_connections == 4)
    await pool.close()
    got = await asyncio.gather(*asking, return_exceptions=True)
    assert [type(each) for each in got] == [GoingDown] * 6
    with pytest.raises(GoingDown):
        await pool.fetch(request, deadline=1)
    await eventually(lambda: cafe.open_connections == 0)


async def test_each_of_many_deadlines_is_kept(pool: PooledUpstream, cafe: FakeFragmentServer) -> None:
    cafe.at["/x"] = hang
    loop = asyncio.get_running_loop()

    async def lateness(deadline: float) -> float:
        began = loop.time()
        with pytest.raises(TimedOut):
            await pool.fetch(Request(f"{cafe.address}/x"), deadline=deadline)
        return loop.time() - began - deadline

    late = await asyncio.gather(*(lateness(deadline) for deadline in (0.8, 0.2, 0.4, 0.0, 0.6, 0.2)))
    assert max(late) < 0.4
    assert min(late) > -0.01
