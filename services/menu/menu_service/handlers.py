"""What can be done to the menu, each in the one transaction that its caller holds open."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from menu_service.domain import Ingredient, Item, StaleVersion


class Items(Protocol):
    """Where items are kept."""

    def all(self) -> Sequence[Item]:
        """Every item, in the order of the menu."""
        ...

    def get(self, item_id: str) -> Item:
        """One item. Raises ``UnknownItem``."""
        ...

    def hold(self, item_id: str) -> Item:
        """One item, locked until the transaction ends. Raises ``UnknownItem``."""
        ...

    def hold_using(self, ingredient_id: str) -> Sequence[Item]:
        """The items whose recipe takes this ingredient, locked until the transaction ends."""
        ...

    def add(self, item: Item) -> None:
        """Put a new item at the end of the menu."""
        ...

    def save(self, item: Item) -> None:
        """Keep what has changed in an item."""
        ...


class Stock(Protocol):
    """The menu's own copy of what inventory tells."""

    def note(self, ingredient: Ingredient, available: int) -> None:
        """Remember what an ingredient is called and how much of it can still be used."""
        ...

    def ingredients(self) -> Sequence[Ingredient]:
        """Those whose names are known, by id."""
        ...

    def available(self) -> Mapping[str, int]:
        """What is known, by ingredient id."""
        ...


class News(Protocol):
    """Where the menu's events go."""

    def item_changed(self, item: Item) -> None:
        """Tell what the item is like now."""
        ...


@dataclass(frozen=True, slots=True)
class Menu:
    """Everything a handler works on, bound to one transaction."""

    items: Items
    stock: Stock
    news: News


@dataclass(frozen=True, slots=True)
class ChangeItem:
    """Change an item's price or take it off the menu; ``seen_version`` None = whatever it is now."""

    item_id: str
    seen_version: int | None
    price_won: int | None = None
    on_sale: bool | None = None


def change_item(menu: Menu, command: ChangeItem) -> Item:
    """Raises ``UnknownItem``, ``StaleVersion`` or ``InvalidPrice``."""
    item = menu.items.hold(command.item_id)
    if command.seen_version not in (None, item.version):
        raise StaleVersion(
            f"{item.id} is at version {item.version}, not {command.seen_version}; look at it again first"
        )
    changed = item.changed(price_won=command.price_won, on_sale=command.on_sale)
    if changed != item:
        menu.items.save(changed)
        menu.news.item_changed(changed)
    return changed


def note_stock(menu: Menu, ingredient: Ingredient, available: int) -> None:
    """Inventory has told how much is left: what can no longer be made is sold out, what can again is not."""
    menu.stock.note(ingredient, available)
    known = menu.stock.available()
    for item in menu.items.hold_using(ingredient.id):
        stocked = item.stocked(known)
        if stocked != item:
            menu.items.save(stocked)
            menu.news.item_changed(stocked)


def open_menu(menu: Menu, items: Sequence[Item]) -> None:
    """Fill an empty menu; one that has items stays as it is."""
    if menu.items.all():
        return
    for item in items:
        menu.items.add(item)
        menu.news.item_changed(item)
