"""Items by themselves."""

from __future__ import annotations

import pytest

from menu_service.domain import Category, InvalidPrice, Item, Name, Portion

TOAST = Item("toast", Name("Toast", "토스트"), Category.BAKERY, 4000, (Portion("bread", 2), Portion("butter", 10)))


def test_what_people_change_counts_up_the_version() -> None:
    assert TOAST.changed(price_won=4500).version == 2
    assert TOAST.changed(price_won=4500).changed(on_sale=False).version == 3


def test_a_change_to_the_same_is_no_change() -> None:
    assert TOAST.changed(price_won=4000, on_sale=True) is TOAST


@pytest.mark.parametrize(
    ("available", "sold_out"),
    [
        ({}, False),
        ({"bread": 2, "butter": 10}, False),
        ({"bread": 1, "butter": 10}, True),
        ({"bread": 2, "butter": 9}, True),
        ({"butter": 0}, True),
    ],
)
def test_sold_out_means_short_of_something_for_one_serving(available: dict[str, int], sold_out: bool) -> None:
    assert TOAST.stocked(available).sold_out is sold_out


@pytest.mark.parametrize("price_won", [0, -1, 1_000_001])
def test_an_impossible_price_is_refused(price_won: int) -> None:
    with pytest.raises(InvalidPrice, match="a price is 1 to 1000000 won"):
        TOAST.changed(price_won=price_won)
