"""What the handlers need of the world."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from datetime import date
from typing import Protocol

from sqlalchemy import Connection

from till_service.domain.day import Day
from till_service.domain.events import ChargeStarted
from till_service.domain.payment import Outcome, Payment


class Books(Protocol):
    """The till's books within one transaction."""

    def payment(self, order_id: str) -> Payment | None: ...

    def start(self, charge: ChargeStarted, business_day: date) -> Payment: ...

    def settle(self, payment: Payment, outcome: Outcome) -> Payment: ...


class Answers(Protocol):
    """What the orders service hears; may be said again for the same payment."""

    def payment_settled(self, payment: Payment) -> None: ...


class GatewayError(Exception):
    """The gateway did not answer. Whether money moved is unknown, so the same charge must be asked for again."""


class PaymentGateway(Protocol):
    """Where the money comes from.

    Idempotent by order: ``charge`` for an order that was charged before gives the first outcome and moves no
    money. Called outside of any database transaction, from a task that may be cancelled at any await. Raises
    ``GatewayError`` when there is no answer; a refusal is an answer.
    """

    async def charge(self, charge: ChargeStarted) -> Outcome: ...


class Views(Protocol):
    """The read side."""

    def day(self, business_day: date) -> Day:
        """The money of that day; an empty day if nothing was charged."""
        ...

    def settled(self, limit: int) -> Sequence[Payment]:
        """Charged and declined payments, newest first."""
        ...

    def under_way(self) -> Sequence[Payment]:
        """Charges that still wait for their gateway, oldest first."""
        ...


class Store(Protocol):
    def read(self) -> AbstractContextManager[Views]: ...

    def write(self) -> AbstractContextManager[tuple[Books, Answers]]: ...

    def within(self, connection: Connection) -> tuple[Books, Answers]:
        """The books within a transaction that the caller began; open them before anything else is done in it."""
        ...

    def on_commit(self, wake: Callable[[], None]) -> AbstractContextManager[None]:
        """Inside the block, call ``wake`` after every commit, in whatever thread committed."""
        ...
