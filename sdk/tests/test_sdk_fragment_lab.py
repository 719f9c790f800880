"""What breaks things on purpose exists only where the lab is on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import cast

import httpx2
import pytest

from jogakbo.fragment import Action, Answer, FragmentServer, FragmentSettings, View
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
