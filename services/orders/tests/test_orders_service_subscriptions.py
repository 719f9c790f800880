from __future__ import annotations

import json
from datetime import date

import pytest
from structlog.testing import capture_logs

from jogakbo.contract.streams import Position
from jogakbo.events.inbox import Entry, HandlerFailed
from orders_service.adapters.subscriptions import subscriptions
from orders_service.domain.saga import State
from orders_service.handlers.cancelling import refund_order

from .conftest import AMERICANO, ORDER, Cafe


class Post:
    """Brings events to the service as the bus would."""

    def __init__(self, cafe: Cafe) -> None:
        self._database = cafe.database
        self._consumer = subscriptions(cafe.store)
        self._position = dict.fromkeys(self._consumer.streams, 0)

    def brings(self, type: str, data: dict[str, object]) -> None:
        stream = type.partition(".")[0]
        self._position[stream] += 1
        position = Position(1, self._position[stream])
        event = {
            "specversion": "1.0",
            "id": str(position),
            "source": stream,
            "type": type,
            "time": "2026-03-02T03:00:00Z",
            "data": data,
        }
        self._consumer.inbox(self._database, stream).deliver(stream, [Entry(position, json.dumps(event).encode())])


@pytest.fixture
def post(cafe: Cafe) -> Post:
    return Post(cafe)


def of_order(**more: object) -> dict[str, object]:
    return {"order_id": ORDER, **more}


def test_the_answers_of_inventory_and_till_confirm_an_order(cafe: Cafe, post: Post) -> None:
    cafe.places_an_americano()
    post.brings("inventory.StockReserved", of_order())
    post.brings("till.PaymentCharged", of_order(payment_id="p", amount_won=9000, method="cash"))
    post.brings("inventory.ReservationCommitted", of_order())
    assert cafe.order().state is State.CONFIRMED


def test_a_refusal_of_inventory_rejects_an_order(cafe: Cafe, post: Post) -> None:
    cafe.places_an_americano()
    short = {"ingredient_id": "beans", "name": {"en": "Coffee beans", "ko": "원두"}, "needed": 36, "available": 20}
    post.brings("inventory.StockRefused", of_order(short=[short]))
    assert cafe.order().short[0].name.ko == "원두"


def test_a_declined_payment_cancels_an_order(cafe: Cafe, post: Post) -> None:
    cafe.places_an_americano()
    post.brings("inventory.StockReserved", of_order())
    post.brings("till.PaymentDeclined", of_order(reason="card_declined"))
    post.brings("inventory.ReservationReleased", of_order())
    assert cafe.order().state is State.CANCELLED


def test_the_copy_of_the_menu_follows_the_menu(cafe: Cafe, post: Post) -> None:
    item = {
        "id": "americano",
        "name": {"en": "Americano", "ko": "아메리카노"},
        "category": "coffee",
        "price_won": 4700,
        "on_sale": True,
        "sold_out": False,
        "recipe": [{"ingredient_id": "beans", "amount": 18}],
        "version": AMERICANO.version + 1,
    }
    post.brings("menu.ItemChanged", item)
    assert cafe.places_an_americano().total_won == 9400


def test_an_answer_for_an_order_of_an_earlier_life_is_passed_over_with_a_note(post: Post) -> None:
    with capture_logs() as logs:
        post.brings("inventory.StockReserved", of_order())
    assert [(line["event"], line["order_id"]) for line in logs] == [("answer_for_unknown_order", ORDER)]


def test_an_impossible_answer_is_left_for_the_kit_to_park(cafe: Cafe, post: Post) -> None:
    cafe.places_an_americano()
    with pytest.raises(HandlerFailed, match="IllegalTransition"):
        post.brings("till.PaymentDeclined", of_order(reason="card_declined"))
    assert cafe.order().state is State.RESERVING


def test_a_payment_can_be_voided_and_given_back(cafe: Cafe, post: Post) -> None:
    cafe.places_an_americano()
    post.brings("inventory.StockReserved", of_order())
    post.brings("till.PaymentVoided", of_order(amount_won=0, business_day="2026-03-02"))
    assert cafe.order().state is State.RELEASING


def test_a_refund_is_on_the_day_that_the_till_says(confirmed: Cafe, post: Post) -> None:
    confirmed.hears(lambda tx, order_id: refund_order(tx, order_id, "spilled"))
    post.brings("till.PaymentRefunded", of_order(amount_won=9000, business_day="2026-03-05"))
    assert (confirmed.order().state, confirmed.order().refund_day) == (State.REFUNDED, date(2026, 3, 5))


@pytest.mark.parametrize("type", ["inventory.StockVanished", "till.PaymentDoubled"])
def test_what_inventory_or_till_say_and_orders_does_not_know_is_left_for_a_person(post: Post, type: str) -> None:
    with pytest.raises(HandlerFailed, match=type) as failure:
        post.brings(type, of_order())
    assert failure.value.hopeless


def test_events_that_orders_need_not_know_are_passed_over(cafe: Cafe, post: Post) -> None:
    post.brings("inventory.StockChanged", {"ingredient_id": "beans"})
    post.brings("till.DayClosed", {"business_day": "2026-03-02"})
    assert cafe.said() == []
