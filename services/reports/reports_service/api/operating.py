"""The read side itself: rebuild it, freeze it, see how far behind it is, check it."""

from __future__ import annotations

import asyncio
from datetime import date, datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from jogakbo.service import AtLeast
from jogakbo.service.clock import Clock
from jogakbo.service.openapi import problems
from reports_service.api.views import View
from reports_service.domain.operation import Standing
from reports_service.handlers.ports import Operations, Store


class RebuildView(View):
    """``done`` of the ``of`` facts of the journal have been counted anew."""

    state: Literal["idle", "running"]
    done: int
    of: int
    started_at: datetime | None
    finished_at: datetime | None


class Freeze(BaseModel):
    """Whether the read side stands still."""

    frozen: Annotated[bool, Field(strict=True)]


class FreezeView(Freeze):
    """``lab``: whether it can be changed."""

    lab: bool


class LagView(View):
    """``behind`` counts events; ``lag_ms`` is the age of the oldest one that has not been read."""

    stream: str
    written: str | None
    read: str
    behind: int
    lag_ms: int


class WrittenView(View):
    """A fact that the write side has told, and whether the read side has it."""

    stream: str
    position: str
    type: str
    subject: str
    at: datetime
    read: bool


class RowView(View):
    """A fact that the read side has counted, ``lag_ms`` after it was told."""

    number: int
    type: str
    subject: str
    won: int
    at: datetime
    read_at: datetime
    lag_ms: int


class DayFigures(View):
    """Today, as the read side shows it."""

    business_day: date
    orders: int
    won: int
    taken_won: int


class PanesView(FreezeView):
    """Write side and read side next to each other; ``bus`` is connected, away or none."""

    bus: str
    streams: list[LagView]
    written: list[WrittenView]
    rows: list[RowView]
    day: DayFigures


class CheckView(View):
    """An invariant; ``detail`` is the first fault that was found, ``figures`` how much was looked at."""

    name: str
    holds: bool
    detail: str
    figures: dict[str, int]
    checked_at: datetime


def operating_router(operations: Operations, clock: Clock, *, lab: bool) -> APIRouter:
    """The endpoints; in the ``lab`` the read side can be made to stand still."""
    router = APIRouter(tags=["operating"])

    @router.post("/rebuild", status_code=202, responses=problems(401))
    async def rebuild() -> RebuildView:
        """Count everything anew beside what is read, and change over; while it runs, another one is the same."""
        return _rebuild_view(await operations.rebuild())

    @router.get("/rebuild")
    def show_rebuild() -> RebuildView:
        return _rebuild_view(operations.standing())

    @router.get("/freeze")
    def show_freeze() -> FreezeView:
        return FreezeView(frozen=operations.frozen, lab=lab)

    if lab:

        @router.put("/freeze", responses=problems(401, 422))
        def freeze(wanted: Freeze) -> FreezeView:
            """Let nothing be read until it is thawed."""
            operations.freeze(wanted.frozen)
            return FreezeView(frozen=operations.frozen, lab=lab)

    @router.get("/panes", responses=problems(422, 503))
    async def show_panes(read: AtLeast, limit: Annotated[int, Query(ge=1, le=50)] = 10) -> PanesView:
        """The newest facts that were told beside those that were counted, with the lag between them."""
        told = await operations.write_side(read, limit)
        rows, day = await asyncio.to_thread(_read_side, operations, clock.business_day(), limit)
        return PanesView(
            frozen=operations.frozen,
            lab=lab,
            bus=told.bus,
            streams=[LagView.model_validate(lag) for lag in told.streams],
            written=[WrittenView.model_validate(fact) for fact in told.written],
            rows=rows,
            day=day,
        )

    @router.get("/checks")
    def show_checks() -> list[CheckView]:
        return [CheckView.model_validate(check) for check in operations.checks()]

    return router


def _rebuild_view(now: Standing) -> RebuildView:
    return RebuildView(
        state="running" if now.rebuilding else "idle",
        done=now.rebuilt,
        of=now.facts,
        started_at=now.started_at,
        finished_at=now.finished_at,
    )


def _read_side(store: Store, today: date, limit: int) -> tuple[list[RowView], DayFigures]:
    with store.read() as reads:
        rows = [RowView.model_validate(row) for row in reads.newest(limit)]
        return rows, DayFigures.model_validate(reads.day(today))
