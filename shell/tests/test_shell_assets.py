"""Stylesheets and scripts of a page, in a real browser where it is the browser that decides."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, async_playwright

from jogakbo_shell.web.security import policy_with
from shell.tests.harness import FakeFragmentServer, answer, manifest, portal

pytestmark = pytest.mark.anyio

RUNS = "document.documentElement.dataset.ran = (document.documentElement.dataset.ran ?? '') + '{0} ';"


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    async with async_playwright() as playwright:
        yield await playwright.chromium.launch(executable_path=shutil.which("chromium"), args=flags)


def script(name: str) -> bytes:
    return RUNS.format(name).encode()


def declare(cafe: FakeFragmentServer, **assets: list[Mapping[str, object]]) -> None:
    """One fragment, `/cafe`, and these assets."""
    document = {**json.loads(manifest("cafe", a={})), "css": [], **assets}
    cafe.at["/manifest.json"] = answer(json.dumps(document), headers={"content-type": "application/json"})
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
    async with portal(tmp_path, {"cafe": cafe.address}) as shell:
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
        page = await shell.get("/cafe")
        again = await shell.get("/cafe")
    match = re.search("script-src ([^;]*);", page.headers["content-security-policy"])
    assert match is not None
    paths = ("/static/vendor/htmx/htmx.min.js", "/static/live.js", "/-/cafe/assets/a.js")
    assert match[1].split(" ") == [shell.origin + path for path in paths]
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
