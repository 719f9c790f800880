"""What a guest may order, and what it costs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from orders_service.domain.errors import EmptyOrder, ItemOffSale, QuantityOutOfRange, TotalChanged, UnknownItem
from orders_service.domain.menu import MenuItem
from orders_service.domain.order import Line

HIGHEST_QTY = 99


@dataclass(frozen=True, slots=True)
class Wanted:
    item_id: str
    qty: int


def merged(wanted: Iterable[Wanted]) -> tuple[Wanted, ...]:
    """One line per item, in the order of first mention. Raises ``QuantityOutOfRange``."""
    quantities: dict[str, int] = {}
    for line in wanted:
        checked_qty(line.item_id, line.qty)
        quantities[line.item_id] = quantities.get(line.item_id, 0) + line.qty
    return tuple(Wanted(item_id, checked_qty(item_id, qty)) for item_id, qty in quantities.items())


def checked_qty(item_id: str, qty: int) -> int:
    if not 1 <= qty <= HIGHEST_QTY:
        raise QuantityOutOfRange(item_id, qty, HIGHEST_QTY)
    return qty


def priced(wanted: Sequence[Wanted], menu: Mapping[str, MenuItem]) -> tuple[Line, ...]:
    """The lines at today's prices. Raises a ``Refused`` that names the first wrong line.

    A sold-out item is let through: the menu's word is late by nature, inventory decides at the reservation.
    """
    if not wanted:
        raise EmptyOrder
    return tuple(_priced(line, menu) for line in wanted)


def _priced(wanted: Wanted, menu: Mapping[str, MenuItem]) -> Line:
    item = on_menu(wanted.item_id, menu)
    if not item.on_sale:
        raise ItemOffSale(item.id)
    return Line(item.id, item.name, wanted.qty, item.price_won)


def on_menu(item_id: str, menu: Mapping[str, MenuItem]) -> MenuItem:
    """The item. Raises ``UnknownItem``."""
    try:
        return menu[item_id]
    except KeyError:
        raise UnknownItem(item_id) from None


def total_won(lines: Iterable[Line], expected_won: int | None = None) -> int:
    """The sum of the lines. Raises ``TotalChanged`` when the guest was shown another one."""
    total = sum(line.qty * line.price_won for line in lines)
    if expected_won is not None and expected_won != total:
        raise TotalChanged(expected_won, total)
    return total
