"""VoidPayment and RefundPayment on a real database: net money is zero, given back once, in the books of an open day."""

from __future__ import annotations

from datetime import date

import pytest

from jogakbo.events.inbox import HandlerFailed
from till_service.domain.payment import Accepted, Declined, PaymentState, Voided

from .conftest import DAY, Till

TOMORROW = date(2026, 3, 3)


def test_a_void_before_its_charge_refuses_it(till: Till) -> None:
    till.voids("order-1")
    assert till.answers() == []
    till.reverses("order-1")
    till.charges("order-1")
    assert till.answers() == [("PaymentVoided", "order-1")] * 2
    first, second = till.data()
    assert first == second
    assert (first["amount_won"], till.day().takings_won, till.under_way()) == (0, 0, [])


def test_a_charge_that_comes_while_its_void_is_under_way_waits_for_that(till: Till) -> None:
    till.voids("order-1")
    till.charges("order-1")
    assert (till.answers(), till.payment("order-1").state) == ([], PaymentState.VOIDING)
    till.reverses("order-1")
    assert till.answers() == [("PaymentVoided", "order-1")]


def test_a_void_of_a_charge_under_way_asks_the_gateway_and_books_nothing(till: Till) -> None:
    till.charges("order-1")
    till.voids("order-1")
    till.settles("order-1", Accepted("too late"))
    assert till.answers() == []
    till.reverses("order-1")
    assert till.data()[0]["amount_won"] == 0
    assert (till.day().payments, till.day().refunds, till.day().takings_won) == (0, 0, 0)


def test_a_void_of_a_charged_payment_gives_the_money_back(till: Till) -> None:
    till.sells("order-1")
    till.voids("order-1")
    assert till.under_way() == ["order-1"]
    till.reverses("order-1")
    till.voids("order-1")
    till.reverses("order-1")
    assert till.answers() == [("PaymentCharged", "order-1"), ("PaymentVoided", "order-1"), ("PaymentVoided", "order-1")]
    assert till.data()[1] == till.data()[2]
    assert (till.data()[1]["amount_won"], till.data()[1]["business_day"]) == (4500, "2026-03-02")
    assert (till.day().refunds, till.day().refunded_won, till.day().takings_won) == (1, 4500, 0)


def test_a_void_of_a_declined_payment_is_answered_at_once(till: Till) -> None:
    till.charges("order-1")
    till.settles("order-1", Declined("card_declined"))
    till.voids("order-1")
    assert till.answers() == [("PaymentDeclined", "order-1"), ("PaymentVoided", "order-1")]
    assert till.data()[1]["amount_won"] == 0


def test_what_the_gateway_was_told_to_void_before_is_voided(till: Till) -> None:
    till.charges("order-1")
    till.settles("order-1", Voided())
    assert till.answers() == [("PaymentVoided", "order-1")]
    assert till.day().takings_won == 0


def test_a_void_of_money_of_a_closed_day_is_in_the_books_of_the_open_one(till: Till) -> None:
    till.sells("order-1")
    till.closes_wholly()
    till.voids("order-1")
    till.reverses("order-1")
    assert till.told("till.PaymentVoided")[0]["business_day"] == "2026-03-03"
    assert (till.day().takings_won, till.day(TOMORROW).takings_won) == (4500, -4500)


@pytest.mark.parametrize("day", [DAY, TOMORROW])
def test_a_refund_counts_on_the_day_on_which_it_is_asked_for(till: Till, day: date) -> None:
    till.sells("order-1")
    till.refunds("order-1", day)
    assert (till.under_way(), till.day(day).refunds) == (["order-1"], 0)
    till.reverses("order-1")
    refunded = till.told("till.PaymentRefunded")[0]
    assert (refunded["business_day"], refunded["amount_won"], refunded["reason"]) == (day.isoformat(), 4500, "spilled")
    assert (till.day(day).refunds, till.day(day).refunded_won) == (1, 4500)


def test_a_refund_of_a_closed_day_counts_on_the_open_one(till: Till) -> None:
    till.sells("order-1")
    till.closes_wholly()
    till.refunds("order-1", DAY)
    till.reverses("order-1")
    assert till.told("till.PaymentRefunded")[0]["business_day"] == "2026-03-03"


def test_cash_is_given_back_over_the_counter(till: Till) -> None:
    till.charges("order-1", payment="cash")
    till.charges("order-2", payment="cash")
    till.refunds("order-1")
    till.voids("order-2")
    assert (till.under_way(), till.day().cash_in_drawer_won, till.day().refunds) == ([], 0, 2)


def test_a_repeated_refund_gives_back_nothing_and_is_answered_the_same(till: Till) -> None:
    till.sells("order-1")
    for _ in range(2):
        till.refunds("order-1")
        till.reverses("order-1")
    till.refunds("order-1", TOMORROW)
    refunded = till.told("till.PaymentRefunded")
    assert len(refunded) == 3
    assert refunded[0] == refunded[1] == refunded[2]
    assert till.day().refunds == 1


def test_a_refunded_payment_needs_no_void_and_gives_back_nothing_more(till: Till) -> None:
    till.charges("order-1", payment="cash")
    till.refunds("order-1")
    till.voids("order-1")
    assert till.told("till.PaymentVoided")[0]["amount_won"] == 0
    assert till.day().refunds == 1


def test_a_charge_that_comes_again_after_its_refund_is_told_of_that(till: Till) -> None:
    till.charges("order-1", payment="cash")
    till.refunds("order-1")
    till.charges("order-1", payment="cash")
    assert till.answers()[-1] == ("PaymentRefunded", "order-1")
    assert till.day().payments == 1


def test_there_is_no_refund_without_money(till: Till) -> None:
    till.charges("order-1")
    till.settles("order-1", Declined("card_declined"))
    for order_id in ("order-1", "order-9"):
        with pytest.raises(HandlerFailed, match="no money to give back"):
            till.refunds(order_id)
    assert till.answers() == [("PaymentDeclined", "order-1")]
