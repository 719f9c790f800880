"""The journal: every fact that was read, in the order in which it was counted, and where its folding stands."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec
from sqlalchemy import Connection, insert, select, update

from jogakbo.contract.cloudevent import CloudEvent, utc_now
from reports_service.adapters.messages import HEARD, Heard
from reports_service.adapters.tables import journal, projection
from reports_service.domain.facts import Entry, Fact
from reports_service.domain.operation import Standing

_STANDING = select(projection)
_LOCKED = _STANDING.with_for_update()


def standing(connection: Connection, *, lock: bool = False) -> Standing:
    """Where everything stands. Who locks it may write; so the journal's numbers come in the order of commits."""
    return Standing(*connection.execute(_LOCKED if lock else _STANDING).one()[1:])


def stand(connection: Connection, **values: str | int | bool | datetime | None) -> None:
    """Change where things stand; lock it first."""
    connection.execute(update(projection), values)


def note(connection: Connection, facts: int, event: CloudEvent, data: Heard, fact: Fact) -> None:
    """Write the fact down as number ``facts`` + 1; of its event only what the reports read."""
    connection.execute(
        insert(journal),
        {
            "number": facts + 1,
            "type": event.type,
            "subject": fact.id if isinstance(fact, Entry) else fact.business_day.isoformat(),
            "business_day": fact.business_day,
            "won": fact.signed_won if isinstance(fact, Entry) else 0,
            "data": msgspec.json.encode(data).decode(),
            "at": event.time,
            "read_at": utc_now(),
        },
    )
    stand(connection, facts=facts + 1)


def after(connection: Connection, number: int, limit: int) -> Sequence[Fact]:
    """Up to ``limit`` facts from ``number`` + 1 on, in order; their numbers have no gaps."""
    query = select(journal.c.type, journal.c.data).where(journal.c.number > number)
    rows = connection.execute(query.order_by(journal.c.number).limit(limit))
    found = (msgspec.json.decode(data, type=HEARD[type]).fact() for type, data in rows)
    return [fact for fact in found if fact is not None]
