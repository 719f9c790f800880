"""The report of one day, on paper too, and the rebuild of what it is read from."""

from __future__ import annotations

import httpx2
import pytest

from jogakbo.testing import FakeService

KO = {"podium-locale": "ko"}
DAY = "2026-11-22"
BALANCES = {
    "opening_cash_won": 150000,
    "closing_cash_won": 458000,
    "till_won": 1284500,
    "till_payments": 187,
    "till_digest": "9f2c",
}
REPORT = {
    "business_day": DAY,
    "state": "closed",
    "sales": {
        "orders": 187,
        "won": 1293500,
        "refunds": 1,
        "refunded_won": 4500,
        "adjusted_won": 5000,
        "net_won": 1294000,
    },
    "hours": [{"hour": 9, "orders": 3, "won": 15000}, {"hour": 13, "orders": 5, "won": 31000}],
    "items": [{"item_id": "latte", "name": {"en": "Café latte", "ko": "카페 라테"}, "qty": 9, "won": 45000}],
    "payments": {
        "count": 187,
        "taken_won": 1284500,
        "by_method": [
            {"method": "card", "payments": 142, "won": 981000, "refunds": 1, "refunded_won": 4500},
            {"method": "cash", "payments": 45, "won": 327000, "refunds": 0, "refunded_won": 0},
        ],
    },
    "refunds": [
        {"order_id": "0191-7", "number": 7, "of_day": DAY, "won": 4500, "reason": "Spilt", "at": f"{DAY}T03:00:00Z"}
    ],
    "adjustments": [{"what": "sale", "id": "0191-9", "of_day": "2026-11-21", "won": 5000, "at": f"{DAY}T03:00:00Z"}],
    "balances": BALANCES,
    "digest": "9f2c",
}
PIECES = ("report", "hours", "items", "methods", "late")


@pytest.fixture(autouse=True)
def _report(service: FakeService) -> None:
    service.answers("GET", f"/days/{DAY}/report", REPORT)


@pytest.mark.parametrize("piece", PIECES)
def test_each_piece_follows_its_day(url: str, piece: str) -> None:
    answer = httpx2.get(f"{url}/{piece}?day={DAY}", headers=KO)
    assert answer.status_code == 200
    assert answer.headers["surrogate-key"] == f"day-{DAY} report-{DAY} reports"


def test_a_closed_day_says_that_till_and_reports_are_the_same(url: str, service: FakeService) -> None:
    html = httpx2.get(f"{url}/report?day={DAY}").text
    assert "₩1,294,000" in html
    assert "₩458,000" in html
    assert "the same" in html
    other = REPORT | {"balances": BALANCES | {"till_digest": "0000"}}
    service.answers("GET", f"/days/{DAY}/report", other)
    assert '<span class="badge badge-bad">differ</span>' in httpx2.get(f"{url}/report?day={DAY}").text


def test_an_open_day_has_no_balances_and_leads_to_its_close(url: str, service: FakeService) -> None:
    service.answers("GET", f"/days/{DAY}/report", REPORT | {"state": "open", "balances": None})
    html = httpx2.get(f"{url}/report?day={DAY}").text
    assert "Balances appear when the till closes this day." in html
    assert f'href="/till?day={DAY}"' in html


def test_what_came_late_says_to_which_day_it_belongs(url: str) -> None:
    html = httpx2.get(f"{url}/late?day={DAY}").text
    assert "Refund of order 7" in html
    assert "−₩4,500" in html
    assert 'href="/reports/2026-11-21"' in html


def test_a_day_on_which_nothing_was_sold_says_so_in_each_piece(url: str, service: FakeService) -> None:
    nothing: dict[str, object] = {"hours": [], "items": [], "refunds": [], "adjustments": [], "balances": None}
    payments = {"count": 0, "taken_won": 0, "by_method": []}
    service.answers("GET", f"/days/{DAY}/report", REPORT | nothing | {"payments": payments})
    said = [httpx2.get(f"{url}/{piece}?day={DAY}").text for piece in ("hours", "items", "methods", "late")]
    assert all('class="empty"' in html and "<svg" not in html for html in said)


def test_a_day_that_no_calendar_has_is_not_found(url: str, service: FakeService) -> None:
    service.refuses("GET", "/days/2026-02-31/report", status=422, code="invalid_request")
    assert httpx2.get(f"{url}/report?day=2026-02-31").status_code == 404


def test_the_same_is_a_file_for_a_spreadsheet(url: str, service: FakeService) -> None:
    service.answers("GET", f"/days/{DAY}/report.csv", "section,key")
    answer = httpx2.get(f"{url}/files/day.csv?day={DAY}")
    assert answer.headers["content-disposition"] == f'attachment; filename="jogakbo-{DAY}.csv"'
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.content == b'"section,key"'


def test_a_rebuild_is_begun_once_and_shows_how_far_it_is(url: str, service: FakeService) -> None:
    service.answers("GET", "/rebuild", {"state": "idle", "done": 0, "of": 0, "finished_at": None})
    assert "<progress" not in httpx2.get(f"{url}/rebuild").text
    service.answers("POST", "/rebuild", {}, status=202)
    service.answers("GET", "/rebuild", {"state": "running", "done": 41200, "of": 100000, "finished_at": None})
    answer = httpx2.post(f"{url}/actions/rebuild", headers={"hx-request": "true"})
    assert answer.headers["surrogate-key"] == "rebuild reports"
    assert '<progress class="reports-progress" max="100000" value="41200"' in answer.text
    assert "disabled>Rebuild" in answer.text
    finished = {"state": "idle", "done": 100000, "of": 100000, "finished_at": f"{DAY}T03:00:00Z"}
    service.answers("GET", "/rebuild", finished)
    assert "Made anew from 100,000 facts." in httpx2.get(f"{url}/rebuild").text
