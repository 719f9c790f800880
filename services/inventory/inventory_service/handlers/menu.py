"""The copy of the menu's recipes."""

from __future__ import annotations

from inventory_service.handlers.ports import Answers, Books, Recipe
from inventory_service.handlers.reservations import reserve_waiting


def learn_recipe(recipe: Recipe, books: Books, answers: Answers) -> None:
    """Keep it unless a newer one is known; then serve the orders that waited for it."""
    known = books.recipe(recipe.item_id)
    if known is None or known.version < recipe.version:
        books.keep_recipe(recipe)
        reserve_waiting(books, answers)
