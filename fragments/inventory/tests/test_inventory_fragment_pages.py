from __future__ import annotations

import asyncio

import httpx2
import msgspec
import pytest

from jogakbo.testing import FakeService, check

KO = {"podium-locale": "ko"}
HTMX = {"hx-request": "true"}
BEANS = {
    "id": "beans",
    "name": {"en": "Coffee beans", "ko": "원두"},
    "unit": "g",
    "on_hand": 9000,
    "reserved": 36,
    "available": 8964,
    "low_at": 2000,
    "level": "ok",
    "revision": 7,
}
CROISSANT = BEANS | {
    "id": "croissant",
    "name": {"en": "Croissants", "ko": "크루아상"},
    "unit": "piece",
    "on_hand": 7,
    "reserved": 0,
    "available": 7,
    "low_at": 8,
    "level": "low",
    "revision": 3,
}
MATCHA = BEANS | {"id": "matcha", "name": {"en": "Matcha", "ko": "말차"}, "available": 0, "level": "out"}


def event(kind: str, version: int, amount: int, order_id: str | None = None) -> dict[str, object]:
    return {
        "business_day": "2026-11-22",
        "version": version,
        "type": kind,
        "amount": amount,
        "on_hand_after": 9000,
        "at": "2026-11-22T02:33:00Z",
        "order_id": order_id,
    }


@pytest.fixture(autouse=True)
def _stock(service: FakeService) -> None:
    service.answers("GET", "/ingredients", {"ingredients": [BEANS, CROISSANT, MATCHA]})
    service.answers("GET", "/ingredients/beans", BEANS)
    service.answers("GET", "/checks", [])
    service.answers("GET", "/-/parked", [])
    events = [event("committed", 3, 36, "0191-12"), event("held", 2, 36, "0191-12"), event("restocked", 1, 2000)]
    service.answers("GET", "/ingredients/beans/history", {"events": events})


def test_it_keeps_the_contract(url: str) -> None:
    assert asyncio.run(check(url)) == []


def test_levels_show_amounts_in_their_unit_and_what_orders_hold(url: str) -> None:
    answer = httpx2.get(f"{url}/levels")
    assert answer.headers["surrogate-key"] == "stock"
    assert "9,000 g" in answer.text
    assert "36 g held for orders" in answer.text
    assert "7 pcs" in answer.text


def test_levels_are_korean_for_who_reads_korean(url: str) -> None:
    html = httpx2.get(f"{url}/levels", headers=KO).text
    assert "원두" in html
    assert "7개" in html


def test_warnings_name_what_is_out_before_what_is_low(url: str) -> None:
    html = httpx2.get(f"{url}/warnings").text
    assert "Coffee beans" not in html
    assert html.index("Matcha") < html.index("Croissants")


def test_without_shortage_there_is_no_warning(url: str, service: FakeService) -> None:
    service.answers("GET", "/ingredients", {"ingredients": [BEANS]})
    assert "Everything is well stocked." in httpx2.get(f"{url}/warnings").text


def test_history_tells_what_came_and_went(url: str) -> None:
    answer = httpx2.get(f"{url}/history?id=beans")
    assert answer.headers["surrogate-key"] == "ingredient-beans"
    assert "+2,000" in answer.text
    assert "−36" in answer.text
    assert "(36)" in answer.text
    assert 'href="/orders/0191-12"' in answer.text


def test_history_without_an_ingredient_invites_to_choose_one(url: str) -> None:
    assert "Choose an ingredient" in httpx2.get(f"{url}/history").text


def test_history_of_what_nobody_keeps_is_not_found(url: str, service: FakeService) -> None:
    service.refuses("GET", "/ingredients/gold", status=404, code="ingredient_unknown")
    assert httpx2.get(f"{url}/history?id=gold").status_code == 404


def test_a_delivery_is_told_to_the_service_once(url: str, service: FakeService) -> None:
    service.answers("POST", "/ingredients/beans/restock", BEANS)
    form = {"ingredient_id": "beans", "delivered": "1,000"}
    answer = httpx2.post(f"{url}/actions/restock", data=form, headers={"jogakbo-page": "/stock"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/stock")
    assert answer.headers["surrogate-key"] == "ingredient-beans stock"
    (sent,) = [request for request in service.requests if request.method == "POST"]
    assert msgspec.json.decode(sent.body) == {"amount": 1000}
    assert sent.headers["idempotency-key"]


def test_an_empty_shelf_can_be_counted(url: str, service: FakeService) -> None:
    service.answers("POST", "/ingredients/beans/count", BEANS)
    form = {"ingredient_id": "beans", "counted": "0"}
    answer = httpx2.post(f"{url}/actions/count", data=form, headers=HTMX)
    assert (answer.status_code, answer.headers["jogakbo-fragment"]) == (200, "inventory/levels")


def test_an_amount_that_is_none_stays_in_its_field(url: str) -> None:
    form = {"ingredient_id": "beans", "delivered": "lots"}
    answer = httpx2.post(f"{url}/actions/restock", data=form, headers=HTMX)
    assert answer.status_code == 422
    assert "Give a whole number, 1 or more." in answer.text
    assert 'value="lots" aria-invalid="true"' in answer.text
    row = answer.text.partition('<li class="inventory-level" id="inventory-level-beans">')[2].partition("</li>")[0]
    assert 'role="alert"' in row, "what is wrong is said where it was typed"


def test_a_count_below_what_orders_hold_is_refused_in_the_persons_language(url: str, service: FakeService) -> None:
    service.refuses("POST", "/ingredients/beans/count", status=409, code="count_below_holds")
    form = {"ingredient_id": "beans", "counted": "5"}
    answer = httpx2.post(f"{url}/actions/count", data=form, headers=HTMX | KO)
    assert answer.status_code == 409
    assert "진행 중인 주문이 확보한 양보다 적습니다." in answer.text


def test_a_form_sent_twice_is_one_delivery_and_a_later_one_another(url: str, service: FakeService) -> None:
    service.answers("POST", "/ingredients/beans/restock", BEANS)
    form = {"ingredient_id": "beans", "delivered": "100", "revision": "7"}
    for revision in ("7", "7", "8"):
        httpx2.post(f"{url}/actions/restock", data=form | {"revision": revision}, headers=HTMX)
    sent = [seen for seen in service.requests if seen.method == "POST"]
    first, again, later = (seen.headers["idempotency-key"] for seen in sent)
    assert first == again != later
