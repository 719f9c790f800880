"""live.js in a real browser, against a stage that plays the shell: what a person does is never undone by a frame."""

from __future__ import annotations

import asyncio
import json
import shutil
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import uvicorn
from playwright.sync_api import Browser, Page, expect, sync_playwright
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

import jogakbo_shell

_STATIC = Path(jogakbo_shell.__file__).parent / "static"
_CONFIG = (
    '{"history":false,"includeIndicatorCSS":false,"extensions":"live","noSwap":[204,304,"5xx"],'
    '"defaultSwap":"innerMorph","morphIgnore":["data-htmx-powered","data-changed","aria-busy","tabindex"]}'
)
_PAGE = """<!doctype html><html lang="en"><head><title>Stage</title><meta name="htmx-config" content='{config}'>
<script src="/static/vendor/htmx/htmx.min.js" defer></script><script src="/static/live.js" defer></script></head>
<body data-grant="granted" data-cursor="orders:1-1">{body}
<p id="not-sent" role="alert" hidden>Not sent</p></body></html>"""
_POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; form-action 'self'"
_ACTION = 'hx-post="/-/orders/actions/{0}" method="post" hx-target="closest [data-fragment]" hx-swap="innerMorph"'


def section(html: str, *, name: str = "board", etag: str = "", state: str = "fresh") -> str:
    return (
        f'<section id="f-orders-{name}" data-fragment="orders/{name}" data-state="{state}" data-etag="{etag}">'
        f"{html}</section>"
    )


def row(number: int, note: str = "") -> str:
    """A row without an id: the hardest case, for it is matched by its place."""
    return (
        f'<li>Order {number} {note}<form {_ACTION.format("take")} action="/-/orders/actions/take">'
        f'<input type="hidden" name="order_id" value="{number}"><input type="hidden" name="seen" value="{note}">'
        f'<input name="name" aria-label="Name {number}">'
        f"<button>Take {number}</button></form></li>"
    )


class Stage:
    """A page, its event streams, and what the requests under `/-/` are answered with."""

    def __init__(self) -> None:
        self.body = section("<p>first</p>")
        self.asked: list[dict[str, str]] = []
        self.posts: list[bytes] = []
        self.fragment: Response = Response(status_code=404)
        self.level: Response = Response(status_code=404)
        self.action: Response = Response(status_code=204)
        self.status = 200
        self.loads = 0
        self._streams: list[asyncio.Queue[str | None]] = []
        self._release = threading.Event()
        self._release.set()
        self._loop = asyncio.new_event_loop()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        routes = [
            Route("/", self._page),
            Route("/-/live", self._live),
            Route("/-/orders/actions/take", self._act, methods=["POST"]),
            Route("/-/orders/board", self._show),
            Route("/-/orders/level", self._show_level),
            Mount("/static", StaticFiles(directory=_STATIC)),
        ]
        config = uvicorn.Config(Starlette(routes=routes), lifespan="off", log_level="critical", loop="asyncio")
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def send(self, event: str, cursor: str = "", **data: object) -> None:
        end = f"id: {cursor}\n\n" if cursor else "\n"
        self._tell(f"event: {event}\ndata: {json.dumps(data)}\n{end}")

    def show(self, html: str, *, etag: str = "e", cursor: str = "", name: str = "board") -> None:
        self.send("fragment", cursor, id=f"f-orders-{name}", state="fresh", etag=etag, html=section(html, name=name))

    def hang_up(self) -> None:
        self._tell(None)

    def hold_actions(self) -> None:
        self._release.clear()

    def release_actions(self) -> None:
        self._release.set()

    def close(self) -> None:
        self.hang_up()
        self.release_actions()
        self._server.should_exit = self._server.force_exit = True
        self._thread.join(5)
        self._listener.close()

    def _tell(self, text: str | None) -> None:
        def put() -> None:
            for stream in self._streams:
                stream.put_nowait(text)
            if text is None:
                self._streams.clear()

        self._loop.call_soon_threadsafe(put)

    def _serve(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._server.serve([self._listener]))

    async def _page(self, request: Request) -> Response:
        self.loads += 1
        html = _PAGE.format(config=_CONFIG, body=self.body)
        return HTMLResponse(html, headers={"Content-Security-Policy": _POLICY})

    async def _live(self, request: Request) -> Response:
        if request.method == "HEAD" or self.status != 200:
            return Response(status_code=self.status)
        self.asked.append(dict(request.query_params))
        stream: asyncio.Queue[str | None] = asyncio.Queue()
        stream.put_nowait("event: hello\ndata: {}\n\n")
        self._streams.append(stream)

        async def frames() -> AsyncIterator[str]:
            while (frame := await stream.get()) is not None:
                yield frame

        return StreamingResponse(frames(), media_type="text/event-stream")

    async def _act(self, request: Request) -> Response:
        self.posts.append(await request.body())
        await asyncio.to_thread(self._release.wait, 5)
        return self.action

    async def _show(self, request: Request) -> Response:
        return self.fragment

    async def _show_level(self, request: Request) -> Response:
        return self.level


