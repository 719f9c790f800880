"""Pages answered before ASGI are answered as they would be after it: same bytes asked, same answers given.

Two portals in front of the same fragment server get the same bytes in the same pieces; one answers plain requests for
pages where they are read, and byte-identical ones without reading them at all, the other leaves everything to uvicorn.
"""

from __future__ import annotations

import asyncio
import gzip
import re
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import brotli
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shell.tests.harness import LUNCH, FakeFragmentServer, Gate, answer, cacheable, eventually, pages, portal
from shell.tests.insides import kept_pages
from shell.tests.wire import request, wire

pytestmark = pytest.mark.anyio

CAFE = "/cafe"
WHOLE = {
    "page_hold_ms": 2000,
    "page_budget_ms": 2000,
    "page_deadline_ms": 3000,
    "fragment_deadline_ms": 2000,
}
PATIENT = {"fragment_deadline_ms": 3000, "page_deadline_ms": 3000, "page_budget_ms": 3000}


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, bool]]:
    """As in production."""
    return "asyncio", {"use_uvloop": True}


# What differs from one answer to the next, whoever gives it.
_CHANGING = (b"date", b"x-request-id", b"server-timing", b"cache-status")
_SESSION = re.compile(rb"jogakbo=[\w-]{32}")
_REQUEST_ID = re.compile(rb"[0-9a-f]{32}")


@dataclass(frozen=True)
class Answer:
    status: bytes
    headers: tuple[bytes, ...]
    body: bytes


def answers_in(stream: bytes) -> list[Answer]:
    """Taken apart so that two of them can be compared."""
    return [_answer(part) for part in re.split(rb"(?=HTTP/1\.1 \d{3} )", stream) if part]


def _answer(part: bytes) -> Answer:
    head, _, body = part.partition(b"\r\n\r\n")
    status, *lines = head.split(b"\r\n")
    fields = dict(line.split(b": ", 1) for line in lines)
    if fields.get(b"transfer-encoding") == b"chunked" and body:
        body = _joined(body)
    encoding = fields.get(b"content-encoding", b"")
    if encoding and body:
        fields.pop(b"content-length")  # what is kept is packed tighter
        body = gzip.decompress(body) if encoding == b"gzip" else brotli.decompress(body)
    headers = sorted(line for line in lines if line.partition(b": ")[0] not in _CHANGING)
    if encoding:
        headers = [line for line in headers if not line.startswith(b"content-length")]
    told = tuple(_SESSION.sub(b"jogakbo=", line) for line in headers)
    return Answer(status, told, _REQUEST_ID.sub(b"", body))


def _joined(body: bytes) -> bytes:
    joined = b""
    while body:
        size, _, rest = body.partition(b"\r\n")
        joined, body = joined + rest[: int(size, 16)], rest[int(size, 16) + 2 :]
    return joined


class Twins:
    """The two portals, as somebody on another thread sees them."""

    def __init__(self, loop: asyncio.AbstractEventLoop, desk: str, asgi: str) -> None:
        self._loop = loop
        self.desk = desk
        self.asgi = asgi

    def differences(self, pieces: Sequence[bytes]) -> str:
        """Empty if both answer the same."""
        desk, asgi = (answers_in(self._exchange(origin, pieces)) for origin in (self.desk, self.asgi))
        if asgi and asgi[-1].status.startswith(b"HTTP/1.1 400"):
            # uvicorn forgets what it has not answered yet when rubbish follows in the same breath; pages go first here.
            assert desk[-1].status.startswith(b"HTTP/1.1 400"), desk
            desk = [*desk[: len(asgi) - 1], desk[-1]]
        for ours, theirs in zip(desk, asgi, strict=False):
            if ours != theirs:
                return f"{pieces}: {ours} != {theirs}"
        return "" if len(desk) == len(asgi) else f"{pieces}: {len(desk)} answers != {len(asgi)}"

    def _exchange(self, origin: str, pieces: Sequence[bytes]) -> bytes:
        address = urlsplit(origin)
        came = b""
        with socket.create_connection((address.hostname, address.port), timeout=0.25) as peer:
            peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with suppress(ConnectionError):  # it has heard enough
                for piece in pieces:
                    peer.sendall(piece)
                    asyncio.run_coroutine_threadsafe(_turns(), self._loop).result()
            with suppress(ConnectionError, TimeoutError):  # or waits for more; what it has said is said
                while more := peer.recv(1_000_000):
                    came += more
        return came


