"""New releases of a fragment server: found by its answers, taken up once, and never in a request's way."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping
from itertools import cycle
from pathlib import Path

import pytest

from jogakbo_shell.registry.rollout import Rollout
from shell.tests.harness import (
    Behaviour,
    FakeFragmentServer,
    Portal,
    Received,
    answer,
    eventually,
    hang,
    manifest,
    portal,
    until_true,
)

pytestmark = pytest.mark.anyio

JSON = {"content-type": "application/json"}
NEVER_MS = 600_000


def by_turns(*behaviours: Behaviour) -> Behaviour:
    """A load balancer in front of an old and a new server."""
    turns = cycle(behaviours)

    async def behave(request: Received, writer: asyncio.StreamWriter) -> None:
        await next(turns)(request, writer)

    return behave


def release(version: str, **fields: object) -> Behaviour:
    document = {**json.loads(manifest("cafe", version, a={"fallback": "/fallback"})), **fields}
    return answer(json.dumps(document), headers=JSON)


def content(version: str) -> Behaviour:
    return answer(f"<p>{version}", headers={"podlet-version": version})


@pytest.fixture
def declared(cafe: FakeFragmentServer) -> FakeFragmentServer:
    cafe.at |= {"/manifest.json": release("1"), "/a": content("1"), "/fallback": answer("<p>resting 1")}
    return cafe


async def version(shell: Portal) -> str:
    status = (await shell.get("/-/status", accept="application/json")).json()
    return str(status["servers"][0]["version"])


async def test_an_answer_of_a_new_version_makes_the_shell_look_at_the_manifest_at_once(
    tmp_path: Path, declared: FakeFragmentServer
) -> None:
    async with portal(tmp_path, {"cafe": declared.address}, manifest_interval_ms=NEVER_MS) as shell:
        await until_true(lambda: shell.shows("/cafe", "<p>1</p>"))
        declared.at |= {"/manifest.json": release("2"), "/a": content("2"), "/fallback": answer("<p>resting 2")}
        assert await shell.shows("/cafe", "<p>2</p>")
        await until_true(lambda: _is(shell, "2"))
        await eventually(lambda: len(declared.requests("/fallback")) == 4)
        declared.at["/a"] = answer("", 500)
        await until_true(lambda: shell.shows("/cafe", "<p>resting 2</p>"))
    assert len(declared.requests("/manifest.json")) == 2


async def _is(shell: Portal, wanted: str) -> bool:
    return await version(shell) == wanted


async def test_old_and_new_servers_by_turns_cost_one_request_per_view_and_one_look_per_change(
    tmp_path: Path, declared: FakeFragmentServer
) -> None:
    async with portal(tmp_path, {"cafe": declared.address}, manifest_interval_ms=NEVER_MS) as shell:
        await until_true(lambda: shell.shows("/cafe", "<p>1</p>"))
        declared.received.clear()
        declared.at |= {"/manifest.json": release("2"), "/a": by_turns(content("1"), content("2"))}
        for _ in range(20):
            assert (await shell.get("/cafe")).status_code == 200
        assert len(declared.requests("/a")) == 20
        await until_true(lambda: _is(shell, "2"))
        for _ in range(20):
            await shell.get("/cafe")
    # One look for the new version, and one for the old that answered after it.
    assert len(declared.requests("/manifest.json")) <= 2


async def test_an_answer_without_a_version_is_no_news(tmp_path: Path, declared: FakeFragmentServer) -> None:
    declared.at["/a"] = answer("<p>nameless")
    async with portal(tmp_path, {"cafe": declared.address}, manifest_interval_ms=NEVER_MS) as shell:
        await until_true(lambda: shell.shows("/cafe", "<p>nameless</p>"))
        assert await shell.shows("/cafe", "<p>nameless</p>")
        assert len(declared.requests("/manifest.json")) == 1


async def test_a_hung_manifest_costs_a_page_nothing(tmp_path: Path, declared: FakeFragmentServer) -> None:
    async with portal(
        tmp_path, {"cafe": declared.address}, fragment_deadline_ms=2_000, page_deadline_ms=2_000
    ) as shell:
        await until_true(lambda: shell.shows("/cafe", "<p>1</p>"))
        declared.at |= {"/manifest.json": hang, "/a": content("2")}
        looks = len(declared.requests("/manifest.json"))
        await eventually(lambda: len(declared.requests("/manifest.json")) > looks)
        started = time.perf_counter()
        for _ in range(10):
            assert await shell.shows("/cafe", "<p>2</p>")
        assert time.perf_counter() - started < 2


async def test_a_broken_manifest_costs_a_page_nothing_and_each_version_one_look(
    tmp_path: Path, declared: FakeFragmentServer
) -> None:
    async with portal(tmp_path, {"cafe": declared.address}, manifest_interval_ms=NEVER_MS) as shell:
        await until_true(lambda: shell.shows("/cafe", "<p>1</p>"))
        declared.at |= {"/manifest.json": answer("<p>rubbish"), "/a": content("2")}
        for _ in range(10):
            assert await shell.shows("/cafe", "<p>2</p>")
        await eventually(lambda: len(declared.requests("/manifest.json")) == 2)
        await shell.get("/cafe")
    assert len(declared.requests("/manifest.json")) == 2


async def test_a_rollback_is_taken_up_when_nothing_else_is_seen_any_more(
    tmp_path: Path, declared: FakeFragmentServer
) -> None:
    async with portal(tmp_path, {"cafe": declared.address}) as shell:
        await until_true(lambda: _is(shell, "1"))
        declared.at["/manifest.json"] = release("2")
        await until_true(lambda: _is(shell, "2"))
        declared.at["/manifest.json"] = release("1")
        await until_true(lambda: _is(shell, "1"))


@pytest.mark.parametrize(
    ("wrong", "fault"),
    [
        ({"css": [{"value": 3}]}, "css[0].value is 3"),
        ({"team": ["a"]}, "team: Expected `str`"),
        ({"proxy": {"api": None}}, "proxy.api is None"),
    ],
)
async def test_one_wrong_field_costs_only_itself_and_is_named_on_the_status_page(
    tmp_path: Path, declared: FakeFragmentServer, wrong: dict[str, object], fault: str
) -> None:
    declared.at["/manifest.json"] = release("1", **wrong)
    async with portal(tmp_path, {"cafe": declared.address}) as shell:
        await until_true(lambda: shell.shows("/cafe", "<p>1</p>"))
        status = (await shell.get("/-/status", accept="application/json")).json()["servers"][0]
        assert fault in status["manifest_fault"]
        assert status["manifest"] == "current"
        assert fault.partition("`")[0] in (await shell.get("/-/status")).text
        declared.at["/manifest.json"] = release("2")
        await until_true(lambda: _is(shell, "2"))
        status = (await shell.get("/-/status", accept="application/json")).json()["servers"][0]
        assert status["manifest_fault"] == ""


async def test_a_manifest_may_be_anywhere_and_what_it_names_is_below_its_folder(
    tmp_path: Path, cafe: FakeFragmentServer
) -> None:
    cafe.at |= {
        "/pods/cafe/manifest.json": answer(
            '{"name": "myCafe", "version": "1", "content": "/content", "css": [{"value": "a.css"}]}', headers=JSON
        ),
        "/pods/cafe/content": answer("<p>from the folder"),
        "/pods/cafe/a.css": answer("p{}", headers={"content-type": "text/css"}),
    }
    async with portal(tmp_path, {"cafe": f"{cafe.address}/pods/cafe/manifest.json"}) as shell:
        await until_true(lambda: shell.shows("/-/cafe/main", "<p>from the folder</p>"))
        page = await shell.get("/-/cafe/main")
        style = await shell.get("/-/cafe/a.css")
    assert '"/-/cafe/a.css"' in page.text
    assert style.text == "p{}"


async def test_content_may_be_on_another_host(tmp_path: Path, cafe: FakeFragmentServer) -> None:
    async with FakeFragmentServer() as other:
        other.at["/content"] = answer("<p>from elsewhere")
        document = {"name": "pod", "version": "1", "content": f"{other.address}/content"}
        cafe.at["/manifest.json"] = answer(json.dumps(document), headers=JSON)
        async with portal(tmp_path, {"pod": cafe.address}) as shell:
            await until_true(lambda: shell.shows("/-/pod/main", "<p>from elsewhere</p>"))


async def test_the_fallbacks_of_one_server_are_fetched_together_but_not_all_at_once(
    tmp_path: Path, cafe: FakeFragmentServer
) -> None:
    waiting = 0
    opened = asyncio.Event()

    async def wait(request: Received, writer: asyncio.StreamWriter) -> None:
        nonlocal waiting
        waiting += 1
        await opened.wait()
        await answer("<p>resting")(request, writer)

    names = ("a", "b", "c", "d", "e", "f")
    fragments: dict[str, Mapping[str, object]] = {name: {"fallback": f"/{name}/fallback"} for name in names}
    cafe.declare("cafe", "1", **fragments)
    cafe.at |= {f"/{name}/fallback": wait for name in names} | dict.fromkeys((f"/{name}" for name in names), hang)
    async with portal(tmp_path, {"cafe": cafe.address}) as shell:
        await eventually(lambda: waiting >= 4)
        for _ in range(5):
            await shell.get("/livez")
        assert waiting == 4
        opened.set()
        await until_true(lambda: shell.shows("/-/cafe/f", "<p>resting</p>"))
    assert waiting == 12


@pytest.fixture
def rollout() -> Rollout:
    rollout = Rollout()
    rollout.adopted("2", "1")
    return rollout


def test_an_earlier_release_by_turns_with_the_present_one_is_no_rollback(rollout: Rollout) -> None:
    for _ in range(10):
        assert not rollout.is_release("1", "2")
        assert not rollout.is_news("2", "2")


def test_an_earlier_release_alone_is_one(rollout: Rollout) -> None:
    assert [rollout.is_release("1", "2") for _ in range(3)] == [False, False, True]
    rollout.adopted("1", "2")
    assert rollout.is_release("1", "1")
    assert not rollout.is_release("2", "1")


def test_each_version_is_news_once(rollout: Rollout) -> None:
    assert [rollout.is_news(version, "2") for version in ("3", "3", "", "1", "3", "1")] == [
        True,
        False,
        False,
        True,
        False,
        False,
    ]
