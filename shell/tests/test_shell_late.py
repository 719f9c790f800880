"""What is late, in a real browser: each in its place as soon as it is whole, with scripts and without."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, async_playwright, expect

from shell.tests import chromium
from shell.tests.harness import FakeFragmentServer, Gate, Portal, answer, cacheable, hang, pages, portal

pytestmark = pytest.mark.anyio

LUNCH = '[[page]]\npath = "/lunch"\ntemplate = "lunch.html"\ntitle = { en = "Lunch" }\n'
LATE = {"fragment_deadline_ms": 8000, "page_deadline_ms": 8000, "page_budget_ms": 40}
_OPEN = re.compile("on|waiting")  # without a bus it is not known for long what happens, and the stream stays open
_NOTE_VIOLATIONS = """
document.addEventListener("securitypolicyviolation", event => console.error("CSP: " + event.violatedDirective));
"""


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
async def browser(anyio_backend: str) -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        expect.set_options(timeout=15_000)
        browser = await playwright.chromium.launch(executable_path=chromium.BINARY, args=chromium.FLAGS)
        yield browser
        await browser.close()


class Cafe:
    """A portal whose `/lunch` shows the fragments a to c; the gates open when a test says so."""

    def __init__(self, server: FakeFragmentServer) -> None:
        self.server = server
        self.gates = {name: Gate(answer(f"<p>Here is {name.upper()}</p>")) for name in "abc"}
        server.declare("cafe", "1", **{name: {"timeout_ms": 8000} for name in "abc"})
        server.at["/assets/cafe.css"] = answer("p {}", headers={"content-type": "text/css"})
        server.at |= {f"/{name}": gate for name, gate in self.gates.items()}

    def serve(self, name: str) -> None:
        self.gates[name].open.set()


@pytest.fixture
def lunch(cafe: FakeFragmentServer) -> Cafe:
    return Cafe(cafe)


@pytest.fixture
async def shell(tmp_path: Path, lunch: Cafe) -> AsyncIterator[Portal]:
    folder = pages(
        tmp_path / "pages",
        LUNCH,
        lunch='{% extends "layout.html" %}{% block main %}<h1>Lunch</h1><label>Note <input name="note"></label>'
        '{{ fragment("cafe/a") }}{{ fragment("cafe/b") }}{{ fragment("cafe/c") }}<p>The end</p>{% endblock %}',
    )
    nobody = "redis://127.0.0.1:1/0"  # pages are live all the same, and change with a release
    async with portal(
        tmp_path, {"cafe": lunch.server.address}, pages_dir=str(folder), redis_url=nobody, **LATE
    ) as shell:
        yield shell


@pytest.fixture
async def page(browser: Browser, shell: Portal) -> AsyncIterator[Page]:
    page = await browser.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    await page.add_init_script(_NOTE_VIOLATIONS)
    yield page
    await page.close()
    assert complaints == []


async def _open(page: Page, shell: Portal, address: str = "/lunch") -> None:
    """As far as it comes without what is late."""
    await page.goto(shell.origin + address, wait_until="commit")
    await expect(page.locator("main")).to_contain_text("The end")


async def _order(page: Page) -> list[str]:
    """What stands in `main`, by the fragments' names; those that are missing in brackets."""
    found = await page.locator("main [data-late], main [data-fragment]").evaluate_all(
        "all => all.map(one => one.dataset.late ? `[${one.dataset.late}]` : one.id)"
    )
    return [name.replace("f-cafe-", "") for name in found]


async def test_each_is_in_its_place_as_soon_as_it_is_whole_though_others_are_missing(
    page: Page, shell: Portal, lunch: Cafe
) -> None:
    lunch.serve("b")
    await _open(page, shell)
    assert await _order(page) == ["[a]", "b", "[c]"]

    lunch.serve("c")
    await expect(page.locator("main #f-cafe-c")).to_have_text("Here is C")
    assert await _order(page) == ["[a]", "b", "c"]
    assert await page.evaluate("document.readyState") == "loading"

    lunch.serve("a")
    await expect(page.locator("main #f-cafe-a")).to_have_text("Here is A")
    assert await _order(page) == ["a", "b", "c"]
    await page.wait_for_load_state("load")
    for left in (".late", ".late-end", ".late-place", "[aria-busy=true]"):
        await expect(page.locator(left)).to_have_count(0)


