"""The menu's fragments: what guests choose from, and what the manager keeps."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from operator import attrgetter

from starlette.applications import Starlette

from jogakbo.fragment import Action, Answer, FragmentServer, View
from menu_fragment.client import Item, MenuService
from menu_fragment.settings import Settings

server = FragmentServer("menu", package="menu_fragment", team="menu")


@server.fragment("list", title={"en": "Menu", "ko": "메뉴"}, keys=["menu"])
async def menu_list(view: View) -> str:
    """The items on sale by category, each with a form that adds one to the order being made."""
    items = [item for item in await MenuService(view.service).items() if item.on_sale]
    return view.render("list.html", categories=_by_category(items))


@server.fragment("manage", title={"en": "Items and prices", "ko": "메뉴와 가격"}, keys=["menu"], presence=True)
async def manage(view: View) -> str:
    """Every item with its price and whether it is on the menu."""
    service = MenuService(view.service)
    items, ingredients = await service.items(), await service.ingredients()
    return view.render(
        "manage.html",
        categories=_by_category(items),
        item_ids={item.id for item in items},
        ingredients=ingredients,
    )


@server.action("price", shows="manage")
async def price(action: Action) -> Answer:
    """Change an item's price."""
    text = action.form.get("price_won", "").replace(",", "").strip()
    if not (text.isascii() and text.isdigit()):
        return action.show("manage", error=action.t("error.price_not_a_number"))
    await _change(action, {"price_won": int(text)})
    return action.show("manage")


@server.action("on-sale", shows="manage")
async def on_sale(action: Action) -> Answer:
    """Put an item on the menu or take it off."""
    await _change(action, {"on_sale": action.form.get("on_sale") == "true"})
    return action.show("manage")


async def _change(action: Action, changes: dict[str, object]) -> None:
    await MenuService(action.service).change(action.form["item_id"], action.form.get("version", ""), changes)


def _by_category(items: Sequence[Item]) -> list[tuple[str, list[Item]]]:
    return [(name, list(group)) for name, group in groupby(items, key=attrgetter("category"))]


def create_app(settings: Settings) -> Starlette:
    """The ASGI application of the menu's fragment server."""
    return server.app(settings)
