"""ESI tags in page templates: a site made for another ESI processor can move here."""

from __future__ import annotations

import asyncio
import re
import time
from pathlib import Path

import pytest

from jogakbo_shell.app import create_app
from jogakbo_shell.composition.esi import EsiFault, Include, read_esi
from jogakbo_shell.composition.esi_slots import EsiSlots
from jogakbo_shell.composition.segments import PageParam
from jogakbo_shell.registry.page_table import PagesFault
from jogakbo_shell.registry.server import FragmentServer
from jogakbo_shell.resilience import Breaker
from jogakbo_shell.settings import Settings
from shell.tests.harness import (
    LUNCH,
    FakeFragmentServer,
    answer,
    cacheable,
    eventually,
    hang,
    pages,
    portal,
    until_true,
)

pytestmark = pytest.mark.anyio

PLAIN = f"{LUNCH}plain = true\n"


def included(source: str) -> list[Include]:
    return [part.include for part in read_esi(source) if part.include]


def kept(source: str) -> str:
    return "".join(part.text for part in read_esi(source))


def test_tags_are_read_in_every_form_that_xml_allows() -> None:
    source = """<esi:include src="/-/a/b?x=1&amp;y=2"/><esi:include
        alt='c/d' src = "a/b" onerror="continue" />
    <esi:include src="a/b"></esi:include>"""
    assert included(source) == [
        Include("/-/a/b?x=1&y=2", line=1),
        Include("a/b", "c/d", True, line=1),
        Include("a/b", line=3),
    ]


def test_what_is_removed_goes_and_what_was_hidden_from_browsers_comes() -> None:
    source = '1<esi:remove><a href="/">x</a></esi:remove>2<esi:comment text="> x"/>3<!--esi <b>4</b>-->5<esi:remove/>6'
    assert kept(source) == "123 <b>4</b>56"


def test_tags_in_an_ordinary_comment_are_left_alone() -> None:
    source = '<!-- <esi:include src="a/b"/> <esi:nonsense> --><p>'
    assert included(source) == []
    assert kept(source) == source


WRONG_TAGS = {
    "<esi:vars>$(HTTP_HOST)</esi:vars>": "<esi:vars> is not understood; expected include, remove, comment",
    "<esi:choose>": "<esi:choose> is not understood",
    '<esi:include src="a': "is not understood",
    "<esi:include/>": "<esi:include> has no src",
    '<esi:include src="a/b" onerror="stop"/>': "onerror is 'stop'; expected 'continue'",
    '<esi:include src="a/b" maxwait="5"/>': "the attribute 'maxwait'; those understood are: src and alt and onerror",
    "<esi:include src=a/b />": "<esi:include> holds 'src=a/b'; expected name=\"value\"",
    "<esi:remove>x": "<esi:remove> is never closed",
    "</esi:remove>": "</esi:remove> has no beginning",
    "<!--esi x": "<!--esi is never closed with -->",
}


@pytest.mark.parametrize("tag", WRONG_TAGS)
def test_what_is_not_understood_is_refused_with_its_line(tag: str) -> None:
    with pytest.raises(EsiFault) as caught:
        read_esi(f"<p>\n<p>\n{tag}")
    assert WRONG_TAGS[tag] in str(caught.value)
    assert caught.value.line == 3


def slots() -> EsiSlots:
    return EsiSlots({name: FragmentServer(name, f"http://{name}.test:1", Breaker(1)) for name in ("cafe", "bar")})


@pytest.mark.parametrize("src", ["/-/cafe/list", "cafe/list", "http://cafe.test:1/list"])
def test_an_address_names_a_fragment_of_a_registered_server(src: str) -> None:
    slot = slots().slot(Include(src, alt="bar/x"))
    assert (slot.name, slot.alt and slot.alt.name, slot.params) == ("cafe/list", "bar/x", ())


def test_parameters_are_fixed_or_the_pages() -> None:
    slot = slots().slot(
        Include("cafe/a?x=a%20b+c&id=$(QUERY_STRING{id})&n=$(QUERY_STRING{n}|10)&s=$(QUERY_STRING{s}|'two words')")
    )
    assert slot.params == (
        ("x", "a b c"),
        ("id", PageParam("id")),
        ("n", PageParam("n", "10")),
        ("s", PageParam("s", "two words")),
    )
    assert slot.given({"id": "7", "n": ""}) == {"x": "a b c", "id": "7", "n": "10", "s": "two words"}
    assert slots().slot(Include("cafe/a?$(QUERY_STRING)")).given({"id": "7"}) == {"id": "7"}
    assert slots().slot(Include("cafe/a")).given({"id": "7"}) == {}


