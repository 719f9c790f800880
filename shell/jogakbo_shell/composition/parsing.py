"""A fragment's body made into the markup of its slot; the same body again is not parsed again."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from jogakbo_shell.composition.containment import Contained, contain
from jogakbo_shell.composition.rendered import Hole
from jogakbo_shell.composition.wrapping import wrap
from jogakbo_shell.instance import Instance

_MAX_REMEMBERED_BYTES = 65_536


@dataclass(slots=True)
class Parsed:
    """`etag` is of the markup, and `head` and `title` are what belongs into the page's head.

    `slots` are those that the fragment declares, `holes` those that its markup has.
    """

    body: bytes
    label: str
    markup: bytes
    etag: str
    head: tuple[str, ...]
    title: str
    slots: frozenset[str] = frozenset()
    holes: tuple[Hole, ...] = ()

    @property
    def size(self) -> int:
        return len(self.body) + len(self.markup)


class Parser:
    """Remembers the last body of each instance, `max_bytes` in all.

    Most answers say what the one before said, above all where nothing may be cached; comparing costs a hundredth of
    parsing.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._last: OrderedDict[Instance, Parsed] = OrderedDict()
        self.bytes = 0

    def parse(self, instance: Instance, body: bytes, label: str, slots: frozenset[str] = frozenset()) -> Parsed:
        """Raises BadMarkup."""
        last = self._last.get(instance)
        if last is not None and last.body == body and last.label == label and last.slots == slots:
            self._last.move_to_end(instance)
            return last
        contained = contain(body, slots)
        markup, etag = wrap(instance, contained.html, title=label, state="fresh")
        holes = holes_in(contained, markup.index(b">") + 1)
        parsed = Parsed(body, label, markup, etag, contained.head, contained.title, slots, holes)
        self._remember(instance, parsed)
        return parsed

    def _remember(self, instance: Instance, parsed: Parsed) -> None:
        known = self._last.pop(instance, None)
        if known is not None:
            self.bytes -= known.size
        if parsed.size > _MAX_REMEMBERED_BYTES:
            return
        self._last[instance] = parsed
        self.bytes += parsed.size
        while self.bytes > self._max_bytes:
            self.bytes -= self._last.popitem(last=False)[1].size


def holes_in(contained: Contained, before: int = 0) -> tuple[Hole, ...]:
    """The holes of the contained HTML in bytes, where so many are before it."""
    html = contained.html
    return tuple(
        Hole(hole.name, before + len(html[: hole.start].encode()), before + len(html[: hole.end].encode()))
        for hole in contained.holes
    )
