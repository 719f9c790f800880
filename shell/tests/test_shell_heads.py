"""One head for a page, whatever its fragments say of it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from html import escape

import pytest
from hypothesis import given
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser

from jogakbo_shell.composition.heads import Head, Lifted, merge_heads
from jogakbo_shell.composition.robots import strictest

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
HREF = st.one_of(
    TEXT,
    st.sampled_from(
        ["/a", "?page=2", "b", "https://cafe.example/a", "//h/x", "javascript:1", " JaVaScript:1", "java\tscript:1"]
    ),
)
PROPERTY = st.sampled_from(
    ["og:title", "og:image", "og:image:alt", "OG:Title", "og:locale:alternate", "twitter:card", "article:tag", "x"]
)
ROBOTS = st.lists(
    st.sampled_from(["index", "noindex", "follow", "none", "all", "max-snippet:-1", "max-snippet: 5", "noarchive"]),
    max_size=3,
).map(", ".join)
NAME = st.sampled_from(["description", "keywords", "author", "viewport", "referrer", "twitter:card"])
RELATION = st.sampled_from(["canonical", "alternate", "next", "stylesheet", "modulepreload", "Canonical", "icon"])


def tag(element: str, attributes: Mapping[str, str]) -> str:
    return f"<{element}{''.join(f' {name}={chr(34)}{escape(value)}{chr(34)}' for name, value in attributes.items())}>"


def meta(name: str, content: str) -> str:
    return tag("meta", {"property" if name.startswith("og:") else "name": name, "content": content})


def link(relation: str, href: str, **more: str) -> str:
    return tag("link", {"rel": relation, "href": href, **more})


TAG = st.one_of(
    st.builds(lambda name, content: tag("meta", {"name": name, "content": content}), NAME, TEXT),
    st.builds(lambda name, content: tag("meta", {"property": name, "content": content}), PROPERTY, TEXT),
    st.builds(lambda content: tag("meta", {"name": "robots", "content": content}), ROBOTS),
    st.builds(
        lambda content: tag("meta", {"property": "x", "http-equiv": "refresh", "onload": "1", "content": content}), TEXT
    ),
    st.builds(lambda relation, href: link(relation, href, onload="1"), RELATION, HREF),
    st.builds(
        lambda href, language: link("alternate", href, hreflang=language), HREF, st.sampled_from(["ko", "EN", "en"])
    ),
)
LIFTED = st.builds(Lifted, st.booleans(), TEXT, st.lists(TAG, max_size=6).map(tuple))
HEADS = st.lists(LIFTED, max_size=4)


def tags_of(head: Head) -> list[tuple[str, dict[str, str]]]:
    nodes = LexborHTMLParser(head.html, is_fragment=True).css("*")
    return [(node.tag or "", {name: value or "" for name, value in node.attributes.items()}) for node in nodes]


def scheme_of(href: str) -> str:
    """As a browser has it: what stands before the address, and tabs and ends of line in it, do not count."""
    match = re.match("([a-z][a-z0-9+.-]*):", re.sub(r"[\t\r\n]", "", href.lstrip("".join(map(chr, range(33))))).lower())
    return match[1] if match else ""


def values(head: Head, element: str, **wanted: str) -> list[str]:
    """`values(head, "meta", name="description")`: what each such element holds, its content or its address."""
    return [
        attributes["content" if element == "meta" else "href"]
        for name, attributes in tags_of(head)
        if name == element and wanted.items() <= attributes.items()
    ]


def lifted(*tags: str, primary: bool = False, title: str = "") -> Lifted:
    return Lifted(primary, title, tags)


@given(HEADS)
def test_a_head_holds_only_harmless_links_and_metas(heads: list[Lifted]) -> None:
    head = merge_heads(heads)
    for element, attributes in tags_of(head):
        if element == "link":
            assert attributes.keys() <= {"rel", "href", "hreflang", "type", "title", "media"}
            assert attributes["rel"] in ("canonical", "alternate", "next")
            assert scheme_of(attributes["href"]) in ("", "http", "https")
        else:
            assert element == "meta"
            assert attributes.keys() in ({"name", "content"}, {"property", "content"})
            assert attributes.get("name") not in ("viewport", "referrer")


@given(HEADS)
def test_a_head_says_nothing_twice(heads: list[Lifted]) -> None:
    head = merge_heads(heads)
    once = [
        attributes.get("name") or attributes.get("property") or attributes.get("hreflang", attributes["rel"]).lower()
        for _, attributes in tags_of(head)
        if attributes.get("property") not in ("og:image", "og:image:alt", "og:locale:alternate", "article:tag", "x")
        and (attributes.get("rel") != "alternate" or "hreflang" in attributes)
    ]
    assert len(once) == len(set(once))


@given(HEADS)
def test_a_merged_head_stays_as_it_is(heads: list[Lifted]) -> None:
    head = merge_heads(heads)
    assert merge_heads([lifted(head.html, primary=True, title=head.title)]) == head


@given(HEADS)
def test_who_must_not_be_indexed_is_not(heads: list[Lifted]) -> None:
    said = ",".join(html for one in heads for html in one.tags if 'name="robots"' in html)
    result = ",".join(values(merge_heads(heads), "meta", name="robots"))
    assert ("noindex" in result) == ("noindex" in said or "none" in said)


def test_a_primary_fragment_speaks_for_the_page() -> None:
    aside = lifted(meta("description", "aside"), link("canonical", "/aside"), link("next", "?p=9"), title="Aside")
    first = lifted(meta("author", "Mina"), link("canonical", "/a"), primary=True)
    second = lifted(meta("description", "b"), link("canonical", "/b"), primary=True, title="B")
    head = merge_heads([aside, first, second])
    assert head.title == "B"
    assert values(head, "meta", name="description") == ["b"]
    assert values(head, "meta", name="author") == ["Mina"]
    assert values(head, "link", rel="canonical") == ["/a"]
    assert values(head, "link", rel="next") == ["?p=9"]


def test_without_a_primary_fragment_there_is_neither_title_nor_canonical() -> None:
    head = merge_heads([lifted(link("canonical", "/a"), meta("description", "one"), title="A"), lifted()])
    assert head == Head("", '<meta name="description" content="one">')
    assert merge_heads([lifted(), lifted(title="A")]) == merge_heads([]) == Head("", "")


def test_each_language_has_one_alternate_and_feeds_are_told_apart_by_their_address() -> None:
    feed = {"type": "application/rss+xml", "title": "New"}
    head = merge_heads(
        [
            lifted(link("alternate", "/ko", hreflang="ko"), link("alternate", "/feed", **feed)),
            lifted(link("alternate", "/other", hreflang="KO"), link("alternate", "/en", hreflang="en"), primary=True),
            lifted(link("alternate", "/feed", **feed), link("alternate", "/news", **feed)),
        ]
    )
    assert values(head, "link", rel="alternate") == ["/other", "/en", "/feed", "/news"]


def test_a_property_comes_from_one_fragment_with_all_its_values_in_their_order() -> None:
    pictures = [meta("og:image", "1"), meta("og:image:alt", "one"), meta("og:image", "2"), meta("og:image:alt", "two")]
    head = merge_heads(
        [
            lifted(meta("og:image", "other"), meta("og:title", "other"), meta("og:type", "article")),
            lifted(*pictures, meta("og:title", "first"), meta("og:title", "again"), primary=True),
        ]
    )
    said = [(attributes["property"], attributes["content"]) for _, attributes in tags_of(head)]
    assert said == [
        ("og:image", "1"),
        ("og:image:alt", "one"),
        ("og:image", "2"),
        ("og:image:alt", "two"),
        ("og:title", "first"),
        ("og:type", "article"),
    ]


def test_keywords_are_joined() -> None:
    head = merge_heads(
        [lifted(meta("keywords", "Tea, coffee")), lifted(meta("keywords", "tea,  milk,, "), primary=True)]
    )
    assert values(head, "meta", name="keywords") == ["tea, milk, coffee"]


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ([], ""),
        (["index, follow"], "index, follow"),
        (["all"], "index, follow"),
        (["index, follow", "NoIndex"], "follow, noindex"),
        (["none", "all"], "noindex, nofollow"),
        (
            ["max-snippet:-1, max-image-preview:large", "max-snippet: 50, max-image-preview:standard"],
            "max-snippet:50, max-image-preview:standard",
        ),
        (["max-snippet:50", "max-snippet:-1"], "max-snippet:50"),
        (["max-snippet:x", "max-snippet:5"], "max-snippet:x"),
        (["unavailable_after: 2026-12-01", "noarchive, noarchive"], "unavailable_after:2026-12-01, noarchive"),
    ],
)
def test_the_strictest_word_to_crawlers_counts(said: Iterable[str], expected: str) -> None:
    assert strictest(said) == expected


@given(st.lists(ROBOTS, max_size=4))
def test_it_does_not_matter_who_says_it(said: list[str]) -> None:
    assert set(strictest(said).split(", ")) == set(strictest(reversed(said)).split(", "))
    assert strictest([strictest(said)]) == strictest(said)


def test_a_fragment_cannot_fill_the_head() -> None:
    many = lifted(*(meta("article:tag", str(number)) for number in range(200)))
    long = lifted(meta("description", "x" * 9000), meta("author", "Mina"))
    assert len(tags_of(merge_heads([many]))) == 64
    assert merge_heads([long]).html == ""
