from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Name:
    en: str
    ko: str


@dataclass(frozen=True, slots=True)
class MenuItem:
    """What orders keeps of an item of the menu; ``version`` is the menu's own and only grows."""

    id: str
    name: Name
    price_won: int
    on_sale: bool
    sold_out: bool
    version: int
