"""What can have happened to one ingredient. Amounts are integers in the ingredient's unit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Hold:
    """A part of the stock that one order may take and nobody else."""

    order_id: str
    amount: int


@dataclass(frozen=True, slots=True)
class DayOpened:
    """The first event of a business day's stream: what the day before left, its open holds included."""

    on_hand: int
    holds: tuple[Hold, ...] = ()


@dataclass(frozen=True, slots=True)
class DayClosed:
    """The last event of a business day's stream: the balance that the next day opens with."""

    on_hand: int


@dataclass(frozen=True, slots=True)
class StockHeld:
    order_id: str
    amount: int


@dataclass(frozen=True, slots=True)
class HoldCommitted:
    """The order took what it held: consumption."""

    order_id: str
    amount: int


@dataclass(frozen=True, slots=True)
class HoldReleased:
    order_id: str
    amount: int


@dataclass(frozen=True, slots=True)
class Restocked:
    amount: int


@dataclass(frozen=True, slots=True)
class Counted:
    """Somebody counted ``counted``; the books were wrong by ``difference`` (negative: something was lost)."""

    counted: int
    difference: int


StockEvent: TypeAlias = DayOpened | DayClosed | StockHeld | HoldCommitted | HoldReleased | Restocked | Counted

EVENT_NAMES: dict[str, type[StockEvent]] = {
    "opened": DayOpened,
    "closed": DayClosed,
    "held": StockHeld,
    "committed": HoldCommitted,
    "released": HoldReleased,
    "restocked": Restocked,
    "counted": Counted,
}
"""The names under which events are stored and shown; a name is never given to another event."""


def moved(event: StockEvent) -> int:
    """By how much the event changed what is on the shelf (a hold moves nothing yet)."""
    match event:
        case HoldCommitted(amount=amount):
            return -amount
        case Restocked(amount=amount):
            return amount
        case Counted(difference=difference):
            return difference
        case DayOpened() | DayClosed() | StockHeld() | HoldReleased():
            return 0
