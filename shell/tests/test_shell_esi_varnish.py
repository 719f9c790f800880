"""Pages put together by Varnish: the same as by the shell, kept, and never older than the last change."""

from __future__ import annotations

import asyncio
import base64
import gzip
import json
import re
from pathlib import Path

import httpx2
import pytest

from shell.tests.harness import (
    LUNCH,
    FakeFragmentServer,
    Received,
    answer,
    cacheable,
    pages,
    until_true,
)
from shell.tests.varnish import Fronted, Varnish, until_shown

pytestmark = pytest.mark.anyio


def subject_of(request: Received) -> str:
    claims = request.header("authorization").split(".")[1]
    return str(json.loads(base64.urlsafe_b64decode(claims + "=="))["sub"])


def includes(capsys: pytest.CaptureFixture[str]) -> int:
    """How often the shell was asked for an include since the last time."""
    return len(re.findall("path=/-/esi/", capsys.readouterr().out))


async def test_a_page_by_varnish_is_the_page_by_the_shell(cafe: FakeFragmentServer, fronted: Fronted) -> None:
    cafe.declare(list={}, queue={"params": {"id": {}, "x": {"pattern": ".*"}}})
    cafe.at |= {"/list": cacheable("<p>list"), "/queue": cacheable("<p>queue &amp; more")}
    async with fronted(cafe) as edge:
        address = edge.client.base_url
        composed = await edge.shell.get(
            "/cafe?id=7&x=%3C%22%26%C3%A9+%25&lang=ko", host=f"{address.host}:{address.port}"
        )
        page = await edge.get("/cafe?id=7&x=%3C%22%26%C3%A9+%25&lang=ko")
    assert page.text == composed.text
    assert page.text.count("</section>") == 2
    assert "id=7" in cafe.requests("/queue")[0].target
    for name in ("content-security-policy", "content-language", "cache-control", "x-content-type-options"):
        assert page.headers[name] == composed.headers[name]
    assert page.headers["vary"] == composed.headers["vary"]
    assert not {"surrogate-control", "surrogate-key", "xkey", "x-vary"} & set(page.headers)


async def test_what_is_kept_is_served_without_asking(
    cafe: FakeFragmentServer, fronted: Fronted, capsys: pytest.CaptureFixture[str]
) -> None:
    cafe.declare(a={}, b={})
    cafe.at |= {"/a": cacheable("<p>a"), "/b": cacheable("<p>b")}
    async with fronted(cafe) as edge:
        first = await edge.get("/cafe")
        assert includes(capsys) == 2
        again = await edge.get("/cafe", cookie="jogakbo=" + "a" * 32)
        assert includes(capsys) == 0
    assert first.text == again.text
    assert "set-cookie" not in first.headers
    assert len(again.headers["x-varnish"].split()) == 2, "the page itself was not kept"


async def test_an_action_purges_what_it_changed(cafe: FakeFragmentServer, fronted: Fronted) -> None:
    cafe.declare(a={}, b={})
    cafe.at |= {"/a": cacheable("<p>old", keys="orders order-1"), "/b": cacheable("<p>b", keys="menu")}
    async with fronted(cafe) as edge:
        assert "<p>old</p>" in (await edge.get("/cafe")).text
        cafe.at |= {
            "/a": cacheable("<p>new", keys="orders order-1"),
            "/actions/take": answer("", 303, {"location": "/cafe", "surrogate-key": "order-1"}),
        }
        taken = await edge.client.post("/-/cafe/actions/take", headers={"sec-fetch-site": "same-origin"})
        assert taken.status_code == 303
        await until_shown(edge, "/cafe", "<p>new</p>")
    assert len(cafe.requests("/b")) == 1


async def test_a_new_release_purges_its_fragments_and_all_pages(cafe: FakeFragmentServer, fronted: Fronted) -> None:
    cafe.declare(a={})
    cafe.at["/a"] = cacheable("<p>old", policy="max-age=3600")
    async with fronted(cafe) as edge:
        assert "<p>old</p>" in (await edge.get("/cafe")).text
        cafe.at["/a"] = cacheable("<p>new", policy="max-age=3600")
        cafe.declare(version="2", a={}, b={})
        await until_shown(edge, "/cafe", "<p>new</p>")
        await until_shown(edge, "/cafe", 'data-fragment="cafe/b"')


