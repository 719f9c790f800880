"""The contract as data: what is read back is what was written, and what is wrong is named."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jogakbo.contract.addresses import folder, resolve
from jogakbo.contract.cloudevent import (
    CloudEvent,
    EventError,
    decode_changed,
    decode_data,
    decode_event,
    encode_data,
    encode_event,
)
from jogakbo.contract.manifest import Asset, Manifest, ManifestError, encode_manifest
from jogakbo.contract.manifest_reader import decode_manifest, read_manifest
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


def read(document: dict[str, object]) -> tuple[Manifest, tuple[str, ...]]:
    return read_manifest(json.dumps(document).encode())


PODLET: dict[str, object] = {"name": "myPodlet_2", "version": "3", "content": "/"}


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


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"css": [{"value": "/a.css"}, {"value": 3}]}, r"css\[1\]\.value is 3"),
        ({"css": [{"value": "/a.css"}, {"value": "../b.css"}]}, r"css\[1\]\.value is '\.\./b\.css'"),
        ({"css": [{"value": "/a.css", "media": 3}]}, r"css\[0\]\.media: Expected `str`"),
        ({"css": "/a.css"}, "css: Expected `array`"),
        ({"js": [{"value": "https:///a.js"}]}, r"js\[0\]\.value is 'https:///a\.js'"),
        ({"js": ["/a.js"]}, r"js\[0\]\.value is None"),
        ({"proxy": {"api": 3, "ok": "/ok"}}, "proxy.api is 3"),
        ({"proxy": {"api": "/api?x=1"}}, r"proxy.api is '/api\?x=1'"),
        ({"proxy": {"../x": "/x"}}, r"proxy: name is '\.\./x'"),
        ({"proxy": [{"name": "api"}]}, "proxy.api is None"),
        ({"proxy": "/api"}, "proxy: Expected `object`"),
        ({"team": 3}, "team: Expected `str`"),
        ({"fallback": 3}, "fallback: Expected `str`"),
        ({"fallback": "http://:80/"}, "fallback is 'http://:80/'"),
    ],
)
def test_one_wrong_field_that_can_be_missed_costs_only_itself(wrong: dict[str, object], message: str) -> None:
    manifest, left_out = read({**PODLET, **wrong})
    assert manifest.fragments["main"].path == "/"
    assert [re.search(message, fault) is not None for fault in left_out] == [True]
    with pytest.raises(ManifestError, match=message):
        decode_manifest(json.dumps({**PODLET, **wrong}).encode())


@pytest.mark.parametrize(
    "extension",
    [
        {"pages": [{"path": "/ok", "title": {"en": "Ok"}, "fragments": ["orders/board"]}, {"path": "/x"}]},
        {"pages": [{"path": "/{id}/{id}", "title": {"en": "Twice"}, "fragments": []}]},
        {"pages": [{"path": "/podium-resource/x", "title": {"en": "Ours"}, "fragments": []}]},
        {"pages": [{"path": "/x", "title": {}, "fragments": []}]},
        {"pages": [{"path": "/x", "title": {"en": "X"}, "fragments": ["board"]}]},
        {"streams": ["orders", "Or ders"]},
        {"actions": 3},
        {"fragments": {"board": {"path": "/board", "title": "Board"}}},
        {"fragments": {"board": {"path": "/board", "title": {"en": "B"}, "fallback": "//x"}}},
        {"fragments": {"board": {"path": "/board", "title": {"en": "B"}, "timeout_ms": "1s"}}},
        {"fragments": {"board": {"path": "/board", "title": {"en": "B"}, "timeout_ms": 0}}},
        {"fragments": {"board": {"path": "/board", "title": {"en": "B"}, "presence": "yes"}}},
        {"fragments": {"board": {"path": "/board", "title": {"en": "B"}, "presence": True, "audience": "private"}}},
    ],
)
def test_a_fragment_stays_whatever_can_be_missed_is_wrong_beside_it(extension: dict[str, object]) -> None:
    manifest, left_out = read_manifest(_manifest(**extension))
    assert len(left_out) == 1
    assert manifest.fragments["board"].path == "/board"
    assert manifest.fragments["board"].timeout_ms == 1000
    assert manifest.fragments["board"].presence is False
    assert all(page.path == "/ok" for page in manifest.jogakbo.pages) if manifest.jogakbo else False


@pytest.mark.parametrize(
    "fragment",
    [
        {"path": "/board", "title": {"en": "B"}, "audience": "me"},
        {"path": "/board", "title": {"en": "B"}, "audience": 3},
        {"path": "/board", "title": {"en": "B"}, "params": {"id": {"pattern": "("}}},
        {"path": "/board", "title": {"en": "B"}, "params": {"id": {"required": "yes"}}},
    ],
)
def test_what_would_show_more_than_was_meant_is_never_just_left_out(fragment: dict[str, object]) -> None:
    with pytest.raises(ManifestError):
        read_manifest(_manifest(fragments={"board": fragment}))


BOARD: dict[str, object] = {"path": "/board", "title": {"en": "B"}, "params": {"id": {}}}


def test_a_slot_is_read_and_written_as_it_was_declared() -> None:
    slot = {"fragment": "stock/level", "params": {"ingredient": "id", "unit": "=ml"}}
    manifest = decode_manifest(_manifest(fragments={"board": {**BOARD, "slots": {"level": slot}}}))
    assert manifest.fragments["board"].slots["level"].params == {"ingredient": "id", "unit": "=ml"}
    assert decode_manifest(encode_manifest(manifest)) == manifest


@pytest.mark.parametrize(
    ("wrong", "fault"),
    [
        ({"Level": {"fragment": "stock/level"}}, r"slots\.Level: expected a name"),
        ({"x": {"fragment": "level"}}, r"slots\.x\.fragment is 'level'"),
        ({"x": {}}, r"slots\.x: .*fragment"),
        ({"x": {"fragment": "stock/level", "params": {"a": 3}}}, r"slots\.x: Expected `str`"),
        (
            {"x": {"fragment": "stock/level", "params": {"a": "nr"}}},
            r"slots\.x\.params\.a is 'nr'; expected a parameter",
        ),
        ({"x": "stock/level"}, r"slots\.x: Expected `object`"),
    ],
)
def test_a_wrong_slot_costs_only_itself(wrong: dict[str, object], fault: str) -> None:
    slots = {"level": {"fragment": "stock/level"}, **wrong}
    manifest, left_out = read_manifest(_manifest(fragments={"board": {**BOARD, "slots": slots}}))
    assert list(manifest.fragments["board"].slots) == ["level"]
    assert [re.search(fault, told) is not None for told in left_out] == [True]


def test_slots_that_are_no_mapping_are_left_out() -> None:
    manifest, left_out = read_manifest(_manifest(fragments={"board": {**BOARD, "slots": ["stock/level"]}}))
    assert manifest.fragments["board"].slots == {}
    assert len(left_out) == 1


def test_every_shape_that_podium_had_for_a_manifest_is_read() -> None:
    third, _ = read({**PODLET, "assets": {"js": "/a.js", "css": "a.css"}})
    fourth, _ = read({**PODLET, "assets": {"js": "", "css": ""}, "js": [{"value": "/a.js", "type": "esm"}]})
    fifth, _ = read({**PODLET, "proxy": {"api": "api/"}, "js": [{"value": "/a.js", "type": "default", "async": True}]})
    sixth, _ = read({**PODLET, "proxy": [{"name": "api", "target": "/api"}], "fallback": ""})
    assert (third.css, third.js) == ((Asset(value="/a.css"),), (Asset(value="/a.js"),))
    assert fourth.js == (Asset(value="/a.js", type="module"),)
    assert fifth.js == (Asset(value="/a.js", async_=True),)
    assert fifth.proxy == sixth.proxy == {"api": "/api"}
    assert sixth.fragments["main"].fallback == ""


def test_a_podlets_own_name_need_not_fit_where_the_shell_gives_it_another() -> None:
    assert read(PODLET)[0].name == "myPodlet_2"
    with pytest.raises(ManifestError, match="name is 'my podlet'"):
        read({**PODLET, "name": "my podlet"})


@pytest.mark.parametrize(
    ("address", "base", "expected"),
    [
        ("/a//b/", "http://h:1", "http://h:1/a/b"),
        ("a", "http://h:1/pods/x", "http://h:1/pods/x/a"),
        ("", "http://h:1/pods", "http://h:1/pods"),
        ("/", "http://h:1", "http://h:1/"),
        ("../a", "http://h:1/pods", "http://h:1/a"),
        ("%2e%2e/%2E/../../a", "http://h:1/pods", "http://h:1/a"),
        ("//evil.example/a", "http://h:1", "http://h:1/evil.example/a"),
        ("javascript:alert(1)", "http://h:1", "http://h:1/javascript:alert(1)"),
        ("a.css?v=//x/", "http://h:1", "http://h:1/a.css?v=//x/"),
        ("https://other.example/a/", "http://h:1", "https://other.example/a/"),
    ],
)
def test_an_address_in_a_manifest_is_below_its_folder_or_stands_for_itself(
    address: str, base: str, expected: str
) -> None:
    assert resolve(address, base) == expected


def test_a_manifests_folder_is_its_path_without_what_is_json() -> None:
    assert folder("http://h:1/manifest.json") == "http://h:1"
    assert folder("https://h/pods//x/manifest.json?a=1#b") == "https://h/pods/x"


def test_a_peers_answer_that_is_no_problem_is_still_one_with_its_status() -> None:
    assert decode_problem(b"<html>", 502).status == 502
    assert decode_problem(b'{"title": "gone", "status": 409, "code": "sold_out"}', 409).code == "sold_out"
