"""The event streams of the till's days, and the figures that are read of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from sqlalchemy import Connection, bindparam, insert, update

from jogakbo.service.event_store import Loaded, Stream
from till_service.adapters.tables import days, till_store
from till_service.domain.day import Day
from till_service.domain.events import TillEvent

# Built once: every charge passes here, and building them again costs more than running them.
_ADD = insert(days)
_SHOW = (
    update(days)
    .where(days.c.business_day == bindparam("of_day"))
    .values({column.name: bindparam(column.name) for column in days.c if not column.primary_key})
)


def stream_of(business_day: date) -> Stream:
    return Stream("till", business_day)


def load_day(connection: Connection, business_day: date) -> Loaded[Day]:
    return till_store.load(connection, stream_of(business_day))


def append(connection: Connection, loaded: Loaded[Day], events: Sequence[TillEvent], now: datetime) -> Loaded[Day]:
    """Write the events and what the day comes to."""
    after = till_store.append(connection, loaded, events, at=now)
    day = after.state
    shown = {
        "cash_won": day.cash_won,
        "card_won": day.card_won,
        "payments": day.payments,
        "declined": day.declined,
        "refunds": day.refunds,
        "refunded_won": day.refunded_won,
        "cash_refunded_won": day.cash_refunded_won,
        "opening_cash_won": day.opening_cash_won,
    }
    if not connection.execute(_SHOW, {"of_day": after.stream.business_day, **shown}).rowcount:
        connection.execute(_ADD, {"business_day": after.stream.business_day, **shown})
    return after
