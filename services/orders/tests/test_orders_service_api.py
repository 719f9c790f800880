from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from uuid import uuid4

import pytest
from httpx2 import Response
from starlette.testclient import TestClient

from jogakbo.identity import ANONYMOUS, Identity
from orders_service.api.callers import NotYours, only_their_own
from orders_service.app import create_app
from orders_service.handlers import saga
from orders_service.settings import Settings

from .conftest import ORDER, Cafe, paid, refused

GUEST = "guest-0a1b2c3d4e5f"
LATTE = {"lines": [{"item_id": "latte", "qty": 1}], "payment": "cash", "guest_name": " Mina "}


@pytest.fixture
def api(cafe: Cafe, database_url: str) -> Iterator[TestClient]:
    settings = Settings(orders_database_url=database_url, redis_url="")
    with TestClient(create_app(settings, now=lambda: cafe.now)) as client:
        yield client


def problem(response: Response) -> tuple[int, str]:
    """Status and code of an answer that must be a problem."""
    assert response.headers["content-type"] == "application/problem+json"
    return response.status_code, response.json()["code"]


def test_placing_answers_202_with_the_order_and_a_repeat_200_with_the_same(api: TestClient) -> None:
    first = api.put(f"/orders/{ORDER}", json=LATTE)
    again = api.put(f"/orders/{ORDER}", json=LATTE)
    assert (first.status_code, again.status_code) == (202, 200)
    assert first.headers["location"] == f"/orders/{ORDER}"
    assert first.json() == again.json() == api.get(f"/orders/{ORDER}").json()


def test_an_order_tells_everything_about_itself(api: TestClient) -> None:
    assert api.put(f"/orders/{ORDER}", json=LATTE).json() == {
        "id": ORDER,
        "number": 1,
        "state": "RESERVING",
        "progress": None,
        "business_day": "2026-03-02",
        "placed_at": "2026-03-02T03:00:00Z",
        "guest_name": "Mina",
        "payment": "cash",
        "lines": [
            {"item_id": "latte", "name": {"en": "Café latte", "ko": "카페 라테"}, "qty": 1, "price_won": 5000},
        ],
        "total_won": 5000,
        "reason": None,
        "short": [],
        "waits_for": "inventory.ReserveStock",
        "tries": 1,
        "due_at": "2026-03-02T03:00:02Z",
        "alarm": False,
        "can": ["cancel"],
        "timeline": [
            {
                "at": "2026-03-02T03:00:00Z",
                "step": "placed",
                "state": "RESERVING",
                "command": "inventory.ReserveStock",
                "try": 1,
                "message_id": f"inventory.ReserveStock:{ORDER}",
            }
        ],
    }


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"lines": []}, (422, "empty_order")),
        ({"lines": [{"item_id": "latte", "qty": 0}]}, (422, "quantity_out_of_range")),
        ({"lines": [{"item_id": "latte", "qty": 100}]}, (422, "quantity_out_of_range")),
        ({"lines": [{"item_id": "mocha", "qty": 1}]}, (422, "unknown_item")),
        ({"lines": [{"item_id": "yuzu-tea", "qty": 1}]}, (422, "item_off_sale")),
        ({"expected_total_won": 4500}, (409, "total_changed")),
        ({"payment": "seashells"}, (422, "invalid_request")),
        ({"guest_name": "x" * 41}, (422, "invalid_request")),
        ({"draft_of": GUEST}, (422, "invalid_request")),
        ({"lines": None}, (422, "invalid_request")),
        ({"lines": None, "draft_of": GUEST}, (422, "empty_order")),
        ({"discount": 100}, (422, "invalid_request")),
    ],
)
def test_a_wrong_order_gets_a_problem_that_says_why(
    api: TestClient, change: dict[str, object], expected: tuple[int, str]
) -> None:
    assert problem(api.put(f"/orders/{ORDER}", json={**LATTE, **change})) == expected
    assert problem(api.get(f"/orders/{ORDER}")) == (404, "unknown_order")


def test_the_same_id_with_other_content_is_a_conflict(api: TestClient) -> None:
    api.put(f"/orders/{ORDER}", json=LATTE)
    other = {**LATTE, "payment": "card-4242"}
    assert problem(api.put(f"/orders/{ORDER}", json=other)) == (409, "order_differs")


