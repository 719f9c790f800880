"""The API over ASGI, on a real database."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx2
import pytest

from inventory_service.app import create_app
from inventory_service.settings import Settings

from .conftest import Storeroom

pytestmark = [pytest.mark.anyio, pytest.mark.databases("sqlite")]  # the statements are tried beside it


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def api(storeroom: Storeroom, database_url: str) -> AsyncIterator[httpx2.AsyncClient]:
    settings = Settings.model_validate({"inventory_database_url": database_url, "redis_url": "", "log_level": "error"})
    app = create_app(settings)
    transport = httpx2.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx2.AsyncClient(transport=transport, base_url="http://inventory") as client,
    ):
        yield client


async def test_the_shelves_are_listed_in_their_order(api: httpx2.AsyncClient) -> None:
    answer = await api.get("/ingredients")
    ingredients = answer.json()["ingredients"]
    assert len(ingredients) == 20
    assert ingredients[0] == {
        "id": "beans",
        "name": {"en": "Coffee beans", "ko": "원두"},
        "unit": "g",
        "on_hand": 12_000,
        "reserved": 0,
        "available": 12_000,
        "low_at": 2_000,
        "level": "ok",
        "revision": 1,
    }


async def test_holds_are_told_apart_from_what_is_on_hand(api: httpx2.AsyncClient, storeroom: Storeroom) -> None:
    storeroom.reserves("order-1", qty=125)
    milk = (await api.get("/ingredients/milk")).json()
    assert (milk["on_hand"], milk["reserved"], milk["available"], milk["level"]) == (30_000, 27_500, 2_500, "low")


async def test_a_delivery_is_added(api: httpx2.AsyncClient) -> None:
    answer = await api.post("/ingredients/milk/restock", json={"amount": 500})
    assert (answer.status_code, answer.json()["on_hand"]) == (200, 30_500)
    assert (await api.get("/ingredients/milk")).json() == answer.json()


async def test_a_retried_delivery_is_added_once(api: httpx2.AsyncClient) -> None:
    headers = {"Idempotency-Key": "delivery-1"}
    first = await api.post("/ingredients/milk/restock", json={"amount": 500}, headers=headers)
    again = await api.post("/ingredients/milk/restock", json={"amount": 500}, headers=headers)
    assert again.json() == first.json()
    assert (await api.get("/ingredients/milk")).json()["on_hand"] == 30_500


async def test_a_count_sets_what_is_on_hand_and_keeps_the_difference(api: httpx2.AsyncClient) -> None:
    answer = await api.post("/ingredients/butter/count", json={"amount": 1_900})
    assert answer.json()["on_hand"] == 1_900
    newest = (await api.get("/ingredients/butter/history")).json()["events"][0]
    assert (newest["type"], newest["amount"], newest["on_hand_after"]) == ("counted", -100, 1_900)


async def test_a_count_below_what_open_orders_hold_is_a_conflict(api: httpx2.AsyncClient, storeroom: Storeroom) -> None:
    storeroom.reserves("order-1")
    answer = await api.post("/ingredients/milk/count", json={"amount": 219})
    assert answer.status_code == 409
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == "count_below_holds"
    assert "220 are held" in answer.json()["detail"]


async def test_nothing_left_can_be_counted(api: httpx2.AsyncClient) -> None:
    answer = await api.post("/ingredients/honey/count", json={"amount": 0})
    assert answer.json()["level"] == "out"


@pytest.mark.parametrize("amount", [0, -1, 1.5, "12", True, None, 1_000_001, 10**30])
async def test_an_amount_that_nobody_can_mean_is_refused(api: httpx2.AsyncClient, amount: object) -> None:
    answer = await api.post("/ingredients/milk/restock", json={"amount": amount})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["loc"] == "amount"
    assert (await api.get("/ingredients/milk")).json()["on_hand"] == 30_000


async def test_a_shelf_that_would_overflow_is_refused(api: httpx2.AsyncClient) -> None:
    await api.post("/ingredients/milk/count", json={"amount": 10_000_000})
    answer = await api.post("/ingredients/milk/restock", json={"amount": 1})
    assert (answer.status_code, answer.json()["code"]) == (422, "amount_out_of_range")


@pytest.mark.parametrize("path", ["/ingredients/saffron", "/ingredients/saffron/history"])
async def test_an_ingredient_that_nobody_keeps_is_not_found(api: httpx2.AsyncClient, path: str) -> None:
    answer = await api.get(path)
    assert (answer.status_code, answer.json()["code"]) == (404, "ingredient_unknown")


async def test_the_history_is_newest_first_and_names_the_order(api: httpx2.AsyncClient, storeroom: Storeroom) -> None:
    storeroom.reserves("order-1")
    storeroom.commits("order-1")
    events = (await api.get("/ingredients/milk/history?limit=2")).json()["events"]
    assert events == [
        {
            "business_day": "2026-03-02",
            "version": 3,
            "type": "committed",
            "amount": 220,
            "on_hand_after": 29_780,
            "reserved_after": 0,
            "at": "2026-03-02T03:00:00Z",
            "order_id": "order-1",
        },
        {
            "business_day": "2026-03-02",
            "version": 2,
            "type": "held",
            "amount": 220,
            "on_hand_after": 30_000,
            "reserved_after": 220,
            "at": "2026-03-02T03:00:00Z",
            "order_id": "order-1",
        },
    ]


async def test_the_api_describes_itself_and_its_problems(api: httpx2.AsyncClient) -> None:
    paths = (await api.get("/openapi.json")).json()["paths"]
    count = paths["/ingredients/{ingredient_id}/count"]["post"]
    assert set(count["responses"]) >= {"200", "404", "409", "422"}
    assert "Idempotency-Key" in [parameter["name"].title() for parameter in count["parameters"]]


async def test_a_started_service_is_ready(api: httpx2.AsyncClient) -> None:
    assert (await api.get("/readyz")).status_code == 200
