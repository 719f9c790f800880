"""The commands of the order saga on a real database: all or nothing, once, and answered every time."""

from __future__ import annotations

import json

import pytest
from structlog.testing import capture_logs

from inventory_service.domain.reservation import ReservationState
from jogakbo.events.inbox import HandlerFailed

from .conftest import Storeroom

BEANS, MILK = 12_000, 30_000


def held(storeroom: Storeroom) -> tuple[int, int]:
    return storeroom.level("beans").reserved, storeroom.level("milk").reserved


def test_a_reservation_holds_every_ingredient_of_the_order(storeroom: Storeroom) -> None:
    storeroom.reserves("order-1", qty=2)
    assert held(storeroom) == (36, 440)
    assert storeroom.level("beans").on_hand == BEANS
    assert storeroom.answers() == [("StockReserved", "order-1")]


def test_each_touched_ingredient_is_announced_with_its_keys(storeroom: Storeroom) -> None:
    before = len(storeroom.events())
    storeroom.reserves("order-1")
    changed = [event for event in storeroom.events()[before:] if event.type == "inventory.StockChanged"]
    assert [event.changed for event in changed] == [{"stock", "ingredient-beans"}, {"stock", "ingredient-milk"}]
    assert json.loads(bytes(changed[0].data)) == {
        "ingredient_id": "beans",
        "name": {"en": "Coffee beans", "ko": "원두"},
        "unit": "g",
        "on_hand": BEANS,
        "available": BEANS - 18,
        "level": "ok",
    }


def test_an_order_that_is_short_of_one_ingredient_holds_none(storeroom: Storeroom) -> None:
    storeroom.reserves("order-1", qty=137)
    assert held(storeroom) == (0, 0)
    assert storeroom.answers() == [("StockRefused", "order-1")]
    assert json.loads(bytes(storeroom.events()[-1].data))["short"] == [
        {
            "ingredient_id": "milk",
            "name": {"en": "Milk", "ko": "우유"},
            "needed": 137 * 220,
            "available": MILK,
        }
    ]


def test_two_orders_cannot_hold_the_same_milk(storeroom: Storeroom) -> None:
    storeroom.reserves("order-1", qty=100)
    storeroom.reserves("order-2", qty=37)
    assert storeroom.answers() == [("StockReserved", "order-1"), ("StockRefused", "order-2")]


def test_a_commit_consumes_what_was_held(storeroom: Storeroom) -> None:
    storeroom.reserves("order-1")
    storeroom.commits("order-1")
    assert held(storeroom) == (0, 0)
    assert storeroom.level("milk").on_hand == MILK - 220
    assert storeroom.answers()[-1] == ("ReservationCommitted", "order-1")


def test_a_release_frees_what_was_held(storeroom: Storeroom) -> None:
    storeroom.reserves("order-1")
    storeroom.releases("order-1")
    assert held(storeroom) == (0, 0)
    assert storeroom.level("milk").on_hand == MILK
    assert storeroom.answers()[-1] == ("ReservationReleased", "order-1")


def test_a_repeated_reserve_holds_once_and_is_answered_again(storeroom: Storeroom) -> None:
    storeroom.reserves("order-1")
    storeroom.reserves("order-1")
    assert held(storeroom) == (18, 220)
    assert storeroom.answers() == [("StockReserved", "order-1")] * 2


def test_a_repeated_reserve_after_a_refusal_gets_the_same_refusal(storeroom: Storeroom) -> None:
    storeroom.reserves("order-1", qty=137)
    storeroom.releases("another-order")
    storeroom.reserves("order-1", qty=137)
    first, _, second = (event for event in storeroom.events() if event.type != "inventory.StockChanged")
    assert (first.type, bytes(first.data)) == (second.type, bytes(second.data))


def test_a_repeated_commit_consumes_once_and_is_answered_again(storeroom: Storeroom) -> None:
    storeroom.reserves("order-1")
    storeroom.commits("order-1")
    storeroom.commits("order-1")
    assert storeroom.level("milk").on_hand == MILK - 220
    assert storeroom.answers()[1:] == [("ReservationCommitted", "order-1")] * 2


def test_a_repeated_release_frees_once_and_is_answered_again(storeroom: Storeroom) -> None:
    storeroom.reserves("order-1")
    storeroom.reserves("order-2")
    storeroom.releases("order-1")
    storeroom.releases("order-1")
    assert held(storeroom) == (18, 220)
    assert storeroom.answers()[2:] == [("ReservationReleased", "order-1")] * 2


