"""The projections in SQL: one set of tables, and the figures that are added to it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date, datetime
from functools import cache

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    Table,
    Update,
    and_,
    bindparam,
    delete,
    func,
    insert,
    or_,
    select,
    update,
)

from reports_service.adapters.tables import Projections
from reports_service.domain.facts import DayBalanced, Entry, Fact, Kind
from reports_service.domain.figures import Counted, Day, DayState, Figures

Value = str | int | date | datetime | None


class SqlProjection:
    """``Projection`` in SQL, inside one transaction."""

    def __init__(self, connection: Connection, tables: Projections) -> None:
        self._connection = connection
        self._tables = tables

    def known(self, facts: Collection[Fact]) -> set[tuple[Kind, str]]:
        ids = [fact.id for fact in facts if isinstance(fact, Entry)]
        there = self._connection.execute(_known_of(self._tables.entries), {"ids": ids})
        return {(Kind(kind), id) for kind, id in there}

    def days(self, wanted: Collection[date]) -> Mapping[date, Day]:
        days = self._tables.days
        rows = self._connection.execute(select(days).where(_concerns(days)), {"wanted": list(wanted)})
        return {row.business_day: Day(DayState(row.state), DayBalanced(row.business_day, *row[2:])) for row in rows}

    def add(self, figures: Figures) -> None:
        if figures.entries:
            self._connection.execute(insert(self._tables.entries), [_entry(counted) for counted in figures.entries])
        for business_day, day in figures.days.items():
            self._set_day(business_day, day)
        for business_day, sums in figures.day_sums.items():
            self._add(self._tables.day_sales, {"business_day": business_day}, sums)
        for (business_day, hour), sums in figures.hour_sums.items():
            self._add(self._tables.hour_sales, {"business_day": business_day, "hour": hour}, sums)
        for (business_day, item_id), sums in figures.item_sums.items():
            name = figures.item_names[business_day, item_id]
            names: dict[str, Value] = {"name_en": name.en, "name_ko": name.ko}
            self._add(self._tables.item_sales, {"business_day": business_day, "item_id": item_id}, sums, names)

    def empty(self) -> None:
        """Forget everything."""
        for table in self._tables.all:
            self._connection.execute(delete(table))

    def _add(
        self, table: Table, key: Mapping[str, Value], sums: Mapping[str, int], newest: Mapping[str, Value] | None = None
    ) -> None:
        """Add to the sums of one row, or begin it; ``newest`` replaces what it had."""
        new = newest or {}
        values = {f"new_{column}": value for column, value in {**key, **sums, **new}.items()}
        if self._connection.execute(_adding(table, tuple(sums), tuple(new)), values).rowcount == 0:
            zeros = {column.name: 0 for column in table.c if not column.primary_key}
            self._connection.execute(insert(table), {**zeros, **key, **sums, **new})

    def _set_day(self, business_day: date, day: Day) -> None:
        days, said = self._tables.days, day.balance
        self._connection.execute(delete(days).where(days.c.business_day == business_day))
        self._connection.execute(
            insert(days).values(
                business_day=business_day,
                state=day.state.value,
                next_day=said.next_day,
                opening_cash_won=said.opening_cash_won,
                closing_cash_won=said.closing_cash_won,
                till_won=said.till_won,
                till_payments=said.till_payments,
                till_digest=said.till_digest,
            )
        )


@cache
def _adding(table: Table, sums: tuple[str, ...], newest: tuple[str, ...]) -> Update:
    """Built once for each, because building it again for every fact costs more than running it."""
    this = and_(*(column == bindparam(f"new_{column.name}") for column in table.primary_key))
    added = {name: table.c[name] + bindparam(f"new_{name}", type_=table.c[name].type) for name in sums}
    return update(table).where(this).values({**added, **{name: bindparam(f"new_{name}") for name in newest}})


@cache
def _concerns(days: Table) -> ColumnElement[bool]:
    newest_closed = select(func.max(days.c.business_day)).where(days.c.state == DayState.CLOSED).scalar_subquery()
    wanted = days.c.business_day.in_(bindparam("wanted", expanding=True))
    return or_(wanted, days.c.business_day == newest_closed)


@cache
def _known_of(entries: Table) -> Select[str, str]:
    kinds = entries.c.kind.in_(list(Kind))
    return select(entries.c.kind, entries.c.id).where(kinds, entries.c.id.in_(bindparam("ids", expanding=True)))


def _entry(counted: Counted) -> dict[str, Value]:
    entry = counted.entry
    return {
        "kind": entry.kind.value,
        "id": entry.id,
        "order_id": entry.order_id,
        "business_day": entry.business_day,
        "counted_on": counted.counted_on,
        "won": entry.won,
        "method": entry.method,
        "number": entry.number,
        "of_day": entry.of_day,
        "reason": entry.reason,
        "at": entry.at,
    }
