"""The API over ASGI, with the cashier at work."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime

import httpx2
import pytest

from till_service.app import create_app
from till_service.domain.payment import Accepted, Declined
from till_service.settings import Settings

from .conftest import Till

pytestmark = pytest.mark.anyio


@pytest.fixture
async def api(till: Till, database_url: str) -> AsyncIterator[httpx2.AsyncClient]:
    settings = Settings.model_validate({"till_database_url": database_url, "redis_url": "", "log_level": "error"})
    app = create_app(settings)
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
