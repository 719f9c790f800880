from __future__ import annotations

import httpx2
import pytest

from jogakbo.testing import FakeService

KO = {"podium-locale": "ko"}
HTMX = {"hx-request": "true"}
LATTE = {"item_id": "latte", "name": {"en": "Café latte", "ko": "카페 라테"}, "qty": 2, "price_won": 5000}
TOAST = {"item_id": "toast", "name": {"en": "Toast", "ko": "토스트"}, "qty": 1, "price_won": 6500}
STEPS = ("placed", "reserved", "charged", "committed", "taken", "finished", "handed_over")


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


def timeline(*steps: str) -> list[dict[str, str]]:
    return [{"at": f"2026-11-22T02:3{minute}:00Z", "step": step} for minute, step in enumerate(steps)]


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


def track(url: str, service: FakeService, told: dict[str, object], **headers: str) -> str:
    service.answers("GET", "/orders/0191-12", told)
    answer = httpx2.get(f"{url}/track?id=0191-12", headers=headers)
    assert answer.headers["surrogate-key"] == "order-0191-12"
    return answer.text


def test_an_order_being_made_shows_where_it_is(url: str, service: FakeService) -> None:
    html = track(url, service, order(12, progress="making", timeline=timeline(*STEPS[:5])))
    assert "Your order is being made." in html
    assert html.count("orders-step-done") == 2
    assert html.count('aria-current="step"') == 1
    assert html.count("orders-step-todo") == 2


def test_a_handed_over_order_has_all_its_steps_done(url: str, service: FakeService) -> None:
    html = track(url, service, order(12, progress="handed_over", timeline=timeline(*STEPS)))
    assert html.count("orders-step-done") == 5
    assert "aria-current" not in html


def test_an_order_without_stock_names_what_is_short(url: str, service: FakeService) -> None:
    short = [{"ingredient_id": "matcha", "name": {"en": "Matcha powder", "ko": "말차 가루"}, "needed": 6}]
    told = order(12, "REJECTED", reason="out_of_stock", short=short, timeline=timeline("placed", "refused"))
    assert "Not enough left: Matcha powder. Nothing was charged." in track(url, service, told)
    assert "재료가 부족합니다: 말차 가루." in track(url, service, told, **KO)


def test_a_payment_without_words_is_shown_as_it_is(url: str, service: FakeService) -> None:
    assert "card-9999" in track(url, service, order(12, progress="queued", payment="card-9999"))


def test_a_declined_card_is_told(url: str, service: FakeService) -> None:
    steps = timeline("placed", "reserved", "declined", "released")
    html = track(url, service, order(12, "CANCELLED", reason="payment_declined", timeline=steps))
    assert "The card was declined." in html
    assert "orders-step-stopped" in html


def test_an_order_that_nobody_placed_is_not_found(url: str, service: FakeService) -> None:
    service.refuses("GET", "/orders/0191-99", status=404, code="unknown_order")
    answer = httpx2.get(f"{url}/track?id=0191-99")
    assert answer.status_code == 404
    assert "No such order" in answer.text
