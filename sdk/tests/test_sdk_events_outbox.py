"""The outbox: numbers without gaps, in the order of commits."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import msgspec
import pytest
from sqlalchemy import String, inspect, text

from jogakbo.contract.cloudevent import decode_event, encode_event
from jogakbo.contract.streams import Position
from jogakbo.database import Database
from jogakbo.events import Outbox, Outgoing
from jogakbo.events.trace import traced

OUTBOX = Outbox("bakery")


class Baked(msgspec.Struct):
    loaves: int


def _add(database: Database, loaves: int) -> Position:
    with database.write() as connection:
        return OUTBOX.add(connection, "bakery.Baked", "oven-1", Baked(loaves), ["bread", "oven-1"])


def test_an_event_carries_what_the_contract_asks(database: Database) -> None:
    traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    with traced(traceparent):
        position = _add(database, 3)
    with database.read() as connection:
        [event] = OUTBOX.after(connection, 0, 10)
    assert (event.source, event.type, event.subject) == ("bakery", "bakery.Baked", "oven-1")
    assert (event.id, event.keys, event.traceparent) == (str(position), "bread oven-1", traceparent)
    assert bytes(event.data) == b'{"loaves":3}'
    assert event.time.tzinfo is not None


def test_several_at_once_are_numbered_in_their_order(database: Database) -> None:
    first = _add(database, 1)
    with database.write() as connection:
        assert OUTBOX.add_many(connection, []) == []
        two, three = OUTBOX.add_many(
            connection,
            [
                Outgoing("bakery.Baked", "oven-1", Baked(2), ["bread"]),
                Outgoing("bakery.Baked", "oven-2", Baked(3), id="x"),
            ],
        )
        assert OUTBOX.last(connection) == three
    assert two.follows(first)
    assert three.follows(two)
    with database.read() as connection:
        _, second, third = OUTBOX.after(connection, 0, 10)
    assert (second.id, second.subject, second.keys) == (str(two), "oven-1", "bread")
    assert (third.id, third.subject, third.keys) == ("x", "oven-2", "")


def test_a_later_version_of_an_event_says_so_on_the_wire_and_the_first_need_not(database: Database) -> None:
    with database.write() as connection:
        OUTBOX.add(connection, "bakery.Baked", "oven-1", Baked(1))
        OUTBOX.add(connection, "bakery.Baked", "oven-1", Baked(1), version=2)
    with database.read() as connection:
        first, second = (encode_event(event) for event in OUTBOX.after(connection, 0, 10))
    assert b"dataversion" not in first
    assert (decode_event(first).dataversion, decode_event(second).dataversion) == (1, 2)


def test_a_rolled_back_event_leaves_no_hole(database: Database) -> None:
    first = _add(database, 1)
    with pytest.raises(RuntimeError), database.write() as connection:  # noqa: PT012
        OUTBOX.add(connection, "bakery.Baked", "oven-1", Baked(2))
        raise RuntimeError("burnt")
    assert _add(database, 3).follows(first)


def test_threads_that_write_at_once_get_contiguous_numbers(database: Database) -> None:
    with ThreadPoolExecutor(4) as threads:
        positions = list(threads.map(lambda n: _add(database, n), range(40)))
    assert sorted(position.seq for position in positions) == list(range(1, 41))
    assert len({position.epoch for position in positions}) == 1


def test_a_message_sent_again_keeps_its_id(database: Database) -> None:
    with database.write() as connection:
        OUTBOX.add(connection, "bakery.Baked", "oven-1", Baked(1), id="order-7-bake")
        OUTBOX.add(connection, "bakery.Baked", "oven-1", Baked(1), id="order-7-bake")
    with database.read() as connection:
        assert [event.id for event in OUTBOX.after(connection, 0, 10)] == ["order-7-bake"] * 2


def test_a_service_name_that_cannot_be_a_stream_is_refused() -> None:
    with pytest.raises(ValueError, match="a stream is named like"):
        Outbox("Bakery Ltd")


def test_the_table_is_one_that_debeziums_event_router_reads(database: Database) -> None:
    with database.read() as connection:
        columns = {column["name"]: column for column in inspect(connection).get_columns("outbox")}
    for name in ("id", "aggregatetype", "aggregateid", "type", "payload"):
        assert isinstance(columns[name]["type"], String)
        assert not columns[name]["nullable"]
    # What it may put into the headers of a message, so that a consumer there misses nothing of the envelope.
    assert columns.keys() >= {"seq", "keys", "traceparent", "version"}


def test_a_row_says_what_the_event_router_makes_a_message_of(database: Database) -> None:
    position = _add(database, 3)
    with database.read() as connection:
        row = connection.execute(text("SELECT id, aggregatetype, aggregateid, type, payload FROM outbox")).one()
    assert tuple(row) == (str(position), "bakery", "oven-1", "bakery.Baked", '{"loaves":3}')
