"""`jogak check URL`: a verdict that people and scripts can read."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from jogakbo.cli.main import main
from jogakbo.testing import running

MANIFEST = {
    "name": "cakes",
    "version": "1",
    "content": "/cake",
    "jogakbo": {
        "contract": 1,
        "fragments": {"cake": {"path": "/cake", "fallback": "/cake", "title": {"en": "Cake"}, "timeout_ms": 500}},
    },
}
HEADERS = {
    "content-type": "text/html; charset=utf-8",
    "cache-control": "max-age=60",
    "surrogate-key": "cakes",
    "podlet-version": "1",
    "etag": '"1"',
}


def cakes(headers: dict[str, str]) -> Starlette:
    async def manifest(request: Request) -> Response:
        return JSONResponse(MANIFEST, headers={"podlet-version": "1"})

    async def cake(request: Request) -> Response:
        unchanged = request.headers.get("if-none-match") == headers["etag"]
        return Response("" if unchanged else "<p>Cake</p>", 304 if unchanged else 200, headers=headers)

    async def health(request: Request) -> Response:
        return Response("ok")

    paths = {"/manifest.json": manifest, "/cake": cake, "/livez": health, "/readyz": health}
    return Starlette(routes=[Route(path, endpoint) for path, endpoint in paths.items()])


@pytest.fixture
def good() -> Iterator[str]:
    with running(cakes(HEADERS)) as url:
        yield url


@pytest.fixture
def keyless() -> Iterator[str]:
    with running(cakes({name: value for name, value in HEADERS.items() if name != "surrogate-key"})) as url:
        yield url


def test_a_correct_fragment_server_passes(good: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", good]) == 0
    assert f"{good} keeps the contract" in capsys.readouterr().out


def test_a_fault_says_where_what_and_how_to_mend_it(keyless: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", keyless]) == 1
    printed = capsys.readouterr().out
    assert "error    /cake: no surrogate-key" in printed
    assert "mend: send surrogate-key with what the HTML depends on" in printed
    assert "does not keep the contract" in printed


def test_scripts_read_the_findings_as_json(keyless: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", keyless, "--format", "json"]) == 1
    findings = json.loads(capsys.readouterr().out)
    assert findings[0]["where"] == "/cake"


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "not an address"])
def test_nobody_there_is_another_answer_than_wrong(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", url]) == 2
    assert f"{url} does not answer" in capsys.readouterr().err
