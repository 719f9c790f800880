"""What an order needs, and what is missing for it."""

from __future__ import annotations

import pytest

from inventory_service.domain.events import Hold
from inventory_service.domain.ingredient import Ingredient, Level, Name
from inventory_service.domain.recipe import OrderLine, Portion, portions_of
from inventory_service.domain.reservation import OnShelf, Shortage, shortages
from inventory_service.domain.stock import Stock

RECIPES = {
    "latte": (Portion("beans", 18), Portion("milk", 220)),
    "americano": (Portion("beans", 18),),
}
BEANS = Name("Coffee beans", "원두")


def test_an_order_needs_each_ingredient_once_for_all_its_lines() -> None:
    lines = (OrderLine("latte", 2), OrderLine("americano", 1))
    assert portions_of(lines, RECIPES) == (Portion("beans", 54), Portion("milk", 440))


def test_an_item_without_a_known_recipe_is_not_guessed_at() -> None:
    with pytest.raises(KeyError):
        portions_of((OrderLine("mocha", 1),), RECIPES)


def test_what_others_hold_is_not_available() -> None:
    shelves = {"beans": OnShelf(BEANS, Stock(50, (Hold("order-1", 40),)))}
    assert shortages([Portion("beans", 18)], shelves) == (Shortage("beans", BEANS, 18, 10),)


def test_the_last_gram_may_be_taken() -> None:
    assert shortages([Portion("beans", 18)], {"beans": OnShelf(BEANS, Stock(18))}) == ()


def test_an_ingredient_that_nobody_keeps_is_short() -> None:
    assert shortages([Portion("saffron", 1)], {}) == (Shortage("saffron", Name("saffron", "saffron"), 1, 0),)


@pytest.mark.parametrize(("available", "level"), [(501, "ok"), (500, "low"), (1, "low"), (0, "out")])
def test_the_level_tells_when_to_order(available: int, level: Level) -> None:
    assert Ingredient("milk", Name("Milk", "우유"), "ml", low_at=500).level(available) == level
