"""The projections in SQL, and the reports' events in the outbox."""

from __future__ import annotations

from datetime import date

from sqlalchemy import Connection, Table, and_, insert, select, update

from jogakbo.events import Outbox
from reports_service import tables
from reports_service.domain import Payment, Sale
from reports_service.events import SalesChanged
from reports_service.handlers import Reports

OUTBOX = Outbox("reports")

Values = dict[str, str | int | date]


def bind_reports(connection: Connection) -> Reports:
    """The reports inside one transaction."""
    return Reports(SqlProjections(connection), OutboxNews(connection))


class SqlProjections:
    """``Projections`` in SQL."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def first_sight_of(self, source: str, id: str) -> bool:
        this = {"source": source, "id": id}
        counted = tables.counted.c
        known = select(counted.id).where(counted.source == source, counted.id == id)
        if self._connection.execute(known).first():
            return False
        self._connection.execute(insert(tables.counted).values(this))
        return True

    def add_sale(self, sale: Sale, hour: int) -> None:
        day: Values = {"business_day": sale.business_day}
        self._add(tables.day_sales, day, {"orders": 1, "won": sale.total_won, "taken_won": 0})
        self._add(tables.hour_sales, day | {"hour": hour}, {"orders": 1, "won": sale.total_won})
        for line in sale.lines:
            self._add(
                tables.item_sales,
                day | {"item_id": line.item_id},
                {"qty": line.qty, "won": line.won},
                {"name_en": line.name.en, "name_ko": line.name.ko},
            )

    def add_payment(self, payment: Payment) -> None:
        self._add(
            tables.day_sales,
            {"business_day": payment.business_day},
            {"orders": 0, "won": 0, "taken_won": payment.amount_won},
        )

    def _add(self, table: Table, row: Values, amounts: dict[str, int], newest: Values | None = None) -> None:
        """Add to the sums of one row, or begin it; ``newest`` replaces what it had."""
        this = and_(*(table.c[column] == value for column, value in row.items()))
        sums = {column: table.c[column] + amount for column, amount in amounts.items()}
        changed = self._connection.execute(update(table).where(this).values(**sums, **(newest or {})))
        if changed.rowcount == 0:
            self._connection.execute(insert(table).values(**row, **amounts, **(newest or {})))


class OutboxNews:
    """``News`` in the outbox, and so in the same transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def sales_changed(self, business_day: date) -> None:
        day = SalesChanged(business_day)
        OUTBOX.add(self._connection, "reports.SalesChanged", business_day.isoformat(), day, ["reports"])
