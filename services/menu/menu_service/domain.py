"""The menu: what the café sells, for how much, and made of what.

MenuError
├── UnknownItem     no item has this id
├── StaleVersion    the item has changed since the caller saw it
└── InvalidPrice    not an amount of won that a café could ask
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

HIGHEST_PRICE_WON = 1_000_000


class MenuError(Exception):
    """Base of what the menu refuses."""


class UnknownItem(MenuError):
    """No item has this id."""


class StaleVersion(MenuError):
    """The item has changed since the caller saw it."""


class InvalidPrice(MenuError):
    """Not an amount of won that a café could ask."""


class Category(StrEnum):
    """The part of the menu that an item stands in."""

    COFFEE = "coffee"
    TEA = "tea"
    DRINK = "drink"
    BAKERY = "bakery"


@dataclass(frozen=True, slots=True)
class Name:
    """What people call it, in the portal's languages."""

    en: str
    ko: str


@dataclass(frozen=True, slots=True)
class Portion:
    """How much of one ingredient a serving takes, in that ingredient's unit (g, ml or pieces)."""

    ingredient_id: str
    amount: int


@dataclass(frozen=True, slots=True)
class Ingredient:
    """What inventory calls something that recipes take, and its unit: g, ml or piece."""

    id: str
    name: Name
    unit: str


@dataclass(frozen=True, slots=True)
class Item:
    """Something to order.

    ``version`` counts the changes that people make. ``sold_out`` follows the stock and leaves ``version`` alone, so
    that a sale elsewhere never refuses the price that a manager is just typing.
    """

    id: str
    name: Name
    category: Category
    price_won: int
    recipe: tuple[Portion, ...]
    on_sale: bool = True
    sold_out: bool = False
    version: int = 1

    def __post_init__(self) -> None:
        if not 0 < self.price_won <= HIGHEST_PRICE_WON:
            raise InvalidPrice(f"a price is 1 to {HIGHEST_PRICE_WON} won, not {self.price_won}")

    def changed(self, *, price_won: int | None = None, on_sale: bool | None = None) -> Item:
        """The item with what was asked for; the same item when that changes nothing."""
        after = replace(
            self,
            price_won=self.price_won if price_won is None else price_won,
            on_sale=self.on_sale if on_sale is None else on_sale,
        )
        return self if after == self else replace(after, version=self.version + 1)

    def stocked(self, available: Mapping[str, int]) -> Item:
        """The item as the stock leaves it. An ingredient that nobody has counted yet is taken to be there."""
        short = any(available.get(part.ingredient_id, part.amount) < part.amount for part in self.recipe)
        return replace(self, sold_out=short)
