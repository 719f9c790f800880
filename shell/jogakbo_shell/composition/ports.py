"""What the parts of composing ask of one another and of the rest of the shell; in unit tests a fake stands here."""

from __future__ import annotations

from typing import Protocol, TypeAlias

from jogakbo_shell.composition.errors import FragmentError
from jogakbo_shell.composition.rendered import Rendered
from jogakbo_shell.instance import Instance
from jogakbo_shell.upstream.errors import UpstreamError

Result: TypeAlias = Rendered | FragmentError | UpstreamError


class FragmentSeat(Protocol):
    """A place to wait in for a fragment."""

    def leave(self) -> None:
        """The client has gone; a fetch that nobody waits for is given up."""

    def give_up(self) -> None:
        """It takes too long; the fetch goes on to its own deadline."""


class Arrived(Protocol):
    def __call__(self, rendered: Rendered, /) -> None:
        """The fragment, or what stands in for it. Called once, after `ask` has returned."""


class Wards(Protocol):
    def take_in(self, instance: Instance, subject: str | None) -> None:
        """This one could not be shown; see that it heals."""


class Showed(Protocol):
    def __call__(self, instance: Instance, subject: str, keys: frozenset[str]) -> None:
        """A private fragment was rendered for `subject`; its keys are nowhere else, for it is not cached."""


class Outcomes(Protocol):
    def count(self, instance: Instance, outcome: str, slots: int = 1) -> None:
        """For the metrics: `hit`, `fresh`, `stale`, `fallback` or `failed`."""
