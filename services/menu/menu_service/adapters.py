"""The menu in its database, and its events in the outbox."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, Select, bindparam, func, insert, select, update

from jogakbo.events import Outbox
from menu_service import tables
from menu_service.domain import Category, Ingredient, Item, Name, Portion, UnknownItem
from menu_service.events import item_changed
from menu_service.handlers import Menu

OUTBOX = Outbox("menu")

_IN_ORDER = select(tables.items).order_by(tables.items.c.place)

# Built once: all that inventory tells passes here, and building them again costs as much as running them.
_PORTION = tables.portions.c
_TAKES = select(_PORTION.item_id).where(_PORTION.ingredient_id == bindparam("of_ingredient"))
_USING = _IN_ORDER.where(tables.items.c.id.in_(_TAKES)).with_for_update()
_RECIPES = (
    select(_PORTION.item_id, _PORTION.ingredient_id, _PORTION.amount)
    .where(_PORTION.item_id.in_(bindparam("item_ids", expanding=True)))
    .order_by(_PORTION.place)
)
_LEFT = select(tables.stock.c.ingredient_id, tables.stock.c.available)
_NOTE = (
    update(tables.stock)
    .where(tables.stock.c.ingredient_id == bindparam("of_ingredient"))
    .values({name: bindparam(name) for name in ("available", "name_en", "name_ko", "unit")})
)


def bind_menu(connection: Connection) -> Menu:
    """The menu inside one transaction."""
    return Menu(SqlItems(connection), SqlStock(connection), OutboxNews(connection))


class SqlItems:
    """``Items`` in SQL."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def all(self) -> Sequence[Item]:
        return self._items(_IN_ORDER)

    def get(self, item_id: str) -> Item:
        return self._one(item_id, _IN_ORDER)

    def hold(self, item_id: str) -> Item:
        return self._one(item_id, _IN_ORDER.with_for_update())

    def hold_using(self, ingredient_id: str) -> Sequence[Item]:
        return self._items(_USING, of_ingredient=ingredient_id)

    def add(self, item: Item) -> None:
        place = self._connection.execute(select(func.count()).select_from(tables.items)).scalar_one()
        self._connection.execute(
            insert(tables.items).values(
                id=item.id,
                place=place,
                name_en=item.name.en,
                name_ko=item.name.ko,
                category=item.category.value,
                **_changeable(item),
            )
        )
        self._connection.execute(
            insert(tables.portions),
            [
                {"item_id": item.id, "place": n, "ingredient_id": part.ingredient_id, "amount": part.amount}
                for n, part in enumerate(item.recipe)
            ],
        )

    def save(self, item: Item) -> None:
        self._connection.execute(update(tables.items).where(tables.items.c.id == item.id).values(_changeable(item)))

    def _one(self, item_id: str, query: Select[*tuple[object, ...]]) -> Item:
        found = self._items(query.where(tables.items.c.id == item_id))
        if not found:
            raise UnknownItem(f"the menu has no item {item_id!r}")
        return found[0]

    def _items(self, query: Select[*tuple[object, ...]], **values: str) -> Sequence[Item]:
        rows = self._connection.execute(query, values).all()
        recipes = self._recipes([row.id for row in rows])
        return [
            Item(
                id=row.id,
                name=Name(row.name_en, row.name_ko),
                category=Category(row.category),
                price_won=row.price_won,
                recipe=tuple(recipes[row.id]),
                on_sale=row.on_sale,
                sold_out=row.sold_out,
                version=row.version,
            )
            for row in rows
        ]

    def _recipes(self, item_ids: Sequence[str]) -> Mapping[str, list[Portion]]:
        recipes: dict[str, list[Portion]] = defaultdict(list)
        for row in self._connection.execute(_RECIPES, {"item_ids": item_ids}):
            recipes[row.item_id].append(Portion(row.ingredient_id, row.amount))
        return recipes


class SqlStock:
    """``Stock`` in SQL."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def note(self, ingredient: Ingredient, available: int) -> None:
        name = ingredient.name
        facts = {"available": available, "name_en": name.en, "name_ko": name.ko, "unit": ingredient.unit}
        if self._connection.execute(_NOTE, {"of_ingredient": ingredient.id, **facts}).rowcount == 0:
            self._connection.execute(insert(tables.stock).values(ingredient_id=ingredient.id, **facts))

    def ingredients(self) -> Sequence[Ingredient]:
        named = select(tables.stock).where(tables.stock.c.unit != "").order_by(tables.stock.c.ingredient_id)
        rows = self._connection.execute(named)
        return [Ingredient(row.ingredient_id, Name(row.name_en, row.name_ko), row.unit) for row in rows]

    def available(self) -> Mapping[str, int]:
        return {row.ingredient_id: row.available for row in self._connection.execute(_LEFT)}


class OutboxNews:
    """``News`` in the outbox, and so in the same transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def item_changed(self, item: Item) -> None:
        keys = ["menu", f"menu-item-{item.id}"]
        OUTBOX.add(self._connection, "menu.ItemChanged", item.id, item_changed(item), keys)


def _changeable(item: Item) -> dict[str, int | bool]:
    return {
        "price_won": item.price_won,
        "on_sale": item.on_sale,
        "sold_out": item.sold_out,
        "version": item.version,
    }
