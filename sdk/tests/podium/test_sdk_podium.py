"""The unmodified `@podium/layout` in front of fragment servers that are made with the kit."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import cycle

import httpx2
import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from jogakbo.fragment import (
    Action,
    Answer,
    FragmentServer,
    FragmentSettings,
    Moved,
    Param,
    ServiceUnavailable,
    View,
)
from jogakbo.testing import running
from sdk.tests.podium.conftest import Layout, layout_of

NOBODY = "http://127.0.0.1:9/.well-known/jwks.json"


def cakes(package: str, version: str = "1.0.0", *, private: bool = False, jwks_url: str = "") -> ASGIApp:
    server = FragmentServer("cakes", package=package, team="cakes")
    server.version = version

    @server.fragment("cake", title={"en": "Cake"}, keys=["cakes"], private=private, params={"id": Param()})
    async def cake(view: View) -> str:
        if view.params.get("id") == "gone":
            raise Moved("/menu")
        if view.params.get("id") == "lost":
            raise ServiceUnavailable("no cakes today")
        return view.render("cake.html", params={"id": "", **view.params}) + f"<i>{version}</i>"

    @server.action("eat", shows="cake")
    async def eat(action: Action) -> Answer:
        return action.go(f"/eaten-{action.form['note']}") if action.form["note"] else action.show("cake")

    return server.app(FragmentSettings(jwks_url=jwks_url))


@pytest.fixture(scope="module")
def address(package: str) -> Iterator[str]:
    with running(cakes(package)) as url:
        yield url


@pytest.fixture(scope="module")
def layout(address: str) -> Iterator[Layout]:
    with layout_of(address) as made:
        yield made


def test_the_manifest_is_one_of_podiums(layout: Layout, address: str) -> None:
    checked = layout.validated(address)
    value = checked["value"]
    assert checked["error"] is False
    assert isinstance(value, dict)
    assert (value["name"], value["version"], value["team"]) == ("cakes", "1.0.0", "cakes")
    assert (value["content"], value["fallback"], value["proxy"]) == ("/cake", "/cake/fallback", {"actions": "/actions"})


def test_a_layouts_page_has_the_fragment_and_what_belongs_to_it(layout: Layout, address: str) -> None:
    page = httpx2.get(f"{layout.origin}/?id=7").text
    assets = re.findall(r'(?:href|src)="([^"]*/assets/[^"]+)"', page)
    assert '<p class="cakes-name">Castella 7</p>' in page
    assert len(assets) == 2
    for asset, media_type in zip(assets, ("text/css", "text/javascript"), strict=True):
        answer = httpx2.get(asset)
        assert asset.startswith(f"{address}/assets/cakes.")
        assert (answer.status_code, answer.headers["content-type"].partition(";")[0]) == (200, media_type)
        assert "immutable" in answer.headers["cache-control"]
        assert answer.headers["access-control-allow-origin"] == "*"


def test_the_language_is_the_layouts(address: str) -> None:
    with layout_of(address, locale="ko-KR") as layout:
        assert "카스텔라" in httpx2.get(layout.origin).text


def test_a_form_reaches_its_action_through_the_layouts_proxy(layout: Layout) -> None:
    page = httpx2.get(f"{layout.origin}/").text
    action = re.findall(r'method="post" action="([^"]+)"', page)[0]
    gone = httpx2.post(f"{layout.origin}{action}", data={"note": "all"})
    back = httpx2.post(f"{layout.origin}{action}", data={"note": ""}, headers={"referer": f"{layout.origin}/?id=7"})
    assert action == "/podium-resource/cakes/actions/eat"
    assert (gone.status_code, gone.headers["location"]) == (303, "/eaten-all")
    assert (back.status_code, back.headers["location"]) == (303, "/?id=7")


def test_a_form_from_elsewhere_goes_back_to_no_other_site(layout: Layout) -> None:
    httpx2.get(f"{layout.origin}/")
    action = f"{layout.origin}/podium-resource/cakes/actions/eat"
    places = [
        httpx2.post(action, data={"note": ""}, headers=headers).headers["location"]
        for headers in (
            {"referer": "https://evil.example/"},
            {"referer": f"{layout.origin}//evil.example/"},
            {"referer": f"{layout.origin}.evil.example/"},
            {"jogakbo-page": "//evil.example/"},
        )
    ]
    assert places == ["/"] * 4


def test_a_fragment_that_fails_is_stood_in_for_by_its_fallback(layout: Layout) -> None:
    page = httpx2.get(f"{layout.origin}/?id=lost").text
    assert "Castella" not in page
    assert "Cake" in page


def test_a_fragment_that_has_moved_takes_its_page_along(layout: Layout) -> None:
    page = httpx2.get(f"{layout.origin}/?id=gone")
    assert (page.status_code, page.headers["location"]) == (303, "/menu")


def test_every_answer_says_which_release_it_is_of(layout: Layout, address: str) -> None:
    paths = ("/manifest.json", "/cake", "/cake?id=gone", "/cake?id=lost", "/cake?id=wrong+one", "/cake/fallback")
    assert {httpx2.get(address + path).headers["podlet-version"] for path in paths} == {"1.0.0"}


def test_a_new_release_is_shown_at_once_also_after_old_and_new_ones_by_turns(package: str) -> None:
    shown = _Turns(cakes(package, "1.0.0"), cakes(package, "2.0.0"))
    with running(shown) as url, layout_of(url) as layout:
        assert "<i>1.0.0</i>" in httpx2.get(layout.origin).text
        shown.turns = cycle([0, 1])
        # Podium asks until manifest and content agree, and after four times takes the fallback.
        pages = [httpx2.get(layout.origin).text for _ in range(4)]
        assert all("<i>" in page or "Cake" in page for page in pages)
        shown.turns = cycle([1])
        assert "<i>2.0.0</i>" in httpx2.get(layout.origin).text


class _Turns:
    """A load balancer before two releases."""

    def __init__(self, *releases: ASGIApp) -> None:
        self._releases = releases
        self.turns = cycle([0])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        turn = next(self.turns) if scope["type"] == "http" else 0
        await self._releases[turn](scope, receive, send)


def test_a_public_fragment_needs_no_token_where_a_shell_signs_them(package: str) -> None:
    with running(cakes(package, jwks_url=NOBODY)) as url, layout_of(url) as layout:
        page = httpx2.get(layout.origin).text
        action = httpx2.post(f"{layout.origin}/podium-resource/cakes/actions/eat", data={"note": "all"})
    assert "Castella" in page
    assert action.status_code == 401, "who acts is known by a token of the shell's alone"


def test_a_private_fragment_does(package: str) -> None:
    with running(cakes(package, private=True, jwks_url=NOBODY)) as url, layout_of(url) as layout:
        page = httpx2.get(layout.origin).text
    assert "Castella" not in page
    assert "Cake" in page
