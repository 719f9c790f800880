"""`/podium-resource/<server>/<proxy>/…`: where a podlet's manifest lets a browser get to, and nowhere else."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from jogakbo_shell.proxy.targets import BadTarget, Target, read_target
from shell.tests.harness import FakeFragmentServer, answer, hang, portal

pytestmark = pytest.mark.anyio

JSON = {"content-type": "application/json"}


@pytest.fixture
async def other() -> AsyncIterator[FakeFragmentServer]:
    """A host that is not the podlet's."""
    async with FakeFragmentServer() as server:
        server.at["/geo/where"] = answer("{}", headers=JSON)
        yield server


@pytest.fixture
def podlet(cafe: FakeFragmentServer, other: FakeFragmentServer) -> FakeFragmentServer:
    proxies = {"api": "/api/v1", "root": "/", "geo": f"{other.address}/geo/"}
    document = {"name": "myPod", "version": "1", "content": "/", "proxy": proxies}
    cafe.at |= {
        "/manifest.json": answer(json.dumps(document), headers=JSON),
        "/": answer("<p>content"),
        "/api/v1/cakes": answer("[]", headers={**JSON, "set-cookie": "a=1"}),
    }
    return cafe


async def test_a_proxy_leads_below_its_target(tmp_path: Path, podlet: FakeFragmentServer) -> None:
    async with portal(tmp_path, {"pod": podlet.address}) as shell:
        response = await shell.get("/podium-resource/pod/api/cakes?of=day", accept="application/json")
        await shell.get("/podium-resource/pod/api?x=1")
        await shell.get("/podium-resource/pod/root/api/v1/cakes/")
    assert (response.text, "set-cookie" in response.headers) == ("[]", False)
    assert [request.target for request in podlet.received if "cakes" in request.target or "x=1" in request.target] == [
        "/api/v1/cakes?of=day",
        "/api/v1?x=1",
        "/api/v1/cakes/",
    ]


async def test_a_proxied_request_has_the_shells_context_and_nothing_of_the_browsers_that_is_not_on_the_list(
    tmp_path: Path, podlet: FakeFragmentServer
) -> None:
    async with portal(tmp_path, {"pod": podlet.address}) as shell:
        await shell.get("/podium-resource/pod/api/cakes", cookie="jogakbo=" + "a" * 32, x_anything="x")
    sent = podlet.requests("/api/v1/cakes")[0]
    assert sent.header("podium-public-pathname") == "/podium-resource/pod"
    assert sent.header("user-agent").startswith("@podium/client")
    assert sent.header("authorization").startswith("Bearer ")
    assert not sent.header("cookie") + sent.header("x-anything")


async def test_another_host_that_a_proxy_leads_to_is_not_told_who_is_asking(
    tmp_path: Path, podlet: FakeFragmentServer, other: FakeFragmentServer
) -> None:
    async with portal(tmp_path, {"pod": podlet.address}) as shell:
        response = await shell.get("/podium-resource/pod/geo/where", accept="application/json")
    assert response.text == "{}"
    assert not other.received[0].header("authorization")


async def test_another_host_that_hangs_does_not_leave_the_podlet_out(
    tmp_path: Path, podlet: FakeFragmentServer, other: FakeFragmentServer
) -> None:
    other.at["/geo/where"] = hang
    async with portal(tmp_path, {"pod": podlet.address}, breaker_failures=1) as shell:
        response = await shell.get("/podium-resource/pod/geo/where")
        assert response.status_code == 504
        assert await shell.shows("/-/pod/main", "<p>content</p>")


@pytest.mark.parametrize(
    "path", ["/podium-resource/pod/other/x", "/podium-resource/cafe/api/x", "/podium-resource/pod/root/metrics"]
)
async def test_what_no_manifest_offers_is_not_there(tmp_path: Path, podlet: FakeFragmentServer, path: str) -> None:
    async with portal(tmp_path, {"pod": podlet.address}) as shell:
        assert (await shell.get(path)).status_code == 404
    assert not podlet.requests("/metrics")


async def test_a_form_of_another_site_reaches_no_proxy(tmp_path: Path, podlet: FakeFragmentServer) -> None:
    async with portal(tmp_path, {"pod": podlet.address}) as shell:
        forged = await shell.post("/podium-resource/pod/api/cakes", sec_fetch_site="cross-site")
    assert forged.status_code == 403
    assert not podlet.requests("/api/v1/cakes")


@pytest.mark.parametrize(
    ("location", "expected"),
    [
        ("/menu", "/menu"),
        ("thanks", "/podium-resource/pod/api/thanks"),
        ("{podlet}/api/v1/thanks", "/podium-resource/pod/api/thanks"),
        ("{podlet}/elsewhere", "/-/pod/elsewhere"),
        ("https://evil.example/", ""),
    ],
)
async def test_a_proxy_sends_a_browser_only_to_places_of_the_portal(
    tmp_path: Path, podlet: FakeFragmentServer, location: str, expected: str
) -> None:
    podlet.at["/api/v1/order"] = answer("", 303, {"location": location.format(podlet=podlet.address)})
    async with portal(tmp_path, {"pod": podlet.address}) as shell:
        response = await shell.post("/podium-resource/pod/api/order", {"a": "1"})
    assert (response.status_code, response.headers.get("location", "")) == (303 if expected else 502, expected)


async def test_a_refused_form_of_a_podlet_remembers_where_it_was(tmp_path: Path, podlet: FakeFragmentServer) -> None:
    podlet.at["/api/v1/order"] = answer("<p>sold out", 409)
    order = "/podium-resource/pod/api/order"
    async with portal(tmp_path, {"pod": podlet.address}) as shell:
        refused = await shell.post(order, referer=f"{shell.origin}/menu?x=1")
        await shell.post(order, referer=f"{shell.origin}{order}")
    assert "<p>sold out</p>" in refused.text
    assert "Path=/podium-resource/;" in refused.headers["set-cookie"]
    assert [request.header("jogakbo-page") for request in podlet.requests("/api/v1/order")] == ["/menu?x=1"] * 2


@pytest.mark.parametrize(
    "path",
    [
        "/podium-resource/pod",
        "/podium-resource/Pod/api/x",
        "/podium-resource/pod/a.b/x",
        "/podium-resource/pod//x",
        "/podium-resource/pod/api/../x",
        "/podium-resource/pod/api/%2e%2e/x",
        "/podium-resource/pod/api/..%2fx",
    ],
)
def test_a_path_that_could_mean_two_things_is_refused(path: str) -> None:
    with pytest.raises(BadTarget):
        read_target(path.encode(), b"")


def test_an_ordinary_path_is_read_as_it_is() -> None:
    target = read_target(b"/podium-resource/pod/myApi_2/a/b/", b"x=1")
    assert target == Target("pod", "/a/b/", "x=1", "myApi_2")
    assert target.mount == "/podium-resource/pod/myApi_2"
