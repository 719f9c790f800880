"""Unmodified podlets (`@podium/podlet`, express) behind the shell."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from jogakbo.contract.addresses import folder, resolve
from sdk.tests.podium.node import running
from shell.tests.harness import Portal, pages, portal, until_true
from shell.tests.podium.conftest import Podlet, podlet_of

pytestmark = pytest.mark.anyio

ORIGIN = "https://cafe.example"
NEVER_MS = 600_000
PAGE = '{% extends "layout.html" %}{% block main %}{{ fragment("pod/main", primary=True) }}{% endblock %}'
SECOND = PAGE.replace(", primary=True", "")
HERE = Path(__file__).parent


@asynccontextmanager
async def shell_before(
    tmp_path: Path, address: str, *, page: str = PAGE, patience_ms: int = 600, interval_ms: int = NEVER_MS
) -> AsyncIterator[Portal]:
    """`/lunch` places the podlet."""
    async with portal(
        tmp_path,
        {"pod": address},
        public_origin=ORIGIN,
        pages_dir=str(pages(tmp_path / "pages", lunch=page)),
        fragment_deadline_ms=patience_ms,
        page_deadline_ms=patience_ms,
        manifest_interval_ms=interval_ms,
    ) as shell:
        yield shell


async def test_a_podlet_is_a_fragment_of_a_page(tmp_path: Path, podlet: Podlet) -> None:
    async with shell_before(tmp_path, podlet.address) as shell:
        page = await shell.get("/lunch")
    assert page.status_code == 200
    assert 'data-fragment="pod/main"' in page.text
    assert '<p lang="en">content 1.0.0</p>' in page.text
    assert "fallback" not in page.text


async def test_a_podlet_in_development_believes_the_shells_context(tmp_path: Path, podlet: Podlet) -> None:
    async with shell_before(tmp_path, podlet.address) as shell:
        await shell.get("/lunch?lang=ko")
    assert podlet.seen("/content")[0].context == {
        "debug": "false",
        "locale": "ko",
        "deviceType": "desktop",
        "requestedBy": "shell",
        "mountOrigin": ORIGIN,
        "mountPathname": "/",
        "publicPathname": "/podium-resource/pod",
    }


async def test_a_podlets_links_and_forms_lead_to_its_proxies(tmp_path: Path, podlet: Podlet) -> None:
    async with shell_before(tmp_path, podlet.address) as shell:
        page = (await shell.get("/lunch", cookie="secret=1")).text
        link, form = re.findall(r'(?:href|action)="(/podium-resource/[^"]+)"', page)
        cakes = await shell.get(f"{link}?of=day", accept="application/json")
        order = await shell.post(form, {"cake": "castella"}, accept="application/json")
        forged = await shell.post(form, {"cake": "castella"}, sec_fetch_site="cross-site")
    assert cakes.json() == [{"name": "castella", "version": "1.0.0"}]
    assert (order.status_code, order.json()) == (201, {"cake": "castella"})
    assert forged.status_code == 403
    seen = podlet.seen("/api/cakes") + podlet.seen("/api/orders")
    assert [request.url for request in seen] == ["/api/cakes?of=day", "/api/orders"]
    assert {request.context["publicPathname"] for request in seen} == {"/podium-resource/pod"}
    assert not [name for request in seen for name in request.headers if name == "cookie"]


async def test_a_podlets_stylesheet_is_in_the_head_and_comes_from_the_portal(tmp_path: Path, podlet: Podlet) -> None:
    async with shell_before(tmp_path, podlet.address) as shell:
        page = (await shell.get("/lunch")).text
        href = re.findall(r'<link rel="stylesheet" href="(/-/pod/[^"]+)"', page.partition("</head>")[0])
        style = await shell.get(href[0])
    assert href == ["/-/pod/assets/main.css"]
    assert (style.text, style.headers["content-type"]) == ("p { color: red }", "text/css; charset=utf-8")


async def test_a_podlets_script_has_the_attributes_that_it_declares(tmp_path: Path, podlet: Podlet) -> None:
    async with shell_before(tmp_path, podlet.address) as shell:
        head = (await shell.get("/lunch")).text.partition("</head>")[0]
    scripts = re.findall(r'<script[^>]* src="/-/pod/assets/main\.js"[^>]*>', head)
    assert len(scripts) == 1
    assert 'type="module"' in scripts[0]
    assert 'data-by="1.0.0"' in scripts[0]


async def test_a_podlet_may_be_mounted_anywhere_and_call_its_manifest_as_it_likes(tmp_path: Path) -> None:
    with podlet_of(name="camelCase_2", pathname="/some/path", manifest="/pod.json") as podlet:
        async with shell_before(tmp_path, f"{podlet.address}/some/path/pod.json") as shell:
            page = (await shell.get("/lunch")).text
            style = await shell.get("/-/pod/assets/main.css")
            cakes = await shell.get("/podium-resource/pod/api/cakes", accept="application/json")
            podlet.now(content="fails")
            fallback = (await shell.get("/lunch")).text
    assert "content 1.0.0" in page
    assert style.text == "p { color: red }"
    assert cakes.json()[0]["name"] == "castella"
    assert "fallback 1.0.0" in fallback


@pytest.mark.parametrize("content", ["fails", "hangs", "stalls"])
async def test_a_podlet_that_fails_hangs_or_stops_in_the_middle_is_stood_in_for_in_time(
    tmp_path: Path, podlet: Podlet, content: str
) -> None:
    async with shell_before(tmp_path, podlet.address) as shell:
        await until_true(lambda: shell.shows("/lunch", "content 1.0.0"))
        podlet.now(content=content)
        started = time.perf_counter()
        page = (await shell.get("/lunch")).text
    assert time.perf_counter() - started < 2
    assert 'data-state="fallback"' in page
    assert "<p>fallback 1.0.0</p>" in page
    assert "half of it" not in page


async def test_ten_who_come_first_cost_one_manifest_one_fallback_and_one_content(
    tmp_path: Path, podlet: Podlet
) -> None:
    podlet.now(content="waits")
    async with shell_before(tmp_path, podlet.address, patience_ms=5_000) as shell:
        views = [asyncio.create_task(shell.get("/lunch")) for _ in range(10)]
        await until_true(lambda: _has_seen(podlet, "/content"))
        for _ in range(10):
            await shell.get("/livez")
        podlet.now(content="answers")
        shown = [(await view).text for view in views]
        await until_true(lambda: _has_seen(podlet, "/fallback"))
    assert all("content 1.0.0" in page for page in shown)
    assert [len(podlet.seen(path)) for path in ("/manifest.json", "/fallback", "/content")] == [1, 1, 1]


async def _has_seen(podlet: Podlet, path: str) -> bool:
    return len(podlet.seen(path)) > 0


async def test_a_new_release_is_taken_up_with_its_fallback(tmp_path: Path, podlet: Podlet) -> None:
    async with shell_before(tmp_path, podlet.address) as shell:
        await until_true(lambda: shell.shows("/lunch", "content 1.0.0"))
        podlet.now(turns=["2.0.0"])
        assert await shell.shows("/lunch", "content 2.0.0")
        await until_true(lambda: _runs(shell, "2.0.0"))
        await until_true(lambda: _fallbacks(podlet, 2))
        podlet.now(content="fails")
        await until_true(lambda: shell.shows("/lunch", "fallback 2.0.0"))
    assert len(podlet.seen("/manifest.json")) == 2


async def test_two_releases_by_turns_cost_one_request_per_view(tmp_path: Path, podlet: Podlet) -> None:
    async with shell_before(tmp_path, podlet.address) as shell:
        await until_true(lambda: shell.shows("/lunch", "content 1.0.0"))
        content, manifests = len(podlet.seen("/content")), len(podlet.seen("/manifest.json"))
        podlet.now(turns=["1.0.0", "2.0.0"])
        for _ in range(20):
            assert (await shell.get("/lunch")).status_code == 200
    assert len(podlet.seen("/content")) == content + 20
    assert len(podlet.seen("/manifest.json")) <= manifests + 2, "one look per version that answered"


async def test_a_hung_manifest_costs_no_view_anything(tmp_path: Path, podlet: Podlet) -> None:
    async with shell_before(tmp_path, podlet.address, patience_ms=5_000, interval_ms=50) as shell:
        await until_true(lambda: shell.shows("/lunch", "content 1.0.0"))
        podlet.now(manifest="hangs", turns=["2.0.0"])
        started = time.perf_counter()
        for _ in range(10):
            assert await shell.shows("/lunch", "content 2.0.0")
    assert time.perf_counter() - started < 4


async def _runs(shell: Portal, version: str) -> bool:
    status = (await shell.get("/-/status", accept="application/json")).json()
    return bool(status["servers"][0]["version"] == version)


async def _fallbacks(podlet: Podlet, count: int) -> bool:
    return len(podlet.seen("/fallback")) == count


async def test_a_redirect_of_the_primary_podlet_is_the_pages(tmp_path: Path, podlet: Podlet) -> None:
    async with shell_before(tmp_path, podlet.address) as shell:
        podlet.now(content="/menu")
        page = await shell.get("/lunch")
    assert (page.status_code, page.headers["location"]) == (302, "/menu")


async def test_a_redirect_of_another_podlet_is_not(tmp_path: Path, podlet: Podlet) -> None:
    async with shell_before(tmp_path, podlet.address, page=SECOND) as shell:
        podlet.now(content="/menu")
        page = await shell.get("/lunch")
    assert page.status_code == 200
    assert 'data-state="failed"' in page.text


async def test_a_stylesheet_that_podlets_share_is_there_once_and_not_from_another_origin(tmp_path: Path) -> None:
    more = '{{ fragment("second/main") }}{{ fragment("third/main") }}{% endblock %}'
    placed = pages(tmp_path / "pages", lunch=PAGE.replace("{% endblock %}", more))
    with podlet_of(name="first") as first:
        shared = {"value": f"{first.address}/assets/main.css"}
        with podlet_of(name="second", css=[shared, shared, {"value": "assets/main.css"}]) as second:
            servers = {"pod": first.address, "second": second.address, "third": first.address}
            async with portal(tmp_path, servers, pages_dir=str(placed)) as shell:
                head = (await shell.get("/lunch")).text.partition("</head>")[0]
                status = (await shell.get("/-/status", accept="application/json")).json()
    styles = re.findall(r'<link rel="stylesheet" href="(/-/[^"]+)"', head)
    assert styles == [f"/-/{name}/assets/main.css" for name in ("pod", "second", "third")]
    assert f"'{first.address}/assets/main.css' is on another origin" in status["servers"][1]["manifest_fault"]


ADDRESSES = [
    ("/", "http://h:1/manifest.json"),
    ("/content", "http://h:1/manifest.json"),
    ("content/", "http://h:1/some//path/manifest.json"),
    ("/content", "http://h:1/some/path/pod.json"),
    ("", "http://h:1/some/path/manifest.json"),
    ("//other.example/x", "http://h:1/manifest.json"),
    ("../x/./y", "http://h:1/some/path/manifest.json"),
    ("%2e%2e/x", "http://h:1/some/path/manifest.json"),
    ("javascript:alert(1)", "http://h:1/manifest.json"),
    ("/x", "http://h:1/v1.json.d/a/manifest.json"),
    ("/x", "http://h:1/no/extension"),
    ("http://other.example//x/", "http://h:1/manifest.json"),
    ("https://other.example/x?v=1", "http://h:1/some/path/manifest.json"),
]


def test_addresses_in_a_manifest_mean_what_they_mean_to_podium() -> None:
    with running(HERE / "addresses.mjs", addresses=ADDRESSES) as program:
        assert program.ready["resolved"] == [resolve(address, folder(base)) for address, base in ADDRESSES]
