"""Who orders, and what else they do: ask again, change their mind, want their money back; and the barista."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

import httpx2

from chaos.orders.world import World

# Latte for hundreds, but only 40 croissants: some orders find no stock.
_ITEMS = ("latte", "latte", "americano", "americano", "espresso", "croissant-butter")
_PAYMENTS = ("card-4242", "card-4242", "card-4242", "cash", "cash", "card-0002")
_PAUSE_SECONDS = 0.2
_ASKS_AGAIN, _CANCELS, _REFUNDS, _IS_MADE = 0.3, 0.1, 0.1, 0.2


@dataclass(frozen=True, slots=True)
class Wish:
    """An order to come, `at` seconds after the beginning."""

    at: float
    order_id: str
    item: str
    payment: str
    cancels: bool = False

    @property
    def body(self) -> dict[str, object]:
        return {"lines": [{"item_id": self.item, "qty": 1}], "payment": self.payment, "guest_name": "Minsu"}


@dataclass
class Guests:
    """`accepted` are the orders whose answer has come: they must be there for ever. `wrong` are answers that nobody
    should get, whatever is broken."""

    world: World
    rng: random.Random
    accepted: set[str] = field(default_factory=set)
    wrong: list[str] = field(default_factory=list)

    async def come(self, wishes: Sequence[Wish], *, faithful: bool = False) -> None:
        """Returns when everybody has an answer. `faithful` guests order, and that is all."""
        async with asyncio.TaskGroup() as tasks:
            for wish in wishes:
                tasks.create_task(self._order(wish, faithful=faithful))

    async def _order(self, wish: Wish, *, faithful: bool) -> None:
        await asyncio.sleep(wish.at)
        await self._insist("PUT", f"/orders/{wish.order_id}", wish.body, (200, 202))
        self.accepted.add(wish.order_id)
        if faithful:
            return
        if self.rng.random() < _ASKS_AGAIN:
            await self._insist("PUT", f"/orders/{wish.order_id}", wish.body, (200,))
        await asyncio.sleep(self.rng.expovariate(1.0))
        if wish.cancels:
            await self._insist("POST", f"/orders/{wish.order_id}/cancellation", {}, (202, 409))
        elif self.rng.random() < _REFUNDS:
            await self._insist("POST", f"/orders/{wish.order_id}/refund", {}, (202, 409))
        elif self.rng.random() < _IS_MADE:
            for step in ("take", "finish", "hand-over"):
                await self._insist("POST", f"/orders/{wish.order_id}/{step}", {}, (200, 409))

    async def _insist(self, method: str, path: str, body: dict[str, object], done: Sequence[int]) -> None:
        """Ask whichever replica until one has answered: the same request, so that it is done once."""
        while True:
            try:
                answer = await self.world.http.request(method, self.world.ask(self.rng) + path, json=body)
            except httpx2.HTTPError:
                await asyncio.sleep(_PAUSE_SECONDS)
                continue
            if answer.status_code < 500:
                if answer.status_code not in done:
                    self.wrong.append(f"{method} {path}: {answer.status_code} {answer.text}")
                return
            await asyncio.sleep(_PAUSE_SECONDS)


def crowd(rng: random.Random, count: int, seconds: float) -> list[Wish]:
    """Three times many at once, all within `seconds`."""
    bursts = [rng.uniform(0, seconds) for _ in range(3)]
    return [
        Wish(
            max(0.0, rng.choice(bursts) + rng.gauss(0, 0.5)),
            str(UUID(int=rng.getrandbits(128), version=4)),
            rng.choice(_ITEMS),
            rng.choice(_PAYMENTS),
            rng.random() < _CANCELS,
        )
        for _ in range(count)
    ]


def calm_guests(rng: random.Random, count: int) -> list[Wish]:
    """Who can pay, and wants what there is."""
    return [
        Wish(number / 20, str(UUID(int=rng.getrandbits(128), version=4)), "espresso", "card-4242")
        for number in range(count)
    ]
