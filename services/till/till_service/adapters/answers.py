"""What the till says, by way of the outbox."""

from __future__ import annotations

from dataclasses import asdict

from sqlalchemy import Connection

from jogakbo.events import Outbox
from till_service.adapters.messages import (
    DayArchived,
    DayCloseAdvanced,
    DayClosed,
    DayCloseStarted,
    DayReopened,
    OfDay,
    Settled,
    settled,
    voided,
)
from till_service.domain.closing import Closing
from till_service.domain.payment import Payment

OUTBOX = Outbox("till")

_KEY = "till"


class SqlAnswers:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def payment_settled(self, payment: Payment) -> None:
        self._say(settled(payment))

    def payment_voided(self, payment: Payment) -> None:
        self._say(voided(payment))

    def close_started(self, closing: Closing) -> None:
        self._say_of_day(DayCloseStarted(business_day=closing.business_day, next_day=closing.next_day))

    def close_advanced(self, closing: Closing) -> None:
        """Shows on open pages how far it is."""
        state = closing.state.value
        self._say_of_day(DayCloseAdvanced(business_day=closing.business_day, state=state, step=closing.step))

    def day_closed(self, closing: Closing) -> str:
        if closing.balance is None:
            raise ValueError(f"{closing.business_day} is not balanced yet")
        figures = asdict(closing.balance)
        message = DayClosed(business_day=closing.business_day, next_day=closing.next_day, **figures)
        return self._say_of_day(message, closing.message_id)

    def day_archived(self, closing: Closing) -> None:
        digest = closing.folded.digest if closing.folded else ""
        self._say_of_day(DayArchived(business_day=closing.business_day, report_digest=digest))

    def day_reopened(self, closing: Closing, reason: str) -> None:
        self._say_of_day(DayReopened(business_day=closing.business_day, reason=reason))

    def _say(self, message: Settled) -> None:
        OUTBOX.add(self._connection, message.type, message.order_id, message, keys=[_KEY])

    def _say_of_day(self, message: OfDay, id: str = "") -> str:
        day = message.business_day.isoformat()
        position = OUTBOX.add(self._connection, message.type, day, message, keys=[_KEY, f"day-{day}"], id=id)
        return id or str(position)
