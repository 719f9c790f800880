"""How an order stands, in a person's words: one key for the texts, one tone, and the steps of its way."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from orders_fragment.client import Order

StepStatus = Literal["done", "current", "todo", "stopped"]

_SAGA_STANDING = {
    "RESERVING": "accepted",
    "CHARGING": "charging",
    "COMMITTING": "charging",
    "REJECTED": "rejected",
    "VOIDING": "cancelling",
    "RELEASING": "cancelling",
    "CANCELLED": "cancelled",
    "REFUNDING": "refunding",
    "REFUNDED": "refunded",
}
_TONES = {
    "making": "warn",
    "ready": "good",
    "handed_over": "plain",
    "rejected": "bad",
    "cancelling": "warn",
    "cancelled": "bad",
    "refunding": "warn",
    "refunded": "plain",
}
# What a guest sees as a step, and the entry of the timeline that reaches it.
_WAY = {
    "placed": "placed",
    "paid": "committed",
    "making": "taken",
    "ready": "finished",
    "handed_over": "handed_over",
}
ENDED = ("handed_over", "rejected", "cancelled", "refunded")
"""How an order stands to which nothing more happens by itself."""

_TURNS = ("refused", "declined", "timed_out", "cancel_asked", "voided")
"""Where the way of an order may turn back; the first of them says why it did."""


@dataclass(frozen=True, slots=True)
class Step:
    """A step on the order's way; ``at`` is when it was reached."""

    name: str
    status: StepStatus
    at: datetime | None


def standing(order: Order) -> str:
    """``accepted``, ``charging``, ``queued``, ``making``, ``ready``, ``handed_over``; ``rejected``, ``cancelling``,
    ``cancelled``, ``refunding``, ``refunded``.
    """
    return order.progress or _SAGA_STANDING.get(order.state, "accepted")


def tone(order: Order) -> str:
    """The shade of the badge and of the words: ``accent``, ``warn``, ``good``, ``bad`` or ``plain``."""
    if order.reason == "cancelled_by_guest":
        return "plain"
    return _TONES.get(standing(order), "accent")


def steps(order: Order) -> list[Step]:
    """The order's way so far and to come; the way back of one that failed or was given back."""
    stood = standing(order)
    if stood in ("rejected", "cancelling", "cancelled"):
        return _turned_back(order, stood)
    if stood in ("refunding", "refunded"):
        return _given_back(order, is_over=stood == "refunded")
    times = [_reached(order, entry) for entry in _WAY.values()]
    last = max((index for index, at in enumerate(times) if at), default=0)
    is_over = stood == "handed_over"
    return [Step(name, _status(index, len(_WAY) if is_over else last), times[index]) for index, name in enumerate(_WAY)]


def _turned_back(order: Order, stood: str) -> list[Step]:
    turn = next((moment for moment in order.timeline if moment.step in _TURNS), None)
    stopped = Step(turn.step, "stopped", turn.at) if turn else Step(stood, "stopped", None)
    way = [Step("placed", "done", order.placed_at), stopped]
    if stood != "rejected":
        is_over = stood == "cancelled"
        way.append(Step("given_back", "done", _reached(order, "released")) if is_over else _under_way("giving_back"))
    return way


def _given_back(order: Order, *, is_over: bool) -> list[Step]:
    done = [Step(name, "done", at) for name, entry in _WAY.items() if (at := _reached(order, entry))]
    asked = _reached(order, "refund_asked") or _reached(order, "cancel_asked")
    last = Step("refunded", "done", _reached(order, "refunded")) if is_over else _under_way("refunding")
    return [*done, Step("refund_asked", "done", asked), last]


def _under_way(name: str) -> Step:
    return Step(name, "current", None)


def _reached(order: Order, step: str) -> datetime | None:
    """When a step was taken for the last time."""
    return next((moment.at for moment in reversed(order.timeline) if moment.step == step), None)


def _status(index: int, current: int) -> StepStatus:
    if index == current:
        return "current"
    return "done" if index < current else "todo"
