"""The money of the day, and its payments."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Query

from jogakbo.service.clock import Clock
from jogakbo.service.openapi import problems
from till_service.api.bodies import DayBody, PaymentBody, PaymentsBody
from till_service.handlers.ports import Store


def money_router(store: Store, clock: Clock) -> APIRouter:
    router = APIRouter(tags=["money"])

    @router.get("/days/today")
    def today() -> DayBody:
        business_day = clock.business_day()
        with store.read() as views:
            return DayBody.of(business_day, views.day(business_day))

    @router.get("/days/{business_day}", responses=problems(422))
    def one_day(business_day: date) -> DayBody:
        """Any day; one without payments is a day without takings."""
        with store.read() as views:
            return DayBody.of(business_day, views.day(business_day))

    @router.get("/payments", responses=problems(422))
    def payments(limit: Annotated[int, Query(ge=1, le=500)] = 50) -> PaymentsBody:
        """Charged and declined payments, newest first; one appears when its outcome is known."""
        with store.read() as views:
            return PaymentsBody(payments=[PaymentBody.of(payment) for payment in views.settled(limit)])

    return router
