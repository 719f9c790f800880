"""One seed: a back office, its guests, the storm, and what the books say when it is over."""

from __future__ import annotations

import asyncio
import random
import shutil
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import httpx2

from chaos.live.processes import NotWithin, until
from chaos.orders.books import Books
from chaos.orders.faults import FAULTS
from chaos.orders.guests import Guests, calm_guests, crowd
from chaos.orders.invariants import unrest, violations
from chaos.orders.sagas import ended
from chaos.orders.world import World, back_office

ENDED_WITHIN_SECONDS = 30.0
CONFIRMED_SHARE = 0.95
_TOLD = 30
_SHARE = "confirmed_share"  # which a storm may lower
_CALM_ORDERS = 40
_CALM_SECONDS = 20.0
_SPARE_SECONDS = 60.0
"""How much longer the run looks before it says never."""


@dataclass(frozen=True, slots=True)
class Struck:
    """A fault that has happened, in seconds from the beginning."""

    name: str
    began: float
    ended: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """Of one seed; it is well if `faults` is empty. `ended` are the seconds from the last fault to the last order."""

    seed: int
    struck: Sequence[Struck]
    states: Counter[str]
    ended: float | None
    confirmed: int
    faults: Sequence[str]
    folder: Path

    @property
    def line(self) -> str:
        """`seed 7: green, 31 faults, 300 orders (211 CONFIRMED, …), ended 2.1 s after the last, calm: 40 of 40`"""
        states = ", ".join(f"{number} {state}" for state, number in self.states.most_common())
        ended = "never" if self.ended is None else f"{self.ended:.1f} s after the last fault"
        return (
            f"seed {self.seed}: {'RED' if self.faults else 'green'}, {len(self.struck)} faults, "
            f"{self.states.total()} orders ({states}), ended {ended}, "
            f"calm: {self.confirmed} of {_CALM_ORDERS} confirmed"
        )

    @property
    def story(self) -> str:
        blows = [f"  {one.began:6.2f} – {one.ended:6.2f}  {one.name}" for one in self.struck]
        faults = [f"  {fault}" for fault in self.faults[:_TOLD]]
        if len(self.faults) > _TOLD:
            faults.append(f"  … and {len(self.faults) - _TOLD} more")
        return "\n".join(
            [f"seed {self.seed} failed:", *faults, "what was broken, in seconds:", *blows, f"logs: {self.folder}"]
        )


async def weather(seed: int, seconds: float, orders: int, folder: Path, *, calm: bool = False) -> Outcome:
    """Raises NotWithin when the back office cannot even be set up."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)  # noqa: ASYNC240 - before anything runs
    async with back_office(folder) as world:
        await _menu_is_known(world)
        rng = random.Random(f"guests {seed}")
        guests = Guests(world, rng)
        struck: list[Struck] = []
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(guests.come(crowd(rng, orders, seconds * 0.7)))
            if not calm:
                await _storm(world, seed, seconds, struck)
            over = time.monotonic()
        ended = await _until_ended(world, over)
        faults = await _faults(world, guests, ended)
        with world.books() as books:
            states = Counter(order.state for order in books.orders.values())
        confirmed = await _calm(world, guests)
        if confirmed < CONFIRMED_SHARE * _CALM_ORDERS:
            faults.append(f"without faults {confirmed} of {_CALM_ORDERS} orders were confirmed")
    return Outcome(seed, struck, states, ended, confirmed, faults, folder)


async def _menu_is_known(world: World) -> None:
    """Orders and inventory have read the menu, so that everything on it can be ordered."""

    async def known() -> bool:
        with world.books() as books:
            place = books.newest["menu"]
            return all(books.heard.get((reader, "menu")) == place for reader in ("orders", "inventory"))

    await until(known, "the menu is known")


async def _storm(world: World, seed: int, seconds: float, struck: list[Struck]) -> None:
    """Returns when the last fault is over, and everybody is there again."""
    began = time.monotonic()
    async with asyncio.TaskGroup() as tasks:
        for place in FAULTS:
            tasks.create_task(_strike(world, place, random.Random(f"{place} {seed}"), began, seconds, struck))
    for member in (world.valkey, *world.services):
        if not member.runs:
            await member.restart()


async def _strike(
    world: World, place: str, rng: random.Random, began: float, seconds: float, struck: list[Struck]
) -> None:
    strikes, mean_quiet, shortest, longest = FAULTS[place]
    for _ in count():
        await asyncio.sleep(rng.expovariate(1 / mean_quiet))
        at = time.monotonic() - began
        lasts = min(rng.uniform(shortest, longest), seconds - at)
        strike, dice = rng.choice(strikes), random.Random(rng.getrandbits(32))
        if lasts < shortest:
            return
        await strike(world, dice, lasts)
        struck.append(Struck(strike.__name__, at, time.monotonic() - began))


async def _until_ended(world: World, over: float) -> float | None:
    """Seconds after `over` at which the last order was terminal; None if that never came."""

    async def all_ended() -> bool:
        with world.books() as books:
            return not any(ended(books))

    try:
        await until(all_ended, "every order has ended", ENDED_WITHIN_SECONDS + _SPARE_SECONDS)
    except NotWithin:
        return None
    return time.monotonic() - over


async def _faults(world: World, guests: Guests, ended: float | None) -> list[str]:
    """What is wrong now that all should be at rest."""
    with world.books() as books:
        faults = [] if ended is not None and ended <= ENDED_WITHIN_SECONDS else [_late(ended), *_stuck(books)]
    left = await _unrest(world)
    with world.books() as books:
        faults += [*violations(books), *left, *guests.wrong]
        faults += [f"order {lost} was accepted and is not there" for lost in guests.accepted - books.orders.keys()]
    return [*faults, *await _checks(world)]


async def _unrest(world: World) -> list[str]:
    """What is still not done when there was time enough to read what is left."""
    left: list[str] = []

    async def rests() -> bool:
        with world.books() as books:
            left[:] = unrest(books)
        return not left

    try:
        await until(rests, "everything has been read", _CALM_SECONDS)
    except NotWithin:
        return left
    return []


async def _checks(world: World) -> list[str]:
    """What the services say of themselves."""
    faults = []
    for member in world.services:
        answer = await world.http.get(f"{member.url}/checks")
        if answer.status_code == 200:
            told = (check for check in answer.json() if not check["holds"] and check["name"] != _SHARE)
            faults += [f"{member.name}/checks: {check['name']}: {check['detail']}" for check in told]
    return faults


async def _calm(world: World, guests: Guests) -> int:
    """How many of the orders of a quiet minute are confirmed."""
    wishes = calm_guests(guests.rng, _CALM_ORDERS)
    ids = {wish.order_id for wish in wishes}
    confirmed = 0

    async def all_confirmed() -> bool:
        nonlocal confirmed
        with world.books() as books:
            confirmed = sum(books.orders[id].state == "CONFIRMED" for id in ids & books.orders.keys())
        return confirmed == len(ids)

    try:
        async with asyncio.timeout(_CALM_SECONDS):
            await guests.come(wishes, faithful=True)
        await until(all_confirmed, "all are confirmed", _CALM_SECONDS)
    except (NotWithin, TimeoutError, httpx2.HTTPError):
        pass
    return confirmed


def _late(ended: float | None) -> str:
    when = "never" if ended is None else f"{ended:.1f} s after the last fault"
    return f"the last order ended {when}, not within {ENDED_WITHIN_SECONDS:g} s"


def _stuck(books: Books) -> list[str]:
    return list(ended(books))[:10]
