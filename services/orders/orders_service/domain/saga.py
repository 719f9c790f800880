"""Placing an order: which state it is in, and what each answer of inventory and till makes of it."""

from __future__ import annotations

from enum import StrEnum

from orders_service.domain.machine import Machine


class State(StrEnum):
    RESERVING = "RESERVING"
    CHARGING = "CHARGING"
    COMMITTING = "COMMITTING"
    CONFIRMED = "CONFIRMED"
    REJECTED = "REJECTED"
    RELEASING = "RELEASING"
    CANCELLED = "CANCELLED"


class Step(StrEnum):
    """What happened to an order. The values are the step names of its timeline."""

    PLACED = "placed"
    RESERVED = "reserved"
    REFUSED = "refused"
    CHARGED = "charged"
    DECLINED = "declined"
    COMMITTED = "committed"
    RELEASED = "released"
    TAKEN = "taken"
    FINISHED = "finished"
    HANDED_OVER = "handed_over"


SAGA = Machine(
    (State.RESERVING, Step.RESERVED, State.CHARGING),
    (State.RESERVING, Step.REFUSED, State.REJECTED),
    (State.CHARGING, Step.CHARGED, State.COMMITTING),
    (State.CHARGING, Step.DECLINED, State.RELEASING),
    (State.COMMITTING, Step.COMMITTED, State.CONFIRMED),
    (State.RELEASING, Step.RELEASED, State.CANCELLED),
)

FAILED = frozenset({State.REJECTED, State.CANCELLED})