async def _turns() -> None:
    """So that a piece is read before the next one comes."""
    for _ in range(3):
        await asyncio.sleep(0)


@pytest.fixture
async def twins(tmp_path: Path, cafe: FakeFragmentServer) -> AsyncIterator[Twins]:
    cafe.declare(
        "cafe",
        a={},
        cart={"audience": "private"},
        track={"params": {"id": {"pattern": "[0-9]+", "required": True}}},
    )
    cafe.at |= {
        "/a": cacheable("<p>a" + "x" * 900, "a"),
        "/cart": answer("<p>cart"),
        "/track": answer("", 303, {"location": "/public"}),
    }
    table = f"{LUNCH}plain = true\n" + "".join(
        f'[[page]]\npath = "/{name}"\ntemplate = "{name}.html"\ntitle = {{ en = "{name}" }}\n'
        for name in ("public", "private", "moved")
    )
    folder = pages(
        tmp_path / "pages",
        table,
        lunch='<p><esi:include src="cafe/a"/>',
        public='{% extends "layout.html" %}{% block main %}{{ fragment("cafe/a") }}{% endblock %}',
        private='{% extends "layout.html" %}{% block main %}{{ fragment("cafe/cart") }}{% endblock %}',
        moved='{% extends "layout.html" %}{% block main %}'
        '{{ fragment("cafe/track", primary=True, id="1") }}{% endblock %}',
    )
    async with AsyncExitStack() as stack:
        origins = []
        for before_asgi in (True, False):
            shell = await stack.enter_async_context(
                portal(
                    tmp_path / str(before_asgi),
                    {"cafe": cafe.address},
                    pages_before_asgi=before_asgi,
                    pages_dir=str(folder),
                    breaker_failures=1000,
                    **WHOLE,
                )
            )
            origins.append(shell.origin)
        yield Twins(asyncio.get_running_loop(), *origins)


def get(path: str = "/public", *more: str, method: str = "GET", version: str = "1.1") -> bytes:
    lines = [f"{method} {path} HTTP/{version}", "host: cafe.example", *more, "", ""]
    return "\r\n".join(lines).encode("latin-1")


LAST = get("/livez", "connection: close")
PLAIN = get()

