"""The stock of an ingredient through time: as it is now, and as it was after an event."""

from __future__ import annotations

import httpx2
import pytest

from inventory_fragment.line import HEIGHT, stock_line
from jogakbo.testing import FakeService

MILK = {
    "id": "milk",
    "name": {"en": "Milk", "ko": "우유"},
    "unit": "ml",
    "on_hand": 29780,
    "reserved": 220,
    "available": 29560,
    "low_at": 5000,
    "level": "ok",
    "revision": 9,
}
EVENTS = [
    {"version": 47, "type": "held", "amount": 220, "on_hand_after": 29780, "reserved_after": 220, "order_id": "0191-9"},
    {"version": 46, "type": "committed", "amount": 220, "on_hand_after": 29780, "reserved_after": 0, "order_id": "x"},
    {"version": 45, "type": "held", "amount": 220, "on_hand_after": 30000, "reserved_after": 220, "order_id": "x"},
]
STREAM = {
    "business_day": "2026-11-22",
    "closed": False,
    "archived": False,
    "days": ["2026-11-22", "2026-11-21"],
    "newest": 447,
    "upto": 447,
    "state": {"on_hand": 29780, "reserved": 220, "available": 29560},
    "snapshot": 400,
    "events_after": 47,
    "events": [event | {"at": "2026-11-22T02:33:00Z"} for event in EVENTS],
}


@pytest.fixture(autouse=True)
def _stream(service: FakeService) -> None:
    service.answers("GET", "/ingredients/milk", MILK)
    service.answers("GET", "/ingredients/milk/stream", STREAM)


def test_the_stock_is_a_snapshot_and_what_came_after_it(url: str) -> None:
    answer = httpx2.get(f"{url}/timeline?id=milk")
    assert answer.headers["surrogate-key"] == "ingredient-milk"
    assert "29,780 ml" in answer.text
    assert "snapshot #4" in answer.text
    assert "47 events" in answer.text
    assert '<jogakbo-slot name="moment"></jogakbo-slot>' in answer.text


def test_the_slider_is_a_form_without_scripts_and_asks_for_the_moment_with_them(url: str) -> None:
    html = httpx2.get(f"{url}/timeline?id=milk&upto=207").text
    assert '<form class="inventory-slider" method="get" action="/stock/milk">' in html
    assert 'type="range" name="upto" min="1" max="447" value="207" hx-get="/-/inventory/moment"' in html
    assert 'max="447" value="447"' in httpx2.get(f"{url}/timeline?id=milk&upto=9999").text


def test_a_moment_is_what_was_there_after_that_event(url: str, service: FakeService) -> None:
    then = STREAM | {"upto": 247, "snapshot": 200, "events_after": 47}
    service.answers("GET", "/ingredients/milk/stream", then)
    html = httpx2.get(f"{url}/moment?id=milk&day=2026-11-22&upto=247", headers={"podium-locale": "ko"}).text
    asked = service.requests[-1].query
    assert "upto=247" in asked
    assert "day=2026-11-22" in asked
    assert "전체 447개 중 247번째 이벤트 뒤" in html
    assert "스냅샷 2번" in html
    assert "−220" in html
    assert 'href="/orders/0191-9"' in html


def test_before_the_slider_was_moved_the_moment_only_invites(url: str, service: FakeService) -> None:
    assert "Move the slider" in httpx2.get(f"{url}/moment?id=milk").text
    assert service.requests == []


def test_a_day_and_an_ingredient_that_are_not_there_are_not_found(url: str, service: FakeService) -> None:
    service.refuses("GET", "/ingredients/milk/stream", status=404, code="day_unknown")
    assert httpx2.get(f"{url}/timeline?id=milk&day=1999-01-01").status_code == 404
    assert httpx2.get(f"{url}/moment?id=milk&day=1999-01-01&upto=3").status_code == 404


def test_a_closed_day_and_one_in_the_archive_say_so(url: str, service: FakeService) -> None:
    service.answers("GET", "/ingredients/milk/stream", STREAM | {"closed": True})
    assert '<span class="badge badge-good">closed</span>' in httpx2.get(f"{url}/timeline?id=milk").text
    service.answers("GET", "/ingredients/milk/stream", STREAM | {"closed": True, "archived": True})
    assert '<span class="badge badge-good">in the archive</span>' in httpx2.get(f"{url}/timeline?id=milk").text


def test_the_line_stays_within_its_box_also_below_nothing() -> None:
    line = stock_line([0, 50, 100, -5], low_at=20)
    assert line is not None
    assert line.area == f"M0 {HEIGHT}V120h1V63h1V6h1V120h1V{HEIGHT}z"
    assert (line.steps, line.most, line.least, line.low_y) == (4, 100, -5, 97.2)
    assert stock_line([], low_at=20) is None
