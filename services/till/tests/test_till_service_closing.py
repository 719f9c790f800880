"""The close of a day on a real database: every step, every refusal, and a kill at any line."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pytest
from sqlalchemy import Connection, event, func, select, update
from sqlalchemy.exc import IntegrityError

from jogakbo.database import Database
from till_service.adapters.tables import payments, till_store
from till_service.app import MIGRATIONS
from till_service.domain.closing import CloseState, Line, Mismatch, digest
from till_service.domain.errors import (
    DayNotBegunError,
    DayPassedError,
    EarlierDayOpenError,
    NotNewestClosedDayError,
)
from till_service.domain.payment import Accepted
from till_service.handlers.charges import settle_payment
from till_service.handlers.closing import verify

from .conftest import DAY, Till

TOMORROW = date(2026, 3, 3)


def test_a_day_is_closed_step_by_step(till: Till) -> None:
    till.charges("order-1", 4500, "cash")
    till.sells("order-2", 5000)
    assert till.closes().step == "drain"
    folding = till.steps()
    assert (folding.step, folding.details["fold"]) == ("fold", "waiting:reports inventory")
    till.answers_close()
    closed = till.steps()
    assert (closed.state, closed.step, closed.details["archive"]) == (CloseState.CLOSED, "done", "events:5")
    assert [*closed.done] == ["start", "drain", "balance", "fold", "verify", "archive"]
    told = [type for type, subject in till.answers() if subject == "2026-03-02"]
    assert told == ["DayCloseStarted", "DayClosed", "DayArchived"]
    lines = b"pay-order-1:4500\npay-order-2:5000\n"
    assert till.told("till.DayClosed") == [
        {
            "business_day": "2026-03-02",
            "next_day": "2026-03-03",
            "opening_cash_won": 0,
            "closing_cash_won": 4500,
            "cash_won": 4500,
            "card_won": 5000,
            "refunded_won": 0,
            "cash_refunded_won": 0,
            "payments": 2,
            "refunds": 0,
            "digest": sha256(lines).hexdigest(),
        }
    ]
    assert till.told("till.DayArchived")[0]["report_digest"] == sha256(lines).hexdigest()
    with till.database.read() as connection:
        assert connection.scalar(select(func.count()).select_from(till_store.tables.archive)) == 5


def test_the_next_day_opens_with_the_cash_that_was_left(till: Till) -> None:
    till.charges("order-1", 4500, "cash")
    till.charges("order-2", 1000, "cash")
    till.refunds("order-2")
    till.closes_wholly()
    assert till.day(TOMORROW).opening_cash_won == 4500
    till.now += timedelta(days=1)
    till.charges("order-3", 2000, "cash", TOMORROW)
    assert till.closes_wholly(TOMORROW).state is CloseState.CLOSED
    second = till.told("till.DayClosed")[1]
    assert (second["opening_cash_won"], second["closing_cash_won"]) == (4500, 6500)


def test_a_day_that_was_passed_over_breaks_no_chain(till: Till) -> None:
    till.charges("order-1", 4500, "cash")
    till.closes_wholly()
    till.now += timedelta(days=3)
    till.charges("order-2", 1000, "cash", date(2026, 3, 5))
    till.closes_wholly(date(2026, 3, 5))
    assert till.told("till.DayClosed")[1]["opening_cash_won"] == 4500
    with pytest.raises(DayPassedError):
        till.closes(TOMORROW)


def test_what_is_charged_from_the_start_of_the_close_on_is_the_next_days(till: Till) -> None:
    till.charges("order-1", 4500, "cash")
    till.closes()
    till.charges("order-2", 5000, "cash", DAY)
    till.charges("order-3", 6000, "cash", date(2026, 2, 27))
    assert (till.day().takings_won, till.day(TOMORROW).takings_won) == (4500, 11_000)
    with till.store.read() as views:
        assert views.open_day(DAY) == TOMORROW


def test_a_payment_under_way_is_waited_for(till: Till) -> None:
    till.charges("order-1")
    till.closes()
    draining = till.steps()
    assert (draining.step, draining.details["drain"]) == ("drain", "waiting:1")
    till.settles("order-1")
    assert till.steps().step == "fold"
    assert till.told("till.DayClosed")[0]["card_won"] == 4500


def test_what_the_gateway_does_not_answer_in_time_is_carried_over(till: Till) -> None:
    till.charges("order-1")
    till.voids("order-2")
    till.sells("order-3")
    till.refunds("order-3")
    asked = till.payment("order-1")
    till.closes()
    till.now += timedelta(seconds=30)
    assert till.steps().details["drain"] == "carried:3"
    till.store.write_together(lambda books, answers: settle_payment(asked, Accepted("ref"), books, answers))
    assert till.under_way() == ["order-1", "order-2", "order-3"], "the gateway has it on the old day: ask again"
    till.settles("order-1")
    till.reverses("order-2")
    till.reverses("order-3")
    assert (till.day().takings_won, till.day(TOMORROW).takings_won) == (4500, 0)
    assert (till.day(TOMORROW).payments, till.day(TOMORROW).refunds) == (1, 1)


def test_a_void_of_the_days_own_money_is_no_other_days(till: Till) -> None:
    till.sells("order-1")
    till.voids("order-1")
    till.closes()
    till.now += timedelta(minutes=5)
    draining = till.steps()
    assert (draining.step, draining.details["drain"]) == ("drain", "waiting:1")
    till.reverses("order-1")
    till.steps()
    assert till.told("till.DayClosed")[0]["refunds"] == 1


def test_a_day_that_nobody_answers_for_is_told_of_again_under_the_same_id_until_it_is_an_alarm(till: Till) -> None:
    till.sells("order-1")
    till.closes()
    pauses = [2, 4, 8, 16]
    assert not till.steps().is_alarming
    for seconds in pauses:
        till.now += timedelta(seconds=seconds - 1)
        till.steps()
        till.now += timedelta(seconds=1)
        closing = till.steps()
    assert closing.is_alarming
    said = [event.id for event in till.events() if event.type == "till.DayClosed"]
    assert said == [closing.message_id] * 5
    till.answers_close()
    assert not till.steps().is_alarming


def test_a_double_close_is_harmless(till: Till) -> None:
    till.sells("order-1")
    assert till.closes() == till.closes()
    closed = till.closes_wholly()
    before = till.answers()
    assert till.closes() == closed
    till.answers_close()
    assert (till.steps(), till.answers()) == (closed, before)


def test_an_answer_that_comes_twice_counts_once(till: Till) -> None:
    till.sells("order-1")
    till.closes()
    till.steps()
    till.answers_close()
    till.answers_close(taken_won=1)
    assert till.steps().state is CloseState.CLOSED


def test_days_are_closed_in_their_order_and_not_before_they_begin(till: Till) -> None:
    till.charges("order-1", payment="cash", day=date(2026, 3, 1))
    with pytest.raises(EarlierDayOpenError, match="2026-03-01"):
        till.closes()
    with pytest.raises(DayNotBegunError):
        till.closes(TOMORROW)
    till.closes(date(2026, 3, 1))
    with pytest.raises(EarlierDayOpenError, match="2026-03-01"):
        till.closes()
    till.closes_wholly(date(2026, 3, 1))
    assert till.closes_wholly().state is CloseState.CLOSED


def test_a_charge_under_way_keeps_its_day_open_for_the_later_ones(till: Till) -> None:
    till.charges("order-1", day=date(2026, 3, 1))
    with pytest.raises(EarlierDayOpenError):
        till.closes()


def test_a_closed_day_takes_no_events(till: Till) -> None:
    till.sells("order-1")
    till.closes_wholly()
    with pytest.raises(IntegrityError), till.database.write() as connection:
        connection.execute(till_store.events.insert().values(_row()))


def _row() -> dict[str, object]:
    at, about = datetime(2026, 3, 2, tzinfo=UTC), {"subject": "till", "business_day": DAY, "schema_version": 1}
    return {"stream": "till/2026-03-02", "version": 99, "name": "day-reopened", "data": "{}", "at": at, **about}


def test_reports_that_know_another_sum_block_and_are_asked_again(till: Till) -> None:
    till.sells("order-1", 4500)
    till.sells("order-2", 5000)
    till.closes()
    till.steps()
    lines = [Line("pay-order-1", 4500), Line("pay-order-3", 1000)]
    told = [{"payment_id": line.payment_id, "amount_won": line.amount_won} for line in lines]
    till.answers_close(taken_won=5500, digest=digest(lines), lines=told)
    blocked = till.steps()
    assert (blocked.state, blocked.step, blocked.details["verify"]) == (CloseState.BLOCKED, "verify", "mismatch:4")
    ours = till.told("till.DayClosed")[0]["digest"]
    assert blocked.mismatches == (
        Mismatch("digest", None, ours, digest(lines), None, ours),
        Mismatch("taken_won", None, "9500", "5500", None, None),
        Mismatch("payment", "order-2", "5000", None, "5000", "5000"),
        Mismatch("payment", "order-3", None, "1000", None, None),
    )
    with till.database.read() as connection:
        assert connection.scalar(select(func.count()).select_from(till_store.tables.archive)) == 0
    again = till.closes()
    assert (again.state, again.step, again.mismatches) == (CloseState.CLOSING, "fold", ())
    assert len({event.id for event in till.events() if event.type == "till.DayClosed"}) == 2
    till.answers_close()
    assert till.steps().state is CloseState.CLOSED


@pytest.mark.parametrize(
    ("gateway", "theirs"),
    [
        ([], None),
        ([Line("pay-order-1", 4000)], "4000"),
        ([Line("pay-order-1", 4500), Line("pay-order-1", -4500)], None),
    ],
)
def test_a_gateway_that_knows_another_sum_blocks(till: Till, gateway: list[Line], theirs: str | None) -> None:
    till.sells("order-1", 4500)
    till.charges("order-2", 5000, "cash")
    till.closes()
    till.steps()
    till.answers_close()
    blocked = till.steps(gateway=gateway)
    assert blocked.mismatches == (Mismatch("payment", "order-1", "4500", "4500", theirs, "4500"),)


def test_money_at_the_gateway_that_the_till_knows_nothing_of_blocks(till: Till) -> None:
    till.closes()
    till.steps()
    till.answers_close()
    blocked = till.steps(gateway=[Line("pay-order-9", 4500)])
    assert blocked.mismatches == (Mismatch("payment", "order-9", None, None, "4500", None),)


def test_a_charge_that_was_carried_over_is_not_missed_on_the_old_day(till: Till) -> None:
    till.charges("order-1")
    till.closes()
    till.now += timedelta(seconds=30)
    till.steps()
    till.answers_close()
    assert till.steps(gateway=[Line("pay-order-1", 4500)]).state is CloseState.CLOSED


def test_a_read_side_that_differs_from_the_events_blocks(till: Till) -> None:
    till.sells("order-1", 4500)
    with till.database.write() as connection:
        connection.execute(update(payments).values(amount_won=45))
    till.closes()
    till.steps()
    till.answers_close()
    blocked = till.steps()
    assert [(found.what, found.till, found.replay) for found in blocked.mismatches[-1:]] == [("payment", "45", "4500")]
    with till.database.write() as connection:
        connection.execute(update(payments).values(amount_won=4500))


def test_a_silent_gateway_holds_up_the_verification_alone(till: Till) -> None:
    till.sells("order-1")
    till.closes()
    till.steps()
    till.answers_close()
    with till.store.close() as (books, _):
        verify(DAY, None, books)
    waiting = till.closing()
    assert (waiting.step, waiting.details["verify"], waiting.tries) == ("verify", "gateway_silent", 1)
    assert waiting.due == till.now + timedelta(seconds=2)
    assert till.steps().state is CloseState.CLOSED


def test_the_newest_closed_day_can_be_opened_again_and_closed_with_what_came_late(till: Till) -> None:
    till.charges("order-1", 4500, "cash")
    till.closes_wholly()
    assert till.reopens().state is CloseState.REOPENED
    assert till.told("till.DayReopened") == [{"business_day": "2026-03-02", "reason": "a wrong count"}]
    till.charges("order-2", 1000, "cash")
    assert till.day().takings_won == 5500
    assert till.closes_wholly().state is CloseState.CLOSED
    assert [day["closing_cash_won"] for day in till.told("till.DayClosed")] == [4500, 5500]
    assert till.day(TOMORROW).opening_cash_won == 5500
    with till.database.read() as connection:
        assert connection.scalar(select(func.count()).select_from(till_store.tables.archive)) == 7


def test_no_other_day_is_opened_again(till: Till) -> None:
    till.charges("order-1", payment="cash", day=date(2026, 3, 1))
    with pytest.raises(NotNewestClosedDayError):
        till.reopens()
    till.closes_wholly(date(2026, 3, 1))
    till.closes()
    for day in (date(2026, 3, 1), DAY):
        with pytest.raises(NotNewestClosedDayError):
            till.reopens(day)


class _KilledError(BaseException):
    """The process ended here."""


@contextmanager
def _killed_at(database: Database, number: int, *, after: bool) -> Iterator[list[int]]:
    """The process dies before its commit ``number``, or right after it; gives the count of those that were tried."""
    commits = [0]

    def before_commit(_: Connection) -> None:
        commits[0] += 1
        if commits[0] == number and not after:
            raise _KilledError

    def after_commit() -> None:
        if commits[0] == number and after:
            raise _KilledError

    event.listen(database._writer, "commit", before_commit)
    try:
        with database.on_commit(after_commit):
            yield commits
    finally:
        event.remove(database._writer, "commit", before_commit)


def _close_with_kill(till: Till, number: int, *, after: bool) -> int:
    """Close the day with one kill and a new start after it; how many commits were tried before the kill."""
    with _killed_at(till.database, number, after=after) as commits:
        try:
            till.closes_wholly()
        except _KilledError:
            till.database.close()
    till.closes()
    till.steps()
    if till.closing().step == "fold":
        till.answers_close()
    till.steps()
    return commits[0]


@pytest.mark.databases("sqlite")
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_kill_around_any_commit_changes_nothing_of_the_result(
    till: Till, database_url: str, tmp_path: Path, after: bool
) -> None:
    till.charges("order-1", 4500, "cash")
    till.sells("order-2", 5000)
    till.refunds("order-2")
    till.reverses("order-2")
    till.charges("order-3", 7000)  # carried over
    till.database.close()
    results, number, commits = [], 0, 1
    while commits >= number:
        number += 1
        copy = tmp_path / "copy.db"
        shutil.copy(Path(database_url.removeprefix("sqlite:///")), copy)
        database = Database(f"sqlite:///{copy}", migrations=MIGRATIONS)
        again = Till(database)
        again._heard.update(till._heard)
        again.drain = timedelta(0)
        commits = _close_with_kill(again, number, after=after)
        results.append(_result(again))
        database.close()
    assert number > 8, number
    assert all(result == results[-1] for result in results)


def _result(till: Till) -> object:
    """All that anybody can see of a close but for how often it was said."""
    said = {(event.id, event.type, bytes(event.data)) for event in till.events() if "Advanced" not in event.type}
    with till.database.read() as connection:
        streams = [
            [(stored.version, stored.name, stored.event) for stored in till_store.read(connection, stream)]
            for day in (DAY, TOMORROW)
            for stream in till_store.streams(connection, day)
        ]
    types = sorted((type, data) for _, type, data in said)
    return types, streams, replace(till.closing(), message_id="")
