"""What a person without JavaScript sees of one fragment: a page of the portal around it."""

from __future__ import annotations

from pathlib import Path

import pytest

from shell.tests.harness import FakeFragmentServer, answer, portal

pytestmark = pytest.mark.anyio


async def test_a_refused_form_comes_back_as_its_fragment_on_a_page(cafe: FakeFragmentServer, tmp_path: Path) -> None:
    cafe.declare(cart={"title": {"en": "Order being made"}})
    refused = '<p role="alert">A price has changed.</p><input name="guest" value="Min">'
    cafe.at["/actions/place"] = answer(refused, 409, {"jogakbo-fragment": "cafe/cart"})
    async with portal(tmp_path, {"cafe": cafe.address}) as shell:
        page = await shell.post("/-/cafe/actions/place", {"guest": "Min"})
    assert page.status_code == 409
    assert "<h1>Order being made</h1>" in page.text
    assert '<section id="f-cafe-cart" class="fragment fragment-cafe"' in page.text
    assert 'value="Min"' in page.text


async def test_html_that_names_no_fragment_is_shown_all_the_same(cafe: FakeFragmentServer, tmp_path: Path) -> None:
    cafe.declare(cart={})
    cafe.at["/actions/place"] = answer("<p>Thank you.</p>", 200, {"jogakbo-fragment": "cafe/nobody-knows"})
    async with portal(tmp_path, {"cafe": cafe.address}) as shell:
        page = await shell.post("/-/cafe/actions/place")
    assert page.status_code == 200
    assert "<p>Thank you.</p>" in page.text
    assert "data-fragment" not in page.text


async def test_a_problem_for_programs_is_told_to_a_person_in_words(cafe: FakeFragmentServer, tmp_path: Path) -> None:
    cafe.declare(cart={})
    problem = '{"title": "service unavailable", "status": 503, "detail": "GET http://10.0.0.7/drafts"}'
    cafe.at["/actions/place"] = answer(problem, 503, {"content-type": "application/problem+json"})
    async with portal(tmp_path, {"cafe": cafe.address}) as shell:
        page = await shell.post("/-/cafe/actions/place", accept_language="ko")
        for_a_program = await shell.post("/-/cafe/actions/place", accept="application/json")
    assert page.status_code == 503
    assert "<h1>잠시 쉬고 있습니다</h1>" in page.text
    assert "10.0.0.7" not in page.text
    assert for_a_program.json()["detail"] == "GET http://10.0.0.7/drafts"


async def test_a_page_of_its_own_leads_back_and_opens_no_stream(cafe: FakeFragmentServer, tmp_path: Path) -> None:
    cafe.declare(cart={})
    cafe.at["/cart"] = answer("<p>Nothing here yet.</p>")
    async with portal(tmp_path, {"cafe": cafe.address}) as shell:
        page = await shell.get("/-/cafe/cart")
    assert '<a href="/">To the counter</a>' in page.text
    assert "Nothing here yet." in page.text
    assert "data-grant" not in page.text


async def test_a_form_corrected_after_a_refusal_goes_back_to_the_page_it_was_on(
    cafe: FakeFragmentServer, tmp_path: Path
) -> None:
    cafe.declare(prices={})
    cafe.at["/actions/price"] = answer("<p>no</p>", 422, {"jogakbo-fragment": "cafe/prices"})
    async with portal(tmp_path, {"cafe": cafe.address}) as shell:
        for page in ("/menu?only=tea&lang=ko", "/-/cafe/actions/price"):
            await shell.post("/-/cafe/actions/price", referer=f"{shell.origin}{page}")
    sent = cafe.requests("/actions/price")
    assert [request.header("jogakbo-page") for request in sent] == ["/menu?only=tea&lang=ko"] * 2


async def test_a_forged_page_to_go_back_to_is_not_believed(cafe: FakeFragmentServer, tmp_path: Path) -> None:
    cafe.declare(prices={})
    cafe.at["/actions/price"] = answer("", 303, {"location": "/"})
    async with portal(tmp_path, {"cafe": cafe.address}) as shell:
        for forged in (
            "//evil.example",
            "https://evil.example",
            ".evil.example",
            "%2F%2Fevil.example",
            "@evil.example/",
        ):
            await shell.post(
                "/-/cafe/actions/price", referer=f"{shell.origin}/-/cafe/actions/x", cookie=f"form-page={forged}"
            )
    assert [request.header("jogakbo-page") for request in cafe.requests("/actions/price")] == [""] * 5


async def test_a_refusal_reloaded_by_its_address_or_in_another_language_is_the_page_again(
    cafe: FakeFragmentServer, tmp_path: Path
) -> None:
    cafe.declare(prices={})
    cafe.at["/actions/price"] = answer("<p>no</p>", 422, {"jogakbo-fragment": "cafe/prices"})
    async with portal(tmp_path, {"cafe": cafe.address}) as shell:
        await shell.post("/-/cafe/actions/price", referer=f"{shell.origin}/menu")
        cafe.at["/actions/price"] = answer("no", 405, {"content-type": "text/plain"})
        page = await shell.get("/-/cafe/actions/price?lang=ko")
    assert (page.status_code, page.headers["location"]) == (303, "/menu")
    assert "lang=ko" in page.headers["set-cookie"]
