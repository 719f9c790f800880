"""ETags of pages: a client that has a page is told so, and nobody is told so of a page that is not theirs."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest

from jogakbo_shell.web.conditional import is_known, weak_etag
from jogakbo_shell.web.header_block import HeaderBlock
from shell.tests.harness import FakeFragmentServer, Received, answer, cacheable, portal
from shell.tests.insides import purge

pytestmark = pytest.mark.anyio

CAFE = "/cafe"
ETAG = 'W/"abc"'


def test_equal_parts_have_equal_etags_and_others_do_not() -> None:
    assert weak_etag(["a", "b"]) == weak_etag(iter(["a", "b"]))
    assert len({weak_etag(parts) for parts in (["a", "b"], ["ab"], ["a", "b", ""], ["b", "a"], [])}) == 5
    assert re.fullmatch(r'W/"[0-9a-f]{24}"', weak_etag(["카페"]))


KNOWN = {
    "itself": ETAG,
    "strong": '"abc"',
    "any": "*",
    "first of a list": 'W/"abc", "x"',
    "last of a list": '"x",W/"y" ,\tW/"abc"',
    "between empty ones": ', ,"abc",',
}
UNKNOWN = {
    "nothing": "",
    "another": 'W/"abd"',
    "a part of it": '"ab"',
    "without quotes": "abc",
    "in lower case": 'w/"abc"',
    "empty ones": ", ,",
    "a star in quotes": '"*"',
    "its quotes alone": '""',
}


@pytest.mark.parametrize("field", KNOWN.values(), ids=KNOWN.keys())
def test_a_field_that_names_the_etag_knows_it(field: str) -> None:
    assert is_known(ETAG, field)


@pytest.mark.parametrize("field", UNKNOWN.values(), ids=UNKNOWN.keys())
def test_a_field_that_does_not_name_the_etag_does_not_know_it(field: str) -> None:
    assert not is_known(ETAG, field)


@pytest.mark.parametrize("value", [b"a\r\nset-cookie: x=1", b"a\nb", b"a\rb", b"\n", b"x\r\n"])
def test_a_header_with_a_line_end_in_it_is_refused(value: bytes) -> None:
    with pytest.raises(ValueError, match="line end"):
        HeaderBlock.of([(b"x-fine", b"1"), (b"location", value)])
    with pytest.raises(ValueError, match="line end"):
        HeaderBlock.checked(b"location: %b\r\n" % value, 1)


def test_header_lines_are_the_pairs_that_they_were_made_of() -> None:
    pairs = [(b"content-type", b"text/html"), (b"set-cookie", b"a=1: 2"), (b"set-cookie", b"b=2"), (b"x-empty", b"")]
    block = HeaderBlock.of(pairs)
    assert block.encoded == b"content-type: text/html\r\nset-cookie: a=1: 2\r\nset-cookie: b=2\r\nx-empty: \r\n"
    assert block.pairs == pairs
    assert HeaderBlock.checked(block.encoded, 4).pairs == pairs
    assert HeaderBlock.of([]).pairs == []


# Over real HTTP: with `pages_before_asgi` and without, kept whole and put together anew.

WHOLE = {
    "page_hold_ms": 2000,
    "page_budget_ms": 2000,
    "page_deadline_ms": 3000,
    "fragment_deadline_ms": 2000,
}
"""Only a page that is complete before its head leaves has an ETag."""


@pytest.fixture(params=[True, False], ids=["before asgi", "asgi"])
def before_asgi(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.mark.parametrize("page_cache_bytes", [0, 1_000_000])
async def test_who_has_the_page_is_told_so_until_a_fragment_of_it_changes(
    tmp_path: Path, cafe: FakeFragmentServer, before_asgi: bool, page_cache_bytes: int
) -> None:
    cafe.declare(a={}, b={})
    cafe.at |= {"/a": cacheable("<p>a", "a"), "/b": cacheable("<p>b", "b")}
    async with portal(
        tmp_path, {"cafe": cafe.address}, pages_before_asgi=before_asgi, **WHOLE, page_cache_bytes=page_cache_bytes
    ) as shell:
        etag = (await shell.get(CAFE)).headers["etag"]
        for field in (etag, etag.removeprefix("W/"), f'"x", {etag}', "*"):
            page = await shell.get(CAFE, if_none_match=field)
            assert (page.status_code, page.content, page.headers["etag"]) == (304, b"", etag)
            assert "cookie" in page.headers["vary"].lower()
            assert "content-length" not in page.headers
        assert (await shell.get(CAFE, if_none_match='"other"')).status_code == 200
        head = await shell.client.head(CAFE, headers={"if-none-match": etag})
        assert head.status_code == 304

        cafe.at["/b"] = cacheable("<p>other", "b")
        purge(shell, "b")
        changed = await shell.get(CAFE, if_none_match=etag)
        assert changed.status_code == 200
        assert "<p>other</p>" in changed.text
        assert changed.headers["etag"] != etag


async def test_a_page_with_a_fault_in_it_has_no_etag(
    tmp_path: Path, cafe: FakeFragmentServer, before_asgi: bool
) -> None:
    cafe.declare("orders", track={"params": {"id": {"required": True}}})
    cafe.at["/track"] = answer("<p>no such order", 404)
    async with portal(tmp_path, {"orders": cafe.address}, pages_before_asgi=before_asgi, **WHOLE) as shell:
        page = await shell.get("/orders/42", if_none_match="*")
    assert page.status_code == 404
    assert "etag" not in page.headers
    assert "<p>no such order</p>" in page.text


VISITORS = [f"jogakbo={letter * 32}" for letter in "ab"]


async def test_a_private_page_is_confirmed_to_its_own_visitor_only(
    tmp_path: Path, cafe: FakeFragmentServer, before_asgi: bool
) -> None:
    async def of_whom(request: Received, writer: asyncio.StreamWriter) -> None:
        token = request.header("authorization")
        await answer(f"<p>{token[-20:]}")(request, writer)

    cafe.declare(cart={"audience": "private"})
    cafe.at["/cart"] = of_whom
    async with portal(tmp_path, {"cafe": cafe.address}, pages_before_asgi=before_asgi, **WHOLE) as shell:
        first, second = [await shell.get(CAFE, cookie=cookie) for cookie in VISITORS]
        assert first.text != second.text
        assert first.headers["cache-control"] == "private, no-cache"
        same = await shell.get(CAFE, cookie=VISITORS[0], if_none_match=first.headers["etag"])
        other = await shell.get(CAFE, cookie=VISITORS[1], if_none_match=first.headers["etag"])
    assert same.status_code == 304
    assert (other.status_code, other.text) == (200, second.text)


async def test_two_visitors_with_the_same_content_have_pages_of_their_own_while_these_are_kept_fresh(
    tmp_path: Path, cafe: FakeFragmentServer, before_asgi: bool
) -> None:
    cafe.declare(cart={"audience": "private"})
    cafe.at["/cart"] = answer("<p>empty")
    async with portal(
        tmp_path, {"cafe": cafe.address}, pages_before_asgi=before_asgi, **WHOLE, redis_url="redis://127.0.0.1:1/0"
    ) as shell:
        first = await shell.get(CAFE, cookie=VISITORS[0])
        assert (await shell.get(CAFE, cookie=VISITORS[0], if_none_match=first.headers["etag"])).status_code == 304
        other = await shell.get(CAFE, cookie=VISITORS[1], if_none_match=first.headers["etag"])
    assert other.status_code == 200
    assert re.search('data-grant="([^"]+)"', other.text) != re.search('data-grant="([^"]+)"', first.text)


async def test_a_choice_is_kept_also_with_an_answer_that_confirms(
    tmp_path: Path, cafe: FakeFragmentServer, before_asgi: bool
) -> None:
    cafe.declare(a={})
    cafe.at["/a"] = cacheable("<p>a")
    async with portal(tmp_path, {"cafe": cafe.address}, pages_before_asgi=before_asgi, **WHOLE) as shell:
        etag = (await shell.get(f"{CAFE}?lang=ko")).headers["etag"]
        shell.client.cookies.clear()
        confirmed = await shell.get(f"{CAFE}?lang=ko", if_none_match=etag)
    assert confirmed.status_code == 304
    assert confirmed.headers["set-cookie"].startswith("lang=ko;")
