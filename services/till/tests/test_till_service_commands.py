"""ChargePayment on a real database: at most one charge per order, answered every time."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import delete, insert, update
from sqlalchemy.exc import IntegrityError

from jogakbo.database import Database
from jogakbo.events.inbox import HandlerFailed
from till_service.adapters.tables import metadata, payments, till_store
from till_service.domain.payment import Accepted, Declined

from .conftest import Till


def test_a_charge_is_written_down_before_anybody_is_asked_for_money(till: Till) -> None:
    till.charges("order-1")
    assert till.under_way() == ["order-1"]
    assert till.answers() == []
    assert till.day().takings_won == 0


def test_cash_is_in_the_drawer_already(till: Till) -> None:
    till.charges("order-1", 4500, "cash")
    assert till.under_way() == []
    assert till.answers() == [("PaymentCharged", "order-1")]
    assert till.day().cash_in_drawer_won == 4500


def test_an_accepted_charge_is_money_of_its_business_day(till: Till) -> None:
    till.charges("order-1", 4500, "cash", date(2026, 3, 1))
    assert till.day(date(2026, 3, 1)).cash_won == 4500
    assert till.day(date(2026, 3, 2)).takings_won == 0
    assert till.data() == [
        {
            "order_id": "order-1",
            "payment_id": "pay-order-1",
            "amount_won": 4500,
            "method": "cash",
            "business_day": "2026-03-01",
            "charged_at": "2026-03-02T03:00:00Z",
        }
    ]


def test_a_repeated_command_before_the_outcome_waits_for_it(till: Till) -> None:
    till.charges("order-1")
    till.charges("order-1")
    till.settles("order-1", Accepted("ref"))
    assert till.answers() == [("PaymentCharged", "order-1")]


@pytest.mark.parametrize("outcome", [Accepted("ref"), Declined("card_declined")])
def test_a_repeated_command_gets_the_same_answer_and_charges_nothing(till: Till, outcome: Accepted | Declined) -> None:
    till.charges("order-1", 4500, "card-4242")
    till.settles("order-1", outcome)
    once = till.day()
    till.now = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
    till.charges("order-1", 9000, "cash")
    first, second = till.data()
    assert first == second
    assert till.day() == once
    assert till.under_way() == []


def test_an_outcome_that_comes_twice_counts_once(till: Till) -> None:
    till.charges("order-1")
    till.settles("order-1", Accepted("ref"))
    till.settles("order-1", Accepted("ref"))
    till.settles("order-1", Declined("card_declined"))
    assert till.answers() == [("PaymentCharged", "order-1")]
    assert (till.day().payments, till.day().declined) == (1, 0)


@pytest.mark.parametrize(
    ("amount_won", "payment", "reason"),
    [(4500, "shells", "payment_unknown"), (0, "cash", "amount_out_of_range"), (0, "card-4242", "amount_out_of_range")],
)
def test_what_no_gateway_could_take_is_declined_at_once(till: Till, amount_won: int, payment: str, reason: str) -> None:
    till.charges("order-1", amount_won, payment)
    assert till.answers() == [("PaymentDeclined", "order-1")]
    assert till.data()[0]["reason"] == reason


@pytest.mark.parametrize("order_id", ["", "order 1", "order/1", "주문"])
def test_an_order_that_no_gateway_could_be_asked_about_is_left_to_be_parked(till: Till, order_id: str) -> None:
    with pytest.raises(HandlerFailed) as failed:
        till.charges(order_id)
    assert failed.value.hopeless


def test_what_a_newer_orders_service_says_is_left_to_be_parked_and_its_events_are_not(till: Till) -> None:
    till.hears("orders.OrderPlaced", {})
    with pytest.raises(HandlerFailed) as failed:
        till.hears("till.SplitPayment", {"order_id": "order-1"})
    assert failed.value.hopeless


def test_a_command_that_means_nothing_is_left_to_be_parked(till: Till) -> None:
    with pytest.raises(HandlerFailed) as failed:
        till.hears("till.ChargePayment", {"order_id": "order-1", "amount_won": "4500"})
    assert failed.value.hopeless


def test_a_hundred_payments_leave_a_snapshot_and_the_same_money(till: Till) -> None:
    for number in range(60):
        till.charges(f"order-{number}", 1000)
        till.settles(f"order-{number}")
    assert till.day().takings_won == 60_000


def test_the_database_itself_allows_one_payment_per_order(till: Till) -> None:
    till.charges("order-1")
    with pytest.raises(IntegrityError), till.database.write() as connection:
        connection.execute(
            insert(payments).from_select(
                [column.name for column in payments.c],
                payments.select(),
            )
        )


def test_events_cannot_be_changed_or_deleted(till: Till) -> None:
    till.charges("order-1")
    for statement in (update(till_store.events).values(data="{}"), delete(till_store.events)):
        with pytest.raises(IntegrityError, match="append-only"), till.database.write() as connection:
            connection.execute(statement)


def test_the_migrations_make_the_tables_that_the_code_expects(database: Database) -> None:
    with database.read() as connection:
        context = MigrationContext.configure(
            connection, opts={"include_name": lambda name, kind, _: kind != "table" or name in metadata.tables}
        )
        assert compare_metadata(context, metadata) == []
