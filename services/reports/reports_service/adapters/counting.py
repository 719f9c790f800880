"""Counting in one transaction: the journal, the set of tables that is read, and the outbox."""

from __future__ import annotations

from datetime import date, tzinfo

from sqlalchemy import Connection

from jogakbo.contract.cloudevent import CloudEvent
from jogakbo.events import Outbox
from reports_service.adapters.journal import note, standing
from reports_service.adapters.messages import DayFolded, Heard, LineSent, SalesChanged
from reports_service.adapters.projection import SqlProjection
from reports_service.adapters.queries import SqlReads
from reports_service.adapters.tables import SETS
from reports_service.domain.facts import DayBalanced, Kind
from reports_service.domain.report import digest_of
from reports_service.handlers.counting import Reports, count

OUTBOX = Outbox("reports")


def hear(connection: Connection, event: CloudEvent, data: Heard, zone: tzinfo) -> None:
    """Keep a fact and count it. The inbox moves the position in the same transaction."""
    fact = data.fact()
    if fact is None:
        return
    now = standing(connection, lock=True)
    note(connection, now.facts, event, data, fact)
    count(Reports(SqlProjection(connection, SETS[now.live]), OutboxNews(connection)), fact, zone)


class OutboxNews:
    """``News`` in the outbox, and so in the same transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def sales_changed(self, business_day: date) -> None:
        stale = ["reports", f"day-{business_day}"]
        OUTBOX.add(
            self._connection, "reports.SalesChanged", business_day.isoformat(), SalesChanged(business_day), stale
        )

    def day_folded(self, balance: DayBalanced) -> None:
        day = balance.business_day
        lines = SqlReads(self._connection).payments(day)
        digest = digest_of(lines)
        folded = DayFolded(
            business_day=day,
            lines=[] if digest == balance.till_digest else [LineSent(it.payment_id, it.amount_won) for it in lines],
            taken_won=sum(line.amount_won for line in lines),
            payments=sum(line.kind is Kind.CHARGE for line in lines),
            digest=digest,
        )
        OUTBOX.add(self._connection, "reports.DayFolded", day.isoformat(), folded, ["reports", f"day-{day}"])
