from __future__ import annotations

import asyncio

import httpx2
import pytest

from jogakbo.testing import FakeService, check

KO = {"podium-locale": "ko"}
HOURS = [{"hour": 9, "orders": 3, "won": 15000}, {"hour": 11, "orders": 5, "won": 31000}]
LATTE = {"item_id": "latte", "name": {"en": "Café latte", "ko": "카페 라테"}, "qty": 9, "won": 45000}
TOAST = {"item_id": "toast", "name": {"en": "Toast", "ko": "토스트"}, "qty": 3, "won": 22500}

DAY = {"business_day": "2026-11-22", "orders": 8, "won": 46000, "taken_won": 46000}
PANES = {"frozen": False, "bus": "connected", "streams": [], "written": [], "rows": [], "day": DAY}


@pytest.fixture(autouse=True)
def _reports(service: FakeService) -> None:
    sales = {"business_day": "2026-11-22", "total_won": 46000, "orders": 8, "by_hour": HOURS}
    service.answers("GET", "/sales/today", sales)
    service.answers("GET", "/best-sellers", {"items": [LATTE, TOAST]})
    service.answers("GET", "/rebuild", {"state": "idle", "done": 0, "of": 0, "finished_at": None})
    service.answers("GET", "/panes", PANES)
    service.answers("GET", "/checks", [])
    service.answers("GET", "/-/parked", [])
    service.answers("GET", "/days", {"days": [{"business_day": "2026-11-22", "orders": 8, "won": 46000}]})


def test_it_keeps_the_contract(url: str) -> None:
    assert asyncio.run(check(url)) == []


def test_the_chart_says_in_words_what_it_shows(url: str) -> None:
    answer = httpx2.get(f"{url}/sales")
    assert answer.headers["surrogate-key"] == "reports"
    assert "The best hour was 11:00 with ₩31,000." in answer.text
    assert answer.text.count("<rect") == answer.text.count('<th scope="row">')


def test_the_chart_is_korean_for_who_reads_korean(url: str) -> None:
    assert "가장 많이 팔린 시간은 11시, ₩31,000입니다." in httpx2.get(f"{url}/sales", headers=KO).text


def test_before_the_first_sale_there_is_no_chart(url: str, service: FakeService) -> None:
    service.answers("GET", "/sales/today", {"business_day": "2026-11-22", "total_won": 0, "orders": 0, "by_hour": []})
    html = httpx2.get(f"{url}/sales").text
    assert "No sales yet today." in html
    assert "<svg" not in html


def test_bars_of_best_sellers_compare_with_the_best(url: str) -> None:
    html = httpx2.get(f"{url}/bestsellers").text
    assert 'width="100.0%"' in html
    assert 'width="50.0%"' in html
    assert "9 sold" in html


def test_without_sales_the_lists_say_so(url: str, service: FakeService) -> None:
    service.answers("GET", "/best-sellers", {"items": []})
    service.answers("GET", "/days", {"days": []})
    assert "Nothing has been sold yet." in httpx2.get(f"{url}/bestsellers").text
    assert "아직 집계된 날이 없습니다." in httpx2.get(f"{url}/days", headers=KO).text