def answer(html: str, status: int = 200) -> Response:
    headers = {"Jogakbo-Fragment": "orders/board", "HX-Retarget": "#f-orders-board", "HX-Reswap": "innerMorph"}
    return HTMLResponse(html, status, headers)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=flags)
        yield browser
        browser.close()


@pytest.fixture
def stage() -> Iterator[Stage]:
    stage = Stage()
    yield stage
    stage.close()


@pytest.fixture
def complaints() -> list[str]:
    return []


@pytest.fixture
def page(browser: Browser, stage: Stage, complaints: list[str]) -> Iterator[Page]:
    page = browser.new_page()
    page.on("pageerror", lambda error: complaints.append(str(error)))
    # What the network does, Chromium itself writes to the console; a script can neither cause nor prevent that.
    page.on(
        "console",
        lambda message: (
            complaints.append(message.text)
            if message.type == "error" and not message.text.startswith("Failed to load resource")
            else None
        ),
    )
    yield page
    page.close()
    assert complaints == []


def _open(page: Page, stage: Stage, body: str = "") -> None:
    stage.body = body or stage.body
    page.goto(stage.url)
    expect(page.locator("html")).to_have_attribute("data-live", "on")


def _wait_for_stream(page: Page, stage: Stage, number: int) -> None:
    for _ in range(500):
        if len(stage.asked) >= number:
            return
        page.wait_for_timeout(20)
    raise AssertionError(f"{len(stage.asked)} streams were opened, expected {number}")


def test_a_frame_changes_its_fragment_and_what_has_changed_glows_for_a_moment(page: Page, stage: Stage) -> None:
    _open(page, stage, section("<p>first</p><p>same</p>"))

    stage.show("<p>second</p><p>same</p>")

    expect(page.locator("section p").first).to_have_text("second")
    expect(page.locator("[data-changed]")).to_have_count(1)
    expect(page.locator("[data-changed]")).to_have_count(0)


def test_typed_text_focus_and_caret_survive_and_stay_with_their_row(page: Page, stage: Stage) -> None:
    _open(page, stage, section(f"<ul>{row(1)}{row(2)}</ul>"))
    page.get_by_label("Name 2").fill("Jinho")
    page.get_by_label("Name 1").fill("Minseo")
    page.get_by_label("Name 1").press("Home")
    page.get_by_label("Name 1").press("ArrowRight")

    stage.show(f"<ul>{row(7, 'new')}{row(1, 'changed')}{row(2, 'changed')}</ul>")
    expect(page.locator("li")).to_have_count(3)

    expect(page.get_by_label("Name 1")).to_be_focused()
    page.keyboard.type("X")
    assert page.get_by_label("Name 1").input_value() == "MXinseo"
    assert page.get_by_label("Name 2").input_value() == "Jinho"
    assert page.get_by_label("Name 7").input_value() == ""


def test_the_focus_stays_on_the_button_that_does_the_same(page: Page, stage: Stage) -> None:
    _open(page, stage, section(f"<ul>{row(1)}{row(2)}</ul>"))
    page.get_by_role("button", name="Take 2").focus()

    stage.show(f"<ul>{row(2)}</ul>", etag="a")
    expect(page.locator("li")).to_have_count(1)
    expect(page.get_by_role("button", name="Take 2")).to_be_focused()

    stage.show(f"<ul>{row(3)}</ul>", etag="b")
    expect(page.get_by_role("button", name="Take 3")).to_be_visible()
    expect(page.get_by_role("button", name="Take 3")).not_to_be_focused()


def test_when_what_had_the_focus_is_gone_the_keyboard_goes_on_from_the_part_around_it(page: Page, stage: Stage) -> None:
    now = '<section id="now" aria-label="Now"><ul>{0}</ul></section>'
    columns = now + '<section aria-label="Then"><ul>{1}</ul></section>'
    _open(page, stage, section(columns.format(row(1) + row(2), row(5))))
    page.get_by_role("button", name="Take 1").focus()

    stage.show(columns.format(row(2), row(5)), etag="a")
    expect(page.get_by_role("region", name="Now")).to_be_focused()
    stage.show(columns.format(row(2) + row(3), row(5)), etag="b")
    expect(page.locator("li")).to_have_count(3)
    expect(page.get_by_role("region", name="Now")).to_be_focused()

    page.keyboard.press("Tab")
    expect(page.get_by_label("Name 2")).to_be_focused()
    stage.show("<p>nothing left</p>", etag="c")
    expect(page.locator("[data-fragment]")).to_be_focused()


