"""The inventory service as this fragment server knows it: only the fields that are shown."""

from __future__ import annotations

from datetime import datetime

import msgspec

from jogakbo.fragment import Service


class Ingredient(msgspec.Struct, frozen=True):
    """An ingredient's stock in its own unit: what is there, what is promised to orders, what is left."""

    id: str
    name: dict[str, str]
    unit: str
    on_hand: int
    reserved: int
    available: int
    low_at: int
    level: str


class StockEvent(msgspec.Struct, frozen=True):
    """One entry of an ingredient's history."""

    version: int
    type: str
    amount: int
    on_hand_after: int
    at: datetime
    order_id: str | None = None


class _Ingredients(msgspec.Struct, frozen=True):
    ingredients: list[Ingredient]


class _History(msgspec.Struct, frozen=True):
    events: list[StockEvent]


class InventoryService:
    """Typed calls of the inventory service."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def ingredients(self) -> list[Ingredient]:
        """Every ingredient with its level."""
        return (await self._service.get("/ingredients", _Ingredients)).ingredients

    async def ingredient(self, ingredient_id: str) -> Ingredient:
        """One ingredient."""
        return await self._service.get(f"/ingredients/{ingredient_id}", Ingredient)

    async def history(self, ingredient_id: str) -> list[StockEvent]:
        """The newest events of an ingredient."""
        return (await self._service.get(f"/ingredients/{ingredient_id}/history", _History, limit=50)).events

    async def restock(self, ingredient_id: str, amount: int, key: str) -> None:
        """So much has been delivered; the same ``key`` twice is one delivery."""
        path = f"/ingredients/{ingredient_id}/restock"
        await self._service.send("POST", path, Ingredient, {"amount": amount}, idempotency_key=key)

    async def count(self, ingredient_id: str, amount: int, key: str) -> None:
        """So much is on the shelf."""
        path = f"/ingredients/{ingredient_id}/count"
        await self._service.send("POST", path, Ingredient, {"amount": amount}, idempotency_key=key)
