"""A fragment by itself, outside of a page: with what is nested in it, all asked for at once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Protocol

from jogakbo_shell.composition.nesting import Nesting, children_of, whole
from jogakbo_shell.composition.rendered import Rendered
from jogakbo_shell.instance import Instance


class Renders(Protocol):
    """`Fragments`."""

    async def render(self, instance: Instance, *, subject: str | None = None) -> Rendered: ...


@dataclass(frozen=True, slots=True)
class Inside:
    """What is nested in `instances[0]`, by position; `rendered` begins at the second."""

    instances: tuple[Instance, ...]
    places: tuple[tuple[int | None, str], ...]
    rendered: Sequence[Rendered]

    def within(self, outer: Rendered) -> Rendered:
        """The outer one with these in their places. Its keys and its etag stay its own."""
        if not (self.rendered and outer.holes):
            return outer
        markup = whole(0, (outer, *self.rendered), children_of(self.places))
        return replace(outer, markup=markup or outer.markup, holes=())

    def markups(self) -> Mapping[str, bytes]:
        """What goes into the slots of the outer one."""
        children = children_of(self.places)
        rendered = (None, *self.rendered)
        markups = {place: whole(child, rendered, children) for place, child in children.get(0, ())}
        return {place: markup for place, markup in markups.items() if markup is not None}

    def together(self, outer: Rendered) -> Rendered:
        """As one thing: it is what all of them are, and changes when one of them does."""
        if not (self.rendered and outer.holes):
            return outer
        parts = (outer, *self.rendered)
        missed = next((part for part in parts if not part.hit), outer)
        return replace(
            self.within(outer),
            etag=blake2b("\0".join(part.etag for part in parts).encode(), digest_size=8).hexdigest(),
            keys=frozenset().union(*(part.keys for part in parts)),
            private=any(part.private for part in parts),
            cache_status=missed.cache_status,
        )


class LoneFragments:
    def __init__(self, fragments: Renders, nesting: Nesting) -> None:
        self._fragments = fragments
        self._nesting = nesting

    def instances(self, instance: Instance) -> tuple[Instance, ...]:
        """Itself and all that is nested in it."""
        return (instance, *(nested.instance for nested in self._nesting.within(instance)))

    async def render(self, instance: Instance) -> Rendered:
        """For a frame: with its own keys and etag, for what is nested has frames of its own."""
        outer, inside = await self._with(self._fragments.render(instance), instance, None)
        return inside.within(outer)

    async def show(self, instance: Instance, *, subject: str | None = None) -> Rendered:
        """For whoever takes all of it as one thing."""
        outer, inside = await self._with(self._fragments.render(instance, subject=subject), instance, subject)
        return inside.together(outer)

    async def around(self, outer: Awaitable[Rendered], instance: Instance) -> tuple[Rendered, Inside]:
        """`outer` is on its way already; what is nested in the public `instance` is asked for meanwhile."""
        return await self._with(outer, instance, None)

    async def inside(self, instance: Instance, *, subject: str | None = None) -> Inside:
        nested = self._nesting.within(instance)
        asked = [self._fragments.render(inner.instance, subject=subject) for inner in nested]
        rendered = await asyncio.gather(*asked) if asked else []
        places = ((None, ""), *((inner.parent, inner.place) for inner in nested))
        return Inside((instance, *(inner.instance for inner in nested)), places, rendered)

    async def _with(
        self, outer: Awaitable[Rendered], instance: Instance, subject: str | None
    ) -> tuple[Rendered, Inside]:
        if not self._nesting.within(instance):
            return await outer, Inside((instance,), ((None, ""),), ())
        return await asyncio.gather(outer, self.inside(instance, subject=subject))
