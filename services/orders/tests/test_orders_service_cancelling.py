from __future__ import annotations

from datetime import date, timedelta

import pytest

from orders_service.domain.errors import IllegalTransition, KitchenHasBegun
from orders_service.domain.saga import State, Step
from orders_service.handlers import kitchen, saga
from orders_service.handlers.cancelling import cancel_order, refund_order
from orders_service.handlers.ports import Transaction

from .conftest import ORDER, Cafe, Heard, paid, refused

pytestmark = pytest.mark.databases("sqlite")  # the same statements as of other steps


def cancelled(tx: Transaction, order_id: str) -> None:
    cancel_order(tx, order_id, "cancelled_by_guest")


def given_back(tx: Transaction, order_id: str) -> None:
    refund_order(tx, order_id, "refunded_by_manager")


def refunded(tx: Transaction, order_id: str) -> None:
    saga.payment_refunded(tx, order_id, date(2026, 3, 4))


def test_before_anything_is_charged_the_stock_is_released(cafe: Cafe) -> None:
    cafe.places_an_americano()
    cafe.hears(cancelled)
    assert (cafe.order().state, cafe.order().reason) == (State.RELEASING, "cancelled_by_guest")
    cafe.hears(saga.stock_reserved, saga.reservation_released)
    assert cafe.order().state is State.CANCELLED
    assert cafe.said()[2:] == ["inventory.ReleaseReservation", "orders.OrderCancelled"]


def test_while_it_is_charged_the_payment_is_voided_first(cafe: Cafe) -> None:
    cafe.places_an_americano()
    cafe.hears(saga.stock_reserved, cancelled)
    assert cafe.order().state is State.VOIDING
    cafe.hears(saga.payment_voided, saga.reservation_released)
    assert cafe.timeline() == [Step.PLACED, Step.RESERVED, Step.CANCEL_ASKED, Step.VOIDED, Step.RELEASED]


def test_while_the_stock_is_taken_it_is_too_early_to_cancel(cafe: Cafe) -> None:
    cafe.places_an_americano()
    cafe.hears(saga.stock_reserved, paid)
    with pytest.raises(IllegalTransition, match="COMMITTING"):
        cafe.hears(cancelled)
    assert cafe.order().state is State.COMMITTING


def test_a_confirmed_order_that_nobody_makes_is_refunded(confirmed: Cafe) -> None:
    confirmed.now += timedelta(days=1)
    confirmed.hears(cancelled)
    order = confirmed.order()
    assert (order.state, order.reason, order.refund_day) == (State.REFUNDING, "cancelled_by_guest", date(2026, 3, 3))
    with confirmed.store.read() as views:
        assert views.board() == []
    confirmed.hears(refunded)
    assert (confirmed.order().state, confirmed.order().refund_day) == (State.REFUNDED, date(2026, 3, 4))
    assert confirmed.said()[-2:] == ["till.RefundPayment", "orders.OrderRefunded"]


def test_once_the_kitchen_has_begun_only_the_manager_refunds(confirmed: Cafe) -> None:
    confirmed.hears(kitchen.take)
    with pytest.raises(KitchenHasBegun, match=ORDER):
        confirmed.hears(cancelled)
    confirmed.hears(kitchen.finish, kitchen.hand_over, given_back)
    order = confirmed.order()
    assert (order.state, order.progress, order.reason) == (State.REFUNDING, None, "refunded_by_manager")


def test_the_kitchen_does_not_make_what_is_refunded(confirmed: Cafe) -> None:
    confirmed.hears(given_back)
    with pytest.raises(IllegalTransition):
        confirmed.hears(kitchen.take)


@pytest.mark.parametrize("way", [[], [saga.stock_reserved], [saga.stock_reserved, paid], [refused], [cancelled]])
def test_what_is_not_paid_is_not_refunded(cafe: Cafe, way: list[Heard]) -> None:
    cafe.places_an_americano()
    cafe.hears(*way)
    with pytest.raises(IllegalTransition):
        cafe.hears(given_back)


@pytest.mark.parametrize(
    "way",
    [
        [cancelled],
        [cancelled, saga.reservation_released],
        [saga.stock_reserved, cancelled],
        [refused],
        [saga.stock_reserved, paid, saga.reservation_committed, cancelled],
        [saga.stock_reserved, paid, saga.reservation_committed, cancelled, refunded],
    ],
)
def test_to_cancel_what_fails_already_changes_nothing(cafe: Cafe, way: list[Heard]) -> None:
    cafe.places_an_americano()
    cafe.hears(*way)
    before, said = cafe.order(), cafe.said()
    cafe.hears(cancelled)
    assert (cafe.order(), cafe.said()) == (before, said)


@pytest.mark.parametrize("way", [[given_back], [given_back, refunded]])
def test_to_refund_twice_is_the_same_thing(confirmed: Cafe, way: list[Heard]) -> None:
    confirmed.hears(*way)
    before, said = confirmed.order(), confirmed.said()
    confirmed.hears(given_back)
    assert (confirmed.order(), confirmed.said()) == (before, said)
