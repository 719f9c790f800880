"""Charges, voids and refunds: once per order, whatever is repeated and in whatever order it comes."""

from __future__ import annotations

import httpx2
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from starlette.testclient import TestClient

from gateway_service.app import create_app
from gateway_service.charges import metadata
from gateway_service.settings import Settings
from jogakbo.database import Database

DAY = "2026-03-02"


def charge(
    gateway: TestClient, order_id: str = "order-1", amount_won: int = 4500, payment: str = "card-4242", day: str = DAY
) -> httpx2.Response:
    body = {"order_id": order_id, "amount_won": amount_won, "payment": payment, "business_day": day}
    return gateway.post("/charges", json=body, headers={"Idempotency-Key": order_id})


def refund(gateway: TestClient, order_id: str = "order-1", day: str = DAY) -> httpx2.Response:
    return gateway.post(f"/charges/{order_id}/refund", json={"business_day": day})


def totals(gateway: TestClient, day: str = DAY) -> tuple[int, int, int, int]:
    said = gateway.get("/totals", params={"business_day": day}).json()
    return said["charged_won"], said["refunded_won"], said["charges"], said["refunds"]


def test_a_charge_is_answered_with_what_came_of_it(gateway: TestClient) -> None:
    answer = charge(gateway)
    assert answer.status_code == 201
    assert answer.json() == {
        "id": "ch-order-1",
        "order_id": "order-1",
        "amount_won": 4500,
        "state": "accepted",
        "reason": "",
        "business_day": DAY,
        "refunded_on": None,
    }


@pytest.mark.parametrize(("payment", "reason"), [("card-0002", "card_declined"), ("card-1111", "card_unknown")])
def test_the_card_decides(gateway: TestClient, payment: str, reason: str) -> None:
    answer = charge(gateway, payment=payment).json()
    assert (answer["state"], answer["reason"]) == ("declined", reason)
    assert totals(gateway) == (0, 0, 0, 0)


def test_the_same_key_gets_the_same_answer_and_moves_no_money(gateway: TestClient) -> None:
    assert charge(gateway).json() == charge(gateway).json()
    assert totals(gateway) == (4500, 0, 1, 0)


def test_of_two_words_on_the_business_day_the_later_day_counts(gateway: TestClient) -> None:
    charge(gateway)
    assert charge(gateway, day="2026-03-01").json()["business_day"] == DAY
    assert charge(gateway, day="2026-03-03").json()["business_day"] == "2026-03-03"
    assert totals(gateway) == (0, 0, 0, 0)
    assert totals(gateway, "2026-03-03") == (4500, 0, 1, 0)


@pytest.mark.parametrize("other", [{"amount_won": 9000}, {"payment": "card-0002"}])
def test_another_charge_under_the_same_key_is_refused(gateway: TestClient, other: dict[str, object]) -> None:
    charge(gateway)
    body = {"order_id": "order-1", "amount_won": 4500, "payment": "card-4242", "business_day": DAY} | other
    answer = gateway.post("/charges", json=body, headers={"Idempotency-Key": "order-1"})
    assert (answer.status_code, answer.json()["code"]) == (409, "charge_differs")


def test_a_key_that_is_not_the_orders_is_refused(gateway: TestClient) -> None:
    body = {"order_id": "order-1", "amount_won": 4500, "payment": "card-4242", "business_day": DAY}
    assert gateway.post("/charges", json=body, headers={"Idempotency-Key": "other"}).status_code == 409
    assert gateway.get("/charges/order-1").status_code == 404


def test_a_voided_charge_has_never_been(gateway: TestClient) -> None:
    charge(gateway)
    assert [gateway.post("/charges/order-1/void").json()["state"] for _ in range(2)] == ["voided", "voided"]
    assert totals(gateway) == (0, 0, 0, 0)
    assert charge(gateway).json()["state"] == "voided"


def test_a_void_before_its_charge_refuses_it(gateway: TestClient) -> None:
    gateway.post("/charges/order-1/void")
    answer = charge(gateway).json()
    assert (answer["state"], answer["amount_won"]) == ("voided", 0)
    assert totals(gateway) == (0, 0, 0, 0)


def test_what_is_declined_or_refunded_needs_no_void(gateway: TestClient) -> None:
    charge(gateway, "order-1", payment="card-0002")
    charge(gateway, "order-2")
    refund(gateway, "order-2")
    states = [gateway.post(f"/charges/{order_id}/void").json()["state"] for order_id in ("order-1", "order-2")]
    assert states == ["declined", "refunded"]


def test_a_refund_gives_back_once_and_counts_on_its_own_day(gateway: TestClient) -> None:
    charge(gateway)
    answers = [refund(gateway, day="2026-03-03").json() for _ in range(2)]
    assert answers[0] == answers[1]
    assert totals(gateway) == (4500, 0, 1, 0)
    assert totals(gateway, "2026-03-03") == (0, 4500, 0, 1)
    lines = [gateway.get("/charges", params={"business_day": day}).json() for day in (DAY, "2026-03-03")]
    assert lines == [{"charges": [answers[0]]}] * 2


def test_there_is_no_refund_without_money(gateway: TestClient) -> None:
    charge(gateway, payment="card-0002")
    refused, unknown = refund(gateway), refund(gateway, "order-9")
    assert (refused.status_code, refused.json()["code"]) == (409, "not_refundable")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "charge_unknown")


def test_it_remembers_over_a_restart(settings: Settings) -> None:
    with TestClient(create_app(settings)) as before:
        said = charge(before).json()
    with TestClient(create_app(settings)) as after:
        assert after.get("/charges/order-1").json() == said


def test_the_migrations_make_the_tables_that_the_code_expects(gateway: TestClient, settings: Settings) -> None:
    database = Database(settings.gateway_database_url)
    with database.read() as connection:
        context = MigrationContext.configure(
            connection, opts={"include_name": lambda name, kind, _: kind != "table" or name in metadata.tables}
        )
        assert compare_metadata(context, metadata) == []
    database.close()
