"""The Link header field, as its standard has it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jogakbo_shell.composition.links import Link, parse_links

TARGETS = st.text(st.characters(codec="ascii", categories=["L", "N", "P", "S"], exclude_characters="<>"))
NAMES = st.text("abcdefghijklmnopqrstuvwxyz0123456789-", min_size=1)
VALUES = st.text(st.characters(max_codepoint=255))
LINKS = st.lists(st.builds(Link, TARGETS, st.dictionaries(NAMES, VALUES, max_size=4)), max_size=4)
SPACE = st.sampled_from(["", " ", "\t "])


@st.composite
def written(draw: st.DrawFn, link: Link) -> str:
    """The link as some server might write it: quoted where it has to be, and spaces where they may be."""
    text = f"<{link.target}>"
    for name, value in link.parameters.items():
        must = not value or any(letter in '"\\;, \t=' for letter in value)
        quoted = must or draw(st.booleans())
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        shown = f'"{escaped}"' if quoted else value
        cased = draw(st.sampled_from([name, name.upper()]))
        text += f"{draw(SPACE)};{draw(SPACE)}{cased}{draw(SPACE)}={draw(SPACE)}{shown}"
    return text


@given(LINKS, st.data())
def test_what_was_written_is_read(links: list[Link], data: st.DataObject) -> None:
    field = data.draw(SPACE) + ", ".join(data.draw(written(link)) for link in links)
    assert parse_links(field) == tuple(links)


@given(st.text("<>;,=\"\\ rel*'%a", max_size=60))
def test_anything_is_read_without_complaint_and_in_order(field: str) -> None:
    targets = [link.target for link in parse_links(field)]
    at = 0
    for target in targets:
        at = field.index(target, at) + len(target)


@given(LINKS, LINKS, st.data())
def test_fields_may_be_joined(some: list[Link], others: list[Link], data: st.DataObject) -> None:
    first, second = (", ".join(data.draw(written(link)) for link in links) for links in (some, others))
    assert parse_links(f"{first}, {second}") == parse_links(first) + parse_links(second)


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ("</a.css>; rel=stylesheet", [("/a.css", {"rel": "stylesheet"})]),
        ('</a,b.css>;title="a, b; c=\\"d\\"" , </c>', [("/a,b.css", {"title": 'a, b; c="d"'}), ("/c", {})]),
        ("</a>; crossorigin; async; rel=x", [("/a", {"crossorigin": "", "async": "", "rel": "x"})]),
        ("</a>; media=(min-width: 600px); rel=x", [("/a", {"media": "(min-width: 600px)", "rel": "x"})]),
        ("</a>; REL=a; rel=b", [("/a", {"rel": "a"})]),
        (
            "</a>; title*=UTF-8'ko'%EC%B9%B4%ED%8E%98; x*=latin-1''%e9",
            [("/a", {"title*": "카페", "x*": "latin-1''%e9"})],
        ),
        ("</a>;;rel=x; ", [("/a", {"rel": "x"})]),
        (",, </a>,, </b>,", [("/a", {}), ("/b", {})]),
        ('</a>; title="never ends, </b>', [("/a", {"title": "never ends, </b>"})]),
        ("</a>, print; rel=x, </b>", [("/a", {})]),
        ("", []),
        ("/a; rel=x", []),
        ("</a", []),
    ],
)
def test_the_field_is_read_as_the_standard_has_it(field: str, expected: list[tuple[str, dict[str, str]]]) -> None:
    assert [(link.target, dict(link.parameters)) for link in parse_links(field)] == expected


def test_a_link_may_have_several_relations() -> None:
    assert parse_links('</a>; rel="Alternate  stylesheet"')[0].relations == {"alternate", "stylesheet"}
