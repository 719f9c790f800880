"""The reports over HTTP; they are only read."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict

from jogakbo.service import Db
from jogakbo.service.clock import Clock
from jogakbo.service.openapi import problems
from reports_service import queries


class _View(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class HourView(_View):
    """One hour of the day, 0 to 23 in the café's time."""

    hour: int
    orders: int
    won: int


class SalesView(_View):
    """The sales of a day; hours without sales are left out. ``taken_won`` is the till's figure."""

    business_day: date
    total_won: int
    taken_won: int
    orders: int
    by_hour: list[HourView]


class NameView(_View):
    """A name in the portal's languages."""

    en: str
    ko: str


class SellerView(_View):
    """What was sold of one item."""

    item_id: str
    name: NameView
    qty: int
    won: int


class SellersView(_View):
    """The best sellers, best first."""

    items: list[SellerView]


class DayView(_View):
    """The sales of a business day."""

    business_day: date
    orders: int
    won: int
    taken_won: int


class DaysView(_View):
    """The last business days, newest first."""

    days: list[DayView]


def reports_router(clock: Clock) -> APIRouter:
    """The endpoints; ``clock`` says which business day is today."""
    router = APIRouter()

    @router.get("/sales/today")
    def sales_today(db: Db) -> SalesView:
        today = clock.business_day()
        with db.read() as connection:
            day, hours = queries.day(connection, today), queries.hours(connection, today)
        return SalesView(
            business_day=today,
            total_won=day.won,
            taken_won=day.taken_won,
            orders=day.orders,
            by_hour=[HourView.model_validate(hour) for hour in hours],
        )

    @router.get("/best-sellers", responses=problems(422))
    def best_sellers(
        db: Db, days: Annotated[int, Query(ge=1, le=366)] = 7, limit: Annotated[int, Query(ge=1, le=100)] = 10
    ) -> SellersView:
        with db.read() as connection:
            items = queries.best_sellers(connection, clock.business_day(), days, limit)
        return SellersView(items=[SellerView.model_validate(item) for item in items])

    @router.get("/days", responses=problems(422))
    def last_days(db: Db, limit: Annotated[int, Query(ge=1, le=366)] = 14) -> DaysView:
        with db.read() as connection:
            days = queries.days(connection, limit)
        return DaysView(days=[DayView.model_validate(day) for day in days])

    return router
