"""The fragment kit over real HTTP, with a fake service behind it."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx2
import msgspec
import pytest
from jinja2 import Environment, TemplateSyntaxError

from jogakbo.fragment import Action, Answer, FragmentServer, FragmentSettings, NotFound, Param, SlotDeclaration, View
from jogakbo.testing import FakeService, check, running


class Cake(msgspec.Struct):
    name: str


@pytest.fixture
def service() -> Iterator[FakeService]:
    with FakeService() as fake:
        fake.answers("GET", "/cakes/1", {"name": "Castella & co"})
        yield fake


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    folder = tmp_path / "cakes_fragment"
    (folder / "templates").mkdir(parents=True)
    (folder / "assets").mkdir()
    (folder / "__init__.py").touch()
    (folder / "assets" / "cakes.css").write_text("@layer fragments.cakes { .cakes-name { color: red } }")
    (folder / "messages.toml").write_text(
        '[en]\neaten = "Eaten: {n}"\nerror.gone = "Sold out"\n[ko]\neaten = "{n}개"\nerror.gone = "품절"\n'
    )
    (folder / "templates" / "cake.html").write_text(
        '<p class="cakes-name">{{ cake.name }} {{ t("eaten", n=2) }} {{ 4500|won }}</p>'
        '{% if error %}<p role="alert">{{ error }}: {{ form.note }}</p>{% endif %}'
        '<form {{ action("eat") }}><input name="note" aria-label="note"></form>'
    )
    (folder / "templates" / "shelf.html").write_text('<div>{{ slot(slots, "<none>") }}</div>')
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "cakes_fragment", raising=False)  # of the test before, in another folder
    return "cakes_fragment"


@pytest.fixture
def url(service: FakeService, package: str) -> Iterator[str]:
    server = FragmentServer("cakes", package=package, team="cakes")

    @server.fragment(
        "cake",
        title={"en": "Cake", "ko": "케이크"},
        keys=["cakes", "cake-{id}"],
        params={"id": Param(pattern="[0-9]{1,4}")},
    )
    async def cake(view: View) -> str:
        if view.params.get("id") == "9":
            raise NotFound
        return view.render("cake.html", cake=await view.service.get("/cakes/1", Cake))

    @server.fragment(
        "shelf",
        title={"en": "Shelf"},
        keys=["shelf"],
        params={"id": Param()},
        slots={"level": SlotDeclaration(fragment="stock/level", params={"ingredient": "id"})},
        presence=True,
    )
    async def shelf(view: View) -> str:
        return view.render("shelf.html", slots=view.params.get("id", "level"))

    @server.action("eat", shows="cake")
    async def eat(action: Action) -> Answer:
        await action.service.send("POST", "/cakes/1/eat", type(None), {"note": action.form["note"]})
        action.changed("crumbs")
        return (
            action.go("/eaten") if action.form["note"] == "all" else action.show("cake", id=action.form.get("id", "1"))
        )

    settings = FragmentSettings(service_url=service.url, service_timeout_seconds=0.5)
    with running(server.app(settings)) as address:
        yield address


def test_a_fragment_says_what_it_depends_on_and_how_long_it_may_be_kept(url: str) -> None:
    answer = httpx2.get(f"{url}/cake?id=7&stranger=1")
    assert answer.status_code == 200
    assert answer.headers["surrogate-key"] == "cake-7 cakes"
    assert answer.headers["cache-control"] == "public, max-age=60, stale-if-error=3600"
    assert answer.headers["vary"] == "podium-locale"
    assert answer.text.startswith('<p class="cakes-name">Castella &amp; co Eaten: 2 ₩4,500</p>')


def test_an_absent_optional_parameter_leaves_its_key_out(url: str) -> None:
    assert httpx2.get(f"{url}/cake").headers["surrogate-key"] == "cakes"


def test_unchanged_html_is_answered_with_304(url: str) -> None:
    etag = httpx2.get(f"{url}/cake").headers["etag"]
    assert httpx2.get(f"{url}/cake", headers={"if-none-match": etag}).status_code == 304


def test_a_broken_template_keeps_the_server_from_starting(package: str, tmp_path: Path) -> None:
    (tmp_path / package / "templates" / "seldom.html").write_text("<p>{% if late %}</p>")
    server = FragmentServer("cakes", package=package, team="cakes")

    @server.fragment("cake", title={"en": "Cake"}, keys=["cakes"])
    async def cake(view: View) -> str:
        return view.render("cake.html")

    with pytest.raises(TemplateSyntaxError, match="endif") as refused:
        server.app(FragmentSettings())
    assert refused.value.name == "seldom.html"


def test_a_server_without_a_fragment_says_so_at_its_start(package: str) -> None:
    with pytest.raises(ValueError, match="cakes has no fragment"):
        FragmentServer("cakes", package=package, team="cakes").app(FragmentSettings())


def test_no_visitor_waits_until_a_template_is_compiled(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Environment, "compile", lambda *_: pytest.fail("compiled while somebody waits"))
    assert "Castella &amp; co" in httpx2.get(f"{url}/cake?id=1").text


def test_the_language_is_the_shells_choice(url: str) -> None:
    assert "2개" in httpx2.get(f"{url}/cake", headers={"podium-locale": "ko"}).text
    assert "Eaten" in httpx2.get(f"{url}/cake", headers={"podium-locale": "xx"}).text


def test_a_parameter_that_does_not_match_is_refused(url: str) -> None:
    answer = httpx2.get(f"{url}/cake?id=../etc")
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"


def test_what_is_not_there_is_404(url: str) -> None:
    assert httpx2.get(f"{url}/cake?id=9").status_code == 404


def test_a_failing_service_is_503_and_never_an_empty_fragment(url: str, service: FakeService) -> None:
    service.answers("GET", "/cakes/1", "rubbish")
    assert httpx2.get(f"{url}/cake").status_code == 503


def test_a_fallback_needs_no_service(url: str, service: FakeService) -> None:
    service.answers("GET", "/cakes/1", status=500)
    answer = httpx2.get(f"{url}/cake/fallback", headers={"podium-locale": "ko"})
    assert answer.status_code == 200
    assert "케이크" in answer.text


def test_a_plain_form_goes_back_to_its_page(url: str, service: FakeService) -> None:
    service.answers("POST", "/cakes/1/eat")
    answer = httpx2.post(f"{url}/actions/eat", data={"note": "x"}, headers={"jogakbo-page": "/shop?a=1"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/shop?a=1")
    assert answer.headers["surrogate-key"] == "cake-1 cakes crumbs", "the page it goes back to must show what was done"


def test_an_htmx_form_gets_the_fragment(url: str, service: FakeService) -> None:
    service.answers("POST", "/cakes/1/eat")
    answer = httpx2.post(f"{url}/actions/eat", data={"note": "x"}, headers={"hx-request": "true"})
    assert answer.status_code == 200
    assert answer.headers["jogakbo-fragment"] == "cakes/cake?id=1"


def test_an_action_may_go_to_another_page(url: str, service: FakeService) -> None:
    service.answers("POST", "/cakes/1/eat")
    plain = httpx2.post(f"{url}/actions/eat", data={"note": "all"})
    enhanced = httpx2.post(f"{url}/actions/eat", data={"note": "all"}, headers={"hx-request": "true"})
    assert (plain.status_code, plain.headers["location"]) == (303, "/eaten")
    assert plain.headers["surrogate-key"] == enhanced.headers["surrogate-key"] == "crumbs"
    assert (enhanced.status_code, enhanced.headers["hx-redirect"]) == (204, "/eaten")


def test_what_the_service_refuses_is_said_in_the_persons_words_and_nothing_typed_is_lost(
    url: str, service: FakeService
) -> None:
    service.refuses("POST", "/cakes/1/eat", status=409, code="gone")
    answer = httpx2.post(f"{url}/actions/eat", data={"note": "with cream"}, headers={"podium-locale": "ko"})
    assert answer.status_code == 409
    assert '<p role="alert">품절: with cream</p>' in answer.text


def test_a_service_that_fails_during_an_action_is_said_and_swapped_nowhere(url: str, service: FakeService) -> None:
    service.answers("POST", "/cakes/1/eat", status=500)
    answer = httpx2.post(f"{url}/actions/eat", data={"note": "x"}, headers={"hx-request": "true"})
    assert answer.status_code == 503
    assert "jogakbo-fragment" not in answer.headers
    assert 'role="alert"' in answer.text


def test_an_action_whose_fragment_is_gone_is_404_and_no_crash(url: str, service: FakeService) -> None:
    service.answers("POST", "/cakes/1/eat")
    answer = httpx2.post(f"{url}/actions/eat", data={"note": "x", "id": "9"}, headers={"hx-request": "true"})
    assert (answer.status_code, answer.headers["jogakbo-fragment"]) == (404, "cakes/cake?id=9")


def test_a_missing_field_is_the_senders_mistake(url: str) -> None:
    assert httpx2.post(f"{url}/actions/eat", data={}).status_code == 400


def test_assets_are_kept_for_ever_only_under_their_digest(url: str) -> None:
    path = httpx2.get(f"{url}/manifest.json").json()["css"][0]["value"]
    assert "immutable" in httpx2.get(url + path).headers["cache-control"]
    assert httpx2.get(url + path.split("?")[0]).headers["cache-control"] == "no-cache"
    assert httpx2.get(f"{url}/assets/..%2f__init__.py").status_code == 404


def test_a_server_made_with_the_kit_keeps_the_contract(url: str) -> None:
    findings = [finding for finding in asyncio.run(check(url)) if finding.severity == "error"]
    assert findings == []


def test_a_declared_slot_is_in_the_manifest_and_a_place_in_the_html(url: str) -> None:
    declared = httpx2.get(f"{url}/manifest.json").json()["jogakbo"]["fragments"]
    assert declared["shelf"]["slots"] == {"level": {"fragment": "stock/level", "params": {"ingredient": "id"}}}
    assert "slots" not in declared["cake"]
    assert httpx2.get(f"{url}/shelf").text == '<div><jogakbo-slot name="level">&lt;none&gt;</jogakbo-slot></div>'


def test_who_else_looks_is_shown_where_a_fragment_declares_it(url: str) -> None:
    declared = httpx2.get(f"{url}/manifest.json").json()["jogakbo"]["fragments"]
    assert declared["shelf"]["presence"] is True
    assert "presence" not in declared["cake"]


def test_a_private_fragment_has_no_presence() -> None:
    server = FragmentServer("cakes", package="cakes_fragment", team="cakes")
    declare = server.fragment("mine", title={"en": "Mine"}, keys=[], private=True, presence=True)

    async def mine(view: View) -> str:
        return ""

    with pytest.raises(ValueError, match="'mine' is private"):
        declare(mine)


def test_a_slot_that_is_not_declared_is_a_mistake_of_the_team(url: str) -> None:
    assert httpx2.get(f"{url}/shelf?id=lvl").status_code == 500


@pytest.mark.parametrize("chunks", [1, 30])
def test_a_form_that_is_too_long_is_refused(url: str, chunks: int) -> None:
    form = b"note=" + b"x" * 1_500_000
    parts = (form[at : at + len(form) // chunks + 1] for at in range(0, len(form), len(form) // chunks + 1))
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    refused = httpx2.post(f"{url}/actions/eat", content=form if chunks == 1 else parts, headers=headers)
    assert (refused.status_code, refused.headers["content-type"]) == (413, "application/problem+json")


def test_an_address_that_does_not_exist_is_a_problem(url: str) -> None:
    missing = httpx2.get(f"{url}/nowhere")
    assert (missing.status_code, missing.headers["content-type"]) == (404, "application/problem+json")