async def test_all_of_a_page_may_be_late(page: Page, shell: Portal, lunch: Cafe) -> None:
    await _open(page, shell)
    for name in "cba":
        lunch.serve(name)
        await expect(page.locator(f"main #f-cafe-{name}")).to_have_text(f"Here is {name.upper()}")
    await page.wait_for_load_state("load")
    assert await _order(page) == ["a", "b", "c"]
    await expect(page.locator(".late")).to_have_count(0)


async def test_what_never_comes_is_replaced_where_it_should_stand(page: Page, shell: Portal, lunch: Cafe) -> None:
    lunch.serve("a")
    lunch.serve("b")
    lunch.server.at["/c"] = hang
    await _open(page, shell)
    await lunch.server.stop()  # long before the deadline
    await expect(page.locator("main #f-cafe-c")).to_have_attribute("data-state", "failed")
    await page.wait_for_load_state("load")
    assert await _order(page) == ["a", "b", "c"]
    await lunch.server.start()


async def test_what_a_person_types_and_where_they_are_is_left_alone(page: Page, shell: Portal, lunch: Cafe) -> None:
    await _open(page, shell)
    note = page.get_by_label("Note")
    await note.fill("no onions")
    await note.press("Home")
    for name in "abc":
        lunch.serve(name)
    await page.wait_for_load_state("load")
    await expect(note).to_be_focused()
    await page.keyboard.type("X")
    assert await note.input_value() == "Xno onions"


async def test_the_keyboard_stays_where_it_was_when_the_place_under_it_is_filled(
    page: Page, shell: Portal, lunch: Cafe
) -> None:
    lunch.gates["b"].then = answer('<p>Here is B</p><a href="/b">More</a>')
    await _open(page, shell)
    link = page.locator("[data-late=f-cafe-b] a")
    await expect(link).to_be_visible()  # before its stylesheets are there, nothing on a page takes the focus
    await link.focus()
    await expect(link).to_be_focused()
    lunch.serve("b")
    await expect(page.locator("main #f-cafe-b")).to_contain_text("Here is B")
    await expect(page.locator("#f-cafe-b")).to_be_focused()
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("link", name="More")).to_be_focused()
    lunch.serve("a")
    lunch.serve("c")
    await page.wait_for_load_state("load")
    await expect(page.get_by_role("link", name="More")).to_be_focused()


async def test_without_scripts_the_link_leads_to_where_the_fragment_is(
    browser: Browser, shell: Portal, lunch: Cafe
) -> None:
    context = await browser.new_context(java_script_enabled=False)
    page = await context.new_page()
    lunch.serve("a")
    await _open(page, shell)
    lunch.serve("c")
    lunch.serve("b")
    await page.wait_for_load_state("load")
    await expect(page.locator(".late-place")).to_have_count(2)
    await page.locator("[data-late=f-cafe-b] a").click()
    await expect(page.locator(".late #f-cafe-b:target")).to_have_text("Here is B")
    await expect(page.locator("#f-cafe-b")).to_be_in_viewport()
    await context.close()


async def test_what_came_late_is_kept_fresh_like_the_rest(page: Page, shell: Portal, lunch: Cafe) -> None:
    await _open(page, shell)
    for name in "abc":
        lunch.serve(name)
    await expect(page.locator("html")).to_have_attribute("data-live", _OPEN)
    assert await _order(page) == ["a", "b", "c"]
    lunch.server.at["/b"] = cacheable("<p>B of the next release</p>")
    lunch.server.declare("cafe", "2", a={}, b={}, c={})
    await expect(page.locator("main #f-cafe-b")).to_have_text("B of the next release")
    assert await _order(page) == ["a", "b", "c"]


async def test_an_address_may_lead_to_what_comes_late(page: Page, shell: Portal, lunch: Cafe) -> None:
    lunch.gates["c"].then = answer('<div class="tall">' + "<p>Here is C</p>" * 200 + "</div>")
    await _open(page, shell, "/lunch#f-cafe-c")
    for name in "abc":
        lunch.serve(name)
    await page.wait_for_load_state("load")
    await expect(page.locator("main #f-cafe-c:target")).to_be_in_viewport()
