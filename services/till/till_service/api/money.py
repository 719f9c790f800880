"""The money of the days, and the payments."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Query

from jogakbo.service.clock import Clock
from jogakbo.service.openapi import problems
from till_service.api.bodies import DayBody, DaysBody, PaymentBody, PaymentsBody
from till_service.handlers.ports import Store, Views


def money_router(store: Store, clock: Clock) -> APIRouter:
    router = APIRouter(tags=["money"])

    @router.get("/days", responses=problems(422))
    def days(limit: Annotated[int, Query(ge=1, le=100)] = 14) -> DaysBody:
        """The days that have books, newest first."""
        with store.read() as views:
            return DaysBody(days=[DayBody.of(of, day, views.closing(of)) for of, day in views.days(limit)])

    @router.get("/days/today")
    def today() -> DayBody:
        with store.read() as views:
            return _day(clock.business_day(), views)

    @router.get("/days/open")
    def open_day() -> DayBody:
        """The day that is charged now: today, or the next one from the moment that today's close has begun."""
        with store.read() as views:
            return _day(views.open_day(clock.business_day()), views)

    @router.get("/days/{business_day}", responses=problems(422))
    def one_day(business_day: date) -> DayBody:
        """Any day; one without payments is a day without takings."""
        with store.read() as views:
            return _day(business_day, views)

    @router.get("/payments", responses=problems(422))
    def payments(limit: Annotated[int, Query(ge=1, le=500)] = 50, business_day: date | None = None) -> PaymentsBody:
        """Payments, newest first; one appears when the outcome of its charge is known."""
        with store.read() as views:
            return PaymentsBody(payments=[PaymentBody.of(payment) for payment in views.payments(limit, business_day)])

    return router


def _day(business_day: date, views: Views) -> DayBody:
    return DayBody.of(business_day, views.day(business_day), views.closing(business_day))
