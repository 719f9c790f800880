"""The inventory service as this fragment server knows it: only the fields that are shown."""

from __future__ import annotations

from datetime import datetime
from urllib.parse import quote

import msgspec

from jogakbo.fragment import Service


class Ingredient(msgspec.Struct, frozen=True):
    """An ingredient's stock; amounts are integers in its ``unit``, ``revision`` grows with every change."""

    id: str
    name: dict[str, str]
    unit: str
    on_hand: int
    reserved: int
    available: int
    low_at: int
    level: str
    revision: int


class Event(msgspec.Struct, frozen=True):
    """Something that happened to an ingredient; ``on_hand_after`` is what was on the shelf then."""

    business_day: str
    version: int
    type: str
    amount: int
    on_hand_after: int
    at: datetime
    order_id: str | None = None

    @property
    def change(self) -> int | None:
        """By how much the shelf changed; ``None`` where it did not: a hold only promises to an order."""
        if self.type == "committed":
            return -abs(self.amount)
        return self.amount if self.type in ("restocked", "counted") else None


class _Ingredients(msgspec.Struct, frozen=True):
    ingredients: list[Ingredient]


class _History(msgspec.Struct, frozen=True):
    events: list[Event]


class InventoryService:
    """Typed calls of the inventory service."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def ingredients(self) -> list[Ingredient]:
        """All ingredients."""
        return (await self._service.get("/ingredients", _Ingredients)).ingredients

    async def ingredient(self, ingredient_id: str) -> Ingredient:
        """One ingredient."""
        return await self._service.get(_path(ingredient_id), Ingredient)

    async def history(self, ingredient_id: str, limit: int) -> list[Event]:
        """What came and went last."""
        return (await self._service.get(f"{_path(ingredient_id)}/history", _History, limit=limit)).events

    async def restock(self, ingredient_id: str, amount: int, key: str) -> None:
        """So much was delivered; the same ``key`` again is the same delivery."""
        await self._change(ingredient_id, "restock", amount, key)

    async def count(self, ingredient_id: str, amount: int, key: str) -> None:
        """Somebody counted, and so much is there; the same ``key`` again is the same count."""
        await self._change(ingredient_id, "count", amount, key)

    async def _change(self, ingredient_id: str, what: str, amount: int, key: str) -> None:
        path = f"{_path(ingredient_id)}/{what}"
        await self._service.send("POST", path, type(None), {"amount": amount}, idempotency_key=key)


def _path(ingredient_id: str) -> str:
    return f"/ingredients/{quote(ingredient_id, safe='')}"
