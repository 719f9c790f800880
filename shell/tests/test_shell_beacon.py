"""What browsers tell of their own delay: taken from pages of this portal, within bounds, of nobody in particular."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import cast

import httpx2
import pytest
from prometheus_client import REGISTRY
from starlette.requests import Request
from starlette.types import Message, Scope

from jogakbo_shell.identity.keys import SigningKeys
from jogakbo_shell.identity.session import Sessions
from jogakbo_shell.web.beacon import Beacon
from jogakbo_shell.web.visit import Reception
from shell.tests.harness import Portal, portal

pytestmark = pytest.mark.anyio

OURS = {"sec-fetch-site": "same-origin"}


@pytest.fixture
async def shell(tmp_path: Path) -> AsyncIterator[Portal]:
    async with portal(tmp_path, {}) as shell:
        yield shell


async def report(shell: Portal, body: bytes, headers: Mapping[str, str] = OURS) -> httpx2.Response:
    return await shell.client.post("/-/seen", content=body, headers=dict(headers))


def taken(part: str = "count") -> float:
    return cast(float, REGISTRY.get_sample_value(f"jogakbo_browser_swap_seconds_{part}"))


async def test_what_browsers_say_is_counted_and_nobody_is_made_known_by_it(shell: Portal) -> None:
    count, seconds = taken(), taken("sum")
    answer = await report(shell, b'{"swap_ms": [12.5, 0, 60000]}')
    assert (answer.status_code, answer.content) == (204, b"")
    assert "set-cookie" not in answer.headers
    assert answer.headers["cache-control"] == "no-store"
    assert taken() - count == 3
    assert taken("sum") - seconds == pytest.approx(60.0125)
    assert "jogakbo_browser_swap_seconds_bucket" in (await shell.get("/metrics")).text


async def test_as_many_values_as_a_report_may_have_are_taken(shell: Portal) -> None:
    assert (await report(shell, b'{"swap_ms":[%b]}' % b",".join([b"16.66"] * 50))).status_code == 204


@pytest.mark.parametrize(
    ("body", "status", "says"),
    [
        (b"", 400, "swap_ms"),
        (b"x", 400, ""),
        (b"[1]", 400, "array"),
        (b'{"swap_ms": 1}', 400, "int"),
        (b'{"swap_ms": ["1"]}', 400, "str"),
        (b'{"swap_ms": [NaN]}', 400, ""),
        (b'{"swap_ms": [1e999]}', 400, ""),
        (b'{"swap_ms": [1], "who": "me"}', 400, "who"),
        (b'{"swap_ms": []}', 422, "not 0"),
        (b'{"swap_ms": [%b]}' % b",".join([b"1"] * 51), 422, "not 51"),
        (b'{"swap_ms": [1, -0.1]}', 422, "-0.1"),
        (b'{"swap_ms": [60001]}', 422, "60001"),
        (b'{"swap_ms": [1]}' + b" " * 1_024, 413, "1024"),
    ],
)
async def test_junk_is_a_problem_and_counts_for_nothing(shell: Portal, body: bytes, status: int, says: str) -> None:
    count = taken()
    answer = await report(shell, body)
    assert (answer.status_code, answer.json()["status"]) == (status, status)
    assert answer.headers["content-type"] == "application/problem+json"
    assert says in answer.json()["detail"]
    assert taken() == count


@pytest.mark.parametrize(
    "headers",
    [{}, {"sec-fetch-site": "cross-site"}, {"sec-fetch-site": "same-site"}, {"origin": "https://other.example"}],
)
async def test_other_sites_are_not_listened_to(shell: Portal, headers: Mapping[str, str]) -> None:
    count = taken()
    assert (await report(shell, b'{"swap_ms": [1]}', headers)).status_code == 403
    assert taken() == count


async def test_a_browser_without_fetch_metadata_says_its_origin(shell: Portal) -> None:
    assert (await report(shell, b'{"swap_ms": [1]}', {"origin": shell.origin})).status_code == 204


def asked(folder: Path, body: bytes | None) -> Request:
    """A report as the application gets it; without a body it never ends."""

    async def receive() -> Message:
        if body is None:
            await asyncio.Event().wait()
        return {"type": "http.request", "body": body, "more_body": False}

    reception = Reception(Sessions(SigningKeys.load(folder)), public_origin="", cookie_secure=False)
    visit = reception.receive("http", OURS, b"")
    scope: Scope = {"type": "http", "method": "POST", "headers": [], "state": {"visit": visit}}
    return Request(scope, receive)


async def test_a_body_that_does_not_end_is_not_waited_for(tmp_path: Path) -> None:
    assert (await Beacon(max_seconds=0.05).serve(asked(tmp_path, None))).status_code == 408


async def test_no_more_are_taken_in_a_second_than_the_bound(tmp_path: Path) -> None:
    now = 5.0
    beacon = Beacon(per_second=2, clock=lambda: now)

    async def answers() -> list[int]:
        return [(await beacon.serve(asked(tmp_path, b'{"swap_ms": [1]}'))).status_code for _ in range(3)]

    count = taken()
    assert await answers() == [204, 204, 429]
    assert taken() - count == 2
    now = 6.5
    assert await answers() == [204, 204, 429]
