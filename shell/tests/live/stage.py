"""A stage that plays the shell for live.js in a real browser: pages, their event streams, answers under `/-/`."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from zlib import crc32

import uvicorn
from playwright.sync_api import Page, expect
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

import jogakbo_shell
from shell.tests.closing import hang_up, take_no_more

_STATIC = Path(jogakbo_shell.__file__).parent / "static"
_CONFIG = (
    '{"history":false,"includeIndicatorCSS":false,"extensions":"live","noSwap":[204,304,"5xx"],'
    '"defaultSwap":"innerMorph","morphIgnore":["data-htmx-powered","data-changed","aria-busy","tabindex"]}'
)
_PAGE = """<!doctype html><html lang="{lang}"><head><title>Stage</title><meta name="htmx-config" content='{config}'>
<link rel="stylesheet" href="/static/portal.css"><script src="/static/whole.js" async></script>
<script src="/static/vendor/htmx/htmx.min.js" defer></script><script src="/static/live.js" defer></script></head>
<body data-grant="{grant}" data-cursor="orders:1-1" data-worker="/static/live-worker.js">
<p class="live-sign"><span class="live-on">Live</span><span class="live-polling">Polling</span>
<span class="live-waiting live-off">Not live · as of <time>00:00</time></span></p>
<p class="live-said visually-hidden" role="status"></p>
{body}
<p id="not-sent" role="alert" hidden>Not sent</p></body></html>"""
_POLICY = (
    "default-src 'none'; script-src 'self'; worker-src 'self'; style-src 'self'; connect-src 'self'; form-action 'self'"
)
_WAIT_SECONDS = 30.0


def section(html: str, *, name: str = "board", etag: str = "", state: str = "fresh") -> str:
    return (
        f'<section id="f-orders-{name}" data-fragment="orders/{name}" data-state="{state}" data-etag="{etag}">'
        f"{html}</section>"
    )


def answer(html: str, status: int = 200) -> Response:
    headers = {"Jogakbo-Fragment": "orders/board", "HX-Retarget": "#f-orders-board", "HX-Reswap": "innerMorph"}
    return HTMLResponse(html, status, headers)


def problem(status: int, headers: Mapping[str, str] | None = None, **more: object) -> Response:
    return JSONResponse({"title": "no live stream", **more}, status, headers, "application/problem+json")


@dataclass(frozen=True)
class Scene:
    """A page of the stage."""

    body: str
    grant: str = "granted"
    lang: str = "en"


@dataclass(eq=False)
class Ask:
    """A request for a stream, or a poll; `frames` is what is written to it, None ends it."""

    grants: list[str]
    cursors: list[str]
    stale: str
    age: int
    polls: bool
    length: int
    frames: asyncio.Queue[str | None] = field(default_factory=asyncio.Queue)

    @property
    def cursor(self) -> str:
        return self.cursors[0]


class Stage:
    """`times` are constants of the scripts, for this stage only: `{"LEASE_MS": 1000}`."""

    def __init__(self) -> None:
        self.scenes = {"/": Scene(section("<p>first</p>"))}
        self.times: dict[str, int] = {}
        self.sample = 0.0
        self.asked: list[Ask] = []
        self.open: list[Ask] = []
        self.refused: list[float] = []
        self.posts: list[bytes] = []
        self.seen: list[tuple[str, dict[str, list[float]]]] = []
        self.fragment: Response = Response(status_code=404)
        self.level: Response = Response(status_code=404)
        self.action: Response = Response(status_code=204)
        self.refuse: Callable[[list[str]], Response | None] = lambda grants: None
        self.poll = ""
        self.greeting = ""
        self.owes = False
        self.loads = 0
        self.is_away = False
        self.hangs = False
        self.looked_after = 0
        self.fetches = 0
        self._actions, self._fragments = threading.Event(), threading.Event()
        self.release()
        self._loop = asyncio.new_event_loop()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        routes = [
            Route("/-/live", self._live),
            Route("/-/seen", self._see, methods=["POST"]),
            Route("/-/orders/actions/take", self._act, methods=["POST"]),
            Route("/-/orders/board", self._show),
            Route("/-/orders/level", self._show_level),
            Route("/static/{name:str}.js", self._script),
            Mount("/static", StaticFiles(directory=_STATIC)),
            Route("/{path:path}", self._look_after, methods=["HEAD"]),
            Route("/{path:path}", self._page),
        ]
        config = uvicorn.Config(Starlette(routes=routes), lifespan="off", log_level="critical", loop="asyncio")
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def send(self, event: str, cursor: str = "", **data: object) -> None:
        self.write(frame(event, cursor, **data))

    def show(self, html: str, *, etag: str = "", cursor: str = "", name: str = "board", locale: str = "") -> None:
        data = {"locale": locale} if locale else {}
        etag = etag or f"{crc32(html.encode()):x}"
        whole = section(html, name=name, etag=etag)
        self.send("fragment", cursor, id=f"f-orders-{name}", state="fresh", etag=etag, html=whole, **data)

    def hang_up(self) -> None:
        self.write(None)

    def hold_actions(self) -> None:
        self._actions.clear()

    def hold_fragments(self) -> None:
        self._fragments.clear()

    def release(self) -> None:
        self._actions.set()
        self._fragments.set()

    def close(self) -> None:
        self.hang_up()
        self.release()
        asyncio.run_coroutine_threadsafe(take_no_more(self._listener), self._loop).result(5)
        self._server.should_exit = self._server.force_exit = True
        self._thread.join(5)
        self._listener.close()

    def write(self, text: str | None) -> None:
        """To every open stream; None ends them."""

        def put() -> None:
            for ask in self.open:
                ask.frames.put_nowait(text)

        self._loop.call_soon_threadsafe(put)

    def _serve(self) -> None:
        async def serve() -> None:
            await self._server.serve([self._listener])
            # A browser would wait for ever for what was being answered, and so would whoever closes it.
            await hang_up(self._server)

        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(serve())

    async def _page(self, request: Request) -> Response:
        scene = self.scenes.get(request.url.path)
        if scene is None:
            return Response(status_code=404)
        self.loads += 1
        html = _PAGE.format(config=_CONFIG, body=scene.body, grant=scene.grant, lang=scene.lang)
        return HTMLResponse(html, headers={"Content-Security-Policy": _POLICY, "Cache-Control": "no-cache"})

    async def _look_after(self, request: Request) -> Response:
        self.looked_after += 1
        if self.hangs:
            await asyncio.sleep(_WAIT_SECONDS)
        return Response(status_code=502 if self.is_away else 200)

    async def _script(self, request: Request) -> Response:
        script = (_STATIC / f"{request.path_params['name']}.js").read_text()
        for name, milliseconds in self.times.items():
            script = re.sub(rf"\b{name} = \d+", f"{name} = {milliseconds}", script)
        return Response(script, media_type="text/javascript")

    async def _live(self, request: Request) -> Response:
        query = request.query_params
        grants, cursors = query.getlist("grant"), query.getlist("cursor")
        refusal = self.refuse(grants)
        if refusal:
            self.refused.append(time.monotonic())
            return refusal
        polls = query.get("once") == "1"
        length = len(request.url.path) + len(request.url.query) + 1
        ask = Ask(grants, cursors, query.get("stale", ""), int(query["age"]), polls, length)
        self.asked.append(ask)
        hello = frame("hello", sample=self.sample, owes=self.owes) + self.greeting
        if polls:
            return Response(hello + self.poll, media_type="text/event-stream")
        ask.frames.put_nowait(hello)
        self.open.append(ask)

        async def frames() -> AsyncIterator[str]:
            try:
                while (text := await ask.frames.get()) is not None:
                    yield text
            finally:
                self.open.remove(ask)

        return StreamingResponse(frames(), media_type="text/event-stream")

    async def _act(self, request: Request) -> Response:
        self.posts.append(await request.body())
        await asyncio.to_thread(self._actions.wait, 5)
        return self.action

    async def _see(self, request: Request) -> Response:
        self.seen.append((request.headers["content-type"], await request.json()))
        return Response(status_code=204)

    async def _show(self, request: Request) -> Response:
        self.fetches += 1
        await asyncio.to_thread(self._fragments.wait, 5)
        return self.fragment

    async def _show_level(self, request: Request) -> Response:
        return self.level


def frame(event: str, cursor: str = "", **data: object) -> str:
    end = f"id: {cursor}\n\n" if cursor else "\n"
    return f"event: {event}\ndata: {json.dumps(data)}\n{end}"


def open_page(page: Page, stage: Stage, body: str = "", path: str = "/") -> None:
    if body:
        stage.scenes[path] = Scene(body)
    page.goto(stage.url + path)
    expect_live(page)


def expect_live(page: Page, state: str = "on", seconds: float = _WAIT_SECONDS) -> None:
    expect(page.locator("html")).to_have_attribute("data-live", state, timeout=1000 * seconds)


def wait_until(page: Page, condition: Callable[[], object]) -> None:
    """Lets the browser go on until the stage has seen what is waited for."""
    for _ in range(int(_WAIT_SECONDS / 0.02)):
        if condition():
            return
        page.wait_for_timeout(20)
    raise AssertionError("waited in vain")