WRONG_ADDRESSES = {
    "/header.html": "expected /-/server/path, server/fragment or the address",
    "list": "expected /-/server/path",
    "//cafe.test:1/list": "expected /-/server/path",
    "/-/pub/list": "there is no fragment server 'pub'; there are cafe, bar",
    "http://elsewhere.test/x": "no fragment server has that address; there are http://cafe.test:1, http://bar.test:1",
    "http://cafe.test:10/x": "no fragment server has that address",
    "cafe/$(QUERY_STRING{x})": "a variable may only be the value of a parameter",
    "cafe/list?host=$(HTTP_HOST)": "'$(HTTP_HOST)' is not understood; expected $(QUERY_STRING{name})",
    "cafe/list?id=a-$(QUERY_STRING{id})": "'a-$(QUERY_STRING{id})' is not understood",
    "cafe/list?x=1&$(QUERY_STRING)": "'$(QUERY_STRING)' is not understood",
}


@pytest.mark.parametrize("address", WRONG_ADDRESSES)
def test_an_address_that_cannot_be_meant_is_refused_and_says_which_are(address: str) -> None:
    for attribute, include in {"src": Include(address), "alt": Include("cafe/list", alt=address)}.items():
        with pytest.raises(EsiFault) as caught:
            slots().slot(include)
        assert str(caught.value).startswith(f"{attribute} is {address!r}; ")
        assert WRONG_ADDRESSES[address] in str(caught.value)


async def test_a_page_of_another_site_works_but_for_its_addresses(tmp_path: Path, cafe: FakeFragmentServer) -> None:
    document = """<!doctype html>
<html><head><title>Elsewhere</title><style>@media print{#nav{display:none}}</style></head>
<body><esi:comment text="the list"/>
<!--esi <esi:include src="%s/parts/list.html?page=$(QUERY_STRING{page}|1)"/> -->
<esi:remove><a href="/list">The list</a></esi:remove>
<script type="text/template">{{name}} {%% x %%}</script>
</body></html>
"""
    cafe.declare(list={"path": "/parts/list.html", "params": {"page": {}}})
    cafe.at["/parts/list.html"] = answer("<ul><li>soup")
    folder = pages(tmp_path / "pages", PLAIN, lunch=document % cafe.address)
    async with portal(tmp_path, {"cafe": cafe.address}, pages_dir=str(folder)) as shell:
        page = await shell.get("/lunch?page=2&other=3")
        await shell.get("/lunch")
    assert re.search(
        r"<body>\n <section id=\"f-cafe-list-\w+\" [^>]*><ul><li>soup</li></ul></section> \n\n<script", page.text
    )
    assert "<style>@media print{#nav{display:none}}</style>" in page.text
    assert "{{name}} {% x %}" in page.text
    assert "esi:" not in page.text
    assert [request.target for request in cafe.requests("/parts/list.html")] == [
        "/parts/list.html?page=2",
        "/parts/list.html?page=1",
    ]


async def test_a_template_may_hold_both_languages(tmp_path: Path, cafe: FakeFragmentServer) -> None:
    cafe.declare(a={})
    cafe.at["/a"] = answer("<p>soup")
    template = """{% extends "layout.html" %}{% block main %}
<!--esi {% for name in ("/-/cafe/a",) %}<esi:include src="/-/cafe/a"/>{% endfor %}-->{% endblock %}"""
    folder = pages(tmp_path / "pages", lunch=template)
    async with portal(tmp_path, {"cafe": cafe.address}, pages_dir=str(folder)) as shell:
        page = await shell.get("/lunch")
    assert "<p>soup</p></section>" in page.text
    assert '<link rel="stylesheet" href="/-/cafe/assets/cafe.css?v=1">' in page.text


@pytest.mark.parametrize("table", [LUNCH, PLAIN])
@pytest.mark.parametrize("tag", ['<esi:include src="/-/pub/x"/>', "<esi:try>"])
def test_a_fault_stops_the_start_and_names_file_and_line(tmp_path: Path, table: str, tag: str) -> None:
    text = f'<esi:remove>\n\n</esi:remove><esi:comment\ntext="x"/>\n{tag}'
    folder = pages(tmp_path / "pages", table, lunch=text)
    with pytest.raises(PagesFault, match=rf"^{re.escape(str(folder))}/lunch\.html, line 5: .*(pub|esi:try)"):
        create_app(Settings(shell_data_dir=tmp_path, pages_dir=str(folder)))


async def test_a_fragment_that_its_server_does_not_declare_costs_its_slot_alone_until_it_does(
    tmp_path: Path, cafe: FakeFragmentServer, capsys: pytest.CaptureFixture[str]
) -> None:
    cafe.declare(a={})
    cafe.at |= {"/a": answer("<p>a"), "/nav/top.html": answer("<p>top")}
    folder = pages(
        tmp_path / "pages", PLAIN, lunch='<esi:include src="cafe/a"/><esi:include src="/-/cafe/nav/top.html"/>'
    )
    async with portal(tmp_path, {"cafe": cafe.address}, pages_dir=str(folder)) as shell:
        page = await shell.get("/lunch")
        assert page.status_code == 200
        assert "<p>a</p>" in page.text
        assert 'data-state="failed"' in page.text
        cafe.declare(version="2", a={}, top={"path": "/nav/top.html"})
        await until_true(lambda: shell.shows("/lunch", "<p>top</p>"))
    assert "esi_target_unknown" in (log := capsys.readouterr().out)
    assert "/nav/top.html" in log