REQUESTS = {
    "a page": PLAIN,
    "the same again": PLAIN * 3,
    "others between": PLAIN + get("/private") + PLAIN + get("/nowhere") + PLAIN + get("/moved") + PLAIN + get("/lunch"),
    "only the head": get(method="HEAD") * 2 + PLAIN,
    "packed": get("/public", "accept-encoding: gzip") * 2 + get("/public", "accept-encoding: br, gzip;q=0.5") * 2,
    "a private page": get("/private", f"cookie: jogakbo={'a' * 32}") * 2 + get("/private"),
    "a redirect": get("/moved") + get("/moved", method="HEAD"),
    "known": get("/public", "if-none-match: *") * 2 + PLAIN,
    "chosen": get("/public?lang=ko") * 2 + get("/public?theme=dark&lang=xx") + PLAIN,
    "a query": get("/public?x=1&y=%20&z") * 3,
    "an empty query": get("/public?") * 2,
    "a fragment in the address": get("/public?theme=dark#rest") * 2 + get("/public#rest"),
    "two question marks": get("/public?a=1?theme=dark") * 2,
    "a forwarded scheme": get("/private", "x-forwarded-proto: https")
    + get("/public?lang=ko", "x-forwarded-proto: https"),
    "a forwarded address": get("/public", "x-forwarded-for: 1.2.3.4") * 2,
    "a body with its length": get("/public", "content-length: 5") + b"hello" + PLAIN,
    "no body, as it says": get("/public", "content-length: 0") * 2,
    "a body in chunks": get("/public", "transfer-encoding: chunked") + b"5\r\nhello\r\n0\r\n\r\n" + PLAIN,
    "a body that looks like a request": get("/public", f"content-length: {len(PLAIN)}") + PLAIN + PLAIN,
    "two ways to say how long": get("/public", "content-length: 5", "transfer-encoding: chunked")
    + b"0\r\n\r\n"
    + PLAIN,
    "two lengths": get("/public", "content-length: 5", "content-length: 6") + b"hello!" + PLAIN,
    "chunked, but not last": get("/public", "transfer-encoding: chunked, identity") + b"0\r\n\r\n" + PLAIN,
    "an odd chunked": get("/public", "transfer-encoding : chunked") + b"0\r\n\r\n" + PLAIN,
    "a negative length": get("/public", "content-length: -1") + PLAIN,
    "another method": get(method="POST") + PLAIN + get(method="DELETE") + get(method="OPTIONS") + PLAIN,
    "no method there is": get(method="BREW") + PLAIN,
    "a method in lower case": get(method="get"),
    "an absolute address": get("http://cafe.example/public") * 2 + PLAIN,
    "an address of another host": get("http://other.example/public") + PLAIN,
    "only a host": get("cafe.example:80", method="CONNECT") + PLAIN,
    "an asterisk": get("*", method="OPTIONS") + get("*"),
    "HTTP/1.0": get(version="1.0"),
    "HTTP/1.0 that would stay": get("/public", "connection: keep-alive", version="1.0") + PLAIN,
    "HTTP/0.9": b"GET /public\r\n\r\n",
    "HTTP/2.0": get(version="2.0"),
    "HTTP/3": get(version="3"),
    "the preface of HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "the last": get("/public", "connection: close") + PLAIN,
    "the last, among others": get("/public", "connection: foo, Close, bar") + PLAIN,
    "to stay": get("/public", "connection: keep-alive") * 2,
    "an upgrade": get("/public", "connection: upgrade", "upgrade: websocket") + PLAIN,
    "an upgrade to HTTP/2": get("/public", "connection: upgrade, http2-settings", "upgrade: h2c", "http2-settings: AA"),
    "an upgrade that is not meant": get("/public", "upgrade: h2c") + PLAIN,
    "expecting to go on": get("/public", "expect: 100-continue") + PLAIN,
    "expecting something else": get("/public", "expect: nothing") + PLAIN,
    "two hosts": get("/public", "host: other.example") * 2 + PLAIN,
    "no host": b"GET /public HTTP/1.1\r\naccept: */*\r\n\r\n" * 2,
    "an empty host": b"GET /public HTTP/1.1\r\nhost:\r\n\r\n" * 2,
    "an odd host": b"GET /public HTTP/1.1\r\nhost: a; script-src *\r\n\r\n" * 2,
    "a host that is no text": b"GET /public HTTP/1.1\r\nhost: caf\xe9\r\n\r\n" * 2,
    "two cookies": get("/private", f"cookie: jogakbo={'a' * 32}", "cookie: lang=ko") * 2 + PLAIN,
    "two languages": get("/public", "accept-language: ko", "accept-language: en") * 2,
    "two tags": get("/public", 'if-none-match: "x"', "if-none-match: *"),
    "an ESI edge": get("/public", 'surrogate-capability: edge="ESI/1.0"') * 2 + PLAIN,
    "an encoded path": get("/%70ublic") * 2 + get("/public%2f") + get("/pub%lic") + PLAIN,
    "a slash twice": get("//public") * 2 + get("/public//") + get("/public/") + PLAIN,
    "dots": get("/./public") + get("/x/../public") + get("/public/..") + PLAIN,
    "a semicolon": get("/public;x=1") + PLAIN,
    "a backslash": get("/\\public") + PLAIN,
    "a path that is no text": b"GET /caf\xe9 HTTP/1.1\r\nhost: x\r\n\r\n" + PLAIN,
    "a query that is no text": b"GET /public?caf\xe9 HTTP/1.1\r\nhost: x\r\n\r\n" * 2 + PLAIN,
    "a very long path": get("/" + "x" * 100_000) + PLAIN,
    "a very long query": get("/public?" + "x" * 100_000) * 2 + PLAIN,
    "a very long header": get("/public", "x-long: " + "x" * 100_000) * 2 + PLAIN,
    "many headers": get("/public", *[f"x-{number}: 1" for number in range(500)]) * 2 + PLAIN,
    "NUL in the path": b"GET /pub\x00lic HTTP/1.1\r\nhost: x\r\n\r\n" + PLAIN,
    "NUL in a header": b"GET /public HTTP/1.1\r\nhost: x\r\nx-a: b\x00c\r\n\r\n" + PLAIN,
    "a folded header": b"GET /public HTTP/1.1\r\nhost: x\r\nx-a: b\r\n c\r\n\r\n" + PLAIN,
    "a space before the colon": b"GET /public HTTP/1.1\r\nhost : x\r\n\r\n" + PLAIN,
    "a header without a name": b"GET /public HTTP/1.1\r\nhost: x\r\n: y\r\n\r\n" + PLAIN,
    "a header without a colon": b"GET /public HTTP/1.1\r\nhost: x\r\nnothing\r\n\r\n" + PLAIN,
    "line feeds alone": b"GET /public HTTP/1.1\nhost: x\n\n" * 2 + PLAIN,
    "carriage returns alone": b"GET /public HTTP/1.1\rhost: x\r\r" + PLAIN,
    "an empty line before": b"\r\n\r\n" + PLAIN + b"\r\n" + PLAIN + b"\n" + PLAIN,
    "two spaces": b"GET  /public HTTP/1.1\r\nhost: x\r\n\r\n" + PLAIN,
    "a tab": b"GET\t/public\tHTTP/1.1\r\nhost: x\r\n\r\n" + PLAIN,
    "rubbish": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "rubbish behind": PLAIN + b"\x00\x01\x02",
    "rubbish behind, again": PLAIN + PLAIN + b"{}\r\n",
    "white space behind": PLAIN + b"   ",
    "half a request behind": PLAIN + PLAIN[:20],
    "underscored twins": get("/public", "accept_encoding: gzip", "content_length: 5") * 2,
    "a trailer": get("/public", "transfer-encoding: chunked", "trailer: x")
    + b"0\r\nx: y\r\ncontent-length: 5\r\n\r\n"
    + PLAIN,
    "a range": get("/public", "range: bytes=0-10") * 2,
}