def test_choices_that_were_made_are_kept(page: Page, stage: Stage) -> None:
    form = (
        '<form action="/-/orders/actions/take"><select name="size" aria-label="Size"><option>S<option{0}>M<option>L'
        '</select><input type="checkbox" name="ice" aria-label="Ice"{1}></form><details><summary>More</summary>'
        "<p>{2}</p></details>"
    )
    _open(page, stage, section(form.format("", "", "one")))
    page.get_by_label("Size").select_option("L")
    page.get_by_label("Ice").check()
    page.get_by_text("More").click()

    stage.show(form.format(" selected", "", "two"))

    expect(page.get_by_text("two")).to_be_visible()
    expect(page.get_by_label("Size")).to_have_value("L")
    expect(page.get_by_label("Ice")).to_be_checked()


def test_only_what_was_asked_for_is_swapped_and_nothing_else_on_the_page(page: Page, stage: Stage) -> None:
    _open(page, stage, section("<p>first</p>") + '<aside id="aside">aside</aside>')

    stage.send("fragment", id="aside", state="fresh", etag="x", html='<aside id="aside">hijacked</aside>')
    stage.show(
        '<p>second</p><title>hijacked</title><p id="aside" hx-swap-oob="true">hijacked</p>'
        "<script>document.title = 'hijacked'</script><input autofocus>"
    )

    expect(page.get_by_text("second")).to_be_visible()
    assert page.locator("aside").text_content() == "aside"
    assert page.title() == "Stage"
    expect(page.locator("input")).not_to_be_focused()


def test_a_frame_without_html_only_says_that_the_fragment_is_old(page: Page, stage: Stage) -> None:
    _open(page, stage)

    stage.send("fragment", id="f-orders-board", state="stale")

    expect(page.locator("section")).to_have_attribute("data-state", "stale")
    expect(page.get_by_text("first")).to_be_visible()


def test_what_is_marked_old_heals_also_with_the_html_it_has(page: Page, stage: Stage) -> None:
    board, queue = (page.locator(f"#f-orders-{name}") for name in ("board", "queue"))
    loaded_old = section("<p>second</p>", name="queue", etag="2", state="stale")
    _open(page, stage, section("<p>first</p>", etag="1") + loaded_old)
    stage.send("fragment", id="f-orders-board", state="stale")
    expect(board).to_have_attribute("data-state", "stale")

    stage.show("<p>first</p>", etag="1")
    stage.show("<p>second</p>", etag="2", name="queue")

    for healed in (board, queue):
        expect(healed).to_have_attribute("data-state", "fresh")


def test_after_a_cut_it_comes_back_by_itself_at_its_cursor_and_names_what_is_old(page: Page, stage: Stage) -> None:
    _open(page, stage, section("<p>first</p>") + section("<p>x</p>", name="track", state="fallback"))
    stage.show("<p>second</p>", cursor="orders:1-5")
    expect(page.get_by_text("second")).to_be_visible()

    stage.hang_up()

    _wait_for_stream(page, stage, 2)
    stage.show("<p>third</p>", etag="third")
    expect(page.get_by_text("third")).to_be_visible()
    assert [ask["cursor"] for ask in stage.asked] == ["orders:1-1", "orders:1-5"]
    assert stage.asked[1]["stale"] == "f-orders-track"


def test_it_says_so_when_it_is_not_live(page: Page, stage: Stage) -> None:
    _open(page, stage)

    stage.status = 503
    stage.hang_up()

    expect(page.locator("html")).to_have_attribute("data-live", "waiting")


def test_a_refused_grant_reloads_the_page_once(page: Page, stage: Stage) -> None:
    _open(page, stage)

    stage.status = 403
    with page.expect_navigation(timeout=30_000):
        stage.hang_up()

    assert stage.loads == 2


def test_a_refresh_fetches_the_fragment_and_refuses_what_is_none(page: Page, stage: Stage) -> None:
    _open(page, stage)
    stage.fragment = HTMLResponse("<form>Please log in</form>")
    stage.send("refresh", id="f-orders-board", url="/-/orders/board", within_ms=0)
    expect(page.locator("section")).to_have_attribute("data-state", "stale")
    expect(page.get_by_text("first")).to_be_visible()

    stage.fragment = answer("<p>mine</p>")

    expect(page.get_by_text("mine")).to_be_visible()


