"""Restock and count: what a person does at a shelf."""

from __future__ import annotations

from datetime import date

from inventory_service.domain import stock as decide
from inventory_service.handlers.errors import IngredientUnknownError
from inventory_service.handlers.ports import Books, Shelf


def restock(ingredient_id: str, amount: int, business_day: date, books: Books) -> Shelf:
    shelf = _shelf(ingredient_id, books)
    return books.record(shelf, business_day, decide.restock(shelf.stock, amount))


def count(ingredient_id: str, counted: int, business_day: date, books: Books) -> Shelf:
    shelf = _shelf(ingredient_id, books)
    return books.record(shelf, business_day, decide.count(shelf.stock, counted))


def _shelf(ingredient_id: str, books: Books) -> Shelf:
    shelf = books.shelf(ingredient_id)
    if shelf is None:
        raise IngredientUnknownError(ingredient_id)
    return shelf
