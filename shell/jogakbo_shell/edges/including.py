"""Fragments, as a page sees them that an edge puts together: what all see alike is the tag of an include."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from jogakbo_shell.composition.asker import Asker
from jogakbo_shell.composition.ports import Arrived, FragmentSeat
from jogakbo_shell.composition.rendered import Rendered
from jogakbo_shell.composition.slots import Renders
from jogakbo_shell.instance import Instance


class Including:
    """What is included is asked for nevertheless: an edge fetches its includes one after the other, and so finds them
    under way. What is at hand says what it wants in the page's head; `shown` holds that, `unknown` what is not.

    `tags` are those of an instance in the order of its slots: each may have another alternative.
    """

    def __init__(self, renders: Renders, tags: Mapping[Instance, Iterator[bytes]]) -> None:
        self.shown: dict[Instance, Rendered] = {}
        self.unknown: set[Instance] = set()
        self._renders = renders
        self._tags = tags

    def ready(self, instance: Instance) -> Rendered | None:
        hit = self._renders.ready(instance)
        if hit is None or instance not in self._tags:
            return hit
        self.shown[instance] = hit
        return _tagged(next(self._tags[instance]), hit)

    def ask(self, instance: Instance, asker: Asker, then: Arrived) -> Rendered | FragmentSeat:
        if instance not in self._tags:
            return self._renders.ask(instance, asker, then)
        tag = next(self._tags[instance])
        asked = self._renders.ask(instance, asker, _nobody_waits)
        if not isinstance(asked, Rendered):
            self.unknown.add(instance)
            return _tagged(tag)
        self.shown[instance] = asked
        return _tagged(tag, asked)

    def overdue(self, instance: Instance, asker: Asker, seconds: float) -> Rendered:
        return self._renders.overdue(instance, asker, seconds)


def _nobody_waits(rendered: Rendered) -> None:
    return


def _tagged(tag: bytes, known: Rendered | None = None) -> Rendered:
    """In the place of the fragment its tag, with what is known of the fragment itself."""
    return Rendered(
        markup=tag,
        state="fresh",
        status=200,
        etag="",
        keys=frozenset(),
        private=False,
        cache_status="",
        duration_ms=0.0,
        head=known.head if known else (),
        title=known.title if known else "",
        links=known.links if known else "",
    )
