"""The questions that the reports answer; each reads one table."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from sqlalchemy import Connection, func, select

from reports_service import tables
from reports_service.domain import DaySales, HourSales, ItemSales, Name


def day(connection: Connection, business_day: date) -> DaySales:
    """One day; all zero when nothing was sold."""
    sales = tables.day_sales.c
    row = connection.execute(select(tables.day_sales).where(sales.business_day == business_day)).first()
    if row is None:
        return DaySales(business_day)
    return DaySales(row.business_day, row.orders, row.won, row.taken_won)


def hours(connection: Connection, business_day: date) -> Sequence[HourSales]:
    """The hours of one day in which something was sold, in order."""
    sales = tables.hour_sales.c
    query = select(sales.hour, sales.orders, sales.won).where(sales.business_day == business_day)
    return [HourSales(*row) for row in connection.execute(query.order_by(sales.hour))]


def days(connection: Connection, limit: int) -> Sequence[DaySales]:
    """The last business days on which something happened, newest first."""
    query = select(tables.day_sales).order_by(tables.day_sales.c.business_day.desc()).limit(limit)
    return [DaySales(row.business_day, row.orders, row.won, row.taken_won) for row in connection.execute(query)]


def best_sellers(connection: Connection, until: date, days: int, limit: int) -> Sequence[ItemSales]:
    """What brought in most in the ``days`` that end with ``until``; an item has the name it was last sold by."""
    sales = tables.item_sales.c
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
        .join(tables.item_sales, named)
        .order_by(sums.c.won.desc(), sums.c.item_id)
    )
    return [
        ItemSales(row.item_id, Name(row.name_en, row.name_ko), int(row.qty), int(row.won))
        for row in connection.execute(query)
    ]
