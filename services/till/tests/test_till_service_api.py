"""The API over ASGI, with the cashier at work."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import nullcontext
from datetime import UTC, date, datetime
from pathlib import Path

import httpx2
import pytest
from sqlalchemy import update

from gateway_service.app import create_app as create_gateway
from gateway_service.settings import Settings as GatewaySettings
from jogakbo.testing.running import running
from till_service.adapters.tables import payments
from till_service.app import create_app
from till_service.domain.closing import Line
from till_service.domain.events import ChargeStarted
from till_service.domain.payment import Accepted, Declined, Outcome
from till_service.handlers.ports import GatewayError
from till_service.settings import Settings

from .conftest import Till, until

pytestmark = [pytest.mark.anyio, pytest.mark.databases("sqlite")]  # the statements are tried beside it


class NoGateway:
    """What takes no cards."""

    async def charge(self, charge: ChargeStarted, business_day: date) -> Outcome:
        raise GatewayError("no cards")

    async def void(self, order_id: str) -> None:
        raise GatewayError("no cards")

    async def refund(self, order_id: str, business_day: date) -> None:
        raise GatewayError("no cards")

    async def lines(self, business_day: date) -> Sequence[Line]:
        return []


@pytest.fixture
async def api(till: Till, database_url: str) -> AsyncIterator[httpx2.AsyncClient]:
    settings = Settings.model_validate({"till_database_url": database_url, "redis_url": "", "log_level": "error"})
    app = create_app(settings, connect=lambda: nullcontext(NoGateway()))
    async with (
        app.router.lifespan_context(app),
        httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://till") as client,
    ):
        yield client


async def test_a_day_without_payments_has_no_takings(api: httpx2.AsyncClient) -> None:
    today = (await api.get("/days/today")).json()
    assert today.pop("business_day")
    assert today == {
        "state": "open",
        "next_day": None,
        "takings_won": 0,
        "payments": 0,
        "declined": 0,
        "by_method": {"cash": 0, "card": 0},
        "refunds": 0,
        "refunded_won": 0,
        "opening_cash_won": 0,
        "closing_cash_won": None,
    }


async def test_a_day_tells_its_money(till: Till, api: httpx2.AsyncClient) -> None:
    till.charges("order-1", 4500, "cash")
    till.sells("order-2", 5000)
    till.charges("order-3", 1000, "cash")
    till.refunds("order-3")
    assert (await api.get("/days/2026-03-02")).json() == {
        "business_day": "2026-03-02",
        "state": "open",
        "next_day": None,
        "takings_won": 9500,
        "payments": 3,
        "declined": 0,
        "by_method": {"cash": 5500, "card": 5000},
        "refunds": 1,
        "refunded_won": 1000,
        "opening_cash_won": 0,
        "closing_cash_won": None,
    }


async def test_the_days_that_have_books_are_listed_newest_first(till: Till, api: httpx2.AsyncClient) -> None:
    till.charges("order-1", 4500, "cash", date(2026, 3, 1))
    till.charges("order-2", 5000, "cash")
    days = (await api.get("/days")).json()["days"]
    assert [(day["business_day"], day["takings_won"]) for day in days] == [("2026-03-02", 5000), ("2026-03-01", 4500)]
    assert len((await api.get("/days?limit=1")).json()["days"]) == 1


async def test_payments_are_listed_newest_first_with_the_reason_of_a_decline(
    till: Till, api: httpx2.AsyncClient
) -> None:
    till.charges("order-1", 4500, "cash")
    till.settles("order-1", Accepted("ref"))
    till.now = datetime(2026, 3, 2, 3, 5, tzinfo=UTC)
    till.charges("order-2", 5000, "card-0002")
    till.settles("order-2", Declined("card_declined"))
    payments = (await api.get("/payments")).json()["payments"]
    assert [(payment["order_id"], payment["state"], payment["reason"]) for payment in payments] == [
        ("order-2", "declined", "card_declined"),
        ("order-1", "charged", None),
    ]
    assert payments[0] | {"state": "", "reason": ""} == {
        "id": "pay-order-2",
        "order_id": "order-2",
        "business_day": "2026-03-02",
        "amount_won": 5000,
        "method": "card",
        "state": "",
        "at": "2026-03-02T03:05:00Z",
        "reason": "",
        "undone_on": None,
    }
    assert (await api.get("/payments?business_day=2026-03-03")).json() == {"payments": []}
    assert len((await api.get("/payments?limit=1")).json()["payments"]) == 1


@pytest.mark.parametrize("path", ["/payments?limit=0", "/payments?limit=many", "/days/yesterday"])
async def test_a_question_that_means_nothing_is_a_problem(api: httpx2.AsyncClient, path: str) -> None:
    answer = await api.get(path)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"


async def test_a_started_service_is_ready_and_describes_itself(api: httpx2.AsyncClient) -> None:
    assert (await api.get("/readyz")).status_code == 200
    assert set((await api.get("/openapi.json")).json()["paths"]) == {
        "/checks",
        "/days",
        "/days/open",
        "/days/today",
        "/days/{business_day}",
        "/days/{business_day}/close",
        "/days/{business_day}/reopen",
        "/payments",
    }


async def test_a_day_is_closed_over_http_and_shows_how_far_it_is(till: Till, api: httpx2.AsyncClient) -> None:
    till.charges("order-1", 4500, "cash")
    assert (await api.get("/days/2026-03-02/close")).status_code == 404
    asked = [await api.post("/days/2026-03-02/close", headers={"Idempotency-Key": "one"}) for _ in range(2)]
    assert [answer.status_code for answer in asked] == [202, 202]
    assert asked[0].json() == asked[1].json()
    assert [(step["name"], step["state"]) for step in asked[0].json()["steps"]] == [
        ("start", "done"),
        ("drain", "current"),
        ("balance", "waiting"),
        ("fold", "waiting"),
        ("verify", "waiting"),
        ("archive", "waiting"),
    ]
    await until(till, lambda: till.closing().step == "fold")
    assert (await api.get("/days/2026-03-02")).json()["state"] == "closing"
    assert (await api.get("/days/2026-03-02")).json()["closing_cash_won"] == 4500
    await asyncio.to_thread(till.answers_close)
    await until(till, lambda: till.closing().state == "closed")
    closed = (await api.get("/days/2026-03-02/close")).json()
    assert (closed["state"], closed["progress"], closed["alarm"], closed["mismatches"]) == ("closed", 1.0, False, [])
    assert (await api.get("/days/open")).json()["state"] == "open"
    checks = (await api.get("/checks")).json()
    assert [(check["name"], check["holds"]) for check in checks] == [
        ("at_most_one_charge", True),
        ("money_zero_or_total", True),
        ("opening_is_last_closing", True),
        ("snapshot_equals_replay", True),
    ]


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/days/2099-01-01/close", "day_not_begun"),
        ("/days/2026-03-03/close", "earlier_day_open"),
        ("/days/2026-03-02/reopen", "not_newest_closed_day"),
    ],
)
async def test_what_cannot_be_closed_says_why(till: Till, api: httpx2.AsyncClient, path: str, code: str) -> None:
    till.charges("order-1", 4500, "cash")
    refused = await api.post(path, json={"reason": "a wrong count"})
    assert (refused.status_code, refused.json()["code"]) == (409, code)


async def test_a_closed_day_is_opened_again_over_http(till: Till, api: httpx2.AsyncClient) -> None:
    till.charges("order-1", 4500, "cash")
    till.closes_wholly()
    assert (await api.post("/days/2026-03-02/reopen", json={"reason": ""})).status_code == 422
    reopened = await api.post("/days/2026-03-02/reopen", json={"reason": "a wrong count"})
    assert (reopened.status_code, reopened.json()["state"]) == (202, "reopened")
    day = (await api.get("/days/2026-03-02")).json()
    assert (day["state"], day["closing_cash_won"]) == ("open", None)


async def test_a_broken_invariant_is_told(till: Till, api: httpx2.AsyncClient) -> None:
    till.charges("order-1", 4500, "cash")
    with till.database.write() as connection:
        connection.execute(update(payments).values(state="declined"))
    told = {check["name"]: check["detail"] for check in (await api.get("/checks")).json() if not check["holds"]}
    assert told == {"money_zero_or_total": "order-1"}
    with till.database.write() as connection:
        connection.execute(update(payments).values(state="charged"))


@pytest.mark.databases("sqlite")
async def test_the_lab_reaches_the_gateways_mood_and_nobody_else_does(database_url: str, tmp_path: Path) -> None:
    url = {"gateway_database_url": f"sqlite:///{tmp_path}/gateway.db", "log_level": "error", "lab": True}
    with running(create_gateway(GatewaySettings.model_validate(url))) as gateway:
        own = {"till_database_url": database_url, "redis_url": "", "log_level": "error", "gateway_service_url": gateway}
        for lab, status in ((True, 200), (False, 404)):
            app = create_app(Settings.model_validate({**own, "lab": lab}))
            transport = httpx2.ASGITransport(app)
            async with httpx2.AsyncClient(transport=transport, base_url="http://till") as client:
                changed = await client.put("/lab/gateway", json={"mood": "down", "seconds": 60})
                assert changed.status_code == status
                assert (await client.get("/lab/gateway")).status_code == status
        async with httpx2.AsyncClient(base_url=gateway, trust_env=False) as client:
            assert (await client.get("/mood")).json()["mood"] == "down"


@pytest.mark.databases("sqlite")
async def test_a_gateway_that_is_killed_tells_no_mood(database_url: str) -> None:
    own = {"till_database_url": database_url, "redis_url": "", "log_level": "error", "lab": True}
    app = create_app(Settings.model_validate({**own, "gateway_service_url": "http://127.0.0.1:1"}))
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://till") as client:
        answer = await client.get("/lab/gateway")
        assert (answer.status_code, answer.json()["code"]) == (503, "gateway_away")