async def test_a_private_fragment_is_each_visitors_own(
    cafe: FakeFragmentServer, fronted: Fronted, capsys: pytest.CaptureFixture[str]
) -> None:
    async def for_whom(request: Received, writer: asyncio.StreamWriter) -> None:
        await cacheable(f"<p>{subject_of(request)}")(request, writer)

    cafe.declare(cart={"audience": "private"}, list={})
    cafe.at |= {"/cart": for_whom, "/list": cacheable("<p>list")}
    async with fronted(cafe) as edge:
        visitors = [f"jogakbo={letter * 32}" for letter in "abcd"] * 3
        shown = await asyncio.gather(*(edge.get("/cafe", cookie=visitor) for visitor in visitors))
        stranger = await edge.get("/cafe")
        assert includes(capsys) == 1, "the public one is kept nevertheless"
    subjects = [re.findall("<p>(guest-[^<]+)</p>", page.text) for page in [*shown, stranger]]
    assert subjects[:4] * 3 == subjects[:12]
    assert len({subject for found in subjects for subject in found}) == 5
    assert "jogakbo=" in stranger.headers["set-cookie"]


async def test_a_stand_in_is_shown_and_not_kept(cafe: FakeFragmentServer, fronted: Fronted) -> None:
    cafe.declare(a={})
    cafe.at["/a"] = answer("", 500)
    async with fronted(cafe) as edge:
        page = await edge.get("/cafe")
        assert 'data-state="failed"' in page.text
        assert 'class="resting"' in page.text
        cafe.at["/a"] = cacheable("<p>well again")
        assert "<p>well again</p>" in (await edge.get("/cafe")).text


async def test_what_a_fragment_says_in_esi_is_not_done(
    cafe: FakeFragmentServer, fronted: Fronted, tmp_path: Path
) -> None:
    tag = '<esi:include src="/-/esi/cafe/secret?locale=en"/>'
    hostile = cacheable(
        f"<p>a</p>{tag}<!--esi {tag} --><!-- x --><p title='{tag}' data-x='<!--esi {tag} -->'></p>"
        f"<template>{tag}<!--esi {tag}--></template><textarea>{tag}</textarea><svg><![CDATA[{tag}]]></svg>"
        f"<ESI:include src='/-/esi/cafe/secret?locale=en'/><meta name='author' content='{tag}'><title>{tag}</title>"
        "<esi:remove><p>removed</p></esi:remove>"
    )
    cafe.declare(a={}, b={}, c={"audience": "private"}, secret={})
    cafe.at |= {"/a": hostile, "/b": hostile, "/c": hostile, "/secret": cacheable("<p>secret")}
    text = '{% extends "layout.html" %}{% block main %}{{ fragment("cafe/a", primary=True) }}{{ fragment("cafe/b") }}'
    folder = pages(tmp_path / "pages", lunch=f'{text}{{{{ fragment("cafe/c") }}}}{{% endblock %}}')
    async with fronted(cafe, pages_dir=str(folder)) as edge:
        page = await edge.get("/lunch")
    assert page.text.count("<p>a</p>") == 3
    assert page.text.count("<p>removed</p>") == 3
    assert "secret</p>" not in page.text
    assert cafe.requests("/secret") == []


async def test_a_compressed_page_is_the_same(cafe: FakeFragmentServer, fronted: Fronted) -> None:
    cafe.declare(a={}, b={})
    cafe.at |= {"/a": cacheable("<p>" + "a" * 5000), "/b": answer("<p>" + "b" * 5000)}
    async with fronted(cafe) as edge:
        for _ in range(2):
            plain = await edge.get("/cafe", accept_encoding="identity")
            async with edge.client.stream("GET", "/cafe", headers={"accept-encoding": "gzip"}) as packed:
                body = b"".join([chunk async for chunk in packed.aiter_raw()])
            assert "content-encoding" not in plain.headers
            assert packed.headers["content-encoding"] == "gzip"
            assert gzip.decompress(body) == plain.content


