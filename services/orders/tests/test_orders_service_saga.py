from __future__ import annotations

from datetime import date

import pytest

from orders_service.adapters.orders import OrderMoved
from orders_service.domain.errors import IllegalTransition, UnknownOrder
from orders_service.domain.kitchen import Progress
from orders_service.domain.saga import State, Step
from orders_service.handlers import kitchen, saga
from orders_service.handlers.cancelling import refund_order
from orders_service.handlers.ports import Transaction

from .conftest import BEANS, ORDER, Cafe, Heard, paid, refused


def timed_out(tx: Transaction, order_id: str) -> None:
    saga.hear(tx, tx.orders.get(order_id), Step.TIMED_OUT)


def asked_back(tx: Transaction, order_id: str) -> None:
    refund_order(tx, order_id, "spilled")


def given_back(tx: Transaction, order_id: str) -> None:
    saga.payment_refunded(tx, order_id, date(2026, 3, 2))


def test_an_order_with_stock_and_money_is_confirmed(cafe: Cafe) -> None:
    cafe.places_an_americano()
    cafe.hears(saga.stock_reserved, paid, saga.reservation_committed)
    order = cafe.order()
    assert (order.state, order.progress) == (State.CONFIRMED, Progress.QUEUED)
    assert cafe.timeline() == [Step.PLACED, Step.RESERVED, Step.CHARGED, Step.COMMITTED]
    assert cafe.said()[2:] == ["till.ChargePayment", "inventory.CommitReservation", "orders.OrderConfirmed"]


def test_every_visible_step_tells_the_pages_that_show_the_order(cafe: Cafe) -> None:
    cafe.places_an_americano()
    cafe.hears(saga.stock_reserved, paid, saga.reservation_committed, kitchen.take, kitchen.finish, kitchen.hand_over)
    for event in cafe.events():
        if event.type != "inventory.ReserveStock":
            assert event.changed == {"orders", f"order-{ORDER}"}


def test_an_order_without_stock_is_rejected_with_what_was_short(cafe: Cafe) -> None:
    cafe.places_an_americano()
    cafe.hears(refused)
    order = cafe.order()
    assert (order.state, order.reason, order.short) == (State.REJECTED, "out_of_stock", (BEANS,))
    assert cafe.timeline() == [Step.PLACED, Step.REFUSED]
    assert cafe.said()[2:] == ["orders.OrderRejected"]


def test_a_declined_order_gives_its_stock_back_and_is_cancelled(cafe: Cafe) -> None:
    cafe.places_an_americano()
    cafe.hears(saga.stock_reserved, saga.payment_declined)
    assert cafe.order().state is State.RELEASING
    cafe.hears(saga.reservation_released)
    order = cafe.order()
    assert (order.state, order.reason, order.progress) == (State.CANCELLED, "payment_declined", None)
    assert cafe.timeline() == [Step.PLACED, Step.RESERVED, Step.DECLINED, Step.RELEASED]
    assert cafe.said()[3:] == ["inventory.ReleaseReservation", "orders.OrderCancelled"]


@pytest.mark.parametrize(
    ("way", "sent_again"),
    [
        ([saga.stock_reserved], "till.ChargePayment"),
        ([saga.stock_reserved, paid], "inventory.CommitReservation"),
        ([saga.stock_reserved, paid, saga.reservation_committed], "orders.OrderConfirmed"),
        ([refused], "orders.OrderRejected"),
        ([saga.stock_reserved, saga.payment_declined], "inventory.ReleaseReservation"),
        ([saga.stock_reserved, saga.payment_declined, saga.reservation_released], "orders.OrderCancelled"),
        ([saga.stock_reserved, saga.payment_voided], "inventory.ReleaseReservation"),
        ([saga.stock_reserved, paid, saga.reservation_committed, asked_back, given_back], "orders.OrderRefunded"),
    ],
)
def test_a_repeated_answer_does_nothing_but_send_again_what_it_caused(
    cafe: Cafe, way: list[Heard], sent_again: str
) -> None:
    cafe.places_an_americano()
    cafe.hears(*way)
    before, said, steps = cafe.order(), cafe.events(), cafe.steps_written()
    cafe.hears(way[-1])
    assert cafe.order() == before
    assert cafe.steps_written() == steps
    (again,) = cafe.events()[len(said) :]
    assert (again.id, again.type, bytes(again.data)) == (said[-1].id, sent_again, bytes(said[-1].data))


def test_a_repeat_of_an_answer_long_past_is_silent(confirmed: Cafe) -> None:
    said = confirmed.said()
    confirmed.hears(saga.stock_reserved, paid)
    assert confirmed.said() == said
    assert confirmed.order().state is State.CONFIRMED


