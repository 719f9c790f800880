"""What must hold in this database, asked of the database itself."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime

from sqlalchemy import ColumnElement, Connection, case, func, select

from reports_service.adapters.queries import SqlReads
from reports_service.adapters.tables import READ, journal
from reports_service.domain.facts import Kind
from reports_service.domain.figures import DayState
from reports_service.domain.operation import Check
from reports_service.domain.report import digest_of

_DAYS_CHECKED = 7
_ENTRIES = READ.entries.c


def checks(connection: Connection, now: datetime) -> list[Check]:
    """The last days' money: in the figures, in the journal, and as the till closed it."""
    newest = select(journal.c.business_day).distinct().order_by(journal.c.business_day.desc()).limit(_DAYS_CHECKED)
    days = connection.scalars(newest).all()
    fault = next((fault for day in days for fault in _unlike_the_till(connection, day)), "")
    return [Check("till_equals_reports", not fault, fault, {"days": len(days)}, now)]


def _unlike_the_till(connection: Connection, day: date) -> Iterator[str]:
    told, counted = _told_won(connection, day), _counted_won(connection, _ENTRIES.business_day == day)
    if told != counted:
        yield f"{day}: the till told of {told} won, {counted} were counted"
    shown, counted = _shown_won(connection, day), _counted_won(connection, _ENTRIES.counted_on == day)
    if shown != counted:
        yield f"{day}: {counted} won were counted on it, it shows {shown}"
    if (digest := _till_digest(connection, day)) and digest != digest_of(SqlReads(connection).payments(day)):
        yield f"{day}: the till closed it with other payments"


def _told_won(connection: Connection, day: date) -> int:
    """What the till told of that day; what it told twice counts once."""
    facts = select(journal.c.type, journal.c.subject, journal.c.won)
    once = facts.distinct().where(journal.c.business_day == day, journal.c.type.like("till.Payment%")).subquery()
    return int(connection.scalar(select(func.sum(once.c.won))) or 0)


def _counted_won(connection: Connection, which: ColumnElement[bool]) -> int:
    won = func.sum(case((_ENTRIES.kind == Kind.CHARGE, _ENTRIES.won), else_=-_ENTRIES.won))
    return int(connection.scalar(select(won).where(which, _ENTRIES.kind.in_((Kind.CHARGE, Kind.RETURN)))) or 0)


def _shown_won(connection: Connection, day: date) -> int:
    sales = READ.day_sales.c
    shown = select(sales.taken_won + sales.adjusted_taken_won).where(sales.business_day == day)
    return connection.scalar(shown) or 0


def _till_digest(connection: Connection, day: date) -> str | None:
    days = READ.days.c
    return connection.scalar(select(days.till_digest).where(days.business_day == day, days.state != DayState.OPEN))