@pytest.mark.parametrize("order_id", ["42", "0F4E6B62-8D3F-4A2E-9A58-4F0D6A1C2B3E", "x" * 32])
def test_an_order_id_is_a_uuid_in_lower_case(api: TestClient, order_id: str) -> None:
    assert problem(api.put(f"/orders/{order_id}", json=LATTE)) == (422, "invalid_request")


@pytest.mark.parametrize("method", ["GET /orders/42", "POST /orders/42/take"])
def test_an_id_that_cannot_be_is_an_unknown_order(api: TestClient, method: str) -> None:
    assert problem(api.request(*method.split(" "))) == (404, "unknown_order")


def test_an_order_id_may_be_plain_hex(api: TestClient) -> None:
    assert api.put(f"/orders/{uuid4().hex}", json=LATTE).status_code == 202


def test_a_draft_is_put_together_placed_and_gone(api: TestClient, cafe: Cafe) -> None:
    api.post(f"/drafts/{GUEST}/lines", json={"item_id": "latte", "qty": 2})
    cafe.now += timedelta(seconds=1)
    draft = api.put(f"/drafts/{GUEST}/lines/americano", json={"qty": 1}).json()
    assert [(line["item_id"], line["qty"], line["sold_out"]) for line in draft["lines"]] == [
        ("latte", 2, False),
        ("americano", 1, False),
    ]
    body = {"draft_of": GUEST, "payment": "card-4242", "expected_total_won": draft["total_won"]}
    order = api.put(f"/orders/{draft['order_id']}", json=body)
    assert (order.status_code, order.json()["total_won"]) == (202, 14_500)
    assert api.get(f"/drafts/{GUEST}").json()["lines"] == []


def test_a_repeated_click_with_its_key_adds_once(api: TestClient) -> None:
    for _ in range(2):
        draft = api.post(
            f"/drafts/{GUEST}/lines", json={"item_id": "latte", "qty": 1}, headers={"Idempotency-Key": "click-1"}
        )
    assert draft.json()["lines"][0]["qty"] == 1


def test_a_discarded_draft_is_empty(api: TestClient) -> None:
    api.post(f"/drafts/{GUEST}/lines", json={"item_id": "latte", "qty": 2})
    assert api.delete(f"/drafts/{GUEST}").status_code == 204
    assert api.get(f"/drafts/{GUEST}").json()["total_won"] == 0


def test_a_stale_page_cannot_place_a_newer_draft(api: TestClient) -> None:
    stale = api.get(f"/drafts/{GUEST}").json()["order_id"]
    api.post(f"/drafts/{GUEST}/lines", json={"item_id": "latte", "qty": 2})
    assert problem(api.put(f"/orders/{stale}", json={"draft_of": GUEST, "payment": "cash"})) == (409, "draft_moved")


def test_the_queue_shows_open_orders_newest_first_and_the_board_the_confirmed(api: TestClient, cafe: Cafe) -> None:
    first, second, third = (str(uuid4()) for _ in range(3))
    for order_id in (first, second, third):
        cafe.places_an_americano(order_id)
        cafe.now += timedelta(milliseconds=100)
    cafe.hears(saga.stock_reserved, paid, saga.reservation_committed, order_id=first)
    cafe.hears(saga.stock_reserved, saga.payment_declined, saga.reservation_released, order_id=second)
    assert [order["id"] for order in api.get("/queue").json()["orders"]] == [third, first]
    assert [order["id"] for order in api.get("/queue?limit=1").json()["orders"]] == [third]
    board = api.get("/board").json()
    assert {column: [order["id"] for order in orders] for column, orders in board.items()} == {
        "queued": [first],
        "making": [],
        "ready": [],
    }
    assert [moment["step"] for moment in board["queued"][0]["timeline"]] == [
        "placed",
        "reserved",
        "charged",
        "committed",
    ]


def test_the_barista_moves_an_order_across_the_board(api: TestClient, confirmed: Cafe) -> None:
    for action, column in (("take", "making"), ("finish", "ready")):
        assert api.post(f"/orders/{ORDER}/{action}").json()["progress"] == column
        assert [order["id"] for order in api.get("/board").json()[column]] == [ORDER]
    assert api.post(f"/orders/{ORDER}/hand-over").json()["progress"] == "handed_over"
    assert api.get("/board").json() == {"queued": [], "making": [], "ready": []}
    assert api.get("/queue").json() == {"orders": []}


