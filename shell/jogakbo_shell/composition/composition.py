"""The fragments of one page view under way."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Protocol, TypeAlias

from jogakbo_shell.composition.asker import Asker
from jogakbo_shell.composition.nesting import children_of, whole
from jogakbo_shell.composition.ports import FragmentSeat
from jogakbo_shell.composition.rendered import Rendered
from jogakbo_shell.composition.slots import Placed, Renders, StandIn, ask_slot
from jogakbo_shell.composition.stand_ins import standing_in


class Watcher(Protocol):
    """A page that is made of these fragments."""

    def advance(self) -> None:
        """A fragment has come. Not called for those that are at hand at once."""


Plain: TypeAlias = tuple[bytes, str, tuple[str, ...]]


class Composition:
    """All fragments are asked for at once; `rendered` holds, by position, what is there by now.

    Its watchers are told of the last one that comes; of each, once one of them is `eager`.
    """

    __slots__ = (
        "_asker",
        "_children",
        "_renders",
        "_seats",
        "_watchers",
        "eager",
        "placed",
        "rendered",
        "waiting_primaries",
    )

    def __init__(self, renders: Renders, placed: Sequence[Placed], asker: Asker) -> None:
        self.placed = placed
        self.rendered: list[Rendered | None] = [None] * len(placed)
        self.waiting_primaries = 0
        self.eager = False
        self._renders = renders
        self._asker = asker
        self._watchers: dict[Watcher, None] = {}
        self._seats: dict[int, FragmentSeat] = {}
        # What is nested follows a page's own fragments.
        is_nested = bool(placed) and placed[-1].parent is not None
        self._children = children_of([(piece.parent, piece.place) for piece in placed]) if is_nested else {}
        for position, piece in enumerate(placed):
            if (hit := renders.ready(piece.instance)) is not None:
                self.rendered[position] = hit
                continue
            asked = ask_slot(renders, piece, asker, partial(self._arrived, position))
            if isinstance(asked, Rendered):
                self.rendered[position] = asked
            else:
                self._seats[position] = asked
                self.waiting_primaries += piece.slot.primary

    def watch(self, watcher: Watcher) -> None:
        self._watchers[watcher] = None

    def leave(self, watcher: Watcher) -> None:
        """Its client has gone, or has everything; what nobody waits for need not be fetched."""
        self._watchers.pop(watcher, None)
        if not self._watchers:
            for _, seat in self._take_seats():
                seat.leave()

    @property
    def complete(self) -> bool:
        return not self._seats

    @property
    def plain_markups(self) -> tuple[Plain, ...] | None:
        """All fragments' HTML and what they say in the head, if all are fresh and none links assets of its own."""
        fresh = [it for it in self.rendered if it is not None and it.state == "fresh" and not it.links]
        plain = [(it.markup, it.title, it.head) for it in fresh]
        return tuple(plain) if len(plain) == len(self.rendered) else None

    def markup(self, position: int) -> bytes | None:
        """The fragment there with all that is nested in it; None while something of it is missing."""
        rendered = self.rendered[position]
        if rendered is not None and rendered.holes:
            return whole(position, self.rendered, self._children)
        return None if rendered is None else rendered.markup

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

    def _take_seats(self) -> Iterable[tuple[int, FragmentSeat]]:
        seats, self._seats = self._seats, {}
        self.waiting_primaries = 0
        return seats.items()

    def _arrived(self, position: int, rendered: Rendered) -> None:
        del self._seats[position]
        self.rendered[position] = rendered
        self.waiting_primaries -= self.placed[position].slot.primary
        if self.eager or not self._seats:
            for watcher in list(self._watchers):
                watcher.advance()
