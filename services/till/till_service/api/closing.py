"""The close of a day."""

from __future__ import annotations

from datetime import date, timedelta

from fastapi import APIRouter, Response

from jogakbo.service import NotFound, Once
from jogakbo.service.clock import Clock
from jogakbo.service.openapi import problems
from till_service.api.bodies import ClosingBody, ReopenBody
from till_service.handlers.closing import close_day, reopen_day
from till_service.handlers.ports import Store


def closing_router(store: Store, clock: Clock, drain: timedelta) -> APIRouter:
    router = APIRouter(tags=["close of day"])

    @router.post("/days/{business_day}/close", status_code=202, responses=_accepted(409, 422))
    def close(business_day: date, once: Once) -> Response:
        """Begin the close, or try again from the fold on where it is blocked; otherwise a repeat changes nothing."""
        return once(
            lambda connection: ClosingBody.of(
                close_day(business_day, clock.business_day(), drain, *store.closing_within(connection))
            ),
            status=202,
        )

    @router.get("/days/{business_day}/close", responses=problems(404, 422))
    def progress(business_day: date) -> ClosingBody:
        with store.read() as views:
            closing = views.closing(business_day)
        if closing is None:
            raise NotFound(f"nobody has begun to close {business_day}")
        return ClosingBody.of(closing)

    @router.post("/days/{business_day}/reopen", status_code=202, responses=_accepted(409, 422))
    def reopen(business_day: date, body: ReopenBody, once: Once) -> Response:
        """Let the newest closed day take money again."""
        return once(
            lambda connection: ClosingBody.of(reopen_day(business_day, body.reason, *store.closing_within(connection))),
            status=202,
        )

    return router


def _accepted(*statuses: int) -> dict[int | str, dict[str, object]]:
    return {202: {"model": ClosingBody}, **problems(*statuses)}