async def alternatives(tmp_path: Path, cafe: FakeFragmentServer, attributes: str) -> str:
    """The page's section of `cafe/a` with these attributes on its include, `cafe/b` being well."""
    cafe.declare(a={"fallback": "/fallback"} if "/fallback" in cafe.at else {}, b={})
    cafe.at.setdefault("/b", cacheable("<p>the other", keys="other"))
    folder = pages(tmp_path / "pages", PLAIN, lunch=f'<main><esi:include src="cafe/a" {attributes}/></main>')
    async with portal(tmp_path, {"cafe": cafe.address}, pages_dir=str(folder)) as shell:
        if "/fallback" in cafe.at:
            await eventually((tmp_path / "fallbacks" / "cafe.json").exists)
        page = await shell.get("/lunch")
    match = re.search("<main>(.*)</main>", page.text, re.DOTALL)
    assert match is not None
    return match[1]


@pytest.mark.parametrize("broken", [answer("", 500), hang], ids=["500", "hung"])
async def test_the_alternative_stands_in_the_element_of_the_fragment(
    tmp_path: Path, cafe: FakeFragmentServer, broken: object
) -> None:
    cafe.at["/a"] = answer("", 500) if broken is not hang else hang
    began = time.perf_counter()
    section = await alternatives(tmp_path, cafe, 'alt="cafe/b" onerror="continue"')
    assert re.fullmatch(
        r'<section id="f-cafe-a" class="fragment fragment-cafe" data-state="fallback" data-fragment="cafe/a"'
        r"[^>]*><p>the other</p></section>",
        section,
    )
    assert time.perf_counter() - began < 1.5


async def test_the_alternative_is_not_asked_while_the_fragment_is_well(
    tmp_path: Path, cafe: FakeFragmentServer
) -> None:
    cafe.at["/a"] = answer("<p>the first")
    assert "<p>the first</p>" in await alternatives(tmp_path, cafe, 'alt="cafe/b"')
    assert cafe.requests("/b") == []


async def test_without_an_alternative_that_works_there_is_the_fallback(
    tmp_path: Path, cafe: FakeFragmentServer
) -> None:
    cafe.at |= {"/a": answer("", 500), "/b": answer("", 500), "/fallback": answer("<p>closed today")}
    section = await alternatives(tmp_path, cafe, 'alt="cafe/b" onerror="continue"')
    assert "<p>closed today</p>" in section


async def test_onerror_continue_shows_nothing_and_without_it_there_is_a_placeholder(
    tmp_path: Path, cafe: FakeFragmentServer
) -> None:
    cafe.at["/a"] = answer("", 500)
    hidden = await alternatives(tmp_path, cafe, 'onerror="continue"')
    shown = await alternatives(tmp_path, cafe, "")
    assert re.fullmatch(r'<section id="f-cafe-a" [^>]*data-state="failed" [^>]* hidden></section>', hidden)
    assert 'class="resting"' in shown


async def test_onerror_continue_shows_nothing_of_what_the_page_cannot_wait_for(
    tmp_path: Path, cafe: FakeFragmentServer
) -> None:
    cafe.declare(a={})
    cafe.at["/a"] = hang
    folder = pages(tmp_path / "pages", PLAIN, lunch='<esi:include src="cafe/a" onerror="continue"/>')
    async with portal(
        tmp_path, {"cafe": cafe.address}, pages_dir=str(folder), fragment_deadline_ms=5000, page_deadline_ms=100
    ) as shell:
        page = await shell.get("/lunch")
    assert page.text.endswith(" hidden></section>")


async def test_what_a_fragment_says_in_esi_is_not_done(tmp_path: Path, cafe: FakeFragmentServer) -> None:
    cafe.declare(a={}, b={})
    cafe.at |= {
        "/a": answer(
            '<p>a</p><esi:include src="cafe/b"/><!--esi <p>x</p> --><p title=\'<esi:include src="cafe/b"/>\'>'
        ),
        "/b": answer("<p>b"),
    }
    folder = pages(tmp_path / "pages", lunch='<esi:include src="cafe/a"/>')
    async with portal(tmp_path, {"cafe": cafe.address}, pages_dir=str(folder)) as shell:
        page = await shell.get("/lunch")
    assert "<p>a</p>" in page.text
    assert "<p>x</p>" not in page.text
    assert cafe.requests("/b") == []


async def test_includes_are_asked_for_at_the_same_time(tmp_path: Path, cafe: FakeFragmentServer) -> None:
    together = asyncio.Barrier(2)

    async def meet(request: object, writer: asyncio.StreamWriter) -> None:
        await together.wait()
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 4\r\n\r\n<p>x")

    cafe.declare(a={}, b={})
    cafe.at |= {"/a": meet, "/b": meet}
    folder = pages(tmp_path / "pages", PLAIN, lunch='<esi:include src="cafe/a"/><esi:include src="cafe/b"/>')
    async with portal(tmp_path, {"cafe": cafe.address}, pages_dir=str(folder)) as shell:
        assert (await shell.get("/lunch")).text.count("<p>x</p>") == 2
