"""The same body again is not parsed again, and what is remembered for that is bounded."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jogakbo_shell.composition.errors import BadMarkup
from jogakbo_shell.composition.parsing import Parsed, Parser
from jogakbo_shell.instance import Instance

BOARD = Instance.of("orders/board")
QUEUE = Instance.of("orders/queue")
MAX_BYTES = 2_000


def test_the_same_bytes_are_not_parsed_again() -> None:
    parser = Parser(MAX_BYTES)
    first = parser.parse(BOARD, b"<p>one", "Board")
    assert parser.parse(BOARD, bytes(bytearray(b"<p>one")), "Board") is first
    assert first.markup.endswith(b"<p>one</p></section>")


OTHERS = {
    "other bytes": (BOARD, b"<p>two", "Board"),
    "another label": (BOARD, b"<p>one", "Tafel"),
    "another fragment": (QUEUE, b"<p>one", "Board"),
    "another language": (Instance.of("orders/board", locale="ko"), b"<p>one", "Board"),
    "another parameter": (Instance.parse("orders/board?id=1"), b"<p>one", "Board"),
}


@pytest.mark.parametrize(("instance", "body", "label"), OTHERS.values(), ids=OTHERS.keys())
def test_anything_else_is(instance: Instance, body: bytes, label: str) -> None:
    parser = Parser(MAX_BYTES)
    first = parser.parse(BOARD, b"<p>one", "Board")
    other = parser.parse(instance, body, label)
    fresh = Parser(0).parse(instance, body, label)
    assert other is not first
    assert other == fresh


def test_only_the_last_body_of_an_instance_is_remembered() -> None:
    parser = Parser(MAX_BYTES)
    first = parser.parse(BOARD, b"<p>one", "Board")
    second = parser.parse(BOARD, b"<p>two", "Board")
    assert parser.bytes == second.size
    assert parser.parse(BOARD, b"<p>one", "Board") is not first


def test_what_cannot_be_parsed_is_not_remembered_and_does_no_harm() -> None:
    parser = Parser(MAX_BYTES)
    good = parser.parse(BOARD, b"<p>one", "Board")
    for _ in range(2):
        with pytest.raises(BadMarkup):
            parser.parse(BOARD, b"<p>caf\xe9", "Board")
    assert parser.parse(BOARD, b"<p>one", "Board") is good
    assert parser.bytes == good.size


def test_the_least_recently_used_is_forgotten_first() -> None:
    parser = Parser(MAX_BYTES)
    body = b"x" * 250
    numbers = [Instance.parse(f"orders/track?id={number}") for number in range(3)]
    kept = [parser.parse(instance, body, "Order") for instance in numbers[:2]]
    assert parser.parse(numbers[0], body, "Order") is kept[0]
    parser.parse(numbers[2], body, "Order")
    assert parser.bytes <= MAX_BYTES
    assert parser.parse(numbers[0], body, "Order") is kept[0]
    assert parser.parse(numbers[1], body, "Order") is not kept[1]


def test_a_body_that_would_crowd_out_the_others_is_not_remembered() -> None:
    parser = Parser(1_000_000)
    small = parser.parse(QUEUE, b"<p>small", "Queue")
    parser.parse(BOARD, b"<p>one", "Board")
    large = b"x" * 70_000
    assert parser.parse(BOARD, large, "Board") is not parser.parse(BOARD, large, "Board")
    assert parser.bytes == small.size  # what the large one replaced is gone too


_bodies = st.sampled_from([b"<p>a", b"<p>b", b"x" * 300, b"x" * 900, b"x" * 3_000, b"\xff"])
_instances = st.sampled_from([Instance.parse(f"orders/track?id={number}") for number in range(4)])


@given(st.lists(st.tuples(_instances, _bodies, st.sampled_from(["A", "B"])), max_size=40))
@settings(max_examples=100, deadline=None)
def test_whatever_comes_the_bound_holds_and_the_answer_is_right(steps: list[tuple[Instance, bytes, str]]) -> None:
    parser, right = Parser(MAX_BYTES), Parser(0)
    for instance, body, label in steps:
        if body == b"\xff":
            with pytest.raises(BadMarkup):
                parser.parse(instance, body, label)
            continue
        assert parser.parse(instance, body, label) == right.parse(instance, body, label)
        remembered: list[Parsed] = list(parser._last.values())
        assert parser.bytes == sum(parsed.size for parsed in remembered) <= MAX_BYTES
        assert right.bytes == 0
