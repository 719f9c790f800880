"""Stories with a name: what has gone wrong in systems like this one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TypeAlias

from chaos.orders.money import taken
from tests.backoffice.cafe import NOON, Cafe
from tests.backoffice.crashes import AT_COMMIT
from tests.backoffice.gateway import Mood
from tests.backoffice.ways import ORDER, go_until, holds

Scenario: TypeAlias = Callable[[Cafe], None]


def a_release_overtakes_its_reserve(cafe: Cafe) -> None:
    """The reserve was lost, the guest cancels, and then the reserve comes after all."""
    cafe.place(ORDER)
    cafe.lose("inventory", go_until(cafe, "inventory", "inventory.ReserveStock"), 1)
    cafe.cancel(ORDER)
    _settled(cafe, "CANCELLED")
    _say_again(cafe, "orders", "inventory.ReserveStock")
    _settled(cafe, "CANCELLED")


def a_void_overtakes_its_charge(cafe: Cafe) -> None:
    cafe.place(ORDER)
    cafe.lose("till", go_until(cafe, "till", "till.ChargePayment"), 1)
    cafe.cancel(ORDER)
    _settled(cafe, "CANCELLED")
    _say_again(cafe, "orders", "till.ChargePayment")
    _settled(cafe, "CANCELLED")


def a_charge_is_late_at_the_gateway_and_the_void_was_there_before(cafe: Cafe) -> None:
    _charge_under_way(cafe, "late")
    cafe.cancel(ORDER)
    _settled(cafe, "CANCELLED")
    cafe.gateway.deliver_late()
    _settled(cafe, "CANCELLED")


def the_gateway_charges_and_its_answer_is_lost(cafe: Cafe) -> None:
    _charge_under_way(cafe, "time_out")
    _settled(cafe, "CONFIRMED")


def the_gateway_charges_its_answer_is_lost_and_the_guest_goes(cafe: Cafe) -> None:
    _charge_under_way(cafe, "time_out")
    cafe.cancel(ORDER)
    _settled(cafe, "CANCELLED")


def the_till_dies_between_the_gateway_and_its_books(cafe: Cafe) -> None:
    cafe.place(ORDER)
    cafe.deliver("till", go_until(cafe, "till", "till.ChargePayment"), 1)
    cafe.work_at_the_till(crash=AT_COMMIT)
    assert cafe.crashes.happened
    _settled(cafe, "CONFIRMED")


def the_gateway_is_down_until_the_order_is_given_up(cafe: Cafe) -> None:
    _charge_under_way(cafe, "down")
    for _ in range(8):
        cafe.gateway.become("down")
        cafe.clock.advance(10)
        cafe.tick()
        cafe.round()
    cafe.gateway.become("accept")
    _settled(cafe, "CANCELLED")


def a_refund_is_asked_for_twice_and_its_answer_is_lost(cafe: Cafe) -> None:
    cafe.place(ORDER)
    _settled(cafe, "CONFIRMED")
    cafe.refund(ORDER)
    cafe.deliver("till", go_until(cafe, "till", "till.RefundPayment"), 1)
    cafe.gateway.become("time_out")
    cafe.work_at_the_till()
    cafe.gateway.become("accept")
    cafe.refund(ORDER)
    _settled(cafe, "REFUNDED")


def money_is_told_of_after_the_order_was_cancelled(cafe: Cafe) -> None:
    """The till should never say so; if it does, its money is asked back."""
    cafe.place(ORDER)
    go_until(cafe, "till", "till.ChargePayment")
    cafe.cancel(ORDER)
    _settled(cafe, "CANCELLED")
    voids = len(list(cafe.books().said_of("till.VoidPayment")))
    cafe.say("till", "till.PaymentCharged", ORDER, {"order_id": ORDER, "amount_won": 5000})
    cafe.deliver("orders", "till")
    assert cafe.books().orders[ORDER].state == "VOIDING"
    assert len(list(cafe.books().said_of("till.VoidPayment"))) == voids + 1


def a_request_dies_before_its_commit(cafe: Cafe) -> None:
    """Whoever heard of it heard of an order that is not there."""
    assert not cafe.place(ORDER, crash=AT_COMMIT)
    for name, stream in cafe.wires:
        cafe.deliver(name, stream)
        holds(cafe)
    assert ORDER not in cafe.books().orders
    assert cafe.place(ORDER)
    _settled(cafe, "CONFIRMED")


def a_view_dies_at_each_statement(cafe: Cafe) -> None:
    """The reports hear of a sale, again and again, and each time get one statement further."""
    cafe.place(ORDER)
    stream = go_until(cafe, "reports", "orders.OrderConfirmed")
    for statement in range(1, 100):
        cafe.deliver("reports", stream, 1, crash=statement)
        holds(cafe)
        if not cafe.crashes.happened:
            return
    raise AssertionError("a hundred statements for one sale")


def the_stock_dies_at_each_statement(cafe: Cafe) -> None:
    cafe.place(ORDER)
    stream = go_until(cafe, "inventory", "inventory.ReserveStock")
    for statement in range(1, 100):
        cafe.deliver("inventory", stream, 1, crash=statement)
        holds(cafe)
        if not cafe.crashes.happened:
            break
    _settled(cafe, "CONFIRMED")


def a_day_is_closed_and_that_is_asked_for_twice(cafe: Cafe) -> None:
    """While the close is under way, and when it is done; the next day begins with what is in the drawer."""
    cafe.place(ORDER, payment="cash")
    _settled(cafe, "CONFIRMED")
    for _ in range(3):
        cafe.close_day(NOON.date())
        _closed(cafe)
    cafe.clock.advance(24 * 3600)
    cafe.place(ORDER.replace("0f4e", "1f4e"))
    assert not cafe.settle()
    cafe.close_day(NOON.date() + timedelta(days=1))
    _closed(cafe)
    closed = list(cafe.books().said_of("till.DayArchived"))
    assert [message.data["business_day"] for message in closed] == ["2026-03-02", "2026-03-03"]


def the_till_dies_at_each_statement_of_a_close(cafe: Cafe) -> None:
    cafe.place(ORDER)
    _settled(cafe, "CONFIRMED")
    cafe.close_day(NOON.date())
    for statement in range(1, 25):
        cafe.close_on(crash=statement)
        holds(cafe)
    _closed(cafe)


def many_events_pass_through_a_snapshot(cafe: Cafe) -> None:
    for number in range(60):
        cafe.place(f"{number:08x}-0000-4000-8000-000000000000", "espresso", payment="cash")
    assert not cafe.settle()
    holds(cafe)


SCENARIOS: tuple[Scenario, ...] = (
    a_release_overtakes_its_reserve,
    a_void_overtakes_its_charge,
    a_charge_is_late_at_the_gateway_and_the_void_was_there_before,
    the_gateway_charges_and_its_answer_is_lost,
    the_gateway_charges_its_answer_is_lost_and_the_guest_goes,
    the_till_dies_between_the_gateway_and_its_books,
    the_gateway_is_down_until_the_order_is_given_up,
    a_refund_is_asked_for_twice_and_its_answer_is_lost,
    money_is_told_of_after_the_order_was_cancelled,
    a_request_dies_before_its_commit,
    a_view_dies_at_each_statement,
    the_stock_dies_at_each_statement,
    a_day_is_closed_and_that_is_asked_for_twice,
    the_till_dies_at_each_statement_of_a_close,
    many_events_pass_through_a_snapshot,
)


def _charge_under_way(cafe: Cafe, mood: Mood) -> None:
    """The till has asked the gateway once, in that mood."""
    cafe.place(ORDER)
    cafe.deliver("till", go_until(cafe, "till", "till.ChargePayment"), 1)
    cafe.gateway.become(mood)
    cafe.work_at_the_till()
    cafe.gateway.become("accept")


def _closed(cafe: Cafe) -> None:
    """Go on until the close that is under way, if there is one, is done."""
    for _ in range(12):
        cafe.close_on()
        cafe.round()
        holds(cafe)
        cafe.clock.advance(3)
    assert not cafe.settle()


def _say_again(cafe: Cafe, name: str, type: str) -> None:
    cafe.say_again(name, next(message.seq for message in cafe.books().said_of(type)) - 1)


def _settled(cafe: Cafe, state: str) -> None:
    """All comes to rest without faults, and the order so."""
    for name, stream in cafe.wires * 2:
        cafe.work_at_the_till()
        cafe.deliver(name, stream)
        holds(cafe)
    left = cafe.settle()
    assert not left, left
    holds(cafe)
    assert cafe.books().orders[ORDER].state == state
    won = 5000 if state == "CONFIRMED" else 0
    assert taken(cafe.books()).get(ORDER, 0) == won
