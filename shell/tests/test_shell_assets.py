"""Stylesheets and scripts of a page, in a real browser where it is the browser that decides."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from urllib.parse import urljoin

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from playwright.async_api import Browser, Page, Route, async_playwright

from jogakbo.contract.manifest_reader import decode_manifest
from jogakbo_shell.composition.assets import Assets, HeadAsset, OwnAssets, page_assets
from jogakbo_shell.composition.declared_assets import NotOwn, asset_path, assets_of
from jogakbo_shell.composition.links import parse_links
from jogakbo_shell.composition.preloads import preloads
from jogakbo_shell.composition.rendered import State
from jogakbo_shell.integrity import digest, fits
from jogakbo_shell.registry.server import FragmentServer
from jogakbo_shell.resilience import Breaker
from jogakbo_shell.web.security import policy_with
from shell.tests import chromium
from shell.tests.harness import FakeFragmentServer, Gate, Portal, answer, cacheable, manifest, portal, until_true

pytestmark = pytest.mark.anyio

# A browser on a busy machine is not what is tested.
PATIENT = {"action_deadline_ms": 5000, "fragment_deadline_ms": 5000, "page_deadline_ms": 5000}
RUNS = "document.documentElement.dataset.ran = (document.documentElement.dataset.ran ?? '') + '{0} ';"


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        yield await playwright.chromium.launch(executable_path=chromium.BINARY, args=chromium.FLAGS)


def script(name: str) -> bytes:
    return RUNS.format(name).encode()


def declare(cafe: FakeFragmentServer, **fields: object) -> None:
    """One fragment, on the page `/cafe`, and these fields of the manifest."""
    document = {**json.loads(manifest("cafe", a={})), "css": [], **fields}
    cafe.at["/manifest.json"] = answer(msgspec.json.encode(document), headers={"content-type": "application/json"})
    cafe.at |= {"/readyz": answer('{"checks": {}}'), "/a": answer("<p>a")}


def serve(cafe: FakeFragmentServer, path: str, body: bytes, media_type: str = "text/javascript") -> None:
    cafe.at[path] = answer(body, headers={"content-type": media_type})


async def inject(page: Page, *, text: str = "", src: str = "") -> str:
    """Put a script into the open page, as somebody would who found a hole; what the browser made of it."""
    outcome: str = await page.evaluate(
        """([text, src]) => new Promise((resolve) => {
          document.addEventListener("securitypolicyviolation", ({ effectiveDirective, blockedURI }) =>
            resolve(`refused ${effectiveDirective}`), { once: true });
          const script = document.createElement("script");
          if (src) script.src = src; else script.textContent = text;
          script.onload = () => resolve("ran");
          document.body.append(script);
          if (!src) setTimeout(() => resolve("nothing was refused"), 1000);
        })""",
        [text, src],
    )
    return outcome


async def test_only_the_scripts_that_a_page_names_run_in_it(
    tmp_path: Path, cafe: FakeFragmentServer, browser: Browser
) -> None:
    declare(cafe, js=[{"value": "/assets/a.js?v=1"}])
    serve(cafe, "/assets/a.js", script("a"))
    serve(cafe, "/assets/other.js", script("other"))
    async with portal(tmp_path, {"cafe": cafe.address}, **PATIENT) as shell:
        page = await browser.new_page()
        await page.goto(f"{shell.origin}/cafe")
        assert await page.evaluate("document.documentElement.dataset.live") == "off"  # live.js ran; there is no bus
        assert await inject(page, text=RUNS.format("inline")) == "refused script-src-elem"
        assert await inject(page, src="/-/cafe/assets/other.js") == "refused script-src-elem"
        assert await inject(page, src="/-/cafe/assets/a.js/../other.js") == "refused script-src-elem"
        assert await inject(page, src="http://127.0.0.2/static/live.js") == "refused script-src-elem"
        await page.evaluate("document.body.setAttribute('onclick', 'document.documentElement.dataset.ran = 1')")
        await page.click("body")
        assert await page.evaluate("document.documentElement.dataset.ran") == "a "


async def test_a_page_names_its_scripts_exactly_and_its_body_is_the_same_each_time(
    tmp_path: Path, cafe: FakeFragmentServer
) -> None:
    declare(cafe, js=[{"value": "/assets/a.js?v=1"}])
    serve(cafe, "/assets/a.js", script("a"))
    async with portal(tmp_path, {"cafe": cafe.address}) as shell:
        await until_true(partial(shell.shows, "/cafe", 'a.js?v=1" integrity='))
        page = await shell.get("/cafe")
        again = await shell.get("/cafe")
    match = re.search("script-src ([^;]*);", page.headers["content-security-policy"])
    assert match is not None
    paths = (
        "/static/whole.js",
        "/static/vendor/htmx/htmx.min.js",
        "/static/live.js",
        "/-/cafe/assets/a.js",
        "/static/late.js",
    )
    assert match[1].split(" ") == [shell.origin + path for path in paths]
    assert f"worker-src {shell.origin}/static/live-worker.js;" in page.headers["content-security-policy"]
    assert "nonce" not in page.text
    assert page.text == again.text
    for own in re.findall(r'<(?:script|link rel="stylesheet")[^>]* (?:src|href)="/static/[^>]*>', page.text):
        assert 'integrity="sha384-' in own


@pytest.mark.parametrize(
    "host",
    [
        "x; script-src *",
        "x, script-src *",
        "*",
        "*.x",
        "x/",
        "'self'",
        "a b",
        "x'unsafe-inline'",
        "é",
        "[::1]:80",
        "",
    ],
)
async def test_a_host_that_is_no_name_runs_no_script(tmp_path: Path, host: str) -> None:
    async with portal(tmp_path, {}) as shell:
        page = await shell.client.get("/", headers=[(b"host", host.encode()), (b"accept", b"text/html")])
    policy = page.headers.get("content-security-policy", "")
    assert page.status_code == 400 or (policy and "script-src" not in policy and "*" not in policy)


def test_a_policy_holds_addresses_and_nothing_that_could_be_read_otherwise() -> None:
    assert b"script-src" not in policy_with([])
    assert policy_with(["https://cafe.example:8443/a;b,c'd e.js?v=1"]).startswith(
        b"default-src 'none'; script-src https://cafe.example:8443/a%3Bb%2Cc%27d%20e.js; style-src 'self'; "
    )
    for refused in (
        "https://h/folder/",
        "https://h/",
        "https://*/x.js",
        "data:text/javascript,1",
        "'self'",
        "//h/x.js",
    ):
        assert b"script-src" not in policy_with([refused])


def server_with(**assets: object) -> FragmentServer:
    server = FragmentServer("cafe", "http://cafe:8101", Breaker(1))
    server.manifest = decode_manifest(json.dumps({"name": "cafe", "version": "1", "content": "/", **assets}).encode())
    return server


def hrefs(assets: Iterable[HeadAsset]) -> list[str]:
    return [asset.href.removeprefix("/-/cafe/") for asset in assets]


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("fresh", ["none", "all", "content"]),
        ("stale", ["none", "all", "content"]),
        ("failed", ["none", "all", "content"]),
        ("fallback", ["none", "all", "fallback"]),
        (None, ["none", "all", "content", "fallback"]),
    ],
)
def test_a_scope_is_kept_where_it_is_known_what_is_shown(state: State | None, expected: list[str]) -> None:
    scopes = ["all", "content", "fallback", "unheard-of"]
    declared = [{"value": "/none"}, *({"value": f"/{scope}", "scope": scope} for scope in scopes)]
    assets = assets_of(server_with(css=declared, js=declared), None, state)
    assert hrefs(assets.styles) == hrefs(assets.scripts) == expected


def test_assets_that_an_answer_names_win_over_those_of_the_manifest() -> None:
    server = server_with(css=[{"value": "/old.css"}], js=[{"value": "/old.js"}])
    both = assets_of(
        server, '</a,b.css>; rel="stylesheet"; media="print, screen", </b.js>; rel=preload; as=script', "fresh"
    )
    styles = assets_of(server, "</a.css>; rel=preload; as=style, </x>; rel=next, </y>; rel=preload; as=font", "fresh")
    other = assets_of(server, "</a.css>; rel=stylesheet; anchor=/another, </b.js>; rel=modulepreload", "fresh")
    assert [asset.link_attributes for asset in both.styles] == [
        {"rel": "stylesheet", "href": "/-/cafe/a,b.css", "media": "print, screen"}
    ]
    assert hrefs(both.scripts) == ["b.js"]
    assert [asset.link_attributes for asset in styles.styles] == [{"rel": "stylesheet", "href": "/-/cafe/a.css"}]
    assert hrefs(styles.scripts) == ["old.js"]
    assert (hrefs(other.styles), hrefs(other.scripts), hrefs(other.modules)) == (["old.css"], ["old.js"], ["b.js"])


def test_the_link_field_of_a_podlet_is_understood() -> None:
    field = (
        "</a.js>; async=true; type=esm; data-x=1; strategy=lazy; scope=content; asset-type=script, "
        "</b.js>; crossorigin=anonymous; integrity=sha384-abc; type=default; asset-type=script, "
        "</c.css>; type=text/css; rel=stylesheet; scope=fallback; asset-type=style, "
        "</d.css>; media=(min-width: 600px); type=text/css; rel=stylesheet; asset-type=style"
    )
    assets = assets_of(server_with(css=[{"value": "/old.css"}]), field, "fresh")
    assert [asset.script_attributes for asset in assets.lazy] == [
        {"src": "/-/cafe/a.js", "type": "module", "async": "", "data-x": "1"}
    ]
    assert [asset.script_attributes for asset in assets.scripts] == [
        {"src": "/-/cafe/b.js", "integrity": "sha384-abc", "crossorigin": "anonymous", "defer": ""}
    ]
    assert [asset.link_attributes for asset in assets.styles] == [
        {"rel": "stylesheet", "href": "/-/cafe/d.css", "media": "(min-width: 600px)"}
    ]


@pytest.mark.parametrize(
    ("declared", "attributes"),
    [
        ({}, {"defer": ""}),
        ({"strategy": "afterInteractive"}, {"defer": ""}),
        ({"async": True}, {"async": ""}),
        ({"async": True, "defer": True}, {"defer": ""}),
        ({"type": "module"}, {"type": "module"}),
        ({"type": "esm", "strategy": "beforeInteractive"}, {"type": "module"}),
        ({"strategy": "beforeInteractive"}, {}),
        ({"strategy": "beforeInteractive", "defer": True}, {"defer": ""}),
        ({"strategy": "lazy"}, {"type": "module"}),
        ({"nomodule": True, "fetchpriority": "low"}, {"fetchpriority": "low", "nomodule": "", "defer": ""}),
        (
            {"crossorigin": True, "referrerpolicy": "origin"},
            {"crossorigin": "anonymous", "referrerpolicy": "origin", "defer": ""},
        ),
        ({"data": [{"key": "a", "value": True}, {"key": "b c", "value": 1}]}, {"defer": "", "data-a": "true"}),
    ],
)
def test_a_script_gets_the_attributes_of_its_strategy(
    declared: Mapping[str, object], attributes: Mapping[str, str]
) -> None:
    assets = assets_of(server_with(js=[{"value": "/a.js", **declared}]))
    assert [asset.script_attributes for asset in (*assets.scripts, *assets.lazy)] == [
        {"src": "/-/cafe/a.js", **attributes}
    ]


def test_a_stylesheet_keeps_what_it_says_of_itself() -> None:
    said = {"media": "print", "title": 'A "b"', "hreflang": "ko", "disabled": True, "crossorigin": "use-credentials"}
    assets = assets_of(server_with(css=[{"value": "/a.css", **said}, {"value": "/b.css", "strategy": "shadow-dom"}]))
    assert [asset.link_attributes for asset in assets.styles] == [
        {"rel": "stylesheet", "href": "/-/cafe/a.css", **said, "disabled": ""}
    ]


def test_a_style_that_is_a_hint_stays_one_and_a_module_is_known_to_the_policy() -> None:
    hints = [{"value": "/m.js", "rel": "modulepreload"}, {"value": "/f.woff2", "rel": "preload", "as": "font"}]
    assets = assets_of(server_with(css=[*hints, {"value": "/x", "rel": "import"}]))
    assert [asset.link_attributes for asset in assets.styles] == [
        {"rel": "preload", "href": "/-/cafe/f.woff2", "as": "font"}
    ]
    assert assets.script_paths == ("/-/cafe/m.js",)
    assert "rel 'import'" in assets.left_out[0]


@pytest.mark.parametrize(
    ("value", "href"),
    [
        ("/assets/a.css?v=1", "/-/cafe/assets/a.css?v=1"),
        ("assets//a.css", "/-/cafe/assets/a.css"),
        ("http://cafe:8101/a.css#top", "/-/cafe/a.css"),
        ("/카페.css", "/-/cafe/%EC%B9%B4%ED%8E%98.css"),
        ("http://cafe:81011/a.css", ""),
        ("https://cafe:8101/a.css", ""),
        ("https://cdn.example/a.css", ""),
        ("http://cafe:8101/../till/a.css", ""),
        ("/%2e%2e/till/a.css", ""),
        ("/a%2f..%2fb.css", ""),
        ("/a\\..\\b.css", ""),
    ],
)
def test_an_asset_is_on_the_portals_own_origin_below_its_server_or_nowhere(value: str, href: str) -> None:
    field = f"<{value}>; rel=stylesheet"
    assets = assets_of(server_with(), field, "fresh")
    assert [asset.href for asset in assets.styles] == ([href] if href else [])
    assert bool(assets.left_out) == (not href)
    assert all(repr(value) in fault for fault in assets.left_out)


@given(st.text(st.sampled_from("/.\\%2eEfF:?#@ \t\r\nhttp~a\x00é"), min_size=1, max_size=24))
def test_no_address_leads_out_of_its_server(value: str) -> None:
    with suppress(NotOwn):
        path = asset_path("cafe", "http://cafe:8101", value)
        assert path.isascii()
        assert path.isprintable()
        there = urljoin("http://portal.example/some/page", f"/-/cafe{path}".replace("%2e", ".").replace("%2E", "."))
        assert there.startswith("http://portal.example/-/cafe/")


def test_an_overlong_link_field_is_left_out() -> None:
    assets = assets_of(server_with(css=[{"value": "/a.css"}]), f"</{'x' * 9000}>; rel=stylesheet", "fresh")
    assert hrefs(assets.styles) == ["a.css"]
    assert "too many characters" in assets.left_out[0]


def test_the_same_answer_has_the_same_assets_until_its_server_has_another_manifest() -> None:
    server = server_with(css=[{"value": "/a.css"}])
    first = assets_of(server, None, "fresh")
    assert assets_of(server, None, "stale") is first
    server.digests = {"/a.css": "sha384-abc"}
    second = assets_of(server, None, "fresh")
    assert [asset.integrity for asset in second.styles] == ["sha384-abc"]
    server.manifest = server_with(css=[{"value": "/b.css"}]).manifest
    assert hrefs(assets_of(server, None, "fresh").styles) == ["b.css"]


def page_of(*servers: FragmentServer) -> Assets:
    deferred = (("defer", ""),)
    own = Assets((HeadAsset("/own.css"),), (HeadAsset("/own.js", more=deferred),))
    return page_assets(
        OwnAssets(own, HeadAsset("/lazy.js", more=deferred)), tuple(assets_of(server) for server in servers)
    )


def test_each_asset_is_on_a_page_once_in_the_order_of_the_fragments() -> None:
    lib = {"value": "/lib.js", "integrity": "sha384-lib"}
    menu = server_with(css=[{"value": "/a.css"}], js=[lib, {"value": "/a.js"}])
    till = server_with(
        css=[{"value": "/a.css"}, {"value": "/b.css"}],
        js=[{**lib, "value": "/copy.js"}, {**lib, "value": "/module.js", "type": "module"}, {"value": "/early.js"}],
    )
    first = server_with(js=[{"value": "/early.js", "strategy": "beforeInteractive"}])
    page = page_of(menu, till, menu, first)
    assert hrefs(page.styles) == ["/own.css", "a.css", "b.css"]
    assert hrefs(page.scripts) == ["early.js", "/own.js", "lib.js", "a.js", "module.js"]


def test_what_is_lazy_brings_its_loader_and_what_is_not_does_not() -> None:
    lazy = server_with(js=[{"value": "/a.js", "strategy": "lazy"}, {"value": "/b.js", "strategy": "lazy"}])
    page = page_of(lazy, server_with(js=[{"value": "/b.js"}]))
    assert hrefs(page.lazy) == ["a.js"]
    assert page.script_paths == ("/own.js", "/-/cafe/b.js", "/lazy.js", "/-/cafe/a.js")
    assert page_of(server_with(js=[{"value": "/b.js"}])).script_paths == ("/own.js", "/-/cafe/b.js")


async def test_scripts_run_when_their_strategy_says(tmp_path: Path, cafe: FakeFragmentServer, browser: Browser) -> None:
    names = {"after": {}, "lazy": {"strategy": "lazy"}, "module": {"type": "module"}}
    before = {"value": "/assets/before.js", "strategy": "beforeInteractive"}
    declare(cafe, js=[*({"value": f"/assets/{name}.js", **said} for name, said in names.items()), before])
    state = (
        "document.documentElement.dataset.{0} = document.readyState + (document.querySelector('main') ? ' whole' : '');"
    )
    for name in (*names, "before"):
        serve(cafe, f"/assets/{name}.js", state.format(name).encode() + script(name))
    async with portal(tmp_path, {"cafe": cafe.address}, **PATIENT) as shell:
        page = await browser.new_page()
        await page.goto(f"{shell.origin}/cafe")
        await page.wait_for_selector("html[data-lazy]", state="attached")
        seen = await page.evaluate("({...document.documentElement.dataset})")
    assert seen["ran"] == "before after module lazy "
    assert (seen["before"], seen["after"], seen["module"]) == ("loading", "interactive whole", "interactive whole")
    assert seen["lazy"] == "complete whole"


async def test_what_an_asset_may_not_be_is_told_to_the_operators(tmp_path: Path, cafe: FakeFragmentServer) -> None:
    declare(cafe, css=[{"value": "https://cdn.example/a.css"}], js=[{"value": "/here.js"}])
    async with portal(tmp_path, {"cafe": cafe.address}) as shell:
        page = await shell.get("/cafe")
        report = (await shell.get("/-/status", accept="application/json")).json()
        status = await shell.get("/-/status")
    assert "cdn.example" not in page.text
    assert "/-/cafe/here.js" in page.text
    assert "'https://cdn.example/a.css' is on another origin" in report["servers"][0]["manifest_fault"]
    assert report["servers"][0]["health"] == "healthy"
    assert "cdn.example" in status.text


STYLE = {"content-type": "text/css"}
SAYS_STYLE = re.compile(r'<link rel="stylesheet" href="/-/cafe/([^"]*)"(?: integrity="([^"]*)")?>')


async def styles_of(shell: Portal) -> dict[str, str]:
    return dict(SAYS_STYLE.findall((await shell.get("/cafe")).text))


async def test_a_page_demands_the_bytes_that_are_kept_and_they_stay_though_the_server_changes_them(
    tmp_path: Path, cafe: FakeFragmentServer, browser: Browser
) -> None:
    declare(cafe, css=[{"value": "/assets/a.css?v=1"}])
    cafe.at["/assets/a.css"] = answer("p { color: rgb(1, 2, 3) }", headers=STYLE)
    async with portal(tmp_path, {"cafe": cafe.address}, **PATIENT) as shell:

        async def is_demanded() -> bool:
            return await styles_of(shell) == {"assets/a.css?v=1": digest(b"p { color: rgb(1, 2, 3) }")}

        await until_true(is_demanded)
        cafe.at["/assets/a.css"] = answer("p { color: red }", headers=STYLE)
        declare(cafe, css=[{"value": "/assets/a.css?v=1"}], version="2")
        await until_true(lambda: shell.shows("/-/status", 'cafe <span class="quiet small">2<'))
        page = await browser.new_page()
        await page.goto(f"{shell.origin}/cafe")
        assert await is_demanded()
        assert await page.evaluate("getComputedStyle(document.querySelector('section p')).color") == "rgb(1, 2, 3)"


@pytest.mark.parametrize(
    ("value", "cache_control", "kept"),
    [
        ("/assets/a.css?v=1", "", True),
        ("/assets/a.css?v=1", "no-cache", False),  # another release may have answered
        ("/assets/a.css", "max-age=60", False),
        ("/a.3f1c.css", "public, max-age=31536000, Immutable", True),
    ],
)
async def test_only_what_never_changes_is_kept_and_demanded(
    tmp_path: Path, cafe: FakeFragmentServer, value: str, cache_control: str, kept: bool
) -> None:
    path = value.partition("?")[0]
    declare(cafe, css=[{"value": value}, {"value": "/assets/next.css?v=1"}])
    cafe.at[path] = answer("p{}", headers={**STYLE, "cache-control": cache_control})
    cafe.at["/assets/next.css"] = answer("next", headers=STYLE)
    async with portal(tmp_path, {"cafe": cafe.address}) as shell:
        await until_true(lambda: shell.shows("/cafe", digest(b"next")))
        assert (await styles_of(shell))[value.removeprefix("/")] == (digest(b"p{}") if kept else "")
        asked = len(cafe.requests(path))
        assert (await shell.get(f"/-/cafe{value}", accept="text/css")).text == "p{}"
        assert len(cafe.requests(path)) == asked + (not kept)


async def test_bytes_that_are_not_what_the_manifest_demands_are_not_kept(
    tmp_path: Path, cafe: FakeFragmentServer
) -> None:
    declare(cafe, css=[{"value": "/assets/a.css?v=1", "integrity": digest(b"right", "sha512")}])
    cafe.at["/assets/a.css"] = answer("wrong", headers=STYLE)
    async with portal(tmp_path, {"cafe": cafe.address}) as shell:
        await until_true(lambda: shell.shows("/-/status", "not what its integrity says"))
        cafe.at["/assets/a.css"] = answer("right", headers=STYLE)
        assert (await shell.get("/-/cafe/assets/a.css?v=1", accept="text/css")).text == "right"


async def test_assets_are_kept_again_after_a_restart(tmp_path: Path, cafe: FakeFragmentServer) -> None:
    declare(cafe, css=[{"value": "/assets/a.css?v=1"}])
    cafe.at["/assets/a.css"] = answer("p{}", headers=STYLE)
    for _ in range(2):
        async with portal(tmp_path, {"cafe": cafe.address}) as shell:
            await until_true(lambda: shell.shows("/cafe", digest(b"p{}")))


def test_a_digest_is_the_one_that_browsers_compute_and_of_several_the_strongest_counts() -> None:
    # https://www.w3.org/TR/SRI/ section 3.2
    hello = b"alert('Hello, world.');"
    assert digest(hello) == "sha384-H8BRh8j48O9oYatfu5AZzq6A9RINhZO5H16dQZngK7T62em8MUt1FLm52t+eX6xO"
    weak, strong = digest(hello, "sha256"), digest(b"another")
    assert fits("", hello)
    assert fits("md5-abc", hello)
    assert fits(f"{digest(hello)}?option {strong}", hello)
    assert not fits(f"{weak} {strong}", hello)


def test_what_the_first_paint_waits_for_is_said_in_the_link_field() -> None:
    server = server_with(
        css=[
            {"value": "/a,b.css", "media": "(width > 1px)", "crossorigin": "anonymous"},
            {"value": "/off.css", "disabled": True},
            {"value": "/next.css", "rel": "prefetch"},
            {"value": "/m.js", "rel": "modulepreload"},
            {"value": "/bad.css", "media": 'print\r\nSet-Cookie: "a"'},
        ],
        js=[
            {"value": "/early.js", "strategy": "beforeInteractive", "integrity": "sha384-abc"},
            {"value": "/entry.js", "type": "module"},
            {"value": "/later.js"},
            {"value": "/lazy.js", "strategy": "lazy"},
        ],
    )
    field = preloads(page_of(server))
    assert [(link.target, dict(link.parameters)) for link in parse_links(field)] == [
        ("/own.css", {"rel": "preload", "as": "style"}),
        ("/-/cafe/a,b.css", {"rel": "preload", "as": "style", "crossorigin": "anonymous", "media": "(width > 1px)"}),
        ("/-/cafe/early.js", {"rel": "preload", "as": "script", "integrity": "sha384-abc"}),
        ("/-/cafe/entry.js", {"rel": "modulepreload"}),
        ("/-/cafe/m.js", {"rel": "modulepreload"}),
    ]
    assert field.isprintable()
    many = server_with(css=[{"value": f"/{number}.css"} for number in range(40)])
    assert len(parse_links(preloads(page_of(many)))) == 16


async def test_what_is_preloaded_is_fetched_once_and_used(
    tmp_path: Path, cafe: FakeFragmentServer, browser: Browser
) -> None:
    server = server_with(
        css=[{"value": "/assets/a.css", "integrity": digest(b"p{}"), "crossorigin": "anonymous"}],
        js=[
            {"value": "/assets/b.js", "strategy": "beforeInteractive", "integrity": digest(script("b"))},
            {"value": "/assets/c.js", "type": "module"},
        ],
    )
    assert server.manifest is not None
    declare(cafe, css=server.manifest.css, js=server.manifest.js)
    cafe.at["/assets/a.css"] = answer("p{}", headers=STYLE)
    serve(cafe, "/assets/b.js", script("b"))
    serve(cafe, "/assets/c.js", script("c"))
    async with portal(tmp_path, {"cafe": cafe.address}, **PATIENT) as shell:
        page = await browser.new_page()
        fetched: list[str] = []
        complaints: list[str] = []
        page.on("request", lambda request: fetched.append(request.url.removeprefix(f"{shell.origin}/-/cafe")))
        page.on("console", lambda message: complaints.append(message.text))

        async def with_link(route: Route) -> None:
            response = await route.fetch()
            await route.fulfill(response=response, headers={**response.headers, "link": preloads(assets_of(server))})

        await page.route("**/cafe", with_link)
        await page.goto(f"{shell.origin}/cafe")
        assert await page.evaluate("document.documentElement.dataset.ran") == "b c "
    assert [fetched.count(f"/assets/{name}") for name in ("a.css", "b.js", "c.js")] == [1, 1, 1]
    assert complaints == []


async def head_of(shell: Portal) -> str:
    return (await shell.get("/cafe")).text.partition("</head>")[0]


def scoped(name: str) -> list[dict[str, str]]:
    return [{"value": f"/{name}.css", "scope": "content"}, {"value": f"/{name}-closed.css", "scope": "fallback"}]


async def test_a_page_brings_the_styles_of_what_it_shows(tmp_path: Path, cafe: FakeFragmentServer) -> None:
    document = json.loads(manifest("cafe", a={"fallback": "/closed"}))
    declare(cafe, css=scoped("cafe"), jogakbo=document["jogakbo"])
    cafe.at["/closed"] = answer("<p>closed")
    async with portal(tmp_path, {"cafe": cafe.address}) as shell:
        await until_true(lambda: _is_fetched(cafe, "/closed"))
        shown = await head_of(shell)
        cafe.at["/a"] = answer("", 500)
        closed = await head_of(shell)
    assert ('/-/cafe/cafe.css"' in shown, "closed.css" in shown) == (True, False)
    assert ('/-/cafe/cafe.css"' in closed, "closed.css" in closed) == (False, True)


async def test_a_head_that_leaves_early_has_what_late_fragments_may_need(
    tmp_path: Path, cafe: FakeFragmentServer
) -> None:
    document = json.loads(manifest("cafe", a={}, b={}))
    async with FakeFragmentServer() as till:
        declare(cafe, css=[{"value": "/old.css"}], jogakbo=document["jogakbo"])
        document["jogakbo"]["pages"][0]["fragments"] = ["cafe/a", "till/b"]
        declare(cafe, css=[{"value": "/old.css"}], jogakbo=document["jogakbo"])
        declare(till, name="till", css=scoped("till"), jogakbo={**document["jogakbo"], "pages": []})
        cafe.at["/a"] = answer("<p>a", headers={"link": "</new.css>; rel=stylesheet"})
        late = Gate(answer("<p>late", headers={"link": "</too-late.css>; rel=stylesheet"}))
        till.at["/b"] = late
        servers = {"cafe": cafe.address, "till": till.address}
        async with portal(tmp_path, servers, **PATIENT) as shell, shell.client.stream("GET", "/cafe") as response:
            head = ""
            async for text in response.aiter_text():
                head += text
                if "</head>" in head:
                    late.open.set()
            head = head.partition("</head>")[0]
    names = re.findall(r'href="(?:/-/)([^"]*)"', head)
    assert names == ["cafe/new.css", "till/till.css", "till/till-closed.css"]


async def test_what_an_answer_names_is_on_the_page_and_its_scripts_run(
    tmp_path: Path, cafe: FakeFragmentServer, browser: Browser
) -> None:
    declare(cafe, js=[{"value": "/old.js"}])
    field = "</new.js>; type=esm; asset-type=script, </part.js>; rel=modulepreload"
    cafe.at["/a"] = answer("<p>a", headers={"link": field, "cache-control": "max-age=60"})
    serve(cafe, "/old.js", script("old"))
    serve(cafe, "/new.js", b'import "./part.js";' + script("new"))
    serve(cafe, "/part.js", script("part"))
    async with portal(tmp_path, {"cafe": cafe.address}, **PATIENT) as shell:
        await until_true(lambda: shell.shows("/cafe", "/-/cafe/new.js"))
        page = await browser.new_page()
        for _ in range(2):  # the page is kept as a whole by now
            await page.goto(f"{shell.origin}/cafe")
            assert await page.evaluate("document.documentElement.dataset.ran") == "part new "


async def test_what_fragments_say_in_the_head_is_merged_and_harmless(tmp_path: Path, cafe: FakeFragmentServer) -> None:
    declare(cafe, css=[], jogakbo=json.loads(manifest("cafe", a={}, b={}))["jogakbo"])
    refresh = '<meta property="x" http-equiv="refresh" content="0; url=https://evil.example/">'
    cafe.at["/a"] = cacheable(f'<meta name="robots" content="index"><link rel="license" href="/a">{refresh}<p>a')
    cafe.at["/b"] = cacheable('<meta name="robots" content="noindex"><link rel="license" href="javascript:1"><p>b')
    async with portal(tmp_path, {"cafe": cafe.address}, **PATIENT) as shell:
        # Only a primary fragment holds the head back; of the others it has what is there.
        await until_true(lambda: shell.shows("/cafe", '<meta name="robots" content="noindex">'))
        page = await shell.get("/cafe")
    assert '<link rel="license" href="/a">' in page.text
    assert "http-equiv" not in page.text
    assert "javascript:" not in page.text


async def test_a_head_is_as_new_as_the_page(tmp_path: Path, cafe: FakeFragmentServer) -> None:
    declare(cafe)
    async with portal(tmp_path, {"cafe": cafe.address}, **PATIENT) as shell:
        for word in ("noarchive", "noindex"):
            robots = f'<meta name="robots" content="{word}">'
            cafe.at["/a"] = answer(f"{robots}<p>the same")
            await until_true(partial(shell.shows, "/cafe", robots))


async def _is_fetched(server: FakeFragmentServer, path: str) -> bool:
    return bool(server.requests(path))
