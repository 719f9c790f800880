"""The gateway over real HTTP: the real one, and one that answers what nobody agreed on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date
from pathlib import Path

import pytest

from gateway_service.app import create_app
from gateway_service.settings import Settings
from jogakbo.testing.running import running
from till_service.adapters import gateway as adapter
from till_service.adapters.gateway import HttpGateway, connect_gateway
from till_service.domain.closing import Line
from till_service.domain.payment import Accepted, Declined, Outcome, Voided, new_charge
from till_service.handlers.ports import GatewayError

pytestmark = pytest.mark.anyio

DAY, NEXT = date(2026, 3, 2), date(2026, 3, 3)
CHARGE = new_charge("order-1", 4500, "card-4242")
CHARGED = (
    b'{"id": "ch-order-1", "order_id": "order-1", "amount_won": 4500, "state": "accepted", "reason": "",'
    b' "business_day": "2026-03-02", "refunded_on": null}'
)


@pytest.fixture(scope="module")
async def gateway(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[HttpGateway]:
    database: Path = tmp_path_factory.mktemp("gateway") / "gateway.db"
    settings = Settings.model_validate({"gateway_database_url": f"sqlite:///{database}", "log_level": "error"})
    with running(create_app(settings)) as url:
        async with connect_gateway(url, 10) as gateway:
            yield gateway


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.mark.parametrize(
    ("order_id", "payment", "outcome"),
    [
        ("accepted", "card-4242", Accepted("ch-accepted")),
        ("declined", "card-0002", Declined("card_declined")),
        ("unknown", "card-1111", Declined("card_unknown")),
    ],
)
async def test_a_card_always_has_the_same_outcome(
    gateway: HttpGateway, order_id: str, payment: str, outcome: Outcome
) -> None:
    charge = new_charge(order_id, 4500, payment)
    assert [await gateway.charge(charge, date(2026, 1, 1)) for _ in range(2)] == [outcome, outcome]


async def test_a_void_before_the_charge_refuses_it(gateway: HttpGateway) -> None:
    await gateway.void("a~b.c")
    assert await gateway.charge(new_charge("a~b.c", 4500, "card-4242"), DAY) == Voided()


async def test_a_day_has_the_lines_of_what_was_charged_and_given_back_on_it(gateway: HttpGateway) -> None:
    for order_id in ("sold", "voided", "refunded"):
        await gateway.charge(new_charge(order_id, 4500, "card-4242"), DAY)
    await gateway.void("voided")
    await gateway.refund("refunded", NEXT)
    assert await gateway.lines(DAY) == [Line("pay-refunded", 4500), Line("pay-sold", 4500)]
    assert await gateway.lines(NEXT) == [Line("pay-refunded", -4500)]


async def test_a_refund_that_the_gateway_refuses_is_no_refund(gateway: HttpGateway) -> None:
    await gateway.charge(new_charge("no-money", 4500, "card-0002"), DAY)
    with pytest.raises(GatewayError, match="status 409"):
        await gateway.refund("no-money", DAY)


@asynccontextmanager
async def answering(answer: bytes, timeout_seconds: float = 10) -> AsyncIterator[HttpGateway]:
    """A gateway whose only answer is these bytes, and then nothing."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(answer)
            await writer.drain()
            await reader.read()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        async with connect_gateway(f"http://127.0.0.1:{port}", timeout_seconds) as gateway:
            yield gateway
    finally:
        server.close()


def response(body: bytes, status: bytes = b"201 Created") -> bytes:
    return b"HTTP/1.1 %b\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (status, len(body), body)


async def test_the_agreed_answer_is_taken() -> None:
    async with answering(response(CHARGED)) as gateway:
        assert await gateway.charge(CHARGE, DAY) == Accepted("ch-order-1")


@pytest.mark.parametrize(
    "answer",
    [
        response(b"{}", b"503 Service Unavailable"),
        response(b"{}", b"302 Found"),
        response(b"{}"),
        response(b"<html>a proxy's words</html>"),
        response(CHARGED.replace(b"accepted", b"pending")),
        response(CHARGED.replace(b"4500", b"4400")),
        response(CHARGED)[:-10] + b"\r\n",
        b"rubbish\r\n\r\n",
    ],
    ids=["5xx", "redirect", "empty", "html", "state", "amount", "cut", "no-http"],
)
async def test_what_was_not_agreed_on_is_no_answer(answer: bytes) -> None:
    async with answering(answer, timeout_seconds=0.5) as gateway:
        with pytest.raises(GatewayError):
            await gateway.charge(CHARGE, DAY)


async def test_a_gateway_that_does_not_void_is_not_believed() -> None:
    async with answering(response(CHARGED, b"200 OK")) as gateway:
        with pytest.raises(GatewayError, match="still charged"):
            await gateway.void("order-1")
    async with answering(response(CHARGED, b"200 OK")) as gateway:
        with pytest.raises(GatewayError, match="is accepted after its refund"):
            await gateway.refund("order-1", DAY)


async def test_a_gateway_that_hangs_is_given_up_on_though_it_dribbles() -> None:
    async with answering(b"HTTP/1.1 201 Created\r\nContent-Length: 100\r\n\r\n{", timeout_seconds=0.2) as gateway:
        with pytest.raises(GatewayError, match=r"no answer in 0\.2 s"):
            await gateway.charge(CHARGE, DAY)


async def test_an_answer_without_end_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adapter, "_MAX_ANSWER_BYTES", 100)
    async with answering(response(CHARGED)) as gateway:
        with pytest.raises(GatewayError, match="more than 100 bytes"):
            await gateway.charge(CHARGE, DAY)


async def test_a_gateway_that_is_not_there_is_no_answer() -> None:
    listener = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    listener.close()
    await listener.wait_closed()
    async with connect_gateway(f"http://127.0.0.1:{port}", 5) as gateway:
        with pytest.raises(GatewayError):
            await gateway.charge(CHARGE, DAY)
