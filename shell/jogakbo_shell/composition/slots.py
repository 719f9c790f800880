"""What a slot asks for: its fragment, and where its template names an alternative, that when the first is missing."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import Protocol

from jogakbo_shell.composition.asker import Asker
from jogakbo_shell.composition.ports import Arrived, FragmentSeat
from jogakbo_shell.composition.rendered import Rendered
from jogakbo_shell.composition.segments import FragmentSlot
from jogakbo_shell.composition.stand_ins import is_missing, standing_in
from jogakbo_shell.instance import Instance


class Renders(Protocol):
    """`Fragments`, as a page sees it."""

    def ready(self, instance: Instance) -> Rendered | None: ...

    def ask(self, instance: Instance, asker: Asker, then: Arrived) -> Rendered | FragmentSeat: ...

    def overdue(self, instance: Instance, asker: Asker, seconds: float) -> Rendered: ...


@dataclass(frozen=True, slots=True)
class Placed:
    """`alt` is what the slot's own alternative is with this view's parameters; `timing` begins its Server-Timing.

    A nested one is in the slot `place` of the fragment at the position `parent` of the same page.
    """

    slot: FragmentSlot
    instance: Instance
    alt: Instance | None
    timing: str
    hit_timing: str
    parent: int | None = None
    place: str = ""

    @classmethod
    def of(cls, slot: FragmentSlot, instance: Instance, alt: Instance | None = None) -> Placed:
        timing = f"{instance.dom_id};dur="
        return cls(slot, instance, alt, timing, f'{timing}0.0;desc="hit"')

    @classmethod
    def inside(cls, instance: Instance, *, parent: int, place: str) -> Placed:
        return replace(cls.of(FragmentSlot(instance.name), instance), parent=parent, place=place)


def ask_slot(renders: Renders, piece: Placed, asker: Asker, then: Arrived) -> Rendered | FragmentSeat:
    """As `Fragments.ask`."""
    if piece.alt is None and not piece.slot.onerror_continue:
        return renders.ask(piece.instance, asker, then)
    return StandIn(renders, piece, asker, then).begin()


async def render_slot(renders: Renders, piece: Placed, asker: Asker, *, budget: float, deadline: float) -> Rendered:
    """What the slot shows within `deadline` seconds; after `budget` an alternative's time has come."""
    arrival: asyncio.Future[Rendered] = asyncio.get_running_loop().create_future()
    asked = renders.ready(piece.instance) or ask_slot(renders, piece, asker, arrival.set_result)
    if isinstance(asked, Rendered):
        return asked
    try:
        await asyncio.wait({arrival}, timeout=budget)
        if not arrival.done() and isinstance(asked, StandIn):
            asked.hurry(budget)
        await asyncio.wait({arrival}, timeout=deadline - budget)
    except asyncio.CancelledError:
        asked.leave()
        raise
    if arrival.done():
        return arrival.result()
    asked.give_up()
    return standing_in(piece.slot, renders.overdue(piece.instance, asker, deadline))


class StandIn:
    """The seat of a slot that knows what to do without its fragment."""

    __slots__ = ("_asker", "_missing", "_piece", "_renders", "_seat", "_then")

    def __init__(self, renders: Renders, piece: Placed, asker: Asker, then: Arrived) -> None:
        self._renders = renders
        self._piece = piece
        self._asker = asker
        self._then = then
        self._seat: FragmentSeat | None = None
        self._missing: Rendered | None = None

    def begin(self) -> Rendered | FragmentSeat:
        return self._settle(self._renders.ask(self._piece.instance, self._asker, self._arrived))

    def hurry(self, seconds: float) -> None:
        """After `seconds` the alternative's time has come, so that it has some left."""
        if self._missing is None and self._piece.alt is not None and self._seat is not None:
            self._seat.give_up()
            self._arrived(self._renders.overdue(self._piece.instance, self._asker, seconds))

    def leave(self) -> None:
        if self._seat is not None:
            self._seat.leave()

    def give_up(self) -> None:
        if self._seat is not None:
            self._seat.give_up()

    def _arrived(self, rendered: Rendered) -> None:
        settled = self._settle(rendered)
        if isinstance(settled, Rendered):
            self._then(settled)

    def _settle(self, asked: Rendered | FragmentSeat) -> Rendered | FragmentSeat:
        """What to show, or itself while that is still under way."""
        if not isinstance(asked, Rendered):
            self._seat = asked
            return self
        if self._missing is not None:
            return standing_in(self._piece.slot, self._missing, asked)
        if not is_missing(asked):
            return asked
        if self._piece.alt is None:
            return standing_in(self._piece.slot, asked)
        self._missing = asked
        at_hand = self._renders.ready(self._piece.alt)
        return self._settle(at_hand or self._renders.ask(self._piece.alt, self._asker, self._arrived))
