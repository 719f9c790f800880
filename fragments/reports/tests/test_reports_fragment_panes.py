"""Write side and read side next to each other, and the switch that only the lab has."""

from __future__ import annotations

from collections.abc import Iterator

import httpx2
import msgspec
import pytest

from jogakbo.testing import FakeService, running
from reports_fragment.app import create_app
from reports_fragment.settings import Settings

NOW = "2026-11-22T02:33:41Z"
EPOCH = "1763816400000"
STREAM = {"stream": "orders", "written": f"{EPOCH}-127", "read": f"{EPOCH}-127", "behind": 0, "lag_ms": 0}
FACT = {"stream": "orders", "position": f"{EPOCH}-127", "type": "orders.OrderConfirmed", "subject": "x", "at": NOW}
ROW = {"number": 412, "type": "till.PaymentCharged", "subject": "x", "won": 16500, "at": NOW, "lag_ms": 12}
LEVEL = {
    "frozen": False,
    "bus": "connected",
    "streams": [STREAM],
    "written": [FACT | {"read": True}],
    "rows": [ROW],
    "day": {"business_day": "2026-11-22", "orders": 117, "won": 900_000, "taken_won": 895_000},
}
BEHIND = LEVEL | {
    "streams": [STREAM | {"read": f"{EPOCH}-120", "behind": 2, "lag_ms": 12_400}],
    "written": [FACT | {"read": False}],
}


@pytest.fixture
def lab_url(service: FakeService) -> Iterator[str]:
    with running(create_app(Settings(service_url=service.url, lab=True))) as address:
        yield address


def test_when_all_is_read_both_sides_say_the_same(url: str, service: FakeService) -> None:
    service.answers("GET", "/panes", LEVEL)
    answer = httpx2.get(f"{url}/panes")
    assert set(answer.headers["surrogate-key"].split()) == {"orders", "till", "reports"}
    for words in ("0 behind", "Both say the same.", "127 → 127", "₩900,000", "from 117 orders today", "+0.012 s"):
        assert words in answer.text
    assert "reports-fact-new" not in answer.text


def test_what_has_not_been_read_is_marked_and_the_lag_grows_before_ones_eyes(url: str, service: FakeService) -> None:
    service.answers("GET", "/panes", BEHIND)
    html = httpx2.get(f"{url}/panes").text
    for words in ("2 behind", "for 12.4 s", "127 → 120", "not read yet", "reports-fact-new", 'hx-trigger="every 2s"'):
        assert words in html
    assert "2건 뒤" in httpx2.get(f"{url}/panes", headers={"podium-locale": "ko"}).text


def test_without_the_bus_nobody_claims_to_know_what_was_written(url: str, service: FakeService) -> None:
    away = [STREAM | {"written": None}]
    service.answers("GET", "/panes", LEVEL | {"bus": "away", "written": [], "streams": away})
    html = httpx2.get(f"{url}/panes").text
    assert "The bus is away" in html
    assert "? → 127" in html


def test_only_the_lab_has_the_switch(url: str, lab_url: str, service: FakeService) -> None:
    service.answers("GET", "/panes", LEVEL)
    service.answers("PUT", "/freeze", {"frozen": True})
    assert "actions/freeze" not in httpx2.get(f"{url}/panes").text
    assert httpx2.post(f"{url}/actions/freeze", data={"frozen": "true"}).status_code == 404
    assert "Freeze the read side" in httpx2.get(f"{lab_url}/panes").text


def test_the_switch_turns_both_ways(lab_url: str, service: FakeService) -> None:
    service.answers("PUT", "/freeze", {"frozen": True})
    service.answers("GET", "/panes", LEVEL | {"frozen": True})
    htmx = {"hx-request": "true"}
    shown = httpx2.post(f"{lab_url}/actions/freeze", data={"frozen": "true"}, headers=htmx)
    assert (shown.status_code, shown.headers["jogakbo-fragment"]) == (200, "reports/panes")
    assert "The read side is frozen. Orders go on." in shown.text
    httpx2.post(f"{lab_url}/actions/freeze", data={"frozen": "false"}, headers=htmx)
    told = [msgspec.json.decode(request.body) for request in service.requests if request.method == "PUT"]
    assert told == [{"frozen": True}, {"frozen": False}]
