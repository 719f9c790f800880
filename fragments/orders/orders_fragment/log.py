"""What went to and fro for an order: who was told what, who answered what, and what became of the order by it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from orders_fragment.client import Moment, Order

# The answer that brings a step; steps that are missing here are the service's own, a guest's or the kitchen's.
_ANSWERS = {
    "reserved": "inventory.StockReserved",
    "refused": "inventory.StockRefused",
    "charged": "till.PaymentCharged",
    "declined": "till.PaymentDeclined",
    "committed": "inventory.ReservationCommitted",
    "released": "inventory.ReservationReleased",
    "voided": "till.PaymentVoided",
    "refunded": "till.PaymentRefunded",
}
_BACKWARDS = ("VOIDING", "RELEASING", "CANCELLED", "REJECTED", "REFUNDING", "REFUNDED")


@dataclass(frozen=True, slots=True)
class Leg:
    """One message between this service and ``peer`` (``inventory``, ``till``); ``attempt`` counts its sendings."""

    peer: str
    name: str
    is_answer: bool
    attempt: int = 1


@dataclass(frozen=True, slots=True)
class Entry:
    """A moment of the order; ``state`` is empty where it did not change, ``after_ms`` counts from the placing.

    ``is_late`` is a charge that came when nobody wanted it any more.
    """

    at: datetime
    after_ms: int
    step: str
    state: str
    goes_back: bool
    is_late: bool
    legs: tuple[Leg, ...]


def log(order: Order) -> list[Entry]:
    """Everything that happened to the order, oldest first."""
    before = [None, *(moment.state for moment in order.timeline)]
    return [_entry(order, moment, was) for moment, was in zip(order.timeline, before, strict=False)]


def messages(entries: list[Entry]) -> int:
    """How many messages were sent and heard."""
    return sum(len(entry.legs) for entry in entries)


def _entry(order: Order, moment: Moment, was: str | None) -> Entry:
    after = moment.at - order.placed_at
    return Entry(
        at=moment.at,
        after_ms=round(after.total_seconds() * 1000),
        step=moment.step,
        state=moment.state if moment.state and moment.state != was else "",
        goes_back=moment.state in _BACKWARDS,
        is_late=moment.step == "charged" and moment.state in _BACKWARDS,
        legs=tuple(_legs(moment)),
    )


def _legs(moment: Moment) -> Iterator[Leg]:
    if answer := _ANSWERS.get(moment.step):
        peer, _, name = answer.partition(".")
        yield Leg(peer, name, is_answer=True)
    if moment.command:
        peer, _, name = moment.command.partition(".")
        yield Leg(peer, name, is_answer=False, attempt=moment.attempt or 1)
