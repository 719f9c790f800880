"""Where one order is: in a guest's words, and unfolded as the messages that went to and fro."""

from __future__ import annotations

import re

import httpx2
import msgspec
import pytest

from jogakbo.testing import FakeService

KO = {"podium-locale": "ko"}
HTMX = {"hx-request": "true"}
LATTE = {"item_id": "latte", "name": {"en": "Café latte", "ko": "카페 라테"}, "qty": 2, "price_won": 5000}
COMMANDS = {
    "placed": "inventory.ReserveStock",
    "reserved": "till.ChargePayment",
    "charged": "inventory.CommitReservation",
    "timed_out": "till.VoidPayment",
    "resent": "till.VoidPayment",
    "voided": "inventory.ReleaseReservation",
    "declined": "inventory.ReleaseReservation",
    "refund_asked": "till.RefundPayment",
}
WHOLE = [
    ("placed", "RESERVING"),
    ("reserved", "CHARGING"),
    ("charged", "COMMITTING"),
    ("committed", "CONFIRMED"),
    ("taken", "CONFIRMED"),
    ("finished", "CONFIRMED"),
    ("handed_over", "CONFIRMED"),
]
VOIDING = [*WHOLE[:2], ("timed_out", "VOIDING"), ("resent", "VOIDING"), ("resent", "VOIDING")]


def order(state: str = "CONFIRMED", **told: object) -> dict[str, object]:
    return {
        "id": "0191-12",
        "number": 12,
        "state": state,
        "progress": None,
        "placed_at": "2026-11-22T02:30:00Z",
        "payment": "card-4242",
        "lines": [LATTE],
        "total_won": 10000,
        "reason": None,
        "short": [],
        "timeline": [],
        **told,
    }


def timeline(steps: list[tuple[str, str]]) -> list[dict[str, object]]:
    """One step a minute; every `resent` is one try more."""
    names = [step for step, _ in steps]
    return [
        {
            "at": f"2026-11-22T02:3{minute}:00Z",
            "step": step,
            "state": state,
            "command": COMMANDS.get(step),
            "try": names[: minute + 1].count("resent") + 1 if step in COMMANDS else None,
        }
        for minute, (step, state) in enumerate(steps)
    ]


def track(url: str, service: FakeService, told: dict[str, object], **headers: str) -> str:
    service.answers("GET", "/orders/0191-12", told)
    answer = httpx2.get(f"{url}/track?id=0191-12", headers=headers)
    assert answer.headers["surrogate-key"] == "order-0191-12"
    return answer.text


def way(html: str) -> list[tuple[str, str]]:
    """The guest's steps with their status."""
    found = re.findall(r'orders-step orders-step-(\w+)".*?orders-step-name">(.*?)<', html, re.DOTALL)
    return [(name, status) for status, name in found]


def test_an_order_being_made_shows_where_it_is(url: str, service: FakeService) -> None:
    html = track(url, service, order(progress="making", timeline=timeline(WHOLE[:5])))
    assert "Your order is being made." in html
    assert html.count("orders-step-done") == 2
    assert html.count('aria-current="step"') == 1
    assert html.count("orders-step-todo") == 2


def test_a_handed_over_order_has_all_its_steps_done(url: str, service: FakeService) -> None:
    html = track(url, service, order(progress="handed_over", timeline=timeline(WHOLE)))
    assert html.count("orders-step-done") == 5
    assert "aria-current" not in html


def test_an_order_without_stock_names_what_is_short(url: str, service: FakeService) -> None:
    short = [{"ingredient_id": "matcha", "name": {"en": "Matcha powder", "ko": "말차 가루"}, "needed": 6}]
    steps = timeline([WHOLE[0], ("refused", "REJECTED")])
    told = order("REJECTED", reason="out_of_stock", short=short, timeline=steps)
    assert "Not enough left: Matcha powder. Nothing was charged." in track(url, service, told)
    assert "재료가 부족합니다: 말차 가루. 결제되지 않았습니다." in track(url, service, told, **KO)
    assert way(track(url, service, told)) == [("Placed", "done"), ("Refused", "stopped")]


def test_a_payment_without_words_is_shown_as_it_is(url: str, service: FakeService) -> None:
    assert "card-9999" in track(url, service, order(progress="queued", payment="card-9999"))


def test_a_declined_card_is_told_and_what_was_held_is_given_back(url: str, service: FakeService) -> None:
    steps = timeline([*WHOLE[:2], ("declined", "RELEASING"), ("released", "CANCELLED")])
    html = track(url, service, order("CANCELLED", reason="payment_declined", timeline=steps))
    assert "The card was declined. Nothing was charged" in html
    assert way(html) == [("Placed", "done"), ("Card declined", "stopped"), ("Everything given back", "done")]


def test_who_waits_is_told_how_often_the_till_was_asked_and_who_else_knows(url: str, service: FakeService) -> None:
    waits = {"waits_for": "till.VoidPayment", "tries": 3, "timeline": timeline(VOIDING), "reason": "timed_out"}
    html = track(url, service, order("VOIDING", **waits))
    assert "asked 3 times and keep asking." in html
    assert "Nothing is lost." not in html
    assert way(html)[1:] == [("No answer in time", "stopped"), ("Giving everything back", "current")]
    assert "Nothing is lost." in track(url, service, order("VOIDING", alarm=True, **waits))


def test_the_first_sending_is_no_news(url: str, service: FakeService) -> None:
    waits = {"waits_for": "till.ChargePayment", "tries": 1, "timeline": timeline(WHOLE[:2])}
    assert "keep asking" not in track(url, service, order("CHARGING", **waits))