@pytest.mark.parametrize("sent", REQUESTS.values(), ids=REQUESTS.keys())
async def test_what_is_asked_is_answered_as_after_asgi(twins: Twins, sent: bytes) -> None:
    for _ in range(2):  # the second time with pages that are kept
        assert await asyncio.to_thread(twins.differences, [sent, LAST]) == ""


SPLIT = {
    "a page twice": PLAIN * 2,
    "others between": get("/private") + PLAIN + get("/livez"),
    "a body": get("/public", "content-length: 5") + b"hello" + PLAIN,
    "rubbish": PLAIN + b"\x00",
}


@pytest.mark.parametrize("sent", SPLIT.values(), ids=SPLIT.keys())
async def test_a_request_may_come_in_two_pieces_split_at_every_byte(twins: Twins, sent: bytes) -> None:
    def differences() -> list[str]:
        return [twins.differences([sent[:at], sent[at:] + LAST]) for at in range(1, len(sent))]

    assert not list(filter(None, await asyncio.to_thread(differences)))


async def test_a_request_may_come_byte_by_byte(twins: Twins) -> None:
    sent = PLAIN + get("/private") + PLAIN + LAST
    pieces = [bytes([byte]) for byte in sent]
    assert await asyncio.to_thread(twins.differences, [PLAIN, PLAIN, *pieces]) == ""


_METHODS = st.sampled_from(["GET", "GET", "GET", "HEAD", "POST"])
_PATHS = st.sampled_from(
    ["/public", "/public", "/private", "/nowhere", "/moved", "/lunch", "/livez", "/public?lang=ko"]
)
_LINES = st.sampled_from(
    [
        "accept: text/html",
        "accept-encoding: gzip",
        "cookie: lang=ko; theme=dark",
        "if-none-match: *",
        "connection: close",
        "connection: keep-alive",
        "content-length: 3",
        "content-length: 0",
        "transfer-encoding: chunked",
        "expect: 100-continue",
        "upgrade: x",
        "host: b",
        "x-request-id: abcdefgh",
        "surrogate-capability: a",
    ]
)
_requests = st.builds(
    lambda method, path, lines: get(path, *lines, method=method), _METHODS, _PATHS, st.lists(_LINES, max_size=2)
)
_RUBBISH = st.sampled_from([b"\r\n", b"\n", b"\x00", b" ", b":", b"0\r\n\r\n", b"abc", b"\xff", b"%", b"/", b"\t"])


