from __future__ import annotations

from dataclasses import dataclass

from orders_service.domain.menu import MenuItem


@dataclass(frozen=True, slots=True)
class DraftLine:
    item: MenuItem
    qty: int


@dataclass(frozen=True, slots=True)
class Draft:
    """An order being put together by one person, always at the menu's present prices."""

    sub: str
    order_id: str
    lines: tuple[DraftLine, ...] = ()

    @property
    def total_won(self) -> int:
        return sum(line.qty * line.item.price_won for line in self.lines)

    def qty_of(self, item_id: str) -> int:
        return next((line.qty for line in self.lines if line.item.id == item_id), 0)
