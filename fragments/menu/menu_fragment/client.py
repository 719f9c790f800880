"""The menu service as this fragment server knows it: only the fields that are shown."""

from __future__ import annotations

import msgspec

from jogakbo.fragment import Service


class Part(msgspec.Struct, frozen=True):
    """How much of an ingredient one serving takes, in the ingredient's unit."""

    ingredient_id: str
    amount: int


class Ingredient(msgspec.Struct, frozen=True):
    """What people call an ingredient, and its unit."""

    id: str
    name: dict[str, str]
    unit: str


class Item(msgspec.Struct, frozen=True):
    """An item of the menu; ``version`` guards a change against another that came first."""

    id: str
    name: dict[str, str]
    category: str
    price_won: int
    on_sale: bool
    sold_out: bool
    version: int
    recipe: list[Part] = []


class _Items(msgspec.Struct, frozen=True):
    items: list[Item]


class _Ingredients(msgspec.Struct, frozen=True):
    ingredients: list[Ingredient]


class MenuService:
    """Typed calls of the menu service."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def items(self) -> list[Item]:
        """All items, in the order of the menu."""
        return (await self._service.get("/items", _Items)).items

    async def ingredients(self) -> dict[str, Ingredient]:
        """The ingredients that are known by name, by id."""
        known = await self._service.get("/ingredients", _Ingredients)
        return {ingredient.id: ingredient for ingredient in known.ingredients}

    async def change(self, item_id: str, version: str, changes: dict[str, object]) -> None:
        """Change the price or take the item off the menu, if nobody else has changed it since ``version``."""
        await self._service.send("PATCH", f"/items/{item_id}", Item, changes, if_match=version)
