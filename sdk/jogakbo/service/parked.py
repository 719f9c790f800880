"""``/-/parked``: the events that a service could not handle, for the people who run it."""

from __future__ import annotations

import math
from datetime import datetime

from fastapi import APIRouter
from prometheus_client import Gauge
from pydantic import BaseModel, ConfigDict
from sqlalchemy.exc import SQLAlchemyError

from jogakbo.contract.streams import Position
from jogakbo.events.inbox import HandlerFailed
from jogakbo.events.parked import Parked
from jogakbo.service.errors import Conflict, NotFound

_SHOWN = 500
_WAITING = Gauge("jogakbo_parked_events", "Events that no handler could take and that wait for a person", ["service"])


class StillFailing(Conflict):
    """The event was tried again and failed again."""


class ParkedBody(BaseModel):
    """One event that waits for a person."""

    model_config = ConfigDict(from_attributes=True)

    stream: str
    position: str
    type: str
    subject: str
    reason: str
    attempts: int
    parked_at: datetime


def parked_routes(parked: Parked) -> APIRouter:
    """See what waits, oldest first, and have one tried again."""
    routes = APIRouter(prefix="/-/parked", include_in_schema=False)

    @routes.get("")
    def waiting() -> list[ParkedBody]:
        return [ParkedBody.model_validate(event) for event in parked.oldest(_SHOWN)]

    @routes.post("/{stream}/{position}/retry", status_code=204)
    def retry(stream: str, position: str) -> None:
        try:
            parked.retry(stream, Position.parse(position))
        except (LookupError, ValueError) as error:
            raise NotFound(str(error)) from error
        except HandlerFailed as failure:
            raise StillFailing(str(failure)) from failure

    return routes


def show_in_metrics(service: str, parked: Parked) -> None:
    """Let ``/metrics`` say how many wait, as the database knows it: another replica may have parked them."""

    def count() -> float:
        try:
            return parked.count()
        except SQLAlchemyError:
            return math.nan

    _WAITING.labels(service).set_function(count)


def forget_in_metrics(service: str) -> None:
    """The database is about to be closed."""
    _WAITING.remove(service)
