"""The payment gateway over HTTP.

Every call has a deadline and its answer a bound. Whatever is not an answer as agreed raises ``GatewayError``: the
caller asks the same again, under the same key, for nobody here can know whether money has moved.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import date
from typing import Literal, TypeVar

import httpx2
import msgspec

from jogakbo.http import http_client
from till_service.domain.closing import Line
from till_service.domain.events import ChargeStarted
from till_service.domain.payment import Accepted, Declined, Outcome, Voided, payment_id
from till_service.handlers.ports import GatewayError

T = TypeVar("T")

CALLS_AT_ONCE = 16

_MAX_ANSWER_BYTES = 16_000_000
"""Some 80,000 charges of one day; a single one has 200 bytes."""


class _Charge(msgspec.Struct):
    id: str
    order_id: str
    amount_won: int
    state: Literal["accepted", "declined", "voided", "refunded"]
    reason: str
    business_day: date | None
    refunded_on: date | None

    def lines(self, business_day: date) -> list[Line]:
        if self.state not in ("accepted", "refunded"):
            return []
        moved = ((self.business_day, self.amount_won), (self.refunded_on, -self.amount_won))
        return [Line(payment_id(self.order_id), amount_won) for day, amount_won in moved if day == business_day]


class _Charges(msgspec.Struct):
    charges: list[_Charge]


class HttpGateway:
    def __init__(self, client: httpx2.AsyncClient, timeout_seconds: float) -> None:
        self._client = client
        self._timeout_seconds = timeout_seconds

    async def charge(self, charge: ChargeStarted, business_day: date) -> Outcome:
        body = {
            "order_id": charge.order_id,
            "amount_won": charge.amount_won,
            "payment": charge.payment,
            "business_day": business_day,
        }
        said = await self._post("/charges", body, {"Idempotency-Key": charge.order_id})
        if said.state == "accepted" and said.amount_won == charge.amount_won:
            return Accepted(said.id)
        if said.state == "declined":
            return Declined(said.reason)
        if said.state == "accepted":
            raise GatewayError(f"{said.amount_won} won were charged for order {charge.order_id}: {charge.amount_won}")
        return Voided()

    async def void(self, order_id: str) -> None:
        said = await self._post(f"/charges/{order_id}/void")
        if said.state == "accepted":
            raise GatewayError(f"order {order_id} is still charged after its void")

    async def refund(self, order_id: str, business_day: date) -> None:
        said = await self._post(f"/charges/{order_id}/refund", {"business_day": business_day})
        if said.state != "refunded":
            raise GatewayError(f"order {order_id} is {said.state} after its refund")

    async def lines(self, business_day: date) -> Sequence[Line]:
        request = self._client.build_request("GET", "/charges", params={"business_day": business_day.isoformat()})
        found = await self._answer(request, _Charges)
        return [line for charge in found.charges for line in charge.lines(business_day)]

    async def _post(
        self, path: str, body: Mapping[str, object] | None = None, headers: Mapping[str, str] | None = None
    ) -> _Charge:
        content = msgspec.json.encode(body) if body else b""
        headers = {"content-type": "application/json", **(headers or {})}
        return await self._answer(self._client.build_request("POST", path, content=content, headers=headers), _Charge)

    async def _answer(self, request: httpx2.Request, kind: type[T]) -> T:
        try:
            async with asyncio.timeout(self._timeout_seconds):
                content = await self._content(request)
            return msgspec.json.decode(content, type=kind)
        except TimeoutError:
            raise GatewayError(f"{request.method} {request.url}: no answer in {self._timeout_seconds} s") from None
        except (httpx2.HTTPError, msgspec.DecodeError) as error:
            raise GatewayError(f"{request.method} {request.url}: {error!r}") from error

    async def _content(self, request: httpx2.Request) -> bytes:
        response = await self._client.send(request, stream=True)
        try:
            if not response.is_success:
                raise GatewayError(f"{request.method} {request.url}: status {response.status_code}")
            content = bytearray()
            async for chunk in response.aiter_bytes():
                content += chunk
                if len(content) > _MAX_ANSWER_BYTES:
                    raise GatewayError(f"{request.method} {request.url}: more than {_MAX_ANSWER_BYTES} bytes")
            return bytes(content)
        finally:
            await response.aclose()


@asynccontextmanager
async def connect_gateway(url: str, timeout_seconds: float) -> AsyncIterator[HttpGateway]:
    async with http_client(url, max_connections=CALLS_AT_ONCE) as client:
        yield HttpGateway(client, timeout_seconds)
