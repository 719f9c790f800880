"""The close of a day as a manager sees it: to begin, step by step, blocked, done, and taken back."""

from __future__ import annotations

import re

import httpx2
import msgspec
import pytest

from jogakbo.testing import FakeService

KO = {"podium-locale": "ko"}
HTMX = {"hx-request": "true"}
TODAY, NEXT = "2026-11-22", "2026-11-23"
NAMES = ("start", "drain", "balance", "fold", "verify", "archive")
FORM = {"day": TODAY, "asked": ""}


def day(business_day: str, state: str) -> dict[str, object]:
    return {
        "business_day": business_day,
        "state": state,
        "takings_won": 21000,
        "payments": 3,
        "declined": 1,
        "by_method": {"cash": 4500, "card": 16500},
        "refunds": 0,
        "refunded_won": 0,
        "opening_cash_won": 150000,
        "closing_cash_won": None,
    }


def closing(state: str, done: int, at: str = "current", **details: str) -> dict[str, object]:
    states = ["done"] * done + ([at] if done < len(NAMES) else [])
    states += ["waiting"] * (len(NAMES) - len(states))
    steps = [
        {"name": name, "state": one, "at": "2026-11-22T13:00:00Z", "detail": details.get(name, "")}
        for name, one in zip(NAMES, states, strict=True)
    ]
    said: dict[str, object] = {"business_day": TODAY, "next_day": NEXT, "state": state, "step": "", "alarm": False}
    return said | {"steps": steps, "progress": done / len(NAMES), "mismatches": []}


@pytest.fixture(autouse=True)
def _till(service: FakeService) -> None:
    service.answers("GET", "/days/today", day(TODAY, "open"))
    service.answers("GET", "/days", {"days": [day(NEXT, "open"), day(TODAY, "open")]})
    service.refuses("GET", f"/days/{TODAY}/close", status=404, code="not_found")


def test_an_open_day_has_a_button_that_closes_it(url: str, service: FakeService) -> None:
    answer = httpx2.get(f"{url}/close")
    assert answer.headers["surrogate-key"] == "till"
    assert f"Close {TODAY}</button>" in answer.text
    assert "<progress" not in answer.text
    service.answers("POST", f"/days/{TODAY}/close", closing("closing", 0), status=202)
    service.answers("GET", f"/days/{TODAY}/close", closing("closing", 0))
    done = httpx2.post(f"{url}/actions/close", data=FORM, headers=HTMX)
    assert (done.status_code, done.headers["surrogate-key"]) == (200, f"day-{TODAY} till")
    assert "</button>" not in done.text, "what is under way is not begun again"
    (sent,) = [request for request in service.requests if request.method == "POST"]
    assert sent.headers["idempotency-key"]


def test_the_oldest_day_that_is_not_closed_comes_first(url: str, service: FakeService) -> None:
    service.answers("GET", "/days", {"days": [day(NEXT, "open"), day(TODAY, "open"), day("2026-11-21", "open")]})
    service.refuses("GET", "/days/2026-11-21/close", status=404, code="not_found")
    assert "Close 2026-11-21</button>" in httpx2.get(f"{url}/close").text
    service.answers("GET", f"/days/{TODAY}", day(TODAY, "open"))
    assert f"Close {TODAY}</button>" in httpx2.get(f"{url}/close?day={TODAY}").text


def test_each_step_says_where_it_is_and_what_it_waits_for(url: str, service: FakeService) -> None:
    steps = closing("closing", 3, drain="carried:2", fold="waiting:reports inventory")
    service.answers("GET", f"/days/{TODAY}/close", steps | {"alarm": True})
    html = httpx2.get(f"{url}/close").text
    assert 'max="100" value="50"' in html
    assert re.findall('class="till-step till-step-([a-z]+)"', html) == ["done"] * 3 + ["current"] + ["waiting"] * 2
    assert "Payments carried over: 2" in html
    assert "Waiting for: Reports, Inventory" in html
    assert "This takes longer than it should." in html
    assert "기다리는 곳: 보고서, 재고" in httpx2.get(f"{url}/close", headers=KO).text


def test_a_detail_that_is_newer_than_the_texts_is_shown_as_it_is(url: str, service: FakeService) -> None:
    service.answers("GET", f"/days/{TODAY}/close", closing("closing", 1, drain="sweeping:7"))
    assert "sweeping:7" in httpx2.get(f"{url}/close").text


def test_a_blocked_close_shows_the_lines_that_differ_and_is_tried_again(url: str, service: FakeService) -> None:
    taken = {"what": "taken_won", "order_id": None, "till": "21000", "reports": "21000", "gateway": "-4500"}
    paid = {"what": "payment", "order_id": "0191-7", "till": None, "reports": None, "gateway": "4500"}
    lines = [taken | {"replay": "21000"}, paid | {"replay": None}]
    service.answers("GET", f"/days/{TODAY}/close", closing("blocked", 4, "blocked") | {"mismatches": lines})
    html = httpx2.get(f"{url}/close").text
    assert "Blocked: 2 lines differ." in html
    assert re.findall(r'class="till-off"><dt>(\w+)</dt><dd class="number">([^<]+)', html) == [
        ("Gateway", "−₩4,500"),
        ("Gateway", "₩4,500"),
    ]
    assert 'href="/orders/0191-7"' in html
    assert "Check again</button>" in html


def test_a_closed_day_leads_to_its_report_and_is_reopened_with_a_reason(url: str, service: FakeService) -> None:
    service.answers("GET", "/days/today", day(TODAY, "closed"))
    service.answers("GET", "/days", {"days": [day(NEXT, "open"), day(TODAY, "closed")]})
    service.answers("GET", f"/days/{TODAY}/close", closing("closed", 6))
    html = httpx2.get(f"{url}/close").text
    assert f'href="/reports/{TODAY}"' in html
    assert "Close 2026" not in html
    service.answers("POST", f"/days/{TODAY}/reopen", closing("reopened", 6), status=202)
    form = FORM | {"seen": "x", "reason": " Forgot a till roll "}
    for reason in (" Forgot a till roll ", " Forgot a till roll ", "Another"):
        httpx2.post(f"{url}/actions/reopen", data=form | {"reason": reason}, headers=HTMX)
    first, again, other = [request for request in service.requests if request.method == "POST"]
    assert msgspec.json.decode(first.body) == {"reason": "Forgot a till roll"}
    assert first.headers["idempotency-key"] == again.headers["idempotency-key"] != other.headers["idempotency-key"]


def test_what_is_refused_is_said_in_the_persons_language(url: str, service: FakeService) -> None:
    service.refuses("POST", f"/days/{TODAY}/close", status=409, code="earlier_day_open")
    answer = httpx2.post(f"{url}/actions/close", data=FORM, headers=HTMX | KO)
    assert answer.status_code == 409
    assert "그날부터 마감해 주세요." in answer.text
    empty = httpx2.post(f"{url}/actions/reopen", data=FORM | {"seen": "", "reason": " "}, headers=HTMX)
    assert empty.status_code == 422
    assert "Say why the day is opened again." in empty.text
