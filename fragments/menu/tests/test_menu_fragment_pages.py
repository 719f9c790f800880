from __future__ import annotations

import asyncio

import httpx2
import msgspec
import pytest

from jogakbo.testing import FakeService, check

KO = {"podium-locale": "ko"}
HTMX = {"hx-request": "true"}


def item(item_id: str, en: str, ko: str, **changes: object) -> dict[str, object]:
    told: dict[str, object] = {
        "id": item_id,
        "name": {"en": en, "ko": ko},
        "category": "coffee",
        "price_won": 4500,
        "on_sale": True,
        "sold_out": False,
        "recipe": [{"ingredient_id": "beans", "amount": 18}],
        "version": 3,
    }
    return told | changes


@pytest.fixture(autouse=True)
def _menu(service: FakeService) -> None:
    items = [
        item("americano", "Americano", "아메리카노"),
        item("matcha-latte", "Matcha latte", "말차 라테", category="tea", sold_out=True),
        item("omija-ade", "Omija ade", "오미자 에이드", category="drink", on_sale=False),
    ]
    service.answers("GET", "/items", {"items": items})
    beans = {"id": "beans", "name": {"en": "Coffee beans", "ko": "원두"}, "unit": "g"}
    service.answers("GET", "/ingredients", {"ingredients": [beans]})


def test_it_keeps_the_contract(url: str) -> None:
    assert asyncio.run(check(url)) == []


def test_the_list_offers_what_is_on_sale(url: str) -> None:
    answer = httpx2.get(f"{url}/list")
    assert answer.headers["surrogate-key"] == "menu"
    assert "Americano" in answer.text
    assert "₩4,500" in answer.text
    assert "Omija ade" not in answer.text


def test_an_item_is_added_through_the_orders_team(url: str) -> None:
    assert 'action="/-/orders/actions/add"' in httpx2.get(f"{url}/list").text


def test_a_recipe_speaks_the_managers_language(url: str, service: FakeService) -> None:
    assert "원두 18 g" in httpx2.get(f"{url}/manage", headers=KO).text
    service.answers("GET", "/ingredients", {"ingredients": []})
    assert "beans 18" in httpx2.get(f"{url}/manage", headers=KO).text


def test_what_is_sold_out_is_shown_and_cannot_be_added(url: str) -> None:
    html = httpx2.get(f"{url}/list").text
    assert "Sold out" in html
    assert 'value="matcha-latte"' not in html


def test_the_list_is_korean_for_who_reads_korean(url: str) -> None:
    html = httpx2.get(f"{url}/list", headers=KO).text
    assert "아메리카노" in html
    assert "품절" in html


def test_an_empty_menu_says_so(url: str, service: FakeService) -> None:
    service.answers("GET", "/items", {"items": []})
    assert "Nothing is on sale." in httpx2.get(f"{url}/list").text


def test_a_new_price_is_sent_with_the_version_that_was_seen(url: str, service: FakeService) -> None:
    service.answers("PATCH", "/items/americano", item("americano", "Americano", "아메리카노", version=4))
    form = {"item_id": "americano", "version": "3", "price_won": "4,800"}
    answer = httpx2.post(f"{url}/actions/price", data=form, headers={"jogakbo-page": "/menu"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/menu")
    sent = next(request for request in service.requests if request.method == "PATCH")
    assert sent.headers["if-match"] == '"3"'
    assert msgspec.json.decode(sent.body) == {"price_won": 4800}


def test_a_refused_price_stays_in_its_field_with_the_reason(url: str) -> None:
    form = {"item_id": "americano", "version": "3", "price_won": "cheap"}
    answer = httpx2.post(f"{url}/actions/price", data=form, headers=HTMX)
    assert answer.status_code == 422
    assert answer.headers["jogakbo-fragment"] == "menu/manage"
    assert 'role="alert"' in answer.text
    assert 'value="cheap" aria-invalid="true"' in answer.text
    row = answer.text.partition('id="menu-row-americano">')[2].partition("</li>")[0]
    assert 'role="alert"' in row, "what is wrong is said where it was typed"


def test_a_change_that_came_too_late_is_told_in_the_persons_language(url: str, service: FakeService) -> None:
    service.refuses("PATCH", "/items/americano", status=412, code="stale_version")
    form = {"item_id": "americano", "version": "2", "on_sale": "false"}
    answer = httpx2.post(f"{url}/actions/on-sale", data=form, headers=HTMX | KO)
    assert answer.status_code == 412
    assert "그사이 다른 사람이" in answer.text
