"""The saga of an order: what it waits for in each state, where each step leads, and what comes too late to matter.

             reserved           charged              committed
  RESERVING ──────────► CHARGING ────────► COMMITTING ────────► CONFIRMED ──► REFUNDING ──► REFUNDED
   │     │               │    │ timed out, cancelled
   │     │ timed out,    │    ▼
   │     │ cancelled     │   VOIDING
   │     │       declined│    │ voided
   ▼     ▼               ▼    ▼
REJECTED └───────────► RELEASING ──────────► CANCELLED
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from orders_service.domain.errors import IllegalTransition


class State(StrEnum):
    RESERVING = "RESERVING"
    CHARGING = "CHARGING"
    COMMITTING = "COMMITTING"
    CONFIRMED = "CONFIRMED"
    REJECTED = "REJECTED"
    VOIDING = "VOIDING"
    RELEASING = "RELEASING"
    CANCELLED = "CANCELLED"
    REFUNDING = "REFUNDING"
    REFUNDED = "REFUNDED"


class Step(StrEnum):
    """What happened to an order. The values are the step names of its timeline."""

    PLACED = "placed"
    RESERVED = "reserved"
    REFUSED = "refused"
    CHARGED = "charged"
    DECLINED = "declined"
    COMMITTED = "committed"
    VOIDED = "voided"
    RELEASED = "released"
    REFUNDED = "refunded"
    TIMED_OUT = "timed_out"
    CANCEL_ASKED = "cancel_asked"
    REFUND_ASKED = "refund_asked"
    RESENT = "resent"
    TAKEN = "taken"
    FINISHED = "finished"
    HANDED_OVER = "handed_over"


class Command(StrEnum):
    RESERVE = "inventory.ReserveStock"
    CHARGE = "till.ChargePayment"
    COMMIT = "inventory.CommitReservation"
    VOID = "till.VoidPayment"
    RELEASE = "inventory.ReleaseReservation"
    REFUND = "till.RefundPayment"


@dataclass(frozen=True, slots=True)
class Row:
    """``sends`` is sent on entering the state, and again until it is answered.

    A step of ``leads`` moves the order on. One of ``late`` may still come, repeated or overtaken, and changes nothing.
    Any other contradicts what happened and is refused.
    """

    sends: Command | None
    leads: Mapping[Step, State]
    late: frozenset[Step]


SAGA = {
    State.RESERVING: Row(
        Command.RESERVE,
        {
            Step.RESERVED: State.CHARGING,
            Step.REFUSED: State.REJECTED,
            Step.TIMED_OUT: State.RELEASING,
            Step.CANCEL_ASKED: State.RELEASING,
        },
        late=frozenset(),
    ),
    State.CHARGING: Row(
        Command.CHARGE,
        {
            Step.CHARGED: State.COMMITTING,
            Step.DECLINED: State.RELEASING,
            Step.VOIDED: State.RELEASING,
            Step.TIMED_OUT: State.VOIDING,
            Step.CANCEL_ASKED: State.VOIDING,
        },
        late=frozenset({Step.RESERVED}),
    ),
    State.COMMITTING: Row(
        Command.COMMIT,
        {Step.COMMITTED: State.CONFIRMED},
        late=frozenset({Step.RESERVED, Step.CHARGED}),
    ),
    State.CONFIRMED: Row(
        None,
        {Step.REFUND_ASKED: State.REFUNDING},
        late=frozenset({Step.RESERVED, Step.CHARGED, Step.COMMITTED}),
    ),
    State.REFUNDING: Row(
        Command.REFUND,
        {Step.REFUNDED: State.REFUNDED},
        late=frozenset({Step.RESERVED, Step.CHARGED, Step.COMMITTED}),
    ),
    State.REFUNDED: Row(
        None,
        {},
        late=frozenset({Step.RESERVED, Step.CHARGED, Step.COMMITTED, Step.REFUNDED}),
    ),
    State.REJECTED: Row(None, {}, late=frozenset({Step.REFUSED})),
    # Money that is told of once an order has failed is given back, whenever that is.
    State.VOIDING: Row(
        Command.VOID,
        {Step.VOIDED: State.RELEASING, Step.CHARGED: State.VOIDING},
        late=frozenset({Step.RESERVED, Step.REFUSED, Step.DECLINED, Step.RELEASED}),
    ),
    State.RELEASING: Row(
        Command.RELEASE,
        {Step.RELEASED: State.CANCELLED, Step.CHARGED: State.VOIDING},
        late=frozenset({Step.RESERVED, Step.REFUSED, Step.DECLINED, Step.VOIDED}),
    ),
    State.CANCELLED: Row(
        None,
        {Step.CHARGED: State.VOIDING},
        late=frozenset({Step.RESERVED, Step.REFUSED, Step.DECLINED, Step.VOIDED, Step.RELEASED}),
    ),
}

ENDED = frozenset({State.REJECTED, State.CANCELLED, State.REFUNDED})
FAILING = frozenset({State.VOIDING, State.RELEASING, State.REFUNDING}) | ENDED
ALARMING_TRIES = 5


def after(state: State, step: Step) -> State:
    """The state that ``step`` leads to. Raises ``IllegalTransition``."""
    try:
        return SAGA[state].leads[step]
    except KeyError:
        raise IllegalTransition(state, step) from None


def led_to(state: State, step: Step) -> bool:
    """Whether ``step`` is one of those by which an order comes into ``state``."""
    return any(row.leads.get(step) is state for row in SAGA.values())


def times_out(state: State) -> bool:
    """Whether an order gives this state up after a while; elsewhere it insists, and raises an alarm."""
    return Step.TIMED_OUT in SAGA[state].leads


def pause(tries: int) -> timedelta:
    """How long to wait for an answer to the try of that number: 2, 4, 8, … 60 seconds."""
    return timedelta(seconds=min(2**tries, 60))