def test_behind_the_scenes_each_message_goes_to_and_fro_with_its_try(url: str, service: FakeService) -> None:
    html = track(url, service, order("VOIDING", timeline=timeline(VOIDING)))
    said = [
        re.sub("<[^>]*>|\\s+", " ", leg).split() for leg in re.findall(r"<p class=.orders-leg .*?</p>", html, re.DOTALL)
    ]
    assert [" ".join(words) for words in said] == [
        "To Inventory: ReserveStock",
        "Answer from Inventory: StockReserved",
        "To Till: ChargePayment",
        "To Till: VoidPayment",
        "To Till: VoidPayment try 2",
        "To Till: VoidPayment try 3",
    ]
    assert re.findall(r"orders-state.>(\w+)<", html) == ["RESERVING", "CHARGING", "VOIDING"]
    assert "6 messages" in html


def test_a_charge_that_came_too_late_is_called_so(url: str, service: FakeService) -> None:
    late = timeline([*VOIDING, ("charged", "VOIDING")])
    assert "Charged too late" in track(url, service, order("VOIDING", timeline=late))
    assert "Charged too late" not in track(url, service, order(timeline=timeline(WHOLE[:3])))


def test_money_on_its_way_back_is_named(url: str, service: FakeService) -> None:
    steps = timeline([*WHOLE[:4], ("refund_asked", "REFUNDING")])
    html = track(url, service, order("REFUNDING", reason="The milk was <sour>", timeline=steps))
    assert "Reason: The milk was &lt;sour&gt;. ₩10,000 is on its way." in html
    assert way(html)[2:] == [("Refund asked for", "done"), ("Money on its way back", "current")]
    done = timeline([*WHOLE[:4], ("cancel_asked", "REFUNDING"), ("refunded", "REFUNDED")])
    html = track(url, service, order("REFUNDED", reason="cancelled_by_guest", timeline=done))
    assert "As you asked. ₩10,000 was given back." in html


def test_only_what_can_be_asked_for_now_has_a_button(url: str, service: FakeService) -> None:
    assert "actions/cancel" not in track(url, service, order(progress="queued"))
    html = track(url, service, order(progress="queued", can=["cancel", "refund"]))
    assert html.count('<details class="orders-confirm ') == 2
    assert "Cancel order 12?" in html
    assert "Give ₩10,000 for order 12 back?" in html


@pytest.mark.parametrize(
    ("action", "path", "form", "body"),
    [
        ("cancel", "cancellation", {}, b""),
        ("refund", "refund", {"reason": " sour "}, msgspec.json.encode({"reason": "sour"})),
    ],
)
def test_what_was_confirmed_is_asked_of_the_service(
    url: str, service: FakeService, action: str, path: str, form: dict[str, str], body: bytes
) -> None:
    service.answers("POST", f"/orders/0191-12/{path}", order("REFUNDING"), status=202)
    service.answers("GET", "/orders/0191-12", order("REFUNDING"))
    answer = httpx2.post(f"{url}/actions/{action}", data={"id": "0191-12", **form}, headers=HTMX)
    assert (answer.status_code, answer.headers["jogakbo-fragment"]) == (200, "orders/track?id=0191-12")
    assert set(answer.headers["surrogate-key"].split()) == {"orders", "order-0191-12"}
    assert [told.body for told in service.requests if told.method == "POST"] == [body]


def test_without_javascript_cancelling_leads_back_to_the_orders_page(url: str, service: FakeService) -> None:
    service.answers("POST", "/orders/0191-12/cancellation", order("RELEASING"), status=202)
    headers = {"jogakbo-page": "/orders/0191-12"}
    answer = httpx2.post(f"{url}/actions/cancel", data={"id": "0191-12"}, headers=headers)
    assert (answer.status_code, answer.headers["location"]) == (303, "/orders/0191-12")


def test_a_guest_who_comes_too_late_is_told_on_the_order(url: str, service: FakeService) -> None:
    service.refuses("POST", "/orders/0191-12/cancellation", status=409, code="kitchen_has_begun")
    service.answers("GET", "/orders/0191-12", order(progress="making"))
    answer = httpx2.post(f"{url}/actions/cancel", data={"id": "0191-12"}, headers=HTMX)
    assert (answer.status_code, answer.headers["jogakbo-fragment"]) == (409, "orders/track?id=0191-12")
    assert "The kitchen has begun; please ask at the counter." in answer.text


def test_a_reason_that_is_too_long_is_refused_and_kept(url: str, service: FakeService) -> None:
    service.answers("GET", "/orders/0191-12", order(progress="making", can=["refund"]))
    answer = httpx2.post(f"{url}/actions/refund", data={"id": "0191-12", "reason": "s" * 41}, headers=HTMX)
    assert answer.status_code == 422
    assert "40 letters at the most" in answer.text
    assert "s" * 41 in answer.text


@pytest.mark.parametrize("action", ["cancel", "refund"])
def test_what_is_no_order_is_asked_of_nobody(url: str, service: FakeService, action: str) -> None:
    answer = httpx2.post(f"{url}/actions/{action}", data={"id": "../board"}, headers=HTMX)
    assert answer.status_code == 400
    assert service.requests == []


def test_an_order_that_nobody_placed_is_not_found(url: str, service: FakeService) -> None:
    service.refuses("GET", "/orders/0191-99", status=404, code="unknown_order")
    answer = httpx2.get(f"{url}/track?id=0191-99")
    assert answer.status_code == 404
    assert "No such order" in answer.text