LATE: list[tuple[list[Heard], Heard]] = [
    ([timed_out], saga.stock_reserved),
    ([timed_out], refused),
    ([timed_out, saga.reservation_released], refused),
    ([saga.stock_reserved, timed_out], saga.stock_reserved),
    ([saga.stock_reserved, timed_out], saga.payment_declined),
    ([saga.stock_reserved, timed_out, saga.payment_voided, saga.reservation_released], saga.payment_voided),
    ([saga.stock_reserved, paid, saga.reservation_committed, asked_back], paid),
    ([saga.stock_reserved, paid, saga.reservation_committed, asked_back, given_back], saga.reservation_committed),
]


@pytest.mark.databases("sqlite")
@pytest.mark.parametrize(("way", "late"), LATE)
def test_an_answer_that_was_overtaken_changes_and_says_nothing(cafe: Cafe, way: list[Heard], late: Heard) -> None:
    cafe.places_an_americano()
    cafe.hears(*way)
    before, said = cafe.order(), cafe.said()
    cafe.hears(late)
    assert (cafe.order(), cafe.said()) == (before, said)


@pytest.mark.databases("sqlite")
@pytest.mark.parametrize(
    "way",
    [
        [saga.stock_reserved, timed_out],
        [saga.stock_reserved, timed_out, saga.payment_voided],
        [saga.stock_reserved, timed_out, saga.payment_voided, saga.reservation_released],
        [saga.stock_reserved, saga.payment_declined, saga.reservation_released],
        [timed_out, saga.reservation_released],
    ],
)
def test_money_that_comes_too_late_is_given_back(cafe: Cafe, way: list[Heard]) -> None:
    cafe.places_an_americano()
    cafe.hears(*way)
    cafe.hears(paid)
    assert (cafe.order().state, cafe.said()[-1]) == (State.VOIDING, "till.VoidPayment")
    assert cafe.order().due_at is not None
    cafe.hears(saga.payment_voided, saga.reservation_released)
    assert cafe.order().state is State.CANCELLED


@pytest.mark.databases("sqlite")
@pytest.mark.parametrize(
    ("way", "contradiction"),
    [
        ([], paid),
        ([], saga.reservation_committed),
        ([refused], saga.stock_reserved),
        ([saga.stock_reserved], refused),
        ([saga.stock_reserved, paid], saga.payment_declined),
        ([saga.stock_reserved, paid], saga.payment_voided),
        ([saga.stock_reserved, paid, saga.reservation_committed], given_back),
        ([], kitchen.take),
    ],
)
def test_an_answer_that_cannot_be_raises_and_changes_nothing(
    cafe: Cafe, way: list[Heard], contradiction: Heard
) -> None:
    cafe.places_an_americano()
    cafe.hears(*way)
    before, said = cafe.order(), cafe.said()
    with pytest.raises(IllegalTransition):
        cafe.hears(contradiction)
    assert (cafe.order(), cafe.said()) == (before, said)


def test_money_of_another_amount_is_not_this_orders(cafe: Cafe) -> None:
    cafe.places_an_americano()
    cafe.hears(saga.stock_reserved)
    with pytest.raises(IllegalTransition, match=r"1 won.*9000"), cafe.store.write() as tx:
        saga.payment_charged(tx, ORDER, 1)


def test_an_answer_about_an_unknown_order_raises(cafe: Cafe) -> None:
    with pytest.raises(UnknownOrder, match=ORDER):
        cafe.hears(saga.stock_reserved)


def test_of_two_writers_that_saw_the_same_order_only_one_takes_the_step(cafe: Cafe) -> None:
    seen = cafe.places_an_americano()
    cafe.hears(saga.stock_reserved)
    with pytest.raises(OrderMoved, match="revision 1"), cafe.store.write() as tx:
        tx.orders.save(seen.after(Step.RESERVED, tx.now), Step.RESERVED, tx.now)


def test_the_kitchen_takes_finishes_and_hands_over(confirmed: Cafe) -> None:
    seen = [confirmed.order().progress]
    for step in (kitchen.take, kitchen.finish, kitchen.hand_over):
        confirmed.hears(step)
        seen.append(confirmed.order().progress)
    assert seen == [Progress.QUEUED, Progress.MAKING, Progress.READY, Progress.HANDED_OVER]
    assert confirmed.said()[-3:] == ["orders.OrderTaken", "orders.OrderFinished", "orders.OrderHandedOver"]


def test_a_second_click_in_the_kitchen_changes_nothing(confirmed: Cafe) -> None:
    confirmed.hears(kitchen.take, kitchen.finish)
    before, said = confirmed.order(), confirmed.said()
    confirmed.hears(kitchen.finish, kitchen.take)
    assert (confirmed.order(), confirmed.said()) == (before, said)


def test_the_kitchen_cannot_skip_a_step(confirmed: Cafe) -> None:
    with pytest.raises(IllegalTransition):
        confirmed.hears(kitchen.hand_over)
    assert confirmed.order().progress is Progress.QUEUED
