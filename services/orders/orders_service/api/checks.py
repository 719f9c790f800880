from __future__ import annotations

from datetime import datetime

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict

from orders_service.handlers.ports import Store


class CheckBody(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    name: str
    holds: bool
    detail: str
    figures: dict[str, int]
    checked_at: datetime


def check_routes(store: Store) -> APIRouter:
    routes = APIRouter(tags=["checks"])

    @routes.get("/checks")
    def checks() -> list[CheckBody]:
        """The invariants of this service's own database, asked at this moment."""
        with store.read() as views:
            return [CheckBody.model_validate(check) for check in views.checks()]

    return routes