@st.composite
def _connections(draw: st.DrawFn) -> list[bytes]:
    """The bytes of a connection, in pieces."""
    sent = b"".join(draw(st.lists(st.just(PLAIN) | _requests, min_size=1, max_size=5)))
    if draw(st.booleans()):
        at, until = sorted(draw(st.tuples(st.integers(0, len(sent)), st.integers(0, len(sent)))))
        put = draw(_RUBBISH)
        sent = sent[:at] + put + (sent[at:] if draw(st.booleans()) else sent[until:])
    sent += LAST
    cuts = sorted(draw(st.lists(st.integers(1, len(sent) - 1), max_size=4)))
    return [sent[at:until] for at, until in zip([0, *cuts], [*cuts, len(sent)], strict=True) if until > at]


async def test_whatever_is_asked_is_answered_as_after_asgi(twins: Twins) -> None:
    @given(_connections())
    @settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    def same(pieces: list[bytes]) -> None:
        assert twins.differences(pieces) == ""

    await asyncio.to_thread(same)


# Several requests on one connection, some answered here and some after ASGI.


async def test_a_connection_may_ask_for_pages_actions_fragments_and_the_stream(
    tmp_path: Path, cafe: FakeFragmentServer
) -> None:
    cafe.declare(a={})
    cafe.at |= {"/a": cacheable("<p>a", "a"), "/actions/take": answer("", 303, {"location": "/cafe"})}
    form = b"order=1"
    post = request(
        "/-/cafe/actions/take",
        method="POST",
        sec_fetch_site="same-origin",
        content_type="application/x-www-form-urlencoded",
        content_length=str(len(form)),
    )
    async with (
        portal(tmp_path, {"cafe": cafe.address}, redis_url="redis://127.0.0.1:1/0", **WHOLE) as shell,
        wire(shell.origin) as browser,
    ):
        for _ in range(3):
            await browser.send(request(CAFE) + post + form + request(CAFE) + request("/-/cafe/a") + request("/livez"))
            page = await browser.reply()
            assert "<p>a</p>" in page.text
            action = await browser.reply()
            assert (action.status, action.header("location")) == (303, CAFE)
            assert (await browser.reply()).body == page.body
            assert "<p>a</p>" in (await browser.reply()).text
            assert (await browser.reply()).status == 200
        grant = page.text.partition('data-grant="')[2].partition('"')[0]
        await browser.send(request(CAFE) + request(f"/-/live?grant={grant}"))
        assert (await browser.reply()).body == page.body
        stream = await browser.head()
        assert stream.header("content-type").startswith("text/event-stream")
        assert await browser.chunk()


async def test_answers_come_in_the_order_of_their_requests(tmp_path: Path, cafe: FakeFragmentServer) -> None:
    cafe.declare(a={}, b={})
    slow = Gate(answer("<p>slow"))
    cafe.at |= {"/a": slow, "/b": cacheable("<p>b")}
    folder = pages(tmp_path / "pages", f"{LUNCH}plain = true\n", lunch='<p><esi:include src="cafe/b"/>')
    async with (
        portal(tmp_path, {"cafe": cafe.address}, pages_dir=str(folder), **WHOLE) as shell,
        wire(shell.origin) as browser,
    ):
        await browser.get("/lunch")
        await browser.reply()
        await browser.send(request(CAFE) + request("/lunch"))
        await asyncio.wait_for(slow.reached.wait(), 2)
        await browser.send(request("/lunch"))
        await browser.send(request("/livez"))
        slow.open.set()
        assert "<p>slow</p>" in (await browser.reply()).text
        for _ in range(2):
            assert "<p>b</p>" in (await browser.reply()).text
        assert (await browser.reply()).header("content-type") == "application/json"


async def test_a_request_behind_a_page_is_not_cut_off_as_if_the_connection_were_idle(
    tmp_path: Path, cafe: FakeFragmentServer
) -> None:
    cafe.declare(a={})
    action = Gate(answer("<p>done"))
    cafe.at |= {"/a": cacheable("<p>a"), "/slow": action}
    async with portal(tmp_path, {"cafe": cafe.address}, action_deadline_ms=5000, **WHOLE) as shell:
        shell.server.config.timeout_keep_alive = 0
        await shell.get(CAFE)
        async with wire(shell.origin) as browser, wire(shell.origin) as idle:
            await idle.get(CAFE)
            await idle.reply()
            await browser.send(request(CAFE) + request("/-/cafe/slow"))
            assert "<p>a</p>" in (await browser.reply()).text
            assert await idle.ends()
            action.open.set()
            assert "<p>done</p>" in (await browser.reply()).text
            assert await browser.ends()


