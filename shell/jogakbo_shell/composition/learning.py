"""Waiting for a fragment of a server of which nothing is known yet."""

from __future__ import annotations

import asyncio
from typing import Protocol

from jogakbo_shell.composition.asker import Asker
from jogakbo_shell.composition.ports import Arrived, FragmentSeat
from jogakbo_shell.composition.rendered import Rendered
from jogakbo_shell.instance import Instance
from jogakbo_shell.registry.registry import Registry


class Asks(Protocol):
    """`Fragments`."""

    def ready(self, instance: Instance) -> Rendered | None: ...

    def ask(self, instance: Instance, asker: Asker, then: Arrived) -> Rendered | FragmentSeat: ...

    def overdue(self, instance: Instance, asker: Asker, seconds: float) -> Rendered: ...


class Learning:
    """A place in line before anything is known of the server: the fragment is asked for after the first look at it."""

    __slots__ = ("_seat", "_task", "_then")

    def __init__(
        self, fragments: Asks, registry: Registry, instance: Instance, asker: Asker, then: Arrived, seconds: float
    ) -> None:
        self._then = then
        self._seat: FragmentSeat | None = None
        self._task = asyncio.create_task(self._learn(fragments, registry, instance, asker, seconds))

    def leave(self) -> None:
        self._task.cancel()
        if self._seat is not None:
            self._seat.leave()

    def give_up(self) -> None:
        if self._seat is not None:
            self._seat.give_up()
        else:
            self._task.cancel()

    async def _learn(
        self, fragments: Asks, registry: Registry, instance: Instance, asker: Asker, seconds: float
    ) -> None:
        try:
            await registry.known(instance.server, seconds)
        except TimeoutError:
            self._then(fragments.overdue(instance, asker, seconds))
            return
        asked = fragments.ready(instance) or fragments.ask(instance, asker, self._then)
        if isinstance(asked, Rendered):
            self._then(asked)
        else:
            self._seat = asked
