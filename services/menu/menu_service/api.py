"""The menu over HTTP."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Header, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection

from jogakbo.service import Db, Once, PreconditionFailed, PreconditionRequired
from jogakbo.service.openapi import problems
from menu_service.domain import HIGHEST_PRICE_WON, Category, Item
from menu_service.handlers import ChangeItem, Menu, change_item


class _View(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class NameView(_View):
    """A name in the portal's languages."""

    en: str
    ko: str


class PortionView(_View):
    """How much of one ingredient a serving takes."""

    ingredient_id: str
    amount: int


class ItemView(_View):
    """An item of the menu."""

    id: str
    name: NameView
    category: Category
    price_won: int
    on_sale: bool
    sold_out: bool
    recipe: list[PortionView]
    version: int


class ItemsView(_View):
    """The whole menu, in its order."""

    items: list[ItemView]


class IngredientView(_View):
    """What a recipe's ingredient is called, and its unit (g, ml or piece): the menu's copy of what inventory tells."""

    id: str
    name: NameView
    unit: str


class IngredientsView(_View):
    """The ingredients that are known by name."""

    ingredients: list[IngredientView]


class ItemChange(BaseModel):
    """What to change; what is left out stays."""

    model_config = ConfigDict(extra="forbid")

    price_won: int | None = Field(None, ge=1, le=HIGHEST_PRICE_WON)
    on_sale: bool | None = None


def menu_router(bind: Callable[[Connection], Menu]) -> APIRouter:
    """The endpoints; ``bind`` gives them the menu inside a transaction."""
    router = APIRouter()

    @router.get("/items")
    def list_items(db: Db) -> ItemsView:
        with db.read() as connection:
            return ItemsView(items=[_view(item) for item in bind(connection).items.all()])

    @router.get("/ingredients")
    def list_ingredients(db: Db) -> IngredientsView:
        with db.read() as connection:
            return IngredientsView.model_validate({"ingredients": bind(connection).stock.ingredients()})

    @router.get("/items/{item_id}", responses=problems(404, 422))
    def show_item(item_id: str, db: Db, response: Response) -> ItemView:
        with db.read() as connection:
            item = bind(connection).items.get(item_id)
        response.headers["ETag"] = f'"{item.version}"'
        return _view(item)

    @router.patch("/items/{item_id}", response_model=ItemView, responses=problems(401, 404, 412, 422, 428))
    def patch_item(item_id: str, change: ItemChange, once: Once, if_match: Annotated[str, Header()] = "") -> Response:
        command = ChangeItem(item_id, _seen_version(if_match), change.price_won, change.on_sale)
        return once(lambda connection: _view(change_item(bind(connection), command)))

    return router


def _view(item: Item) -> ItemView:
    return ItemView.model_validate(item)


def _seen_version(if_match: str) -> int | None:
    """The version in ``If-Match: "3"``; None for ``*``, which asks only that the item exists (RFC 9110, 13.1.1)."""
    if not if_match:
        raise PreconditionRequired('send the version that you saw, such as If-Match: "3"')
    if if_match.strip() == "*":
        return None
    version = re.fullmatch(r'\s*"(\d{1,9})"\s*', if_match)
    if version is None:
        raise PreconditionFailed(f'expected If-Match: "<version>", not {if_match!r}')
    return int(version[1])
