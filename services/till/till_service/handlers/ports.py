"""What the handlers need of the world."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import date, datetime
from typing import Protocol, TypeVar

from sqlalchemy import Connection

from till_service.domain.closing import Balance, Closing, Line
from till_service.domain.day import Day
from till_service.domain.events import ChargeStarted
from till_service.domain.payment import Outcome, Payment

T = TypeVar("T")


class Books(Protocol):
    """The payments within one transaction."""

    @property
    def now(self) -> datetime: ...

    def open_day(self, of: date) -> date:
        """The day whose books take what happens on ``of``: itself, or the one after the newest close."""
        ...

    def payment(self, order_id: str) -> Payment | None: ...

    def start(self, charge: ChargeStarted, business_day: date, outcome: Outcome | None) -> Payment:
        """A new payment; ``outcome`` where it is known at once."""
        ...

    def settle(self, payment: Payment, outcome: Outcome) -> Payment: ...

    def add(self, payment: Payment) -> Payment:
        """Write down a payment that is not known yet."""
        ...

    def keep(self, payment: Payment) -> Payment:
        """Write down what it has become, as of now."""
        ...

    def reversed(self, payment: Payment) -> Payment:
        """Write down that the money of a voiding or refunding payment is back, or never came."""
        ...


class DayBooks(Protocol):
    """The close of days within one transaction."""

    @property
    def now(self) -> datetime: ...

    def closing(self, business_day: date) -> Closing | None: ...

    def newest(self) -> Closing | None:
        """The newest close that was not undone."""
        ...

    def earlier_open_day(self, business_day: date) -> date | None:
        """A day before this one on which money moved and that is not closed."""
        ...

    def keep(self, closing: Closing) -> None:
        """Write down where the close stands, and say so."""
        ...

    def waiting(self, business_day: date) -> Sequence[Payment]:
        """The payments whose news belong to this day's books and are not there yet."""
        ...

    def carry_over(self, payment: Payment, to: date) -> None: ...

    def balance(self, business_day: date, next_day: date) -> Balance:
        """Close the day's books, for good, and open the next day's with the cash in the drawer."""
        ...

    def lines(self, business_day: date) -> Sequence[Line]: ...

    def replayed_lines(self, business_day: date) -> Sequence[Line]:
        """The same from the events alone."""
        ...

    def cards(self, business_day: date) -> frozenset[str]:
        """Payments that the gateway must know of."""
        ...

    def concerns(self, line: Line, closing: Closing) -> bool:
        """Whether a line of the gateway is for this day, and not one that was carried over after it was written."""
        ...

    def archive(self, business_day: date) -> int:
        """Put some of the day's events away; how many, 0 when all are."""
        ...

    def reopen(self, business_day: date, reason: str) -> None: ...


class Answers(Protocol):
    """What others hear; the answers to orders may be said again for the same payment."""

    def payment_settled(self, payment: Payment) -> None:
        """What became of the charge, the void or the refund."""
        ...

    def payment_voided(self, payment: Payment) -> None: ...

    def close_started(self, closing: Closing) -> None: ...

    def day_closed(self, closing: Closing) -> str:
        """Under ``closing.message_id`` if it has one; returns the message's id."""
        ...

    def day_archived(self, closing: Closing) -> None: ...

    def day_reopened(self, closing: Closing, reason: str) -> None: ...


class GatewayError(Exception):
    """The gateway did not answer as agreed. Whether money moved is unknown, so the same must be asked for again."""


class PaymentGateway(Protocol):
    """Where the money of cards comes from.

    Idempotent by order: what comes again gets the first outcome and moves no money. Called outside of any database
    transaction, from tasks that may be cancelled at any await. Raises ``GatewayError`` when there is no answer; a
    refusal of the card is one.
    """

    async def charge(self, charge: ChargeStarted, business_day: date) -> Outcome: ...

    async def void(self, order_id: str) -> None: ...

    async def refund(self, order_id: str, business_day: date) -> None: ...

    async def lines(self, business_day: date) -> Sequence[Line]:
        """What was charged and given back on that day."""
        ...


class Views(Protocol):
    """The read side."""

    def day(self, business_day: date) -> Day:
        """The money of that day; an empty day if nothing was charged."""
        ...

    def days(self, limit: int) -> Sequence[tuple[date, Day]]:
        """The days that have books, newest first."""
        ...

    def open_day(self, of: date) -> date: ...

    def payments(self, limit: int, business_day: date | None = None) -> Sequence[Payment]:
        """Payments whose charge has an outcome, newest first."""
        ...

    def under_way(self) -> Sequence[Payment]:
        """Payments that wait for the gateway, oldest first."""
        ...

    def closing(self, business_day: date) -> Closing | None: ...

    def closing_under_way(self) -> Closing | None: ...

    def checks(self) -> Mapping[str, str]:
        """Invariants by name, and what is broken of each: nothing when it holds."""
        ...


class Store(Protocol):
    def read(self) -> AbstractContextManager[Views]: ...

    def write_together(self, work: Callable[[Books, Answers], T]) -> T:
        """Many small changes at once share one commit; see ``Database.write_together``."""
        ...

    def close(self) -> AbstractContextManager[tuple[DayBooks, Answers]]: ...

    def within(self, connection: Connection) -> tuple[Books, Answers]:
        """The books within a transaction that the caller began; open them before anything else is done in it."""
        ...

    def closing_within(self, connection: Connection) -> tuple[DayBooks, Answers]:
        """The same for the close of days."""
        ...

    def on_commit(self, wake: Callable[[], None]) -> AbstractContextManager[None]:
        """Inside the block, call ``wake`` after every commit, in whatever thread committed."""
        ...
