"""What breaks things on purpose exists only where the lab is on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import cast

import httpx2
import pytest

from jogakbo.fragment import Action, Answer, FragmentServer, FragmentSettings, View, offer_lab
from jogakbo.testing import FakeService, running


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FragmentServer:
    folder = tmp_path / "ovens_fragment"
    (folder / "templates").mkdir(parents=True)
    (folder / "__init__.py").touch()
    (folder / "templates" / "oven.html").write_text("{% if lab %}may burn{% else %}bakes{% endif %}")
    monkeypatch.syspath_prepend(tmp_path)
    server = FragmentServer("ovens", package="ovens_fragment", team="ovens")
    server.page("/lab", title={"en": "Lab"}, fragments=["ovens/lab"], lab=True)

    @server.fragment("oven", title={"en": "Oven"}, keys=["ovens"])
    async def oven(view: View) -> str:
        return view.render("oven.html")

    @server.fragment("lab", title={"en": "Lab"}, keys=["ovens"], lab=True)
    async def lab(view: View) -> str:
        return "burn it"

    @server.action("burn", shows="oven", lab=True)
    async def burn(action: Action) -> Answer:
        return action.show("oven")

    return server


@pytest.fixture
def url(server: FragmentServer, request: pytest.FixtureRequest) -> Iterator[str]:
    with (
        FakeService() as service,
        running(server.app(FragmentSettings(lab=request.param, service_url=service.url))) as at,
    ):
        yield at


def offered(url: str) -> tuple[list[str], list[str]]:
    said = httpx2.get(f"{url}/manifest.json").json()["jogakbo"]
    return sorted(said["fragments"]), [cast(str, page["path"]) for page in said.get("pages", [])]


@pytest.mark.parametrize("url", [False], indirect=True)
def test_without_the_lab_nothing_of_it_is_declared_or_answers(url: str) -> None:
    assert offered(url) == (["oven"], [])
    assert httpx2.get(f"{url}/lab").status_code == 404
    assert httpx2.post(f"{url}/actions/burn").status_code == 404
    assert httpx2.get(f"{url}/oven").text == "bakes"


@pytest.mark.parametrize("url", [True], indirect=True)
def test_with_the_lab_its_fragments_actions_and_pages_are_there(url: str) -> None:
    assert offered(url) == (["lab", "oven"], ["/lab"])
    assert httpx2.get(f"{url}/lab").text == "burn it"
    assert httpx2.post(f"{url}/actions/burn", headers={"hx-request": "true"}).text == "may burn"


def test_the_lab_is_off_unless_the_environment_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LAB", raising=False)
    assert not FragmentSettings().lab
    monkeypatch.setenv("LAB", "1")
    assert FragmentSettings().lab


@pytest.fixture
def service() -> Iterator[FakeService]:
    with FakeService() as fake:
        fake.answers("GET", "/-/lab", {"losing": {"dough.Knead": 1, "dough.Rest": 0}})
        fake.answers("POST", "/-/lab/lose", {}, status=204)
        fake.answers("POST", "/-/lab/kill", {}, status=202)
        yield fake


@pytest.fixture
def bench(service: FakeService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    folder = tmp_path / "dough_fragment"
    (folder / "templates").mkdir(parents=True)
    (folder / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    server = FragmentServer("dough", package="dough_fragment", team="dough")
    offer_lab(server, title={"en": "Dough", "ko": "반죽"}, messages=("dough.Knead", "dough.Rest"))
    with running(server.app(FragmentSettings(lab=True, service_url=service.url))) as at:
        yield at


def test_the_lab_of_a_service_says_what_will_be_lost(bench: str) -> None:
    html = httpx2.get(f"{bench}/lab").text
    assert "will lose the next dough.Knead × 1" in html
    assert "dough.Rest × 0" not in html
    assert "dough-service 죽이기" in httpx2.get(f"{bench}/lab", headers={"podium-locale": "ko"}).text


def test_a_message_is_chosen_to_be_lost_by_its_button(bench: str, service: FakeService) -> None:
    shown = httpx2.post(f"{bench}/actions/lose", data={"type": "dough.Rest"}, headers={"hx-request": "true"})
    assert (shown.status_code, shown.headers["jogakbo-fragment"]) == (200, "dough/lab")
    assert [told.body for told in service.requests if told.method == "POST"] == [b'{"type":"dough.Rest","count":1}']


def test_a_service_that_was_killed_is_said_to_be_away(bench: str, service: FakeService) -> None:
    service.answers("GET", "/-/lab", {}, status=503)
    service.answers("POST", "/-/lab/kill", {}, status=503)
    shown = httpx2.post(f"{bench}/actions/kill", headers={"hx-request": "true"})
    assert shown.status_code == 200
    assert "does not answer" in shown.text
