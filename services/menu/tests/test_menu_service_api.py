"""The menu over HTTP."""

from __future__ import annotations

import pytest

from .conftest import Menu


def test_a_new_cafe_opens_with_its_whole_menu_in_two_languages(menu: Menu) -> None:
    items = menu.client.get("/items").json()["items"]
    assert len(items) == 15
    assert {item["category"] for item in items} == {"coffee", "tea", "drink", "bakery"}
    assert items[1]["name"] == {"en": "Americano", "ko": "아메리카노"}
    assert all(item["recipe"] and item["on_sale"] and not item["sold_out"] for item in items)


def test_an_item_says_its_version_as_etag(menu: Menu) -> None:
    answer = menu.client.get("/items/latte")
    assert answer.headers["etag"] == '"1"'
    assert answer.json()["price_won"] == 5000


def test_a_manager_changes_a_price(menu: Menu) -> None:
    answer = menu.client.patch("/items/latte", json={"price_won": 5200}, headers={"If-Match": '"1"'})
    assert (answer.status_code, answer.json()["price_won"], answer.json()["version"]) == (200, 5200, 2)
    assert menu.item("latte") == answer.json()


def test_a_manager_takes_an_item_off_the_menu(menu: Menu) -> None:
    menu.client.patch("/items/latte", json={"on_sale": False}, headers={"If-Match": '"1"'})
    assert menu.item("latte")["on_sale"] is False


def test_who_saw_an_old_version_is_told_so_and_changes_nothing(menu: Menu) -> None:
    menu.client.patch("/items/latte", json={"price_won": 5200}, headers={"If-Match": '"1"'})
    late = menu.client.patch("/items/latte", json={"price_won": 9900}, headers={"If-Match": '"1"'})
    assert (late.status_code, late.json()["code"]) == (412, "stale_version")
    assert menu.item("latte")["price_won"] == 5200


def test_without_a_version_nothing_is_changed(menu: Menu) -> None:
    answer = menu.client.patch("/items/latte", json={"price_won": 5200})
    assert (answer.status_code, answer.json()["code"]) == (428, "precondition_required")


@pytest.mark.parametrize("if_match", ['"one"', "1", 'W/"1"'])
def test_a_version_that_cannot_be_read_does_not_match(menu: Menu, if_match: str) -> None:
    answer = menu.client.patch("/items/latte", json={"price_won": 5200}, headers={"If-Match": if_match})
    assert answer.status_code == 412


def test_any_version_will_do_for_a_star(menu: Menu) -> None:
    answer = menu.client.patch("/items/latte", json={"price_won": 5200}, headers={"If-Match": "*"})
    assert answer.json()["version"] == 2


@pytest.mark.parametrize("change", [{"price_won": 0}, {"price_won": 1_000_001}, {"price_won": 4.5}, {"colour": "red"}])
def test_a_change_that_makes_no_sense_is_refused(menu: Menu, change: dict[str, float | str]) -> None:
    answer = menu.client.patch("/items/latte", json=change, headers={"If-Match": '"1"'})
    assert answer.status_code == 422
    assert menu.item("latte")["version"] == 1


def test_an_item_that_does_not_exist_is_not_found(menu: Menu) -> None:
    assert menu.client.get("/items/pizza").json()["code"] == "unknown_item"
    assert menu.client.patch("/items/pizza", json={}, headers={"If-Match": "*"}).status_code == 404


def test_a_repeated_change_gets_the_first_answer(menu: Menu) -> None:
    headers = {"If-Match": '"1"', "Idempotency-Key": "save-1"}
    answers = [menu.client.patch("/items/latte", json={"price_won": 5200}, headers=headers) for _ in range(2)]
    assert [answer.json()["version"] for answer in answers] == [2, 2]
    assert len(menu.told()) == 1