def test_a_late_reserve_after_a_commit_hears_that_it_had_its_stock(storeroom: Storeroom) -> None:
    storeroom.reserves("order-1")
    storeroom.commits("order-1")
    storeroom.reserves("order-1")
    assert storeroom.level("milk").on_hand == MILK - 220
    assert storeroom.answers()[-1] == ("StockReserved", "order-1")


def test_a_release_that_overtakes_its_reserve_refuses_it(storeroom: Storeroom) -> None:
    storeroom.releases("order-1")
    storeroom.reserves("order-1")
    assert held(storeroom) == (0, 0)
    assert storeroom.answers() == [("ReservationReleased", "order-1")] * 2


@pytest.mark.parametrize("orders", [[], ["refused"], ["released"]])
def test_a_commit_without_a_hold_is_reported_and_does_not_hold_up_the_stream(
    storeroom: Storeroom, orders: list[str]
) -> None:
    if orders == ["refused"]:
        storeroom.reserves("order-1", qty=1000)
    if orders == ["released"]:
        storeroom.releases("order-1")
    with capture_logs() as logs:
        storeroom.commits("order-1")
    assert [(log["event"], log["order_id"]) for log in logs] == [("reservation_contradicted", "order-1")]
    assert ("ReservationCommitted", "order-1") not in storeroom.answers()


def test_what_was_consumed_cannot_be_released(storeroom: Storeroom) -> None:
    storeroom.reserves("order-1")
    storeroom.commits("order-1")
    with capture_logs() as logs:
        storeroom.releases("order-1")
    assert logs[0]["event"] == "reservation_contradicted"
    assert storeroom.level("milk").on_hand == MILK - 220


def test_an_order_waits_for_a_recipe_that_the_menu_has_not_told_yet(storeroom: Storeroom) -> None:
    storeroom.reserves("order-1", item_id="americano")
    assert storeroom.reservation("order-1") is ReservationState.WAITING
    assert storeroom.answers() == []
    storeroom.learns("americano", 1, [("beans", 18)])
    assert storeroom.answers() == [("StockReserved", "order-1")]


def test_an_order_that_waited_in_vain_can_be_released(storeroom: Storeroom) -> None:
    storeroom.reserves("order-1", item_id="americano")
    storeroom.releases("order-1")
    storeroom.learns("americano", 1, [("beans", 18)])
    assert held(storeroom) == (0, 0)
    assert storeroom.reservation("order-1") is ReservationState.RELEASED


def test_an_older_recipe_does_not_replace_a_newer_one(storeroom: Storeroom) -> None:
    storeroom.learns("latte", 3, [("beans", 20)])
    storeroom.learns("latte", 2, [("milk", 500)])
    storeroom.reserves("order-1")
    assert held(storeroom) == (20, 0)


def test_an_ingredient_that_nobody_keeps_refuses_the_order(storeroom: Storeroom) -> None:
    storeroom.learns("saffron-tea", 1, [("saffron", 1)])
    storeroom.reserves("order-1", item_id="saffron-tea")
    assert storeroom.answers() == [("StockRefused", "order-1")]


def test_the_first_command_of_a_new_day_opens_its_stream_with_the_open_holds(storeroom: Storeroom) -> None:
    storeroom.reserves("order-1")
    storeroom.reserves("order-2", day="2026-03-03")
    storeroom.commits("order-1")
    with storeroom.store.read() as levels:
        history = [
            (str(entry.business_day), entry.version, entry.type, entry.on_hand_after)
            for entry in levels.history("milk", 10)
        ]
    assert history == [
        ("2026-03-03", 3, "committed", MILK - 220),
        ("2026-03-03", 2, "held", MILK),
        ("2026-03-03", 1, "opened", MILK),
        ("2026-03-02", 2, "held", MILK),
        ("2026-03-02", 1, "opened", MILK),
    ]
    assert held(storeroom) == (18, 220)


def test_a_late_command_of_yesterday_is_written_into_the_open_day(storeroom: Storeroom) -> None:
    storeroom.reserves("order-2", day="2026-03-03")
    storeroom.reserves("order-1", day="2026-03-02")
    assert held(storeroom) == (36, 440)


@pytest.mark.parametrize("lines", [[], [{"item_id": "latte", "qty": 0}], [{"item_id": "latte", "qty": "2"}]])
def test_a_command_that_means_nothing_is_left_to_be_parked(
    storeroom: Storeroom, lines: list[dict[str, object]]
) -> None:
    with pytest.raises(HandlerFailed) as failed:
        storeroom.hears("inventory.ReserveStock", {"order_id": "order-1", "lines": lines, "business_day": "2026-03-02"})
    assert failed.value.hopeless
    assert held(storeroom) == (0, 0)
