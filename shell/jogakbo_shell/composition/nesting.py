"""Fragments inside fragments: which ones, known from the manifests before anything is asked for, and put together.

What is nested is declared, so a page asks for all of it at once, its grant names all of it, and a cycle is seen without
a request. One pass: what a nested fragment answers is never searched for more than it declares itself.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple, TypeAlias

import structlog

from jogakbo.contract.manifest import FragmentDeclaration, SlotDeclaration
from jogakbo_shell.composition.orders import accepted
from jogakbo_shell.composition.rendered import Hole, Rendered
from jogakbo_shell.composition.slots import Placed
from jogakbo_shell.instance import Instance
from jogakbo_shell.registry.registry import Registry

MAX_DEPTH = 3
"""Levels below a page's own fragments."""

MAX_FRAGMENTS = 64
"""On one page, those inside others included."""

_MAX_KEPT = 4096

Children: TypeAlias = Mapping[int, Sequence[tuple[str, int]]]
"""By the position of a fragment: the slots in it, and the positions of what goes there."""


class NotNested(Exception):
    """A slot that is not filled; the message says why."""


class Nested(NamedTuple):
    """What goes into the slot `place` of the outermost fragment (`parent` is 0) or of the nested one before it with
    the number `parent`, counted from 1."""

    instance: Instance
    place: str
    parent: int


class Nesting:
    """Known anew when a manifest has changed. What is refused is the fault of the outer fragment's server."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._generation = -1
        self._any = False
        self._known: dict[Instance, tuple[Nested, ...]] = {}
        self._noted: set[str] = set()

    def within(self, outer: Instance) -> tuple[Nested, ...]:
        """Everything inside of it, the outer before the inner."""
        if self._generation != self._registry.generation:
            self._renew()
        if not self._any:
            return ()
        known = self._known.get(outer)
        if known is None:
            if len(self._known) >= _MAX_KEPT:
                self._known.clear()
            known = self._known[outer] = self._expand(outer)
        return known

    def spread(self, own: Sequence[Placed]) -> tuple[Placed, ...]:
        """A page's own fragments, and after them all that is inside of them."""
        pieces = list(own)
        for position, piece in enumerate(own):
            before = len(pieces) - 1
            for nested in self.within(piece.instance):
                if len(pieces) >= MAX_FRAGMENTS:
                    self._note(piece.instance, NotNested(f"a page has more than {MAX_FRAGMENTS} fragments"))
                    break
                parent = before + nested.parent if nested.parent else position
                pieces.append(Placed.inside(nested.instance, parent=parent, place=nested.place))
        return tuple(pieces)

    def _renew(self) -> None:
        self._generation = self._registry.generation
        manifests = [server.manifest for server in self._registry.servers.values() if server.manifest]
        self._any = any(fragment.slots for manifest in manifests for fragment in manifest.fragments.values())
        self._known.clear()
        self._noted.clear()

    def _expand(self, outer: Instance) -> tuple[Nested, ...]:
        found: list[Nested] = []
        lines: list[tuple[Instance, ...]] = [(outer,)]
        for parent, line in enumerate(lines):  # it grows by what is found
            for place, slot, params in self._slots(line[-1]):
                try:
                    inner = self._inner(line, slot, params)
                except NotNested as fault:
                    self._note(line[-1], fault)
                    continue
                if inner is None:
                    continue
                if len(found) == MAX_FRAGMENTS:
                    self._note(outer, NotNested(f"more than {MAX_FRAGMENTS} fragments are inside of it"))
                    return tuple(found)
                found.append(Nested(inner, place, parent))
                lines.append((*line, inner))
        return tuple(found)

    def _slots(self, instance: Instance) -> Iterator[tuple[str, SlotDeclaration, dict[str, str]]]:
        declared = self._declared(instance)
        for place, slot in declared.slots.items() if declared else ():
            own = dict(instance.params)
            sources = {
                name: source[1:] if source[0] == "=" else own.get(source) for name, source in slot.params.items()
            }
            yield place, slot, {name: value for name, value in sources.items() if value}

    def _inner(self, line: tuple[Instance, ...], slot: SlotDeclaration, params: dict[str, str]) -> Instance | None:
        """None while its server is not known well enough. Raises NotNested."""
        outer = line[-1]
        inner = Instance.of(slot.fragment, (), outer.locale)
        server = self._registry.servers.get(inner.server)
        if server is None:
            raise NotNested(f"no fragment server {inner.server!r} for {slot.fragment}")
        if server.manifest is None:
            return None
        declared = self._declared(inner)
        if declared is None:
            raise NotNested(f"{server.name} {server.version} has no fragment {inner.fragment!r}")
        if any(inner.name == around.name for around in line):
            raise NotNested(f"{inner.name} would be inside of itself")
        if len(line) > MAX_DEPTH:
            raise NotNested(f"{inner.name} would be {len(line)} levels deep, expected at most {MAX_DEPTH}")
        if declared.audience == "private" and not self._registry.is_private(outer):
            raise NotNested(f"{inner.name} is private, and {outer.name} is the same for all")
        return Instance.of(inner.name, accepted(declared, params), inner.locale)

    def _declared(self, instance: Instance) -> FragmentDeclaration | None:
        server = self._registry.servers.get(instance.server)
        return server.manifest.fragments.get(instance.fragment) if server and server.manifest else None

    def _note(self, outer: Instance, fault: NotNested) -> None:
        """Once, not with every view; the slot stays as the outer fragment has it."""
        what = f"slots of {outer.name}"
        noted = f"{what}: {fault}"
        server = self._registry.servers.get(outer.server)
        if server is not None and noted not in self._noted:
            self._noted.add(noted)
            server.note_fault(what, fault)
            structlog.get_logger().warning("slot_not_filled", fragment=outer.name, error=str(fault))


def children_of(places: Sequence[tuple[int | None, str]]) -> Children:
    """From what each position is in: `(parent, place)`, the parent None where it stands by itself."""
    children: defaultdict[int, list[tuple[str, int]]] = defaultdict(list)
    for position, (parent, place) in enumerate(places):
        if parent is not None:
            children[parent].append((place, position))
    return children


def whole(position: int, rendered: Sequence[Rendered | None], children: Children) -> bytes | None:
    """The markup with what is nested in its places; None while something of it is not there."""
    outer = rendered[position]
    if outer is None:
        return None
    inside: dict[str, bytes] = {}
    wanted = {hole.name for hole in outer.holes}
    for place, child in children.get(position, ()):
        if place in wanted:
            markup = whole(child, rendered, children)
            if markup is None:
                return None
            inside[place] = markup
    return filled(outer.markup, outer.holes, inside)


def filled(markup: bytes, holes: Sequence[Hole], inside: Mapping[str, bytes]) -> bytes:
    """What has nothing to go into it stays as it is."""
    parts: list[bytes] = []
    at = 0
    for hole in holes:
        if hole.name in inside:
            parts += (markup[at : hole.start], inside[hole.name])
            at = hole.end
    return b"".join((*parts, markup[at:]))
