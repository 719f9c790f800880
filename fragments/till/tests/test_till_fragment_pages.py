from __future__ import annotations

import asyncio

import httpx2
import msgspec
import pytest

from jogakbo.testing import FakeService, check, running
from till_fragment.app import create_app
from till_fragment.settings import Settings

KO = {"podium-locale": "ko"}
DAY = {
    "business_day": "2026-11-22",
    "takings_won": 21000,
    "payments": 3,
    "declined": 1,
    "by_method": {"cash": 4500, "card": 16500},
    "state": "open",
    "refunds": 1,
    "refunded_won": 4500,
    "opening_cash_won": 150000,
    "closing_cash_won": None,
}


def payment(number: int, state: str, method: str = "card") -> dict[str, object]:
    return {
        "id": f"pay-{number}",
        "order_id": f"0191-{number}",
        "amount_won": 4500,
        "method": method,
        "state": state,
        "at": "2026-11-22T02:33:00Z",
        "reason": None,
    }


@pytest.fixture(autouse=True)
def _till(service: FakeService) -> None:
    service.answers("GET", "/days/today", DAY)
    service.answers("GET", "/days/open", DAY | {"business_day": "2026-11-23"})
    service.answers("GET", "/days", {"days": [DAY]})
    service.refuses("GET", "/days/2026-11-22/close", status=404, code="not_found")
    service.answers("GET", "/checks", [])
    service.answers("GET", "/-/parked", [])
    service.answers("GET", "/payments", {"payments": [payment(12, "charged"), payment(11, "declined")]})


def test_it_keeps_the_contract(url: str) -> None:
    assert asyncio.run(check(url)) == []


def test_todays_takings_are_one_figure(url: str) -> None:
    answer = httpx2.get(f"{url}/today")
    assert answer.headers["surrogate-key"] == "till"
    assert "₩21,000" in answer.text
    assert "1 declined" in answer.text


def test_the_day_is_split_by_method(url: str) -> None:
    html = httpx2.get(f"{url}/day", headers=KO).text
    assert "₩4,500" in html
    assert "₩16,500" in html
    assert "현금" in html
    assert "−₩4,500" in html
    assert "2026-11-23" in html, "the day that payments are booked on now"


def test_a_day_without_payments_is_a_day_of_nothing(url: str, service: FakeService) -> None:
    nothing = DAY | {"takings_won": 0, "payments": 0, "declined": 0, "by_method": {}}
    service.answers("GET", "/days/open", nothing)
    assert "₩0" in httpx2.get(f"{url}/day").text


@pytest.mark.parametrize("state", ["charged", "declined", "voided", "voiding", "refunded", "refunding"])
@pytest.mark.parametrize("method", ["cash", "card", "unknown"])
def test_every_payment_is_shown(url: str, service: FakeService, state: str, method: str) -> None:
    service.answers("GET", "/payments", {"payments": [payment(12, state, method)]})
    html = httpx2.get(f"{url}/payments").text
    assert 'href="/orders/0191-12"' in html
    assert ("till-void" in html) == (state in ("declined", "voided", "refunded"))


def test_before_the_first_payment_the_list_says_so(url: str, service: FakeService) -> None:
    service.answers("GET", "/payments", {"payments": []})
    assert "No payments yet." in httpx2.get(f"{url}/payments").text


def test_while_the_till_is_away_its_fallback_still_answers(url: str, service: FakeService) -> None:
    service.answers("GET", "/days/today", {}, status=503)
    assert httpx2.get(f"{url}/today").status_code == 503
    assert httpx2.get(f"{url}/today/fallback").status_code == 200


def test_the_gateways_moods_are_there_in_the_lab_alone(url: str, service: FakeService) -> None:
    assert httpx2.get(f"{url}/moods").status_code == 404
    service.answers("GET", "/lab/gateway", {"mood": "down", "seconds_left": 17.2})
    service.answers("PUT", "/lab/gateway", {"mood": "down", "seconds_left": 30})
    settings = Settings(service_url=service.url, lab=True, service_timeout_seconds=5)
    with running(create_app(settings)) as lab:
        answer = httpx2.post(f"{lab}/actions/mood", data={"mood": "down"}, headers={"hx-request": "true"})
    assert answer.status_code == 200
    assert "for 17 s more" in answer.text
    assert 'aria-pressed="true">Payment is down' in answer.text
    (sent,) = [request for request in service.requests if request.method == "PUT"]
    assert msgspec.json.decode(sent.body) == {"mood": "down", "seconds": 30}