async def test_a_connection_that_asked_the_same_again_is_closed_when_it_is_idle(
    tmp_path: Path, cafe: FakeFragmentServer
) -> None:
    cafe.declare(a={})
    cafe.at["/a"] = cacheable("<p>a")
    async with portal(tmp_path, {"cafe": cafe.address}, **WHOLE) as shell:
        for _ in range(2):
            await shell.client.get(CAFE, headers={"connection": "close"})
        shell.server.config.timeout_keep_alive = 0
        for _ in range(3):
            async with wire(shell.origin) as browser:
                await browser.get(CAFE)
                await browser.reply()
                assert await browser.ends()


async def test_only_what_was_one_whole_request_is_remembered(tmp_path: Path, cafe: FakeFragmentServer) -> None:
    cafe.declare(a={})
    cafe.at["/a"] = cacheable("<p>a")
    plain = request(CAFE)
    async with portal(tmp_path, {"cafe": cafe.address}, **WHOLE) as shell:
        kept = kept_pages(shell)
        await shell.get(CAFE)
        for pieces in ([plain + plain], [plain[:9], plain[9:]], [plain, b"G"], [plain + b"\x00"], [plain + plain[:5]]):
            async with wire(shell.origin) as browser:
                for piece in pieces[:-1]:
                    await browser.send(piece)
                await browser.send(pieces[-1])
                await browser.reply()
                for again in list(kept._repeats):
                    assert again == plain
        async with wire(shell.origin) as browser:
            for _ in range(2):
                await browser.send(plain)
                await browser.reply()
        assert list(kept._repeats) == [plain]


async def test_a_page_with_a_visitors_own_choice_or_trace_is_not_remembered_for_the_same_bytes(
    tmp_path: Path, cafe: FakeFragmentServer
) -> None:
    cafe.declare(a={})
    cafe.at["/a"] = cacheable("<p>a")
    async with portal(tmp_path, {"cafe": cafe.address}, **WHOLE) as shell, wire(shell.origin) as browser:
        for asked in (
            request(f"{CAFE}?lang=ko"),
            request(CAFE, x_request_id="abcdefgh"),
            request(CAFE, traceparent="00-" + "a" * 32 + "-" + "b" * 16 + "-01"),
            request(CAFE, method="HEAD"),
            request(CAFE, if_none_match="*"),
        ):
            for _ in range(3):
                await browser.send(asked)
                await browser.reply(method=asked.split(b" ")[0].decode())
        assert len(kept_pages(shell)._repeats) == 0


@pytest.mark.parametrize("path", [CAFE, "/nowhere", "/orders/7"])
async def test_every_answer_has_the_headers_that_keep_from_harm(
    tmp_path: Path, cafe: FakeFragmentServer, path: str
) -> None:
    cafe.declare("orders", track={"params": {"id": {"required": True}}})
    cafe.at["/track"] = answer("", 303, {"location": "/board"})
    async with portal(tmp_path, {"orders": cafe.address}) as shell:
        reply = await shell.get(path)
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert reply.headers["x-frame-options"] == "DENY"
    assert "default-src 'none'" in reply.headers["content-security-policy"]


async def test_a_shell_that_goes_down_ends_what_it_answers_and_the_connection_with_it(
    tmp_path: Path, cafe: FakeFragmentServer
) -> None:
    cafe.declare(a={}, b={})
    slow = Gate(answer("<p>slow"))
    cafe.at |= {"/a": cacheable("<p>a"), "/b": slow}
    async with (
        portal(tmp_path, {"cafe": cafe.address}, **PATIENT) as shell,
        wire(shell.origin) as browser,
        wire(shell.origin) as idle,
    ):
        await idle.get("/livez")
        await idle.reply()
        await browser.get(CAFE)
        await browser.head()
        shell.server.should_exit = True
        assert await idle.ends()
        slow.open.set()
        assert (await browser.rest()).rstrip().endswith(b"</html>")
        assert await browser.ends()
        await eventually(lambda: not shell.server.server_state.connections)