def test_a_step_may_be_repeated_but_not_skipped(api: TestClient, confirmed: Cafe) -> None:
    assert problem(api.post(f"/orders/{ORDER}/hand-over")) == (409, "illegal_transition")
    assert [api.post(f"/orders/{ORDER}/take").status_code for _ in range(2)] == [200, 200]
    assert problem(api.post(f"/orders/{uuid4()}/take")) == (404, "unknown_order")


def test_a_rejected_order_says_what_was_short(api: TestClient, cafe: Cafe) -> None:
    cafe.places_an_americano()
    cafe.hears(refused)
    order = api.get(f"/orders/{ORDER}").json()
    assert (order["state"], order["reason"]) == ("REJECTED", "out_of_stock")
    assert order["short"] == [
        {"ingredient_id": "beans", "name": {"en": "Coffee beans", "ko": "원두"}, "needed": 36, "available": 20}
    ]


def test_an_order_can_be_cancelled_and_again(api: TestClient) -> None:
    api.put(f"/orders/{ORDER}", json=LATTE)
    answers = [api.post(f"/orders/{ORDER}/cancellation") for _ in range(2)]
    assert [answer.status_code for answer in answers] == [202, 202]
    assert answers[0].json() == answers[1].json()
    assert (answers[0].json()["state"], answers[0].json()["reason"]) == ("RELEASING", "cancelled_by_guest")
    assert answers[0].json()["can"] == []


def test_a_reason_may_be_given(api: TestClient, confirmed: Cafe) -> None:
    refund = api.post(f"/orders/{ORDER}/refund", json={"reason": "spilled"})
    assert (refund.json()["state"], refund.json()["reason"]) == ("REFUNDING", "spilled")
    assert problem(api.post(f"/orders/{ORDER}/refund", json={"reason": "x" * 41})) == (422, "invalid_request")


def test_what_cannot_be_called_off_says_why(api: TestClient, confirmed: Cafe) -> None:
    api.post(f"/orders/{ORDER}/take")
    assert problem(api.post(f"/orders/{ORDER}/cancellation")) == (409, "kitchen_has_begun")
    api.put(f"/orders/{(other := str(uuid4()))}", json=LATTE)
    assert problem(api.post(f"/orders/{other}/refund")) == (409, "illegal_transition")
    assert problem(api.post(f"/orders/{uuid4()}/cancellation")) == (404, "unknown_order")


def test_every_202_says_where_in_the_stream_it_stands(api: TestClient, cafe: Cafe) -> None:
    placed = api.put(f"/orders/{ORDER}", json=LATTE)
    assert placed.headers["jogakbo-position"].endswith("-2")
    cancelled = api.post(f"/orders/{ORDER}/cancellation")
    assert cancelled.headers["jogakbo-position"].endswith("-3")
    assert cancelled.headers["jogakbo-position"].startswith("orders:")
    assert api.post(f"/orders/{ORDER}/cancellation").headers["jogakbo-position"].endswith("-3")


def test_the_newest_orders_are_listed_however_they_stand(api: TestClient, cafe: Cafe) -> None:
    first, second, third = (str(uuid4()) for _ in range(3))
    for order_id in (first, second, third):
        cafe.places_an_americano(order_id)
        cafe.now += timedelta(milliseconds=100)
    cafe.hears(refused, order_id=second)
    assert [order["id"] for order in api.get("/recent?limit=2").json()["orders"]] == [third, second]


def test_the_checks_of_the_service_are_told(api: TestClient) -> None:
    found = api.get("/checks").json()
    assert {(check["name"], check["holds"]) for check in found} == {
        ("every_order_terminal", True),
        ("commands_in_log", True),
        ("confirmed_share", True),
    }


def test_a_draft_belongs_to_who_carries_its_token() -> None:
    only_their_own(Identity(GUEST), GUEST)
    only_their_own(ANONYMOUS, GUEST)
    with pytest.raises(NotYours, match=GUEST):
        only_their_own(Identity("guest-another"), GUEST)


def test_the_service_is_alive_and_ready(api: TestClient) -> None:
    assert api.get("/livez").status_code == 200
    assert api.get("/readyz").json()["name"] == "orders-service"
