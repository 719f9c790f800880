"""The menu of a new café, from ``seed.toml``."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from pathlib import Path

from menu_service.domain import Category, Item, Name, Portion

_SEED = Path(__file__).with_name("seed.toml")


def seed_items() -> Sequence[Item]:
    """The items to open with, in the order of the menu."""
    with _SEED.open("rb") as file:
        entries = tomllib.load(file)["items"]
    return [
        Item(
            id=entry["id"],
            name=Name(entry["en"], entry["ko"]),
            category=Category(entry["category"]),
            price_won=entry["price_won"],
            recipe=tuple(Portion(ingredient, amount) for ingredient, amount in entry["recipe"].items()),
        )
        for entry in entries
    ]
