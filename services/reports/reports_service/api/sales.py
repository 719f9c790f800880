"""Sales: today, the last days, what sold best."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from jogakbo.service import at_least
from jogakbo.service.clock import Clock
from jogakbo.service.openapi import problems
from reports_service.api.views import DaysView, DayView, HourView, SalesView, SellersView, SellerView
from reports_service.handlers.ports import Store


def sales_router(store: Store, clock: Clock) -> APIRouter:
    """The endpoints; ``clock`` says which business day is today."""
    router = APIRouter(tags=["sales"], dependencies=[Depends(at_least)], responses=problems(422, 503))

    @router.get("/sales/today")
    def sales_today() -> SalesView:
        today = clock.business_day()
        with store.read() as reads:
            day, hours = reads.day(today), reads.hours(today)
        return SalesView(
            business_day=today,
            state=day.state,
            total_won=day.won,
            refunded_won=day.refunded_won,
            adjusted_won=day.adjusted_won,
            taken_won=day.taken_won,
            orders=day.orders,
            by_hour=[HourView.model_validate(hour) for hour in hours],
        )

    @router.get("/best-sellers")
    def best_sellers(
        days: Annotated[int, Query(ge=1, le=366)] = 7, limit: Annotated[int, Query(ge=1, le=100)] = 10
    ) -> SellersView:
        with store.read() as reads:
            items = reads.best_sellers(clock.business_day(), days, limit)
        return SellersView(items=[SellerView.model_validate(item) for item in items])

    @router.get("/days")
    def last_days(limit: Annotated[int, Query(ge=1, le=366)] = 14) -> DaysView:
        with store.read() as reads:
            days = reads.days(limit)
        return DaysView(days=[DayView.model_validate(day) for day in days])

    return router
