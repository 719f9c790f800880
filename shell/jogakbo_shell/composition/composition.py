"""The fragments of one page view under way."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Protocol

from jogakbo_shell.composition.asker import Asker
from jogakbo_shell.composition.fragments import FragmentSeat
from jogakbo_shell.composition.rendered import Rendered
from jogakbo_shell.composition.slots import Placed, Renders, StandIn, ask_slot
from jogakbo_shell.composition.stand_ins import standing_in


class Progress(Protocol):
    def __call__(self) -> None:
        """A fragment has come. Not called for those that are at hand at once."""


class Composition:
    """All fragments are asked for at once; `rendered` holds, by position, what is there by now.

    `eager` asks to be told of each; otherwise it is told of the last.
    """

    __slots__ = ("_asker", "_progress", "_renders", "_seats", "eager", "placed", "rendered", "waiting_primaries")

    def __init__(self, renders: Renders, placed: Sequence[Placed], asker: Asker, progress: Progress) -> None:
        self.placed = placed
        self.rendered: list[Rendered | None] = [None] * len(placed)
        self.waiting_primaries = 0
        self.eager = False
        self._renders = renders
        self._asker = asker
        self._progress = progress
        self._seats: dict[int, FragmentSeat] = {}
        for position, piece in enumerate(placed):
            asked = ask_slot(renders, piece, asker, partial(self._arrived, position))
            if isinstance(asked, Rendered):
                self.rendered[position] = asked
            else:
                self._seats[position] = asked
                self.waiting_primaries += piece.slot.primary

    @property
    def complete(self) -> bool:
        return not self._seats

    def primaries(self) -> tuple[Rendered, ...]:
        """The fragments that decide the page's status, as far as they are there."""
        pieces = zip(self.placed, self.rendered, strict=True)
        return tuple([rendered for piece, rendered in pieces if piece.slot.primary and rendered is not None])

    def known(self) -> list[tuple[Placed, Rendered]]:
        """What is there by now, for the page's headers."""
        pieces = zip(self.placed, self.rendered, strict=True)
        return [(piece, rendered) for piece, rendered in pieces if rendered is not None]

    def hurry(self, seconds: float) -> None:
        """Slots with an alternative turn to it."""
        for seat in list(self._seats.values()):
            if isinstance(seat, StandIn):
                seat.hurry(seconds)

    def give_up(self, seconds: float) -> None:
        """The page's deadline has come: every slot gets something, if only a placeholder."""
        for position, seat in self._take_seats():
            seat.give_up()
            piece = self.placed[position]
            self.rendered[position] = standing_in(
                piece.slot, self._renders.overdue(piece.instance, self._asker, seconds)
            )

    def cancel(self) -> None:
        """The client has gone; what nobody else waits for need not be fetched."""
        for _, seat in self._take_seats():
            seat.leave()

    def _take_seats(self) -> Iterable[tuple[int, FragmentSeat]]:
        seats, self._seats = self._seats, {}
        self.waiting_primaries = 0
        return seats.items()

    def _arrived(self, position: int, rendered: Rendered) -> None:
        del self._seats[position]
        self.rendered[position] = rendered
        self.waiting_primaries -= self.placed[position].slot.primary
        if self.eager or not self._seats:
            self._progress()
