"""What a fragment server's headers say of how long its answer may be used."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jogakbo_shell.composition.freshness import (
    COVERED,
    NOT_STATED,
    NOT_STORABLE,
    Freshness,
    freshness_of,
    read_freshness,
)
from shell.tests.harness import FakeFragmentServer, answer, portal

MINUTE = Freshness(storable=True, fresh=60, while_revalidate=30, if_error=600)
NOON = 784_123_200.0
AT_NOON = "Sun, 06 Nov 1994 12:00:00 GMT"
HALF_A_MINUTE_EARLIER = "Sun, 06 Nov 1994 11:59:30 GMT"
A_MINUTE_LATER = "Sun, 06 Nov 1994 12:01:00 GMT"


def fresh(seconds: float, while_revalidate: float = 0, if_error: float = 0) -> Freshness:
    return Freshness(storable=True, fresh=seconds, while_revalidate=while_revalidate, if_error=if_error)


@pytest.mark.parametrize(
    ("cache_control", "expected"),
    [
        ("max-age=60, stale-while-revalidate=30, stale-if-error=600", MINUTE),
        ("MAX-AGE=60", fresh(60)),
        ("max-age=10, s-maxage=60", fresh(60)),
        ("s-maxage=10, max-age=60", fresh(10)),
        ("s-maxage=60, stale-while-revalidate=30", fresh(60, 30)),
        ("public", fresh(0)),
        ("no-cache", fresh(0)),
        ("no-cache, max-age=60, stale-while-revalidate=30, stale-if-error=600", fresh(0)),
        ("max-age=60, must-revalidate, stale-while-revalidate=9, stale-if-error=9", fresh(60)),
        ("max-age=60, proxy-revalidate, stale-while-revalidate=9, stale-if-error=9", fresh(60)),
        ("private, max-age=60", NOT_STORABLE),
        ("no-store, max-age=60", NOT_STORABLE),
        ("", NOT_STATED),
        (" , ,", NOT_STATED),
    ],
)
def test_cache_control_is_read_as_a_shared_cache_must(cache_control: str, expected: Freshness) -> None:
    assert read_freshness(cache_control) == expected


@pytest.mark.parametrize(
    ("cache_control", "expected"),
    [
        ('private="x, y", max-age=60', NOT_STORABLE),
        ('max-age=60, no-cache="set-cookie, max-age=9"', fresh(0)),
        ('extension="a, no-store, \\", private", max-age=60', fresh(60)),
        ('max-age="60"', fresh(60)),
        ("max-age=60, private=never closed", NOT_STORABLE),
        ('extension="never closed, max-age=60', fresh(0)),
    ],
)
def test_commas_in_quotes_do_not_part_directives(cache_control: str, expected: Freshness) -> None:
    assert read_freshness(cache_control) == expected


@pytest.mark.parametrize(
    ("cache_control", "expected"),
    [
        ("max-age=60, max-age=10", fresh(10)),
        ("max-age=10, max-age=60", fresh(10)),
        ("max-age=60, max-age=soon", fresh(0)),
        ("max-age=60, stale-if-error=9, stale-if-error=8", fresh(60, 0, 8)),
        ("max-age=60, private, public", NOT_STORABLE),
    ],
)
def test_of_a_directive_given_twice_the_strictest_counts(cache_control: str, expected: Freshness) -> None:
    assert read_freshness(cache_control) == expected


@pytest.mark.parametrize("value", ["soon", "-1", "1.5", "", "60 s", "0x10", "６０", "60+30", "60;x"])
def test_a_lifetime_that_cannot_be_read_is_over(value: str) -> None:
    assert read_freshness(f"max-age={value}, s-maxage={value}") == fresh(0)


def test_a_lifetime_beyond_reason_is_a_year() -> None:
    assert read_freshness("max-age=" + "9" * 5_000) == fresh(365 * 24 * 3600)


@pytest.mark.parametrize(
    ("cache_control", "surrogate_control", "expected"),
    [
        ("no-store", "max-age=60", fresh(60)),
        ("", "max-age=60, stale-if-error=600", fresh(60, 0, 600)),
        ("max-age=60, stale-if-error=600", "max-age=10", fresh(10)),
        ("max-age=60", "no-store", NOT_STORABLE),
        ("max-age=60", 'content="ESI/1.0"', fresh(60)),
        ("max-age=60", 'content="ESI/1.0", max-age=10+30', fresh(10, 30)),
        ("max-age=60", "max-age=10;abc, no-store;abc", fresh(60)),
        ("private", "max-age=60", NOT_STORABLE),
    ],
)
def test_surrogate_control_is_for_the_shell_and_wins(
    cache_control: str, surrogate_control: str, expected: Freshness
) -> None:
    assert read_freshness(cache_control, surrogate_control=surrogate_control) == expected


@pytest.mark.parametrize(
    ("cache_control", "expires", "expected"),
    [
        ("", A_MINUTE_LATER, fresh(60)),
        ("public", A_MINUTE_LATER, fresh(60)),
        ("", "Sunday, 06-Nov-94 12:01:00 GMT", fresh(60)),
        ("", "Sun Nov  6 12:01:00 1994", fresh(60)),
        ("max-age=10", A_MINUTE_LATER, fresh(10)),
        ("no-store", A_MINUTE_LATER, NOT_STORABLE),
        ("", "0", fresh(0)),
        ("", "Sat, 05 Nov 1994 12:00:00 GMT", fresh(0)),
    ],
)
@pytest.mark.parametrize("date", ["", AT_NOON])
def test_expires_counts_where_no_lifetime_is_said(
    cache_control: str, expires: str, date: str, expected: Freshness
) -> None:
    assert read_freshness(cache_control, expires=expires, date=date, received_at=NOON) == expected


def test_expires_is_by_the_servers_own_clock() -> None:
    at_eleven = "Sun, 06 Nov 1994 11:00:00 GMT"
    assert read_freshness("", expires=AT_NOON, date=at_eleven, received_at=NOON - 1800) == fresh(1800)
    assert read_freshness("", expires=A_MINUTE_LATER, date=AT_NOON, received_at=NOON - 1800) == fresh(60)


@pytest.mark.parametrize(
    ("age", "date", "left"),
    [
        ("50", "", 10),
        ("70", "", -10),
        ("50, 2", "", 10),
        ("old", "", 60),
        ("", HALF_A_MINUTE_EARLIER, 30),
        ("5", HALF_A_MINUTE_EARLIER, 30),
        ("50", HALF_A_MINUTE_EARLIER, 10),
        ("", "Sun, 06 Nov 1994 11:59:58 GMT", 60),
        ("", A_MINUTE_LATER, 60),
        ("", "at noon", 60),
    ],
)
def test_the_age_that_an_answer_has_already_is_taken_off(age: str, date: str, left: float) -> None:
    freshness = read_freshness("max-age=60, stale-if-error=600", age=age, date=date, received_at=NOON)
    assert freshness == fresh(left, 0, 600)


def test_the_time_an_answer_took_counts_as_its_age() -> None:
    assert read_freshness("max-age=60", delay=4.9) == fresh(56)
    assert read_freshness("max-age=60", age="10", delay=4.9) == fresh(46)


@pytest.mark.parametrize("vary", ["*", "cookie", "podium-locale, cookie", "traceparent", "x-request-id", "user-agent"])
def test_what_varies_with_the_visitor_is_not_kept(vary: str) -> None:
    assert read_freshness("max-age=60", vary=vary) == NOT_STORABLE


@pytest.mark.parametrize("vary", ["Podium-Locale", "accept-language, podium-device-type", "Authorization", ", accept"])
def test_what_varies_only_with_what_is_alike_for_everybody_is_kept(vary: str) -> None:
    assert read_freshness("max-age=60", vary=vary) == fresh(60)


@pytest.mark.anyio
async def test_what_counts_as_alike_for_everybody_is(tmp_path: Path, cafe: FakeFragmentServer) -> None:
    """Otherwise it would have to be in the cache key."""
    cafe.declare(a={})
    cafe.at["/a"] = answer("<p>a")
    async with portal(tmp_path, {"cafe": cafe.address}) as shell:
        await shell.get("/cafe", user_agent="Mozilla/5.0 (Windows NT 10.0)", accept="text/html")
        await shell.get(
            "/cafe?x=1",
            user_agent="Mozilla/5.0 (iPhone; Mobile)",
            accept="text/html;q=0.9",
            accept_encoding="br",
            cookie=f"jogakbo={'b' * 32}",
            podium_device_type="mobile",
            authorization="Bearer mine",
        )
    first, second = (dict(request.headers) for request in cafe.requests("/a"))
    assert {name for name in first if first[name] != second.get(name)} <= {"traceparent", "x-request-id"}
    assert first.keys() == second.keys()
    assert {name for name in first if name.startswith(("podium-", "accept", "authorization"))} <= COVERED


class FakeAnswer:
    def __init__(self, headers: Mapping[str, str]) -> None:
        self.headers = headers

    def header(self, name: str) -> str:
        return self.headers.get(name, "")


def test_every_header_of_an_answer_that_counts_is_read() -> None:
    told = {"surrogate-control": "max-age=60", "age": "10", "vary": "accept"}
    assert freshness_of(FakeAnswer(told), delay=2) == fresh(48)
    assert freshness_of(FakeAnswer({"expires": A_MINUTE_LATER, "date": AT_NOON})).fresh < 0
    assert freshness_of(FakeAnswer({"cache-control": "max-age=60", "vary": "*"})) == NOT_STORABLE
    assert freshness_of(FakeAnswer({})) == NOT_STATED


_WORDS = st.sampled_from(
    ["max-age", "s-maxage", "no-store", "private", "no-cache", "=", '"', ",", "60", "+", ";", "\\"]
)
_HEADER = st.lists(_WORDS | st.characters(codec="latin-1"), max_size=30).map("".join)


@given(_HEADER, _HEADER, _HEADER, _HEADER, _HEADER, _HEADER)
def test_no_header_whatever_is_an_error(
    control: str, surrogate: str, expires: str, vary: str, age: str, date: str
) -> None:
    freshness = read_freshness(
        control, surrogate_control=surrogate, expires=expires, vary=vary, age=age, date=date, received_at=NOON
    )
    assert freshness.storable or freshness in (NOT_STATED, NOT_STORABLE)
    assert min(freshness.while_revalidate, freshness.if_error) >= 0
