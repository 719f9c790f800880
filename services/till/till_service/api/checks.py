"""The invariants of the till's own books."""

from __future__ import annotations

from fastapi import APIRouter

from jogakbo.service.clock import Clock
from till_service.api.bodies import CheckBody
from till_service.handlers.ports import Store


def checks_router(store: Store, clock: Clock) -> APIRouter:
    router = APIRouter(tags=["checks"])

    @router.get("/checks")
    def checks() -> list[CheckBody]:
        """What must hold of the books, whatever happens."""
        at = clock.now()
        with store.read() as views:
            found = views.checks()
        return [CheckBody(name=name, holds=not broken, detail=broken, checked_at=at) for name, broken in found.items()]

    return router
