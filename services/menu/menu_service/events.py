"""Events on the wire: what the menu tells (a JSON Schema for each in ``schemas/``), and the fields it reads."""

from __future__ import annotations

import msgspec

from menu_service.domain import Item


class NameData(msgspec.Struct, frozen=True):
    """A name in the portal's languages."""

    en: str
    ko: str


class PortionData(msgspec.Struct, frozen=True):
    """An ingredient of a recipe."""

    ingredient_id: str
    amount: int


class ItemChanged(msgspec.Struct, frozen=True):
    """``menu.ItemChanged``: an item as it is now."""

    id: str
    name: NameData
    category: str
    price_won: int
    on_sale: bool
    sold_out: bool
    recipe: list[PortionData]
    version: int


class StockChanged(msgspec.Struct, frozen=True):
    """``inventory.StockChanged``, as far as the menu reads it."""

    ingredient_id: str
    name: NameData
    unit: str
    available: int


def item_changed(item: Item) -> ItemChanged:
    """The event that tells of an item."""
    return ItemChanged(
        id=item.id,
        name=NameData(item.name.en, item.name.ko),
        category=item.category.value,
        price_won=item.price_won,
        on_sale=item.on_sale,
        sold_out=item.sold_out,
        recipe=[PortionData(part.ingredient_id, part.amount) for part in item.recipe],
        version=item.version,
    )
