"""What the menu tells, and what it makes of the stock."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from starlette.testclient import TestClient

import menu_service
from menu_service.app import create_app
from menu_service.settings import Settings

from .conftest import Menu

SCHEMAS = Path(menu_service.__file__).parent / "schemas"


def test_a_new_menu_tells_every_item_once(menu: Menu, settings: Settings) -> None:
    told = [event.subject for event in menu.all_told()]
    assert len(told) == len(set(told)) == 15
    with TestClient(create_app(settings)) as restarted:
        assert len(restarted.get("/items").json()["items"]) == 15
    assert len(menu.all_told()) == 15


def test_a_change_is_told_with_the_keys_it_makes_stale(menu: Menu) -> None:
    menu.client.patch("/items/latte", json={"price_won": 5200}, headers={"If-Match": '"1"'})
    [event] = menu.told()
    assert (event.type, event.subject, event.keys) == ("menu.ItemChanged", "latte", "menu menu-item-latte")
    assert json.loads(bytes(event.data)) == menu.item("latte")


def test_a_change_to_what_it_is_already_is_not_told(menu: Menu) -> None:
    answer = menu.client.patch("/items/latte", json={"price_won": 5000}, headers={"If-Match": '"1"'})
    assert answer.json()["version"] == 1
    assert menu.told() == []


def test_an_item_is_sold_out_when_an_ingredient_no_longer_suffices(menu: Menu) -> None:
    menu.hears_stock("matcha", 5)
    assert menu.item("matcha-latte")["sold_out"] is True
    assert menu.item("latte")["sold_out"] is False
    assert [(data["id"], data["sold_out"]) for data in menu.told_data()] == [("matcha-latte", True)]


def test_ingredients_are_called_what_inventory_calls_them(menu: Menu) -> None:
    menu.hears_stock("milk", 500)
    menu.hears_stock("beans", 900)
    menu.hears_stock("milk", 400)
    assert menu.client.get("/ingredients").json() == {
        "ingredients": [
            {"id": "beans", "name": {"en": "Beans", "ko": "재료"}, "unit": "g"},
            {"id": "milk", "name": {"en": "Milk", "ko": "재료"}, "unit": "g"},
        ]
    }


def test_exactly_one_serving_left_is_enough(menu: Menu) -> None:
    menu.hears_stock("matcha", 6)
    assert menu.item("matcha-latte")["sold_out"] is False


def test_an_item_comes_back_when_all_of_its_ingredients_are_there_again(menu: Menu) -> None:
    menu.hears_stock("cream", 0)
    menu.hears_stock("chocolate-sauce", 0)
    menu.hears_stock("cream", 4000)
    assert menu.item("mocha")["sold_out"] is True
    assert menu.item("einspanner")["sold_out"] is False
    menu.hears_stock("chocolate-sauce", 3000)
    assert menu.item("mocha")["sold_out"] is False


def test_stock_that_changes_nothing_for_the_menu_is_not_told(menu: Menu) -> None:
    menu.hears_stock("beans", 11_000)
    menu.hears_stock("paper-cups", 0)
    assert menu.told() == []


def test_selling_out_does_not_refuse_the_price_that_a_manager_is_typing(menu: Menu) -> None:
    menu.hears_stock("matcha", 0)
    answer = menu.client.patch("/items/matcha-latte", json={"price_won": 6000}, headers={"If-Match": '"1"'})
    assert answer.status_code == 200
    assert answer.json()["sold_out"] is True


def test_every_event_that_is_told_fits_its_schema(menu: Menu) -> None:
    menu.hears_stock("beans", 0)
    menu.client.patch("/items/yuzu-tea", json={"on_sale": False}, headers={"If-Match": "*"})
    for event in menu.all_told():
        schema = json.loads((SCHEMAS / f"{event.type}.json").read_text())
        Draft202012Validator(schema).validate(json.loads(bytes(event.data)))


@pytest.mark.parametrize("path", sorted(SCHEMAS.glob("*.json")), ids=lambda path: path.name)
def test_a_schema_is_one_and_has_the_name_of_its_event(path: Path) -> None:
    schema = json.loads(path.read_text())
    Draft202012Validator.check_schema(schema)
    assert schema["title"] == path.stem
