"""The close of a day as a process manager: what is kept says where it stands, each call is one transaction.

After a kill at any line the next call goes on from what was committed last. Nothing here asks another process for
anything: what the gateway says is brought along.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta

from till_service.domain.closing import CloseState, Closing, Folded, Line, begin, compare
from till_service.domain.errors import (
    DayNotBegunError,
    DayPassedError,
    EarlierDayOpenError,
    NotNewestClosedDayError,
)
from till_service.handlers.ports import Answers, DayBooks


def close_day(business_day: date, today: date, drain: timedelta, books: DayBooks, answers: Answers) -> Closing:
    """Begin the close, or try a blocked one again from the fold on; any other repeat changes nothing.

    Raises ``DayNotBegunError``, ``DayPassedError``, ``EarlierDayOpenError``.
    """
    closing = books.closing(business_day)
    if closing is not None and closing.state is CloseState.BLOCKED:
        again = closing.folding_again(books.now)
        return _kept(_said(again, books, answers), books)
    if closing is not None and closing.state is not CloseState.REOPENED:
        return closing
    if business_day > today:
        raise DayNotBegunError(business_day)
    newest = books.newest()
    if newest is not None and business_day < newest.next_day:
        raise DayPassedError(business_day, newest.business_day)
    if (earlier := books.earlier_open_day(business_day)) is not None:
        raise EarlierDayOpenError(earlier)
    closing = begin(business_day, books.now, drain)
    answers.close_started(closing)
    return _kept(closing, books)


def reopen_day(business_day: date, reason: str, books: DayBooks, answers: Answers) -> Closing:
    """Let the newest closed or blocked day take money again. Raises ``NotNewestClosedDayError``."""
    newest = books.newest()
    if newest is None or newest.business_day != business_day or newest.is_under_way:
        raise NotNewestClosedDayError(business_day)
    books.reopen(business_day, reason)
    answers.day_reopened(newest, reason)
    return _kept(replace(newest, state=CloseState.REOPENED), books)


def take_step(business_day: date, books: DayBooks, answers: Answers) -> None:
    """Go one step further, where that needs nothing from others."""
    closing = books.closing(business_day)
    if closing is None or not closing.is_under_way:
        return
    match closing.step:
        case "drain":
            _drain(closing, books)
        case "balance":
            _balance(closing, books, answers)
        case "fold":
            _ask_again(closing, books, answers)
        case "archive":
            _archive(closing, books, answers)


def reports_folded(business_day: date, folded: Folded, books: DayBooks) -> None:
    closing = books.closing(business_day)
    if closing is not None and closing.is_under_way and closing.step == "fold":
        _answered(replace(closing, folded=folded), books)


def stock_closed(business_day: date, books: DayBooks) -> None:
    closing = books.closing(business_day)
    if closing is not None and closing.is_under_way and closing.step == "fold":
        _answered(replace(closing, stock_closed=True), books)


def verify(business_day: date, gateway: Sequence[Line] | None, books: DayBooks) -> None:
    """Compare till, reports, replay and gateway; ``None``: the gateway did not answer."""
    closing = books.closing(business_day)
    if closing is None or not closing.is_under_way or closing.step != "verify":
        return
    if gateway is None or closing.balance is None or closing.folded is None:
        books.keep(closing.noting("gateway_silent").tried(books.now))
        return
    till, replay = books.lines(business_day), books.replayed_lines(business_day)
    cards = books.cards(business_day)
    theirs = [line for line in gateway if line.payment_id in cards or books.concerns(line, closing)]
    found = compare(closing.balance, closing.folded, till, replay, theirs, cards=cards)
    books.keep(closing.blocked(found) if found else closing.noting("").stepped(books.now))


def _drain(closing: Closing, books: DayBooks) -> None:
    """Wait for payments under way, for a while; then they go on as those of the next day."""
    waiting = books.waiting(closing.business_day)
    if waiting and books.now >= closing.drained_by:
        # Money of this day that may have been given back already is not for another day's books.
        movable = [payment for payment in waiting if not payment.is_void_on_its_own_day]
        for payment in movable:
            books.carry_over(payment, closing.next_day)
        if movable:
            closing = closing.noting(f"carried:{len(movable)}")
        waiting = [payment for payment in waiting if payment.is_void_on_its_own_day]
    if not waiting:
        books.keep(closing.stepped(books.now))
    elif (noted := closing.noting(f"waiting:{len(waiting)}")) != closing:
        books.keep(noted)


def _balance(closing: Closing, books: DayBooks, answers: Answers) -> None:
    balance = books.balance(closing.business_day, closing.next_day)
    folding = replace(closing, balance=balance).stepped(books.now)
    books.keep(_said(folding, books, answers))


def _ask_again(closing: Closing, books: DayBooks, answers: Answers) -> None:
    """Whoever waits says the same message again until it is answered."""
    if books.now >= closing.due:
        books.keep(_said(closing, books, answers))


def _archive(closing: Closing, books: DayBooks, answers: Answers) -> None:
    moved = books.archive(closing.business_day)
    if moved:
        so_far = int(closing.details.get("archive", "").removeprefix("events:") or 0)
        books.keep(closing.noting(f"events:{so_far + moved}"))
        return
    answers.day_archived(closing)
    books.keep(closing.stepped(books.now))


def _said(closing: Closing, books: DayBooks, answers: Answers) -> Closing:
    """``till.DayClosed`` has been said, once more or for the first time."""
    said = replace(closing, message_id=answers.day_closed(closing)).tried(books.now)
    return said.noting(f"waiting:{' '.join(said.unanswered)}")


def _answered(closing: Closing, books: DayBooks) -> None:
    waiting = " ".join(closing.unanswered)
    books.keep(closing.noting(f"waiting:{waiting}") if waiting else closing.noting("").stepped(books.now))


def _kept(closing: Closing, books: DayBooks) -> Closing:
    books.keep(closing)
    return closing