def test_a_double_click_is_one_action_and_the_button_keeps_the_focus(page: Page, stage: Stage) -> None:
    _open(page, stage, section(f"<ul>{row(1)}</ul>"))
    stage.hold_actions()
    stage.action = stage.fragment = answer(f"<ul>{row(1, 'taken')}</ul>")
    page.get_by_label("Name 1").fill("Minseo")

    page.get_by_role("button").dblclick()
    expect(page.get_by_role("button")).to_have_attribute("aria-disabled", "true")
    stage.show(f"<ul>{row(1, 'seen meanwhile')}</ul>")
    expect(page.get_by_text("seen meanwhile")).to_be_visible()
    expect(page.get_by_role("button")).to_have_attribute("aria-disabled", "true")
    page.get_by_role("button").click(force=True)
    stage.release_actions()

    expect(page.get_by_role("button")).not_to_have_attribute("aria-disabled", "true")
    expect(page.get_by_text("taken")).to_be_visible()
    expect(page.get_by_role("button")).to_be_focused()
    assert stage.posts == [b"order_id=1&seen=&name=Minseo"]
    assert page.get_by_label("Name 1").input_value() == ""


def test_a_refused_action_shows_why_keeps_what_was_typed_and_lets_it_be_read(page: Page, stage: Stage) -> None:
    _open(page, stage, section(f"<ul>{row(1)}</ul>"))
    stage.action = answer(f'<p role="alert">Too late</p><ul>{row(1)}</ul>', status=409)
    page.get_by_label("Name 1").fill("Minseo")

    page.get_by_role("button").click()
    expect(page.get_by_text("Too late")).to_be_visible()
    stage.show(f"<ul>{row(1)}{row(2)}</ul>")

    page.wait_for_timeout(500)
    expect(page.get_by_text("Too late")).to_be_visible()
    assert page.get_by_label("Name 1").input_value() == "Minseo"
    expect(page.get_by_text("Order 2")).to_be_visible()
    expect(page.get_by_text("Too late")).to_be_hidden()


@pytest.mark.parametrize("body", ["<!doctype html><title>Login</title><form>Please log in</form>", ""])
def test_an_answer_that_is_no_fragment_changes_nothing_but_is_told(page: Page, stage: Stage, body: str) -> None:
    _open(page, stage, section(f"<ul>{row(1)}</ul>"))
    stage.action = HTMLResponse(body, 200 if body else 503)

    page.get_by_role("button").click()

    expect(page.get_by_role("alert")).to_have_text("Not sent")
    expect(page.get_by_text("Order 1")).to_be_visible()
    stage.action = stage.fragment = answer(f"<ul>{row(1, 'taken')}</ul>")
    page.get_by_role("button").click()
    expect(page.get_by_text("taken")).to_be_visible()
    expect(page.get_by_role("alert")).to_be_hidden()


def test_with_a_dead_server_an_action_is_told_to_have_failed(page: Page, stage: Stage) -> None:
    _open(page, stage, section(f"<ul>{row(1)}</ul>"))
    page.route("**/actions/**", lambda route: route.abort())

    page.get_by_role("button").click()

    expect(page.get_by_role("alert")).to_be_visible()
    expect(page.get_by_role("button")).not_to_have_attribute("aria-disabled", "true")


def inner(html: str, *, etag: str = "") -> str:
    return f'<jogakbo-slot name="level">{section(html, name="level", etag=etag)}</jogakbo-slot>'


def test_a_frame_of_the_outer_fragment_leaves_what_is_nested_as_it_is(page: Page, stage: Stage) -> None:
    _open(page, stage, section(f"<p>one</p>{inner('<p>level 1</p><input name=note>')}", etag="a"))
    level = page.locator("#f-orders-level")
    level.locator("input").fill("typed")
    stage.show("<p>level 2</p><input name=note>", etag="l2", name="level")
    expect(level.locator("p")).to_have_text("level 2")
    stage.show(f"<p>two</p>{inner('<p>level 1</p><input name=note>')}", etag="b")
    expect(page.locator("#f-orders-board > p")).to_have_text("two")
    expect(level.locator("p")).to_have_text("level 2")
    expect(level.locator("input")).to_have_value("typed")
    stage.show("<p>level 3</p><input name=note>", etag="l3", name="level")
    expect(level.locator("p")).to_have_text("level 3")


def test_what_is_nested_and_was_not_there_before_is_made_sure_of_and_kept_live(page: Page, stage: Stage) -> None:
    _open(page, stage, section("<p>resting</p>", state="fallback"))
    headers = {"Jogakbo-Fragment": "orders/level"}
    stage.level = HTMLResponse(section("<p>level 2</p>", name="level"), headers=headers)
    stage.show(f"<p>one</p>{inner('<p>level 1</p>')}")
    level = page.locator("#f-orders-level > p")
    expect(level).to_have_text("level 2")
    stage.show("<p>level 3</p>", etag="l3", name="level")
    expect(level).to_have_text("level 3")
