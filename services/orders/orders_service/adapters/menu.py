from __future__ import annotations

from collections.abc import Iterable, Mapping

from sqlalchemy import Connection, Row, bindparam, select

from orders_service.adapters.tables import menu_items
from orders_service.adapters.upsert import insert_into
from orders_service.domain.menu import MenuItem, Name

_ITEMS = select(menu_items).where(menu_items.c.id.in_(bindparam("ids", expanding=True)))


class SqlMenu:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def items(self, item_ids: Iterable[str]) -> Mapping[str, MenuItem]:
        rows = self._connection.execute(_ITEMS, {"ids": list(item_ids)})
        return {row.id: menu_item(row) for row in rows}

    def keep(self, item: MenuItem) -> bool:
        row = {
            "name_en": item.name.en,
            "name_ko": item.name.ko,
            "price_won": item.price_won,
            "on_sale": item.on_sale,
            "sold_out": item.sold_out,
            "version": item.version,
        }
        newest = insert_into(self._connection.dialect.name, menu_items).values(id=item.id, **row)
        older = menu_items.c.version < item.version
        kept = newest.on_conflict_do_update(index_elements=["id"], set_=row, where=older)
        return self._connection.execute(kept.returning(menu_items.c.id)).first() is not None


def menu_item(row: Row[tuple[object, ...]]) -> MenuItem:
    """From a row with the columns of ``menu_items``."""
    return MenuItem(
        id=row.id,
        name=Name(row.name_en, row.name_ko),
        price_won=row.price_won,
        on_sale=row.on_sale,
        sold_out=row.sold_out,
        version=row.version,
    )
