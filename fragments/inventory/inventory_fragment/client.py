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
        return _change(self.type, self.amount)


class MomentEvent(msgspec.Struct, frozen=True):
    """An event within a day's stream, with what was on the shelf and held after it."""

    version: int
    type: str
    amount: int
    on_hand_after: int
    reserved_after: int
    at: datetime
    order_id: str | None = None

    @property
    def change(self) -> int | None:
        """As of an ``Event``."""
        return _change(self.type, self.amount)


class State(msgspec.Struct, frozen=True):
    """What a stream says of an ingredient."""

    on_hand: int
    reserved: int
    available: int


class Moment(msgspec.Struct, frozen=True):
    """An ingredient's day after its event ``upto`` of ``newest``: a snapshot and ``events_after`` events on top of it.

    ``snapshot`` is the number of the last event in the snapshot, 0 for none; ``days`` and ``events`` are newest first.
    """

    business_day: str
    closed: bool
    archived: bool
    days: list[str]
    newest: int
    upto: int
    state: State
    snapshot: int
    events_after: int
    events: list[MomentEvent]


def _change(type_: str, amount: int) -> int | None:
    if type_ == "committed":
        return -abs(amount)
    return amount if type_ in ("restocked", "counted") else None


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

    async def moment(self, ingredient_id: str, *, day: str, limit: int, upto: int = 0) -> Moment:
        """The stock after the event ``upto`` of ``day``; left out: after the newest of the newest day."""
        asked: dict[str, str | int] = {"limit": limit}
        asked |= {"day": day} if day else {}
        asked |= {"upto": upto} if upto else {}
        return await self._service.get(f"{_path(ingredient_id)}/stream", Moment, **asked)

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
