"""Close of day: what is left of each ingredient is what the next day opens with."""

from __future__ import annotations

from datetime import date

from inventory_service.handlers.ports import Answers, Books


def close_day(business_day: date, next_day: date, books: Books, answers: Answers) -> None:
    """A day that was closed before is not closed again; the answer is the same."""
    if not books.is_closed(business_day):
        for ingredient_id in books.ingredients():
            books.end(ingredient_id, business_day, next_day)
    answers.day_closed(business_day, next_day, books.close(business_day))
