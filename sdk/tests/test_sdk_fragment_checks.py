"""The checks of a service and its parked messages as a fragment; files that a browser saves."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from jogakbo.fragment import File, FragmentServer, FragmentSettings, Param, View, offer_checks
from jogakbo.testing import FakeService, check, running

NOW = "2026-11-22T02:33:00Z"
FIGURES = {"loaves": 1234, "crumbs": 5}
HOLDS = {"name": "crumbs_conserved", "holds": True, "detail": "", "checked_at": NOW, "figures": FIGURES}
BROKEN = {"name": "no_burnt_bread", "holds": False, "detail": "loaf-7", "checked_at": NOW}
PARKED = {
    "stream": "flour",
    "position": "1763-7",
    "type": "flour.Milled",
    "subject": "sack-1",
    "reason": "no such <mill>",
    "attempts": 10,
    "parked_at": NOW,
}
RETRY = "/-/parked/flour/1763-7/retry"
FORM = {"stream": "flour", "position": "1763-7"}


@pytest.fixture
def service() -> Iterator[FakeService]:
    with FakeService() as fake:
        fake.answers("GET", "/checks", [HOLDS, BROKEN])
        fake.answers("GET", "/-/parked", [PARKED])
        fake.answers("GET", "/loaves.csv", "name")
        yield fake


@pytest.fixture
def url(service: FakeService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    folder = tmp_path / "bakery_fragment"
    (folder / "templates").mkdir(parents=True)
    (folder / "__init__.py").touch()
    (folder / "messages.toml").write_text(_MESSAGES)
    monkeypatch.syspath_prepend(tmp_path)
    server = FragmentServer("bakery", package="bakery_fragment", team="bakery")
    offer_checks(server, title={"en": "Bakery", "ko": "빵집"}, keys=["loaves"])

    @server.file("loaves.csv", params={"day": Param(pattern="[0-9]{1,2}", required=True)})
    async def loaves(view: View) -> File:
        return File(f"loaves-{view.params['day']}.csv", "text/csv", await view.service.content("/loaves.csv"))

    with running(server.app(FragmentSettings(service_url=service.url))) as address:
        yield address


_MESSAGES = """
[en]
check.no_burnt_bread = "Nothing burns"
figure.loaves = "loaves"
[ko]
check.no_burnt_bread = "타는 빵이 없다"
figure.loaves = "빵"
"""


def test_it_keeps_the_contract(url: str, service: FakeService) -> None:
    service.answers("GET", "/readyz", {"version": "1"})
    assert asyncio.run(check(url)) == []


def test_each_check_is_said_in_the_teams_words_and_a_newer_one_by_its_name(url: str) -> None:
    answer = httpx2.get(f"{url}/checks", headers={"podium-locale": "ko"})
    assert answer.headers["surrogate-key"] == "checks loaves"
    assert '<p class="check-words">타는 빵이 없다<span class="visually-hidden">: 어긋남</span></p>' in answer.text
    assert '<p class="check-words">crumbs_conserved<span class="visually-hidden">: 맞음</span></p>' in answer.text
    assert "어긋남 1건" in answer.text
    assert '<p class="small check-detail">빵 1,234 · crumbs 5</p>' in answer.text
    assert '<p class="small check-detail" lang="en">loaf-7</p>' in answer.text


def test_what_is_parked_is_shown_with_its_reason_and_tried_again_by_a_button(url: str, service: FakeService) -> None:
    html = httpx2.get(f"{url}/checks").text
    assert "1 parked" in html
    assert "no such &lt;mill&gt;" in html
    service.answers("POST", RETRY)
    service.answers("GET", "/-/parked", [])
    answer = httpx2.post(f"{url}/actions/retry", data=FORM, headers={"hx-request": "true"})
    assert answer.status_code == 200
    assert "1 parked" not in answer.text
    assert service.requests[-3].path == RETRY


def test_what_still_fails_is_said_with_the_new_reason(url: str, service: FakeService) -> None:
    service.refuses("POST", RETRY, status=409, code="still_failing", detail="the mill burns")
    answer = httpx2.post(f"{url}/actions/retry", data=FORM, headers={"hx-request": "true"})
    assert answer.status_code == 409
    assert '<p class="notice notice-error" role="alert">the mill burns</p>' in answer.text


def test_a_file_is_saved_under_its_name_and_never_kept(url: str) -> None:
    answer = httpx2.get(f"{url}/files/loaves.csv?day=7")
    assert answer.content == b'"name"'
    assert answer.headers["content-disposition"] == 'attachment; filename="loaves-7.csv"'
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["cache-control"] == "no-store"


def test_a_file_with_wrong_parameters_or_without_its_service_is_a_problem(url: str, service: FakeService) -> None:
    assert httpx2.get(f"{url}/files/loaves.csv").status_code == 400
    service.answers("GET", "/loaves.csv", status=500)
    assert httpx2.get(f"{url}/files/loaves.csv?day=7").status_code == 503
