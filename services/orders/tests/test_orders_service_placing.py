from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest

from orders_service.domain.errors import (
    DraftMoved,
    EmptyOrder,
    ItemOffSale,
    OrderDiffers,
    QuantityOutOfRange,
    Refused,
    TotalChanged,
    UnknownItem,
)
from orders_service.domain.placing import Wanted
from orders_service.domain.saga import State, Step
from orders_service.handlers.drafts import add_to_draft, discard_draft, set_in_draft
from orders_service.handlers.placing import PlaceOrder

from .conftest import AMERICANO, LATTE, ORDER, Cafe

GUEST = "guest-0a1b2c3d4e5f"


def command(*wanted: Wanted, order_id: str = ORDER, expected: int | None = None) -> PlaceOrder:
    return PlaceOrder(order_id=order_id, lines=wanted, payment="cash", expected_total_won=expected)


def of_draft(order_id: str, sub: str = GUEST) -> PlaceOrder:
    return PlaceOrder(order_id=order_id, draft_of=sub, payment="card-4242")


def test_a_placed_order_waits_for_its_stock(cafe: Cafe) -> None:
    order = cafe.places_an_americano()
    assert (order.state, order.number, order.total_won) == (State.RESERVING, 1, 9000)
    assert cafe.order() == order
    assert cafe.timeline() == [Step.PLACED]
    placed, reserve = cafe.events()
    assert placed.type == "orders.OrderPlaced"
    assert placed.changed == {"orders", f"order-{ORDER}"}
    assert (reserve.type, reserve.subject) == ("inventory.ReserveStock", ORDER)


def test_the_same_command_again_is_the_same_order(cafe: Cafe) -> None:
    first = cafe.places(command(Wanted("latte", 1)))
    again = cafe.places(command(Wanted("latte", 1)))
    assert first.is_new
    assert not again.is_new
    assert again.view == first.view
    assert cafe.said() == ["orders.OrderPlaced", "inventory.ReserveStock"]


def test_a_repeat_is_found_even_when_the_menu_has_moved_on(cafe: Cafe) -> None:
    first = cafe.places(command(Wanted("latte", 1)))
    cafe.offers(replace(LATTE, price_won=5500, on_sale=False, version=2))
    assert cafe.places(command(Wanted("latte", 1))).view == first.view


def test_another_order_under_a_taken_id_is_refused(cafe: Cafe) -> None:
    cafe.places(command(Wanted("latte", 1)))
    with pytest.raises(OrderDiffers, match=ORDER):
        cafe.places(command(Wanted("latte", 2)))


@pytest.mark.parametrize(
    ("wanted", "refusal"),
    [
        ((), EmptyOrder),
        ((Wanted("latte", 0),), QuantityOutOfRange),
        ((Wanted("latte", 100),), QuantityOutOfRange),
        ((Wanted("mocha", 1),), UnknownItem),
        ((Wanted("yuzu-tea", 1),), ItemOffSale),
    ],
)
def test_a_refused_order_leaves_no_trace(cafe: Cafe, wanted: tuple[Wanted, ...], refusal: type[Refused]) -> None:
    with pytest.raises(refusal):
        cafe.places(command(*wanted))
    assert cafe.said() == []
    assert cafe.places_an_americano().number == 1


def test_a_guest_who_saw_another_total_is_asked_again(cafe: Cafe) -> None:
    with pytest.raises(TotalChanged):
        cafe.places(command(Wanted("latte", 1), expected=4500))
    assert cafe.places(command(Wanted("latte", 1), expected=5000)).is_new


def test_a_sold_out_item_is_left_to_inventory_to_decide(cafe: Cafe) -> None:
    cafe.offers(replace(LATTE, sold_out=True, version=2))
    assert cafe.places(command(Wanted("latte", 1))).is_new


def test_orders_are_numbered_from_one_each_business_day(cafe: Cafe) -> None:
    first, second = (cafe.places_an_americano(str(uuid4())) for _ in range(2))
    cafe.now += timedelta(hours=12)
    next_day = cafe.places_an_americano(str(uuid4()))
    assert [first.number, second.number, next_day.number] == [1, 2, 1]
    assert (first.business_day.day, next_day.business_day.day) == (2, 3)


def test_a_draft_is_priced_by_the_menu_of_the_moment(cafe: Cafe) -> None:
    with cafe.store.write() as tx:
        add_to_draft(tx, GUEST, "latte", 2)
    cafe.offers(replace(LATTE, price_won=5500, sold_out=True, version=2))
    with cafe.store.read() as views:
        draft = views.draft(GUEST)
    assert draft.total_won == 11_000
    assert draft.lines[0].item.sold_out


