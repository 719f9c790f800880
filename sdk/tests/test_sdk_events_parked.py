"""What a service does with events that it was not made for, and with those that it has set aside."""

from __future__ import annotations

import json

import msgspec
import pytest
from sqlalchemy import Connection

from jogakbo.contract.cloudevent import CloudEvent
from jogakbo.contract.streams import Position
from jogakbo.database import Database
from jogakbo.events import Consumer
from jogakbo.events.inbox import Entry, HandlerFailed, Inbox
from jogakbo.events.parked import Parked


class Paid(msgspec.Struct):
    won: int


class Till:
    """A service that counts money; it can be made to stumble."""

    def __init__(self, *, strict: bool) -> None:
        self.won: list[int] = []
        self.stumbles = False
        self.consumer = Consumer(strict=strict)

        @self.consumer.on("shop.Paid", Paid, version=2)
        def paid(connection: Connection, event: CloudEvent, data: Paid) -> None:
            if self.stumbles:
                raise RuntimeError("the drawer is stuck")
            self.won.append(data.won)


def _entry(seq: int, type: str = "shop.Paid", *, version: int = 1) -> Entry:
    event: dict[str, object] = {
        "specversion": "1.0",
        "id": f"7-{seq}",
        "source": "shop",
        "type": type,
        "subject": "order-1",
    }
    event |= {"time": "2026-11-22T13:40:00Z", "data": {"won": seq}}
    payload = event if version == 1 else event | {"dataversion": version}
    return Entry(Position(7, seq), json.dumps(payload).encode())


def _deliver(database: Database, till: Till, *entries: Entry) -> Position:
    return till.consumer.inbox(database, "shop").deliver("shop", entries)


def _parked(inbox: Inbox, entry: Entry) -> None:
    with pytest.raises(HandlerFailed) as failed:
        inbox.deliver("shop", [entry])
    inbox.park("shop", entry, str(failed.value), 1)


def test_a_view_passes_over_what_it_was_not_made_for(database: Database) -> None:
    view = Till(strict=False)
    at = _deliver(database, view, _entry(1), _entry(2, version=3), _entry(3, "shop.Moved"), _entry(4, version=2))
    assert view.won == [1, 4]
    assert at == Position(7, 4)


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        (_entry(1, "shop.Moved"), "nobody here handles"),
        (_entry(1, version=3), "version 3 is newer than 2"),
    ],
)
def test_money_does_not_pass_over_what_it_was_not_made_for(database: Database, entry: Entry, reason: str) -> None:
    till = Till(strict=True)
    till.consumer.ignore("shop.Paid", "stock.*")  # neither is about a type that has a handler, nor about another one
    with pytest.raises(HandlerFailed, match=reason) as failed:
        _deliver(database, till, entry)
    assert failed.value.hopeless


@pytest.mark.parametrize("ignored", ["shop.Moved", "shop.*"])
def test_a_type_that_is_ignored_by_name_is_passed_over_by_money_too(database: Database, ignored: str) -> None:
    till = Till(strict=True)
    till.consumer.ignore(ignored)
    _deliver(database, till, _entry(1, "shop.Moved"), _entry(2))
    assert till.won == [2]


def test_a_parked_event_says_what_it_is_and_is_handled_by_the_release_that_knows_it(database: Database) -> None:
    _parked(Till(strict=True).consumer.inbox(database, "shop"), _entry(1, version=3))
    later = Till(strict=True)
    later.consumer = Consumer(strict=True)
    later.consumer.on("shop.Paid", Paid, version=3)(lambda connection, event, data: later.won.append(data.won))
    parked = Parked(database, later.consumer)
    [event] = parked.oldest(10)
    assert (event.stream, event.position, event.type, event.subject) == ("shop", "7-1", "shop.Paid", "order-1")
    assert event.attempts == 1
    parked.retry("shop", Position(7, 1))
    assert later.won == [1]
    assert parked.count() == 0


def test_a_retry_that_fails_leaves_the_event_with_its_new_reason(database: Database) -> None:
    till = Till(strict=True)
    till.stumbles = True
    inbox, parked = till.consumer.inbox(database, "shop"), Parked(database, till.consumer)
    inbox.park("shop", _entry(1), "the drawer was away", 10)
    with pytest.raises(HandlerFailed, match="stuck"):
        parked.retry("shop", Position(7, 1))
    [event] = parked.oldest(10)
    assert (event.attempts, "stuck" in event.reason) == (11, True)


def test_what_is_no_event_is_parked_without_a_type(database: Database) -> None:
    till = Till(strict=False)
    _parked(till.consumer.inbox(database, "shop"), Entry(Position(7, 1), b"rubbish"))
    [event] = Parked(database, till.consumer).oldest(10)
    assert (event.type, event.subject) == ("", "")
    assert "not a CloudEvent" in event.reason


def test_what_is_not_parked_cannot_be_retried(database: Database) -> None:
    with pytest.raises(LookupError, match="7-9 of shop"):
        Parked(database, Till(strict=True).consumer).retry("shop", Position(7, 9))


def test_a_lost_message_is_as_if_it_had_never_come_and_the_same_message_again_is_heard(database: Database) -> None:
    till = Till(strict=True)
    till.consumer.losses.lose("shop.Paid")
    _deliver(database, till, _entry(1), _entry(2))
    assert till.won == [2]


def test_a_message_stays_lost_when_its_transaction_is_undone(database: Database) -> None:
    till = Till(strict=True)
    till.consumer.losses.lose("shop.Paid")
    for _ in range(2):
        with pytest.raises(HandlerFailed):
            _deliver(database, till, _entry(1), _entry(2, "shop.Moved"))
    _deliver(database, till, _entry(1))
    assert till.won == []
