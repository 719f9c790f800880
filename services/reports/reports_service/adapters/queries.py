"""The questions that the reports answer, in SQL."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from sqlalchemy import Connection, case, func, select

from reports_service.adapters.tables import READ, journal
from reports_service.domain.facts import DayBalanced, Kind, Name
from reports_service.domain.figures import DayState
from reports_service.domain.operation import JournalRow
from reports_service.domain.report import (
    Adjustment,
    DayReport,
    DaySales,
    HourSales,
    ItemSales,
    MethodSums,
    Payment,
    Refund,
    digest_of,
)

_SALES = READ.day_sales.c
_DAYS = READ.days.c
_ENTRIES = READ.entries.c
_DAY_SALES = select(
    _SALES.business_day,
    func.coalesce(_DAYS.state, DayState.OPEN.value),
    _SALES.orders,
    _SALES.won,
    _SALES.refunds,
    _SALES.refunded_won,
    _SALES.adjusted_won,
    _SALES.taken_won,
).select_from(READ.day_sales.outerjoin(READ.days, _DAYS.business_day == _SALES.business_day))


class SqlReads:
    """``Reads`` in SQL, inside one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def day(self, business_day: date) -> DaySales:
        row = self._connection.execute(_DAY_SALES.where(_SALES.business_day == business_day)).first()
        if row is not None:
            return _day_sales(*row)
        state = self._connection.scalar(select(_DAYS.state).where(_DAYS.business_day == business_day))
        return DaySales(business_day, DayState(state or DayState.OPEN))

    def days(self, limit: int) -> Sequence[DaySales]:
        query = _DAY_SALES.order_by(_SALES.business_day.desc()).limit(limit)
        return [_day_sales(*row) for row in self._connection.execute(query)]

    def hours(self, business_day: date) -> Sequence[HourSales]:
        sales = READ.hour_sales.c
        query = select(sales.hour, sales.orders, sales.won).where(sales.business_day == business_day)
        return [HourSales(*row) for row in self._connection.execute(query.order_by(sales.hour))]

    def best_sellers(self, until: date, days: int, limit: int) -> Sequence[ItemSales]:
        sales = READ.item_sales.c
        won, qty = func.sum(sales.won), func.sum(sales.qty)
        within = sales.business_day.between(until - timedelta(days=days - 1), until)
        sums = (
            select(sales.item_id, qty.label("qty"), won.label("won"), func.max(sales.business_day).label("last"))
            .where(within)
            .group_by(sales.item_id)
            .order_by(won.desc(), sales.item_id)
            .limit(limit)
            .subquery()
        )
        named = (sales.item_id == sums.c.item_id) & (sales.business_day == sums.c.last)
        query = (
            select(sums.c.item_id, sales.name_en, sales.name_ko, sums.c.qty, sums.c.won)
            .join(READ.item_sales, named)
            .order_by(sums.c.won.desc(), sums.c.item_id)
        )
        return [
            ItemSales(row.item_id, Name(row.name_en, row.name_ko), int(row.qty), int(row.won))
            for row in self._connection.execute(query)
        ]

    def payments(self, business_day: date) -> Sequence[Payment]:
        query = select(_ENTRIES.id, _ENTRIES.order_id, _ENTRIES.kind, _ENTRIES.method, _ENTRIES.won).where(
            _ENTRIES.business_day == business_day, _ENTRIES.kind.in_((Kind.CHARGE, Kind.RETURN))
        )
        found = [
            Payment(id, order_id, Kind(kind), method, Kind(kind).sign * won)
            for id, order_id, kind, method, won in self._connection.execute(query)
        ]
        # Sorted here: a database sorts text by its own language.
        return sorted(found, key=lambda payment: (payment.payment_id, payment.kind))

    def report(self, business_day: date) -> DayReport:
        return DayReport(
            sales=self.day(business_day),
            hours=self.hours(business_day),
            items=self.best_sellers(business_day, 1, 1_000),
            methods=self._methods(business_day),
            refunds=self._refunds(business_day),
            adjustments=self._adjustments(business_day),
            balance=self._balance(business_day),
            digest=digest_of(self.payments(business_day)),
        )

    def newest(self, limit: int) -> Sequence[JournalRow]:
        columns = journal.c
        query = select(columns.number, columns.type, columns.subject, columns.won, columns.at, columns.read_at)
        rows = self._connection.execute(query.order_by(columns.number.desc()).limit(limit))
        return [JournalRow(*row) for row in rows]

    def _methods(self, business_day: date) -> Sequence[MethodSums]:
        sums = []
        for kind in (Kind.CHARGE, Kind.RETURN):
            of_kind = _ENTRIES.kind == kind
            sums += [func.count(case((of_kind, 1))), func.coalesce(func.sum(case((of_kind, _ENTRIES.won))), 0)]
        query = select(_ENTRIES.method, *sums).where(
            _ENTRIES.counted_on == business_day,
            _ENTRIES.business_day == business_day,
            _ENTRIES.kind.in_((Kind.CHARGE, Kind.RETURN)),
        )
        rows = self._connection.execute(query.group_by(_ENTRIES.method).order_by(_ENTRIES.method))
        return [MethodSums(method, *(int(figure) for figure in figures)) for method, *figures in rows]

    def _refunds(self, business_day: date) -> Sequence[Refund]:
        query = select(
            _ENTRIES.order_id, _ENTRIES.number, _ENTRIES.of_day, _ENTRIES.won, _ENTRIES.reason, _ENTRIES.at
        ).where(_ENTRIES.counted_on == business_day, _ENTRIES.kind == Kind.REFUND)
        return [Refund(*row) for row in self._connection.execute(query.order_by(_ENTRIES.at, _ENTRIES.id))]

    def _adjustments(self, business_day: date) -> Sequence[Adjustment]:
        query = select(_ENTRIES.kind, _ENTRIES.id, _ENTRIES.business_day, _ENTRIES.won, _ENTRIES.at).where(
            _ENTRIES.counted_on == business_day, _ENTRIES.business_day != business_day
        )
        return [
            Adjustment(Kind(kind), id, of_day, Kind(kind).sign * won, at)
            for kind, id, of_day, won, at in self._connection.execute(query.order_by(_ENTRIES.at, _ENTRIES.id))
        ]

    def _balance(self, business_day: date) -> DayBalanced | None:
        closed = select(READ.days).where(_DAYS.business_day == business_day, _DAYS.state != DayState.OPEN)
        row = self._connection.execute(closed).first()
        return None if row is None else DayBalanced(row.business_day, *row[2:])


def _day_sales(business_day: date, state: str, *figures: int) -> DaySales:
    return DaySales(business_day, DayState(state), *figures)
