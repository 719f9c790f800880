"""What must hold, asked of the database itself."""

from __future__ import annotations

from fastapi import APIRouter

from inventory_service.api.views import CheckView
from inventory_service.handlers.ports import Store


def checks_router(store: Store) -> APIRouter:
    router = APIRouter(tags=["checks"])

    @router.get("/checks")
    def show_checks() -> list[CheckView]:
        return [CheckView.model_validate(check) for check in store.checks()]

    return router
