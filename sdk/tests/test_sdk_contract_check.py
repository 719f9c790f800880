"""`check` sees what is wrong with a fragment server, and says how to mend it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from jogakbo.testing import check, running
from jogakbo.testing.markup import markup_faults, slot_faults

GOOD_HEADERS = {
    "content-type": "text/html; charset=utf-8",
    "cache-control": "max-age=60",
    "surrogate-key": "cakes",
    "podlet-version": "1",
}
MANIFEST = {
    "name": "cakes",
    "version": "1",
    "content": "/cake",
    "css": [{"value": "/cakes.css"}],
    "jogakbo": {
        "contract": 1,
        "fragments": {"cake": {"path": "/cake", "fallback": "/fallback", "title": {"en": "Cake"}, "timeout_ms": 500}},
    },
}


class Cakes:
    """A fragment server by hand that can be wrong in one way at a time."""

    def __init__(self) -> None:
        self.html = "<p>Cake</p>"
        self.headers: Mapping[str, str | None] = {}
        self.css = "@layer fragments.cakes { .cakes-big { color: red } }"
        self.manifest = json.dumps(MANIFEST)
        self.status = 200

    def _headers(self) -> dict[str, str]:
        return {name: value for name, value in {**GOOD_HEADERS, **self.headers}.items() if value is not None}

    async def _cake(self, request: Request) -> Response:
        text = self.html.replace("LOCALE", request.headers["podium-locale"])
        return Response(text, self.status, headers=self._headers())

    async def _fallback(self, request: Request) -> Response:
        return Response("<p>resting</p>", headers=GOOD_HEADERS)

    async def _css(self, request: Request) -> Response:
        return Response(self.css, media_type="text/css", headers={"cache-control": "max-age=9, immutable"})

    async def _manifest(self, request: Request) -> Response:
        return Response(self.manifest, headers={"podlet-version": "1"})

    def findings(self) -> list[str]:
        routes = [
            Route("/cake", self._cake),
            Route("/fallback", self._fallback),
            Route("/cakes.css", self._css),
            Route("/manifest.json", self._manifest),
        ]
        with running(Starlette(routes=routes)) as url:
            found = asyncio.run(check(url))
        return [f"{finding.where}: {finding.what}" for finding in found if finding.severity == "error"]


@pytest.fixture
def cakes() -> Cakes:
    return Cakes()


def test_a_correct_server_in_any_language_has_no_errors(cakes: Cakes) -> None:
    assert cakes.findings() == []


def test_missing_surrogate_keys_are_an_error(cakes: Cakes) -> None:
    cakes.headers = {"surrogate-key": None}
    assert cakes.findings() == ["/cake: no surrogate-key: open pages would never update"]


def test_headers_that_do_harm_are_errors(cakes: Cakes) -> None:
    cakes.headers = {"cache-control": None, "set-cookie": "a=1", "content-type": "text/html"}
    assert cakes.findings() == [
        "/cake: content type is not text/html; charset=utf-8",
        "/cake: sets a cookie",
        "/cake: no Cache-Control",
    ]


def test_a_language_that_is_not_said_in_vary_is_an_error(cakes: Cakes) -> None:
    cakes.html = "<p>LOCALE</p>"
    assert cakes.findings() == ["/cake: differs by language without saying so"]


def test_an_etag_that_is_not_honoured_is_an_error(cakes: Cakes) -> None:
    cakes.headers = {"etag": '"1"'}
    assert cakes.findings() == ["/cake: If-None-Match answered 200"]


def test_css_outside_of_its_layer_is_an_error(cakes: Cakes) -> None:
    cakes.css = "body { color: red }"
    assert cakes.findings() == ["/cakes.css: rules outside @layer fragments.cakes"]


def test_a_failing_fragment_is_an_error_with_its_status(cakes: Cakes) -> None:
    cakes.status = 500
    assert cakes.findings()[0].startswith("/cake: status 500")


def test_a_manifest_that_cannot_be_used_ends_the_check(cakes: Cakes) -> None:
    cakes.manifest = "{}"
    assert len(cakes.findings()) == 1


def test_nobody_there_is_not_a_finding_but_an_error() -> None:
    with pytest.raises(httpx2.ConnectError):
        asyncio.run(check("http://127.0.0.1:9"))


@pytest.mark.parametrize(
    ("html", "fault"),
    [
        ("<div><p>text</div>", None),
        ("<ul><li>a<li>b</ul><br><img src=x alt=''>", None),
        ("<div>", "line 1: <div> is never closed"),
        ("<b>\n</div>", "line 2: </div> closes nothing"),
        ("<p style='color:red'>", "line 1: attribute style on <p>"),
        ("<p onclick='x()'>", "line 1: attribute onclick on <p>"),
        ("<script>x</script>", "line 1: inline <script>"),
        ("<body>", "line 1: <body> belongs to the page"),
        ("<i id=a></i><i id=a></i>", "line 1: id 'a' again"),
        ("<form hx-post=/x></form>", "line 1: hx-post without action"),
    ],
)
def test_markup_that_would_not_survive_composition_is_seen(html: str, fault: str | None) -> None:
    faults = [what for what, _ in markup_faults(html)]
    assert faults[:1] == ([fault] if fault else [])


@pytest.mark.parametrize(
    ("html", "fault"),
    [
        ('<div><jogakbo-slot name="level">-</jogakbo-slot></div>', None),
        ('<jogakbo-slot name="lvl"></jogakbo-slot>', '"lvl"> is not declared'),
        ("<jogakbo-slot></jogakbo-slot>", '""> is not declared'),
        ('<jogakbo-slot name="level"></jogakbo-slot>' * 2, '"level"> again'),
        ('<a href="/"><b><jogakbo-slot name="level"></jogakbo-slot></b></a>', '"level"> inside <a>'),
    ],
)
def test_a_place_that_the_shell_would_not_fill_is_seen(html: str, fault: str | None) -> None:
    faults = slot_faults(html, ["level"])
    assert len(faults) == (fault is not None)
    assert fault is None or fault in faults[0][0]


def test_a_slot_that_is_not_declared_is_an_error(cakes: Cakes) -> None:
    cakes.html = '<jogakbo-slot name="level"></jogakbo-slot>'
    assert cakes.findings() == ['/cake: <jogakbo-slot name="level"> is not declared']