async def test_each_language_and_look_has_a_page_of_its_own(cafe: FakeFragmentServer, fronted: Fronted) -> None:
    async def in_locale(request: Received, writer: asyncio.StreamWriter) -> None:
        await cacheable(f"<p>{request.header('podium-locale')}")(request, writer)

    cafe.declare(a={})
    cafe.at["/a"] = in_locale
    async with fronted(cafe) as edge:
        for _ in range(2):
            for accepted, cookie, lang, theme in [
                ("en", "", "en", ""),
                ("ko-KR, ko;q=0.9", "", "ko", ""),
                ("fr", "lang=ko", "ko", ""),
                ("ko", "theme=dark; lang=en", "en", ' data-theme="dark"'),
            ]:
                page = await edge.get("/cafe", accept_language=accepted, cookie=cookie)
                assert f'<html lang="{lang}"{theme}>' in page.text
                assert f"<p>{lang}</p>" in page.text
        chosen = await edge.get("/cafe?lang=ko")
        again = await edge.get("/cafe?lang=ko")
    assert "lang=ko" in chosen.headers["set-cookie"]
    assert "lang=ko" in again.headers["set-cookie"]


async def test_the_page_of_a_primary_fragment_is_kept_until_that_changes(
    cafe: FakeFragmentServer, fronted: Fronted, tmp_path: Path
) -> None:
    cafe.declare(a={"params": {"id": {"required": True}}})
    cafe.at["/a"] = cacheable("<title>First</title><p>first", keys="order-1")
    folder = pages(
        tmp_path / "pages",
        LUNCH.replace("/lunch", "/lunch/{id}"),
        lunch="{{ page.title }}{{ fragment('cafe/a', primary=True) }}",
    )
    async with fronted(cafe, pages_dir=str(folder)) as edge:
        first = await edge.get("/lunch/1")
        again = await edge.get("/lunch/1")
        assert first.text == again.text
        assert first.text.startswith("First<section")
        assert len(again.headers["x-varnish"].split()) == 2
        cafe.at["/a"] = answer("<p>gone", 404, {"surrogate-key": "order-1"})
        cafe.at["/actions/x"] = answer("<p>done", headers={"surrogate-key": "order-1"})
        await edge.client.post("/-/cafe/actions/x", headers={"sec-fetch-site": "same-origin"})
        await until_shown(edge, "/lunch/1", "<p>gone</p>")
        gone = await edge.get("/lunch/1")
        redirected = answer("", 303, {"location": "/board"})
        cafe.at["/a"] = redirected
        elsewhere = await edge.get("/lunch/1")
    assert gone.status_code == 404
    assert (elsewhere.status_code, elsewhere.headers["location"]) == (303, "/board")


async def test_while_the_shell_is_away_pages_stay_and_what_is_missing_can_heal(
    cafe: FakeFragmentServer, fronted: Fronted, varnish: Varnish
) -> None:
    cafe.declare(a={}, b={"params": {"id": {}}})
    cafe.at |= {"/a": cacheable("<p>a", policy="max-age=2"), "/b": answer("<p>b")}
    async with fronted(cafe) as edge:
        whole = await edge.get("/cafe?id=7")
    async with httpx2.AsyncClient(base_url=varnish.url, timeout=10, trust_env=False) as client:

        async def is_past_its_time() -> bool:
            return int((await client.get("/cafe?id=7")).headers["age"]) > 2

        await until_true(is_past_its_time)
        page = await client.get("/cafe?id=7")
        unseen = await client.get("/board")
    section = re.search(r'id="(f-cafe-b-\w+)"', whole.text)
    assert section is not None
    assert "<p>a</p>" in page.text, "an old copy is better than nothing"
    assert (
        f'<section id="{section[1]}" class="fragment fragment-cafe" data-state="failed" data-fragment="cafe/b" hidden>'
        "</section>" in page.text
    )
    assert unseen.status_code == 503
    assert 'lang="ko"' in unseen.text


async def test_a_browser_gets_no_include_and_no_page_with_holes(
    cafe: FakeFragmentServer, fronted: Fronted, varnish: Varnish
) -> None:
    cafe.declare(a={})
    cafe.at["/a"] = cacheable("<p>a")
    async with fronted(cafe) as edge:
        asked = await edge.get("/-/esi/cafe/a?locale=en")
        claimed = await edge.get("/cafe", surrogate_capability='me="ESI/1.0"')
    assert asked.status_code == 404
    assert "<p>a</p>" in claimed.text
    assert "esi:include" not in claimed.text
