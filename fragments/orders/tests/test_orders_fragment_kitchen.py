from __future__ import annotations

import httpx2
import pytest

from jogakbo.testing import FakeService

KO = {"podium-locale": "ko"}
HTMX = {"hx-request": "true"}
LATTE = {"item_id": "latte", "name": {"en": "Café latte", "ko": "카페 라테"}, "qty": 2, "price_won": 5000}
TOAST = {"item_id": "toast", "name": {"en": "Toast", "ko": "토스트"}, "qty": 1, "price_won": 6500}


def order(number: int, state: str = "CONFIRMED", progress: str | None = None, **told: object) -> dict[str, object]:
    return {
        "id": f"0191-{number}",
        "number": number,
        "state": state,
        "progress": progress,
        "placed_at": "2026-11-22T02:33:00Z",
        "guest_name": "민지",
        "payment": "card-4242",
        "lines": [LATTE, TOAST],
        "total_won": 16500,
        "reason": None,
        "short": [],
        "timeline": [],
        **told,
    }


@pytest.fixture(autouse=True)
def _board(service: FakeService) -> None:
    columns = {"queued": [order(12, progress="queued")], "making": [order(11, progress="making")], "ready": []}
    service.answers("GET", "/board", columns)


def test_the_board_offers_each_order_the_step_that_comes_next(url: str) -> None:
    answer = httpx2.get(f"{url}/board")
    assert answer.headers["surrogate-key"] == "orders"
    assert 'aria-label="Take order 12"' in answer.text
    assert 'aria-label="Finish order 11"' in answer.text
    assert "Nothing waiting to be handed over." in answer.text


def test_the_board_is_korean_for_who_reads_korean(url: str) -> None:
    html = httpx2.get(f"{url}/board", headers=KO).text
    assert "카페 라테" in html
    assert 'aria-label="12번 주문 만들기 시작"' in html


def test_times_are_the_cafes_and_readable_by_machines(url: str) -> None:
    assert '<time datetime="2026-11-22T02:33:00+00:00">11:33</time>' in httpx2.get(f"{url}/board").text


@pytest.mark.parametrize("step", ["take", "finish", "hand-over"])
def test_a_step_is_told_to_the_service(url: str, service: FakeService, step: str) -> None:
    service.answers("POST", f"/orders/0191-12/{step}", order(12))
    answer = httpx2.post(f"{url}/actions/{step}", data={"order_id": "0191-12"}, headers=HTMX)
    assert (answer.status_code, answer.headers["jogakbo-fragment"]) == (200, "orders/board")


def test_a_step_that_somebody_else_took_is_told(url: str, service: FakeService) -> None:
    service.refuses("POST", "/orders/0191-12/take", status=409, code="illegal_transition")
    answer = httpx2.post(f"{url}/actions/take", data={"order_id": "0191-12"}, headers=HTMX)
    assert answer.status_code == 409
    assert "that order has already moved on" in answer.text


def test_the_queue_links_to_each_order_and_says_how_it_stands(url: str, service: FakeService) -> None:
    service.answers("GET", "/queue", {"orders": [order(13, "RESERVING"), order(12, progress="ready")]})
    html = httpx2.get(f"{url}/queue").text
    assert 'href="/orders/0191-13"' in html
    assert "Café latte and 2 more" in html
    assert "Checking stock" in html
    assert "Ready" in html


def test_an_empty_queue_says_so(url: str, service: FakeService) -> None:
    service.answers("GET", "/queue", {"orders": []})
    assert "진행 중인 주문이 없습니다." in httpx2.get(f"{url}/queue", headers=KO).text
