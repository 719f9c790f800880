"""The contract as data: what is read back is what was written, and what is wrong is named."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jogakbo.contract.cloudevent import (
    CloudEvent,
    EventError,
    decode_changed,
    decode_data,
    decode_event,
    encode_data,
    encode_event,
)
from jogakbo.contract.manifest import ManifestError, decode_manifest
from jogakbo.contract.problem import decode_problem
from jogakbo.contract.streams import Position, stream_name
from jogakbo.contract.surrogate import format_keys, parse_keys


class Placed(msgspec.Struct):
    order_id: str


EVENT = CloudEvent(
    id="1763816400000-1",
    source="orders",
    type="orders.OrderPlaced",
    time=datetime(2026, 11, 22, 9, 0, tzinfo=UTC),
    data=encode_data(Placed("42")),
    subject="42",
    keys="orders order-42",
)

MANIFEST: dict[str, object] = {
    "name": "orders",
    "version": "1.0.0",
    "content": "/board",
    "jogakbo": {"contract": 1, "fragments": {"board": {"path": "/board", "title": {"en": "Board"}}}},
}


def _manifest(**extension: object) -> bytes:
    inside: dict[str, object] = {**MANIFEST["jogakbo"], **extension}  # type: ignore[dict-item]
    return json.dumps({**MANIFEST, "jogakbo": inside}).encode()


def test_an_event_is_read_as_it_was_written() -> None:
    event = decode_event(encode_event(EVENT))
    assert event.changed == {"orders", "order-42"}
    assert decode_data(event, Placed) == Placed("42")


def test_an_event_on_the_wire_is_a_cloudevent_without_empty_attributes() -> None:
    wire = json.loads(encode_event(EVENT))
    assert wire["specversion"] == "1.0"
    assert wire["data"] == {"order_id": "42"}
    assert "traceparent" not in wire


@pytest.mark.parametrize("payload", [b"", b"{}", b"[]", b'{"keys": 3}', b"\xff", b'{"specversion": "1.0"}'])
def test_bytes_that_are_no_event_are_named_so(payload: bytes) -> None:
    with pytest.raises(EventError, match="not a CloudEvent"):
        decode_event(payload)


def test_another_specversion_is_refused() -> None:
    with pytest.raises(EventError, match=r"specversion is '2\.0'"):
        decode_event(encode_event(EVENT).replace(b'"specversion":"1.0"', b'"specversion":"2.0"'))


def test_data_that_lacks_a_field_names_the_event() -> None:
    event = decode_event(encode_event(EVENT).replace(b"order_id", b"other_id"))
    with pytest.raises(EventError, match=r"orders\.OrderPlaced 1763816400000-1.*order_id"):
        decode_data(event, Placed)


def test_changed_keys_are_read_without_the_rest() -> None:
    assert decode_changed(b'{"keys": "a b", "data": 1}') == {"a", "b"}
    assert decode_changed(b"{}") == frozenset()
    with pytest.raises(EventError):
        decode_changed(b"rubbish")


@given(st.sets(st.from_regex(r"[!-~]{1,30}", fullmatch=True), max_size=8))
def test_keys_survive_the_header(keys: set[str]) -> None:
    assert parse_keys(format_keys(keys)) == keys


@given(st.text(max_size=200))
def test_whatever_a_header_holds_only_keys_come_out(text: str) -> None:
    assert parse_keys(format_keys(parse_keys(text))) == parse_keys(text)


def test_a_key_that_could_not_be_read_back_is_refused() -> None:
    with pytest.raises(ValueError, match="two words"):
        format_keys(["two words"])


@given(st.integers(0, 2**60), st.integers(0, 2**60))
def test_a_position_survives_its_text(epoch: int, seq: int) -> None:
    assert Position.parse(str(Position(epoch, seq))) == Position(epoch, seq)


@pytest.mark.parametrize("text", ["", "1", "1-", "-1", "a-b", "1-2-3", "1-²"])
def test_a_text_that_is_no_position_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="a position is"):
        Position.parse(text)


def test_a_new_epoch_is_above_and_does_not_follow() -> None:
    assert Position(2, 1) > Position(1, 99)
    assert not Position(2, 1).follows(Position(1, 99))
    assert Position(1, 100).follows(Position(1, 99))
    assert not Position(1, 101).follows(Position(1, 99))


def test_a_stream_is_named_after_its_service() -> None:
    assert stream_name("menu") == "jogakbo:stream:menu"
    with pytest.raises(ValueError, match="Menu"):
        stream_name("Menu")


def test_a_manifest_is_read_with_its_defaults() -> None:
    manifest = decode_manifest(_manifest())
    assert manifest.streams == ("orders",)
    assert manifest.fragments["board"].timeout_ms == 1000


def test_a_plain_podlet_is_one_fragment_without_streams() -> None:
    manifest = decode_manifest(b'{"name": "header", "version": "3", "content": "/", "fallback": "/fallback"}')
    assert manifest.fragments["main"].fallback == "/fallback"
    assert manifest.streams == ()


@pytest.mark.parametrize(
    ("payload", "message"),
    [
        (b"<html>", "manifest.json"),
        (b'{"name": "x"}', "version"),
        (json.dumps({**MANIFEST, "name": "Or ders"}).encode(), "name is 'Or ders'"),
        (_manifest(contract=2), "contract is 2; this side speaks 1"),
        (_manifest(fragments={"board": {"path": "board", "title": {"en": "B"}}}), "path is 'board'"),
        (_manifest(fragments={"board": {"path": "//evil", "title": {"en": "B"}}}), "path is '//evil'"),
        (_manifest(fragments={"board": {"path": "/b", "title": {}}}), "title is empty"),
        (_manifest(fragments={"board": {"path": "/b", "title": {"en": "B"}, "timeout_ms": 0}}), "timeout_ms is 0"),
        (_manifest(fragments={"board": {"path": "/b", "title": {"en": "B"}, "audience": "me"}}), "audience is 'me'"),
        (
            _manifest(fragments={"board": {"path": "/b", "title": {"en": "B"}, "params": {"id": {"pattern": "("}}}}),
            r"params\.id\.pattern",
        ),
        (_manifest(pages=[{"path": "/-/status", "title": {"en": "S"}, "fragments": []}]), "path is '/-/status'"),
    ],
)
def test_a_wrong_manifest_is_refused_with_the_field_and_its_value(payload: bytes, message: str) -> None:
    with pytest.raises(ManifestError, match=message):
        decode_manifest(payload)


def test_a_peers_answer_that_is_no_problem_is_still_one_with_its_status() -> None:
    assert decode_problem(b"<html>", 502).status == 502
    assert decode_problem(b'{"title": "gone", "status": 409, "code": "sold_out"}', 409).code == "sold_out"
