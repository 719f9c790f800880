"""The fragments of the stock: what runs low, what is there, and what came and went."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from starlette.applications import Starlette

from inventory_fragment.client import Ingredient, InventoryService
from inventory_fragment.settings import Settings
from inventory_fragment.timeline import offer_timeline
from jogakbo.fragment import (
    Action,
    Answer,
    FragmentServer,
    NotFound,
    Param,
    ServiceRefused,
    View,
    offer_checks,
    offer_lab,
)

server = FragmentServer("inventory", package="inventory_fragment", team="inventory")

_HISTORY_LENGTH = 50
_FULL_SHELF = 6  # times the low mark: the usual delivery fills a shelf to about that


@dataclass(frozen=True, slots=True)
class Bar:
    """An ingredient's level in percent of a full shelf, and the mark at which it is low."""

    percent: float
    low_percent: float


@server.fragment("levels", title={"en": "Stock levels", "ko": "재고"}, keys=["stock"])
async def levels(view: View) -> str:
    """Every ingredient with its level, and forms to restock and to count it."""
    ingredients = await InventoryService(view.service).ingredients()
    bars = {ingredient.id: _bar(ingredient) for ingredient in ingredients}
    return view.render("levels.html", ingredients=ingredients, bars=bars)


@server.fragment("warnings", title={"en": "Stock warnings", "ko": "재고 알림"}, keys=["stock"])
async def warnings(view: View) -> str:
    """The ingredients that are low or out; what is out comes first."""
    ingredients = await InventoryService(view.service).ingredients()
    short = sorted((one for one in ingredients if one.level != "ok"), key=lambda one: one.level != "out")
    return view.render("warnings.html", ingredients=short)


@server.fragment(
    "history",
    title={"en": "History", "ko": "내역"},
    keys=["ingredient-{id}"],
    params={"id": Param(pattern="[a-z0-9-]{1,40}")},
)
async def history(view: View) -> str:
    """What came and went of one ingredient, newest first; without ``id`` an invitation to choose one."""
    ingredient_id = view.params.get("id")
    if ingredient_id is None:
        view.depends("stock")
        return view.render("history_none.html")
    service = InventoryService(view.service)
    try:
        ingredient = await service.ingredient(ingredient_id)
    except ServiceRefused as refusal:
        if refusal.problem.status != 404:
            raise
        raise NotFound(view.render("history_none.html")) from refusal
    events = await service.history(ingredient_id, _HISTORY_LENGTH)
    return view.render("history.html", ingredient=ingredient, events=events)


@server.action("restock", shows="levels")
async def restock(action: Action) -> Answer:
    """Enter a delivery."""
    amount = _whole(action.form["delivered"])
    if not amount:
        return action.show("levels", error=action.t("error.amount", least=1))
    ingredient_id = action.form["ingredient_id"]
    await InventoryService(action.service).restock(ingredient_id, amount, _key(action))
    action.changed(f"ingredient-{ingredient_id}")
    return action.show("levels")


@server.action("count", shows="levels")
async def count(action: Action) -> Answer:
    """Enter what somebody has counted."""
    amount = _whole(action.form["counted"])
    if amount is None:
        return action.show("levels", error=action.t("error.amount", least=0))
    ingredient_id = action.form["ingredient_id"]
    await InventoryService(action.service).count(ingredient_id, amount, _key(action))
    action.changed(f"ingredient-{ingredient_id}")
    return action.show("levels")


def _bar(ingredient: Ingredient) -> Bar:
    full = max(ingredient.on_hand, ingredient.low_at * _FULL_SHELF, 1)
    return Bar(round(100 * max(ingredient.on_hand, 0) / full, 1), round(100 * ingredient.low_at / full, 1))


def _key(action: Action) -> str:
    """A form sent twice is one delivery: same person, same fields, seen at the same revision of the stock."""
    words = [action.identity.subject, *(f"{name}={value}" for name, value in sorted(action.form.items()))]
    return hashlib.sha256("\n".join(words).encode()).hexdigest()


def _whole(text: str) -> int | None:
    digits = text.replace(",", "").strip()
    return int(digits) if re.fullmatch(r"[0-9]{1,9}", digits) else None


offer_timeline(server)
offer_checks(server, title={"en": "Stock", "ko": "재고"}, keys=["stock"])
offer_lab(
    server,
    title={"en": "Stock", "ko": "재고"},
    messages=("inventory.ReserveStock", "inventory.CommitReservation", "inventory.ReleaseReservation"),
)


def create_app(settings: Settings) -> Starlette:
    """The ASGI application of the fragment server of inventory."""
    return server.app(settings)
