"""What an order takes from the shelves, by the recipes of its items."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Portion:
    ingredient_id: str
    amount: int


@dataclass(frozen=True, slots=True)
class OrderLine:
    item_id: str
    qty: int


def portions_of(lines: Iterable[OrderLine], recipes: Mapping[str, tuple[Portion, ...]]) -> tuple[Portion, ...]:
    """One portion per ingredient, in the order of their ids; ``KeyError`` for an item without a recipe."""
    needed: Counter[str] = Counter()
    for line in lines:
        for portion in recipes[line.item_id]:
            needed[portion.ingredient_id] += portion.amount * line.qty
    return tuple(Portion(ingredient_id, amount) for ingredient_id, amount in sorted(needed.items()))
