"""Fragment servers come, go and are wrong; what works stays up."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import httpx2
import pytest

from shell.tests.harness import (
    FakeFragmentServer,
    Portal,
    answer,
    cacheable,
    eventually,
    hang,
    manifest,
    portal,
    until_true,
)

pytestmark = pytest.mark.anyio

JSON = {"content-type": "application/json"}


async def report(shell: Portal, name: str = "cafe") -> dict[str, object]:
    status = (await shell.get("/-/status", accept="application/json")).json()
    found: dict[str, object] = next(server for server in status["servers"] if server["name"] == name)
    return found


async def until(shell: Portal, field: str, value: object) -> dict[str, object]:
    seen: dict[str, object] = {}

    async def asked() -> bool:
        seen.update(await report(shell))
        return seen[field] == value

    await until_true(asked)
    return seen


async def test_a_server_that_is_missing_at_the_start_is_taken_up_when_it_comes(
    tmp_path: Path, cafe: FakeFragmentServer
) -> None:
    await cafe.stop()
    async with portal(tmp_path, {"cafe": cafe.address}) as shell:
        assert (await shell.get("/cafe")).status_code == 404
        assert (await report(shell))["health"] == "down"
        cafe.declare(a={})
        cafe.at["/a"] = answer("<p>here")
        await cafe.start()
        await until(shell, "health", "healthy")
        page = await shell.get("/cafe")
    assert "<p>here</p>" in page.text


@pytest.mark.parametrize(
    "wrong",
    [
        answer("not json", headers=JSON),
        answer('{"name": "cafe"}', headers=JSON),
        answer(manifest().replace('"contract": 1', '"contract": 99'), headers=JSON),
        answer("", 500),
        hang,
    ],
    ids=["not json", "fields missing", "another contract", "500", "hung"],
)
async def test_a_wrong_manifest_never_takes_working_content_down(
    tmp_path: Path, cafe: FakeFragmentServer, wrong: object
) -> None:
    cafe.declare(a={})
    cafe.at["/a"] = answer("<p>works")
    async with portal(tmp_path, {"cafe": cafe.address}) as shell:
        cafe.at["/manifest.json"] = wrong  # type: ignore[assignment]
        seen = await until(shell, "manifest", "kept")
        page = await shell.get("/cafe")
        assert seen["manifest_fault"]
        cafe.declare(a={})
        await until(shell, "manifest", "current")
    assert "<p>works</p>" in page.text


async def test_what_a_server_said_while_it_was_not_itself_is_forgotten(
    tmp_path: Path, cafe: FakeFragmentServer
) -> None:
    cafe.declare(a={})
    async with portal(tmp_path, {"cafe": cafe.address}) as shell:
        cafe.at |= {"/manifest.json": answer("<p>rubbish"), "/a": cacheable("<p>rubbish")}
        await until(shell, "manifest", "kept")
        assert "<p>rubbish</p>" in (await shell.get("/cafe")).text
        cafe.declare(a={})
        cafe.at["/a"] = cacheable("<p>works")
        await until(shell, "manifest", "current")
        await until_true(partial(_shows, shell, "<p>works</p>"))


async def _shows(shell: Portal, words: str) -> bool:
    return words in (await shell.get("/cafe")).text


async def test_the_last_good_manifest_outlives_a_restart(tmp_path: Path, cafe: FakeFragmentServer) -> None:
    cafe.declare(a={})
    async with portal(tmp_path, {"cafe": cafe.address}):
        pass
    await cafe.stop()
    async with portal(tmp_path, {"cafe": cafe.address}) as shell:
        page = await shell.get("/cafe")
        seen = await report(shell)
    assert page.status_code == 200
    assert 'data-state="failed" data-fragment="cafe/a"' in page.text
    assert (seen["manifest"], seen["version"]) == ("kept", "1")
    await cafe.start()


async def test_a_spoilt_file_of_a_manifest_costs_nothing_but_a_cold_start(
    tmp_path: Path, cafe: FakeFragmentServer
) -> None:
    (tmp_path / "manifests").mkdir()
    (tmp_path / "manifests" / "cafe.json").write_bytes(b"\xff rubbish")
    cafe.declare(a={})
    cafe.at["/a"] = answer("<p>a")
    async with portal(tmp_path, {"cafe": cafe.address}) as shell:
        assert "<p>a</p>" in (await shell.get("/cafe")).text


async def test_a_manifest_is_asked_for_conditionally(tmp_path: Path, cafe: FakeFragmentServer) -> None:
    cafe.declare(a={})
    cafe.at["/manifest.json"] = answer(manifest("cafe", "1", a={}), headers={**JSON, "etag": '"m1"'})
    async with portal(tmp_path, {"cafe": cafe.address}):
        await eventually(lambda: len(cafe.requests("/manifest.json")) > 1)
    assert cafe.requests("/manifest.json")[1].header("if-none-match") == '"m1"'


async def test_a_new_release_brings_its_pages_and_forgets_what_the_old_one_rendered(
    tmp_path: Path, cafe: FakeFragmentServer
) -> None:
    cafe.declare("cafe", "1", a={})
    cafe.at["/a"] = cacheable("<p>one")
    async with portal(tmp_path, {"cafe": cafe.address}) as shell:
        await shell.get("/cafe")
        cafe.declare("cafe", "2", a={}, b={})
        cafe.at |= {"/a": cacheable("<p>two"), "/b": cacheable("<p>more")}
        await until(shell, "version", "2")
        page = await shell.get("/cafe")
    assert "<p>two</p>" in page.text
    assert "<p>more</p>" in page.text


async def test_a_contributed_page_does_not_replace_one_of_the_shell(tmp_path: Path, cafe: FakeFragmentServer) -> None:
    cafe.declare("board", a={})
    cafe.at["/a"] = answer("<p>not the board")
    async with portal(tmp_path, {"board": cafe.address}) as shell:
        assert "not the board" not in (await shell.get("/board")).text


async def test_the_status_page_says_what_is_wrong_with_whom(tmp_path: Path, cafe: FakeFragmentServer) -> None:
    cafe.declare(a={})
    cafe.at |= {
        "/a": answer("", 500),
        "/assets/cafe.css": answer("", headers={"content-type": "text/css"}),
        "/readyz": answer(
            '{"checks": {"service": {"status": "failing", "error": "no route to host"},'
            ' "cafe-service": {"status": "ok", "version": "7.1"}}}',
            503,
        ),
    }
    async with portal(tmp_path, {"cafe": cafe.address}, breaker_failures=1, breaker_retry_ms=60_000) as shell:
        await shell.get("/cafe")
        await until(shell, "health", "down")
        seen = await report(shell)
        page = await shell.get("/-/status")
    assert seen["breaker"] == "open"
    assert seen["team"] == "test"
    assert seen["error"] == "service: no route to host"
    assert seen["last_fault"] == "cafe/a: status 500, expected 200"
    assert "no route to host" in page.text
    assert "in front of cafe-service 7.1" in page.text


async def test_health_and_figures_are_for_operators(tmp_path: Path) -> None:
    async with portal(tmp_path, {}, metrics_token="secret") as shell:
        alive = await shell.get("/livez")
        ready = await shell.get("/readyz")
        shut = await shell.get("/metrics")
        figures = await shell.get("/metrics", authorization="Bearer secret")
    assert alive.json()["status"] == ready.json()["status"] == "ok"
    assert shut.status_code == 401
    assert "shell_request_duration_seconds" in figures.text


async def test_a_hung_server_does_not_keep_the_portal_from_starting(tmp_path: Path, cafe: FakeFragmentServer) -> None:
    cafe.at["/manifest.json"] = hang
    async with portal(tmp_path, {"cafe": cafe.address}) as shell:
        page: httpx2.Response = await shell.get("/board")
    assert page.status_code == 503


async def test_a_server_found_hung_by_a_look_costs_no_visitor_anything(
    tmp_path: Path, cafe: FakeFragmentServer
) -> None:
    cafe.declare(a={})
    cafe.at["/a"] = answer("<p>a")
    async with portal(tmp_path, {"cafe": cafe.address}, breaker_retry_ms=60_000) as shell:
        cafe.at |= dict.fromkeys(("/manifest.json", "/readyz", "/a"), hang)
        await until(shell, "breaker", "open")
        page = await shell.get("/cafe")
        assert 'data-state="failed" data-fragment="cafe/a"' in page.text
        assert not cafe.requests("/a")
        cafe.declare(a={})
        cafe.at |= {"/a": answer("<p>well again"), "/readyz": answer("{}")}
        await until_true(lambda: shell.shows("/cafe", "well again"))
