from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import delete

from jogakbo.events.tables import outbox
from orders_service.adapters import checks
from orders_service.domain.saga import Step
from orders_service.handlers import saga
from orders_service.handlers.ports import Transaction

from .conftest import Cafe, paid, refused


def timed_out(tx: Transaction, order_id: str) -> None:
    order = tx.orders.get(order_id)
    tx.orders.save(order.failed(Step.TIMED_OUT, "timed_out", tx.now), Step.TIMED_OUT, tx.now)


def found(cafe: Cafe) -> dict[str, bool]:
    with cafe.store.read() as views:
        return {check.name: check.holds for check in views.checks()}


def told(cafe: Cafe, name: str) -> tuple[str, Mapping[str, int]]:
    with cafe.store.read() as views:
        return next((check.detail, check.figures) for check in views.checks() if check.name == name)


def test_everything_holds_in_an_empty_cafe_and_in_a_busy_one(cafe: Cafe) -> None:
    empty = found(cafe)
    cafe.places_an_americano()
    cafe.hears(saga.stock_reserved, paid, saga.reservation_committed)
    assert empty == found(cafe) == dict.fromkeys(("every_order_terminal", "commands_in_log", "confirmed_share"), True)


def test_an_order_may_wait_for_five_minutes(cafe: Cafe) -> None:
    cafe.places_an_americano()
    cafe.now += timedelta(minutes=5)
    assert found(cafe)["every_order_terminal"]
    cafe.now += timedelta(seconds=1)
    assert not found(cafe)["every_order_terminal"]
    assert told(cafe, "every_order_terminal") == ("1 wait for more than 5 minutes", {})
    cafe.hears(refused)
    assert found(cafe)["every_order_terminal"]


def test_an_order_that_was_told_to_nobody_is_noticed(cafe: Cafe) -> None:
    order = cafe.places_an_americano()
    with cafe.database.write() as connection:
        connection.execute(delete(outbox).where(outbox.c.type == "orders.OrderPlaced"))
    assert not found(cafe)["commands_in_log"]
    assert told(cafe, "commands_in_log") == (f"not in the outbox: {order.id}", {"orders": 0})


def test_orders_older_than_the_newest_messages_are_not_asked_for(cafe: Cafe, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "_NEWEST", 2)
    for _ in range(3):
        cafe.places_an_americano(str(uuid4()))
    assert found(cafe)["commands_in_log"]


def test_orders_that_could_be_paid_must_be_confirmed(cafe: Cafe) -> None:
    for answers in ([saga.stock_reserved, paid, saga.reservation_committed], [refused]):
        order_id = str(uuid4())
        cafe.places_an_americano(order_id)
        cafe.hears(*answers, order_id=order_id)
    assert told(cafe, "confirmed_share") == ("", {"confirmed": 1, "payable": 1})
    order_id = str(uuid4())
    cafe.places_an_americano(order_id)
    cafe.hears(timed_out, saga.reservation_released, order_id=order_id)
    assert not found(cafe)["confirmed_share"]
    assert told(cafe, "confirmed_share") == ("1 of 2", {"confirmed": 1, "payable": 2})
