"""Ingredients: levels, history, restock and count."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Path, Query, Response
from sqlalchemy import Connection

from inventory_service.api.views import (
    Count,
    Delivery,
    EventView,
    HistoryView,
    IngredientsView,
    IngredientView,
    StreamView,
)
from inventory_service.handlers import shelves
from inventory_service.handlers.ports import Store
from jogakbo.service import Once
from jogakbo.service.clock import Clock
from jogakbo.service.openapi import problems

_IngredientId = Annotated[str, Path(pattern=r"^[a-z0-9-]{1,40}$", description="For example: oat-milk")]

_MAX_EVENTS = 2**31 - 1


def ingredients_router(store: Store, clock: Clock) -> APIRouter:
    router = APIRouter(prefix="/ingredients", tags=["ingredients"])

    @router.get("")
    def list_ingredients() -> IngredientsView:
        with store.read() as levels:
            return IngredientsView(ingredients=[IngredientView.model_validate(one) for one in levels.all()])

    @router.get("/{ingredient_id}", responses=problems(404, 422))
    def show_ingredient(ingredient_id: _IngredientId) -> IngredientView:
        with store.read() as levels:
            return IngredientView.model_validate(levels.of(ingredient_id))

    @router.get("/{ingredient_id}/history", responses=problems(404, 422))
    def show_history(ingredient_id: _IngredientId, limit: Annotated[int, Query(ge=1, le=500)] = 50) -> HistoryView:
        """What happened to the ingredient, newest first."""
        with store.read() as levels:
            entries = levels.history(ingredient_id, limit)
        return HistoryView(events=[EventView.model_validate(entry) for entry in entries])

    @router.get("/{ingredient_id}/stream", responses=problems(404, 422))
    def show_stream(
        ingredient_id: _IngredientId,
        day: date | None = None,
        upto: Annotated[int | None, Query(ge=1, le=_MAX_EVENTS)] = None,
        limit: Annotated[int, Query(ge=1, le=500)] = 50,
    ) -> StreamView:
        """Time travel within a business day: the stock at one of its events, and how it was computed."""
        with store.read() as levels:
            return StreamView.model_validate(levels.stream(ingredient_id, day, upto, limit))

    @router.post("/{ingredient_id}/restock", response_model=IngredientView, responses=problems(404, 422))
    def restock(ingredient_id: _IngredientId, delivery: Delivery, once: Once) -> Response:
        """Put a delivery on the shelf; send an ``Idempotency-Key`` so that a retry adds nothing more."""

        def work(connection: Connection) -> IngredientView:
            books = store.books(connection)
            shelves.restock(ingredient_id, delivery.amount, clock.business_day(), books)
            return IngredientView.model_validate(store.levels(connection).of(ingredient_id))

        return once(work)

    @router.post("/{ingredient_id}/count", response_model=IngredientView, responses=problems(404, 409, 422))
    def count(ingredient_id: _IngredientId, counted: Count, once: Once) -> Response:
        """Set what is on hand to what was counted; the history keeps the difference.

        409 ``count_below_holds``: open orders hold more than that; count again when they are done.
        """

        def work(connection: Connection) -> IngredientView:
            books = store.books(connection)
            shelves.count(ingredient_id, counted.amount, clock.business_day(), books)
            return IngredientView.model_validate(store.levels(connection).of(ingredient_id))

        return once(work)

    return router
