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
    "RELEASING": "cancelled",
    "CANCELLED": "cancelled",
}
_TONES = {"making": "warn", "ready": "good", "handed_over": "plain", "rejected": "bad", "cancelled": "bad"}
# What a guest sees as a step, and the entry of the timeline that reaches it.
_WAY = {
    "placed": "placed",
    "paid": "committed",
    "making": "taken",
    "ready": "finished",
    "handed_over": "handed_over",
}
_ENDS = {"rejected": ("refused",), "cancelled": ("released", "declined")}


@dataclass(frozen=True, slots=True)
class Step:
    """A step on the order's way; ``at`` is when it was reached."""

    name: str
    status: StepStatus
    at: datetime | None


def standing(order: Order) -> str:
    """``accepted``, ``charging``, ``queued``, ``making``, ``ready``, ``handed_over``, ``rejected``, ``cancelled``."""
    return order.progress or _SAGA_STANDING.get(order.state, "accepted")


def tone(order: Order) -> str:
    """The shade of the badge and of the words: ``accent``, ``warn``, ``good``, ``bad`` or ``plain``."""
    return _TONES.get(standing(order), "accent")


def steps(order: Order) -> list[Step]:
    """The order's way so far and to come; a refused order's way ends where it stopped."""
    reached = {moment.step: moment.at for moment in order.timeline}
    stood = standing(order)
    if stood in _ENDS:
        ended = next((reached[step] for step in _ENDS[stood] if step in reached), None)
        return [Step("placed", "done", order.placed_at), Step(stood, "stopped", ended)]
    times = [reached.get(entry) for entry in _WAY.values()]
    last = max((index for index, at in enumerate(times) if at), default=0)
    is_over = stood == "handed_over"
    return [Step(name, _status(index, len(_WAY) if is_over else last), times[index]) for index, name in enumerate(_WAY)]


def _status(index: int, current: int) -> StepStatus:
    if index == current:
        return "current"
    return "done" if index < current else "todo"
