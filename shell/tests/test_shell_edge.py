"""Around every answer: headers, ids, static files, and the way out."""

from __future__ import annotations

import asyncio
import gzip
import re
import signal
from importlib.resources import files
from pathlib import Path

import httpx2
import pytest

from jogakbo_shell.i18n import Messages, MessagesError, chosen_locale
from jogakbo_shell.settings import Settings
from shell.tests.harness import FakeFragmentServer, Gate, answer, eventually, portal
from shell.tests.shell_process import shell_process

pytestmark = pytest.mark.anyio

TRACE = "00-" + "a" * 32 + "-" + "b" * 16 + "-01"


async def test_every_answer_is_guarded(tmp_path: Path) -> None:
    async with portal(tmp_path, {}) as shell:
        answers = [await shell.get(path) for path in ("/", "/nowhere", "/livez", "/static/portal.css", "/-/status")]
    for response in answers:
        assert response.headers["x-content-type-options"] == "nosniff"
        assert response.headers["x-frame-options"] == "DENY"
        assert response.headers["referrer-policy"] == "same-origin"
        policy = response.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "server" not in response.headers


async def test_a_trace_is_continued_to_the_fragment_server(tmp_path: Path, cafe: FakeFragmentServer) -> None:
    cafe.declare(a={})
    cafe.at["/a"] = answer("a")
    async with portal(tmp_path, {"cafe": cafe.address}) as shell:
        page = await shell.get("/cafe", traceparent=TRACE, x_request_id="request-12345")
    sent = cafe.requests("/a")[0]
    assert sent.header("traceparent").startswith("00-" + "a" * 32)
    assert sent.header("traceparent") != TRACE
    assert sent.header("x-request-id") == page.headers["x-request-id"] == "request-12345"


@pytest.mark.parametrize("malformed", ["", "00-" + "0" * 32 + "-" + "b" * 16 + "-01", "rubbish", TRACE + "-x"])
async def test_a_malformed_trace_is_begun_anew(tmp_path: Path, malformed: str) -> None:
    async with portal(tmp_path, {}) as shell:
        page = await shell.get("/livez", traceparent=malformed, x_request_id="<script>")
    assert re.fullmatch("[0-9a-f]{32}", page.headers["x-request-id"])


async def test_a_static_file_is_kept_for_ever_under_its_hash_only(tmp_path: Path) -> None:
    async with portal(tmp_path, {}) as shell:
        page = await shell.get("/")
        match = re.search(r'href="(/static/portal\.css\?v=\w+)"', page.text)
        assert match is not None
        hashed = await shell.get(match[1])
        plain = await shell.get("/static/portal.css", accept_encoding="identity")
        unchanged = await shell.get("/static/portal.css", if_none_match=plain.headers["etag"])
        missing = await shell.get("/static/../settings.py")
    assert "immutable" in hashed.headers["cache-control"]
    assert hashed.headers["content-encoding"] == "gzip"
    assert "immutable" not in plain.headers["cache-control"]
    assert len(gzip.compress(plain.content)) < len(plain.content)
    assert (unchanged.status_code, missing.status_code) == (304, 404)


async def test_our_own_fault_is_a_page_too(tmp_path: Path) -> None:
    async with portal(tmp_path, {}) as shell:

        async def broken(scope: object, receive: object, send: object) -> None:
            raise RuntimeError("a fault of ours")

        shell.app.router.default = broken
        page = await shell.get("/a-path-that-is-no-page")
    assert page.status_code == 500
    assert "<main" in page.text
    assert "a fault of ours" not in page.text
    assert page.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    ("asked", "cookie", "accepted", "expected"),
    [
        ("ko", "en", "en", "ko"),
        ("xx", "ko", "en", "ko"),
        ("", "xx", "ko", "ko"),
        ("", "", "ko-KR,ko;q=0.9,en;q=0.8", "ko"),
        ("", "", "en;q=0.1, ko;q=0.2", "ko"),
        ("", "", "fr, ko;q=rubbish", "en"),
        ("", "", "", "en"),
    ],
)
async def test_the_language_is_the_one_asked_for_else_kept_else_preferred(
    asked: str, cookie: str, accepted: str, expected: str
) -> None:
    assert chosen_locale(asked, cookie, accepted) == expected


def test_a_text_missing_in_one_language_stops_the_start() -> None:
    with pytest.raises(MessagesError, match=r"\[ko\] lacks b"):
        Messages({"en": {"a": "x", "b": "y"}, "ko": {"a": "x"}})


def test_every_text_that_a_template_names_exists() -> None:
    messages = Messages.load()
    package = Path(str(files("jogakbo_shell")))
    for template in [*package.glob("templates/*.html"), *package.glob("pages/*.html")]:
        source = template.read_text("utf-8")
        for key in re.findall(r"""\bt\("([a-z_.0-9]+)"[,)]""", source):
            assert messages.has(key), f"{template.name}: {key}"


def test_an_address_that_is_none_is_refused_at_the_start() -> None:
    with pytest.raises(ValueError, match="expected name=http"):
        Settings(fragment_servers="menu=8101")
    assert Settings(fragment_servers="menu=http://a:1/ orders=https://b").servers == {
        "menu": "http://a:1",
        "orders": "https://b",
    }


async def test_at_sigterm_the_process_finishes_what_is_under_way_and_ends(
    tmp_path: Path, cafe: FakeFragmentServer
) -> None:
    cafe.declare(a={})
    gate = Gate(answer("<p>to the end"))
    cafe.at["/a"] = gate
    away = {"redis_url": "redis://127.0.0.1:1/0", "fragment_deadline_ms": 5000, "page_deadline_ms": 5000}
    async with shell_process(tmp_path, {"cafe": cafe.address}, "/livez", **away) as shell:
        await eventually(lambda: bool(cafe.requests("/readyz")), 20)
        async with httpx2.AsyncClient(timeout=10, trust_env=False) as client:
            asking = asyncio.create_task(client.get(f"{shell.origin}/cafe"))
            await asyncio.wait_for(gate.reached.wait(), 5)
            shell.process.send_signal(signal.SIGTERM)
            gate.open.set()
            assert "<p>to the end</p>" in (await asking).text
        assert await asyncio.wait_for(shell.process.wait(), 10) == 0