def test_placing_a_draft_empties_it_and_says_so(cafe: Cafe) -> None:
    with cafe.store.write() as tx:
        draft = add_to_draft(tx, GUEST, "latte", 2)
    order = cafe.places(of_draft(draft.order_id)).view.order
    assert [(line.item_id, line.qty) for line in order.lines] == [("latte", 2)]
    placed = cafe.events()[-2]
    assert f"draft-{GUEST}" in placed.changed
    with cafe.store.read() as views:
        assert views.draft(GUEST).lines == ()


def test_a_draft_that_was_placed_twice_is_one_order(cafe: Cafe) -> None:
    with cafe.store.write() as tx:
        draft = add_to_draft(tx, GUEST, "latte", 2)
    first = cafe.places(of_draft(draft.order_id))
    assert cafe.places(of_draft(draft.order_id)).view == first.view


def test_a_page_older_than_the_draft_cannot_place_it(cafe: Cafe) -> None:
    with cafe.store.write() as tx:
        add_to_draft(tx, GUEST, "latte", 2)
    with pytest.raises(DraftMoved, match=GUEST):
        cafe.places(of_draft(str(uuid4())))


def test_an_empty_draft_cannot_be_placed(cafe: Cafe) -> None:
    with pytest.raises(EmptyOrder):
        cafe.places(of_draft(ORDER))


def test_the_next_draft_has_another_order_id(cafe: Cafe) -> None:
    with cafe.store.write() as tx:
        first = add_to_draft(tx, GUEST, "latte", 1)
        discard_draft(tx, GUEST)
        second = add_to_draft(tx, GUEST, "latte", 1)
    assert first.order_id != second.order_id


def test_an_empty_draft_reads_the_same_every_time(cafe: Cafe) -> None:
    with cafe.store.read() as views:
        assert views.draft(GUEST) == views.draft(GUEST)


def test_quantities_of_a_draft_go_up_and_down_and_away(cafe: Cafe) -> None:
    with cafe.store.write() as tx:
        add_to_draft(tx, GUEST, "latte", 3)
        assert add_to_draft(tx, GUEST, "latte", -1).qty_of("latte") == 2
        assert set_in_draft(tx, GUEST, "latte", 5).qty_of("latte") == 5
        assert set_in_draft(tx, GUEST, "latte", 0).lines == ()


def test_a_draft_holds_at_most_99_of_an_item(cafe: Cafe) -> None:
    with cafe.store.write() as tx:
        add_to_draft(tx, GUEST, "latte", 99)
        with pytest.raises(QuantityOutOfRange):
            add_to_draft(tx, GUEST, "latte", 1)


def test_an_item_off_sale_can_leave_a_draft_but_not_enter_it(cafe: Cafe) -> None:
    with cafe.store.write() as tx:
        add_to_draft(tx, GUEST, "latte", 2)
    cafe.offers(replace(LATTE, on_sale=False, version=2))
    with cafe.store.write() as tx:
        with pytest.raises(ItemOffSale):
            add_to_draft(tx, GUEST, "latte", 1)
        assert add_to_draft(tx, GUEST, "latte", -1).qty_of("latte") == 1


def test_a_draft_that_did_not_change_says_nothing(cafe: Cafe) -> None:
    with cafe.store.write() as tx:
        set_in_draft(tx, GUEST, "latte", 1)
        set_in_draft(tx, GUEST, "latte", 1)
        discard_draft(tx, "guest-without-a-draft")
    assert cafe.said() == ["orders.DraftChanged"]


def test_a_changed_item_redraws_the_drafts_that_hold_it_and_no_others(cafe: Cafe) -> None:
    with cafe.store.write() as tx:
        add_to_draft(tx, "guest-a", "latte", 1)
        add_to_draft(tx, "guest-b", "latte", 1)
        add_to_draft(tx, "guest-c", "americano", 1)
    before = len(cafe.said())
    cafe.offers(replace(LATTE, price_won=5500, version=2))
    (event,) = cafe.events()[before:]
    assert event.type == "orders.DraftChanged"
    assert event.changed == {"draft-guest-a", "draft-guest-b"}


def test_very_many_drafts_are_told_in_several_events(cafe: Cafe) -> None:
    with cafe.store.write() as tx:
        for n in range(201):
            add_to_draft(tx, f"guest-{n}", "latte", 1)
    before = len(cafe.said())
    cafe.offers(replace(LATTE, sold_out=True, version=2))
    assert [len(event.changed) for event in cafe.events()[before:]] == [200, 1]


def test_an_older_version_of_an_item_is_ignored(cafe: Cafe) -> None:
    cafe.offers(replace(AMERICANO, price_won=4700, version=3), replace(AMERICANO, price_won=4600, version=2))
    with cafe.store.write() as tx:
        assert tx.menu.items(["americano"])["americano"].price_won == 4700
