"""The stock's fragments: what runs low, every level with its forms, and an ingredient's history."""

from __future__ import annotations

import re
import secrets

from starlette.applications import Starlette

from inventory_fragment.client import InventoryService
from inventory_fragment.settings import Settings
from jogakbo.fragment import Action, Answer, FragmentServer, Param, View

server = FragmentServer("inventory", package="inventory_fragment", team="inventory")

_INGREDIENT_ID = "[a-z0-9-]{1,40}"


@server.fragment("warnings", title={"en": "Running low", "ko": "부족한 재료"}, keys=["stock"])
async def warnings(view: View) -> str:
    """The ingredients that are low or out."""
    ingredients = await InventoryService(view.service).ingredients()
    return view.render("warnings.html", ingredients=[entry for entry in ingredients if entry.level != "ok"])


@server.fragment("levels", title={"en": "Stock", "ko": "재고"}, keys=["stock"])
async def levels(view: View) -> str:
    """Every ingredient with its level and the forms to restock and to count it."""
    ingredients = await InventoryService(view.service).ingredients()
    return view.render("levels.html", ingredients=ingredients, request_key=secrets.token_hex(8))


@server.fragment(
    "history",
    title={"en": "History", "ko": "변동 기록"},
    keys=["ingredient-{id}"],
    params={"id": Param(pattern=_INGREDIENT_ID)},
)
async def history(view: View) -> str:
    """What happened to one ingredient, or an invitation to choose one."""
    if "id" not in view.params:
        return view.render("history_none.html")
    service = InventoryService(view.service)
    ingredient = await service.ingredient(view.params["id"])
    return view.render("history.html", ingredient=ingredient, events=await service.history(ingredient.id))


@server.action("restock", shows="levels")
async def restock(action: Action) -> Answer:
    """A delivery came in."""
    amount = _amount(action)
    if amount is None:
        return action.show("levels", error=action.t("error.amount"))
    await InventoryService(action.service).restock(_ingredient(action), amount, _key(action, "restock"))
    return action.show("levels")


@server.action("count", shows="levels")
async def count(action: Action) -> Answer:
    """Somebody counted what is there."""
    amount = _amount(action)
    if amount is None:
        return action.show("levels", error=action.t("error.amount"))
    await InventoryService(action.service).count(_ingredient(action), amount, _key(action, "count"))
    return action.show("levels")


def _amount(action: Action) -> int | None:
    text = action.form.get("amount", "").replace(",", "").strip()
    return int(text) if re.fullmatch("[0-9]{1,9}", text) else None


def _ingredient(action: Action) -> str:
    ingredient_id = action.form["ingredient_id"]
    return ingredient_id if re.fullmatch(_INGREDIENT_ID, ingredient_id) else "unknown"


def _key(action: Action, what: str) -> str:
    """A form sent twice is one delivery: the form's own key, for this ingredient, this amount and this person."""
    given = action.form.get("request_key") or secrets.token_hex(8)
    return f"{what}:{_ingredient(action)}:{action.form['amount']}:{action.identity.subject}:{given}"[:200]


def create_app(settings: Settings) -> Starlette:
    """The ASGI application of the inventory's fragment server."""
    return server.app(settings)
