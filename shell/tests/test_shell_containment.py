"""A fragment stays in its slot, whatever its markup is."""

from __future__ import annotations

import time

import pytest
from selectolax.lexbor import LexborHTMLParser

from jogakbo_shell.composition.containment import contain
from jogakbo_shell.composition.errors import BadMarkup

BROKEN = {
    "stray end tags": "</div></section></main></body></html><p>a",
    "never closed": "<div><ul><li><b>a<table><tr><td>",
    "comment never closed": "<p>a</p><!-- and all that follows",
    "attribute never closed": "<p>a</p><a href='/x",
    "plaintext": "<p>a</p><plaintext>",
    "textarea never closed": "<p>a</p><textarea>",
    "script never closed": "<p>a</p><script>",
    "style never closed": "<p>a</p><style>",
    "svg never closed": "<p>a</p><svg><g>",
    "select never closed": "<p>a</p><select><option>",
    "template never closed": "<p>a</p><template>",
    "noscript with a trap": "<p>a</p><noscript><p title='</noscript><div>'>",
    "a whole document": "<!doctype html><html><head><title>t</title></head><body class=x><p>a</body></html>",
    "a table cell alone": "<td>a</td><caption>b</caption>",
    "a form in a form": "<form><div><form><input></div></form></form></form>",
}


@pytest.mark.parametrize("markup", BROKEN.values(), ids=BROKEN.keys())
def test_broken_markup_cannot_swallow_what_follows(markup: str) -> None:
    html = contain(markup.encode()).html
    page = LexborHTMLParser(f"<main><section id=slot>{html}</section><p id=next>next</p></main>")
    follower = page.css_first("#next")
    assert follower is not None
    assert follower.parent is not None
    assert follower.parent.tag == "main"
    assert follower.text() == "next"


def test_what_is_well_formed_stays_as_it_is() -> None:
    html = '<h2>Menu</h2><ul><li class="x"><a href="/a?b=1&amp;c=2">₩4,500</a></li></ul>'
    assert contain(html.encode()).html == html


@pytest.mark.parametrize(
    "markup",
    [
        '<!--#include virtual="/secret" --><p>a</p>',
        "<!--esi <p>b</p> --><p>a</p>",
        '<esi:include src="/secret"/><p>a</p>',
        "<esi:remove><p>a</p></esi:remove>",
        "<?php secret() ?><p>a</p>",
        '<template><!--#include virtual="/secret" --></template><p>a</p>',
    ],
)
def test_tags_of_other_composers_are_inert(markup: str) -> None:
    html = contain(markup.encode()).html
    assert "<p>a</p>" in html
    for sign in ("<!--", "<esi:", "<?"):
        assert sign not in html


def test_an_include_in_an_attribute_is_inert() -> None:
    assert "<!--" not in contain(b"<p title='<!--#include virtual=\"/x\" -->'>a").html


def test_what_belongs_into_the_head_is_lifted() -> None:
    contained = contain(
        b'<title>Order 42</title><link rel="canonical" href="/orders/42"><meta name="description" content="d"><p>a</p>'
    )
    assert contained.html == "<p>a</p>"
    assert contained.title == "Order 42"
    assert contained.head == ('<link rel="canonical" href="/orders/42">', '<meta name="description" content="d">')


@pytest.mark.parametrize(
    "markup",
    [
        "<script src='/x.js'></script>",
        "<script>alert(1)</script>",
        "<style>p{}</style>",
        "<link rel=stylesheet href=//evil.example/x.css>",
        "<meta http-equiv=refresh content='0;url=//evil.example'>",
        "<base href=//evil.example>",
        "<iframe src=//evil.example></iframe>",
    ],
)
def test_what_no_fragment_may_bring_is_dropped(markup: str) -> None:
    contained = contain(f"{markup}<p>a</p>".encode())
    assert (contained.html, contained.head) == ("<p>a</p>", ())


def test_event_handlers_and_inline_styles_are_dropped() -> None:
    assert contain(b'<p onclick="x()" STYLE="color:red" class="k">a</p>').html == '<p class="k">a</p>'


def test_a_title_in_an_svg_is_its_name_and_stays() -> None:
    html = '<svg role="img"><title>Sales</title><path d="M0 0"></path></svg>'
    assert contain(html.encode()).html == html


def test_what_is_not_utf8_is_refused() -> None:
    with pytest.raises(BadMarkup, match="UTF-8"):
        contain("카페".encode("euc-kr"))


@pytest.mark.parametrize("markup", ["<div>" * 200_000, "<b>" * 100_000 + "</b>" * 100_000], ids=["open", "closed"])
def test_endless_nesting_is_refused_at_once(markup: str) -> None:
    began = time.perf_counter()
    with pytest.raises(BadMarkup, match="256"):
        contain(markup.encode())
    assert time.perf_counter() - began < 1


def test_a_long_flat_fragment_is_not_taken_for_a_deep_one() -> None:
    html = "<ul>" + "<li>a</li>" * 5_000 + "</ul>"
    assert contain(html.encode()).html == html
