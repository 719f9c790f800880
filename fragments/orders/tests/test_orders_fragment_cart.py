from __future__ import annotations

import asyncio

import httpx2
import msgspec
import pytest

from jogakbo.testing import FakeService, check

KO = {"podium-locale": "ko"}
HTMX = {"hx-request": "true"}
DRAFT = "/drafts/anonymous"
LATTE = {"item_id": "latte", "name": {"en": "Café latte", "ko": "카페 라테"}, "qty": 2, "price_won": 5000}
FULL = {"order_id": "0191-aa", "lines": [LATTE | {"sold_out": False}], "total_won": 10000}
EMPTY: dict[str, object] = {"order_id": "0191-aa", "lines": [], "total_won": 0}


@pytest.fixture(autouse=True)
def _answers(service: FakeService) -> None:
    service.answers("GET", DRAFT, FULL)
    service.answers("GET", "/board", {"queued": [], "making": [], "ready": []})
    service.answers("GET", "/queue", {"orders": []})
    service.answers("GET", "/checks", [])
    service.answers("GET", "/-/parked", [])


def test_it_keeps_the_contract(url: str) -> None:
    assert asyncio.run(check(url)) == []


def test_the_cart_is_this_persons_alone(url: str) -> None:
    answer = httpx2.get(f"{url}/cart")
    assert answer.headers["cache-control"] == "private, no-store"
    assert answer.headers["surrogate-key"] == "draft-anonymous"
    assert "Café latte" in answer.text
    assert "₩10,000" in answer.text


def test_the_cart_is_korean_for_who_reads_korean(url: str) -> None:
    html = httpx2.get(f"{url}/cart", headers=KO).text
    assert "카페 라테" in html
    assert "주문하기" in html


def test_an_empty_cart_invites_and_cannot_be_placed(url: str, service: FakeService) -> None:
    service.answers("GET", DRAFT, EMPTY)
    html = httpx2.get(f"{url}/cart").text
    assert "Choose something from the menu" in html
    assert "actions/place" not in html


def test_a_line_that_has_sold_out_says_so(url: str, service: FakeService) -> None:
    service.answers("GET", DRAFT, FULL | {"lines": [LATTE | {"sold_out": True}]})
    assert "Sold out" in httpx2.get(f"{url}/cart").text


def test_adding_answers_with_the_cart(url: str, service: FakeService) -> None:
    service.answers("POST", f"{DRAFT}/lines", FULL)
    answer = httpx2.post(f"{url}/actions/add", data={"item_id": "latte", "qty": "1"}, headers=HTMX)
    assert (answer.status_code, answer.headers["jogakbo-fragment"]) == (200, "orders/cart")
    sent = next(request for request in service.requests if request.method == "POST")
    assert msgspec.json.decode(sent.body) == {"item_id": "latte", "qty": 1}


def test_without_javascript_adding_leads_back_to_the_page(url: str, service: FakeService) -> None:
    service.answers("POST", f"{DRAFT}/lines", FULL)
    form = {"item_id": "latte", "qty": "1"}
    answer = httpx2.post(f"{url}/actions/add", data=form, headers={"jogakbo-page": "/?lang=ko"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/?lang=ko")


def test_a_quantity_that_is_none_is_refused(url: str) -> None:
    answer = httpx2.post(f"{url}/actions/add", data={"item_id": "latte", "qty": "many"}, headers=HTMX)
    assert answer.status_code == 422
    assert 'role="alert"' in answer.text


def test_removing_sets_the_line_to_none(url: str, service: FakeService) -> None:
    service.answers("PUT", f"{DRAFT}/lines/latte", EMPTY)
    httpx2.post(f"{url}/actions/remove", data={"item_id": "latte"}, headers=HTMX)
    sent = next(request for request in service.requests if request.method == "PUT")
    assert msgspec.json.decode(sent.body) == {"qty": 0}


PLACE = {"order_id": "0191-aa", "expected_total_won": "10000", "payment": "card-4242", "guest_name": " Min "}


def test_placing_leads_to_the_orders_page(url: str, service: FakeService) -> None:
    placed = FULL | {"id": "0191-aa", "number": 7, "state": "RESERVING", "payment": "card-4242"}
    service.answers("PUT", "/orders/0191-aa", placed | {"placed_at": "2026-11-22T02:33:00Z"}, status=202)
    answer = httpx2.post(f"{url}/actions/place", data=PLACE)
    assert (answer.status_code, answer.headers["location"]) == (303, "/orders/0191-aa")
    sent = next(request for request in service.requests if request.method == "PUT")
    expected = {"draft_of": "anonymous", "payment": "card-4242", "guest_name": "Min", "expected_total_won": 10000}
    assert msgspec.json.decode(sent.body) == expected


def test_a_refused_order_keeps_what_was_typed_and_says_why(url: str, service: FakeService) -> None:
    service.refuses("PUT", "/orders/0191-aa", status=409, code="total_changed")
    answer = httpx2.post(f"{url}/actions/place", data=PLACE | {"guest_name": "Min"}, headers=HTMX)
    assert (answer.status_code, answer.headers["jogakbo-fragment"]) == (409, "orders/cart")
    assert "A price has changed meanwhile." in answer.text
    assert 'value="Min"' in answer.text
    assert '<option value="card-4242" selected>' in answer.text


def test_a_service_that_is_away_leaves_the_cart_alone(url: str, service: FakeService) -> None:
    service.answers("PUT", "/orders/0191-aa", {}, status=503)
    answer = httpx2.post(f"{url}/actions/place", data=PLACE, headers=HTMX)
    assert answer.status_code == 503
    assert 'role="alert"' in answer.text
