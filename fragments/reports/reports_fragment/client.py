"""The reports service as this fragment server knows it: only the fields that are shown."""

from __future__ import annotations

import msgspec

from jogakbo.fragment import Service


class Hour(msgspec.Struct, frozen=True):
    """The sales of one hour of the day, 0 to 23 in the café's time."""

    hour: int
    orders: int
    won: int


class Sales(msgspec.Struct, frozen=True):
    """The sales of one business day."""

    business_day: str
    total_won: int
    orders: int
    by_hour: list[Hour]


class Seller(msgspec.Struct, frozen=True):
    """How often an item was sold, and for how much."""

    item_id: str
    name: dict[str, str]
    qty: int
    won: int


class Day(msgspec.Struct, frozen=True):
    """The sales of a business day in one line."""

    business_day: str
    orders: int
    won: int


class _Sellers(msgspec.Struct, frozen=True):
    items: list[Seller]


class _Days(msgspec.Struct, frozen=True):
    days: list[Day]


class ReportsService:
    """Typed calls of the reports service."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def sales_today(self) -> Sales:
        """Today, hour by hour."""
        return await self._service.get("/sales/today", Sales)

    async def best_sellers(self, *, days: int, limit: int) -> list[Seller]:
        """What sold best in the last ``days``."""
        return (await self._service.get("/best-sellers", _Sellers, days=days, limit=limit)).items

    async def days(self, limit: int) -> list[Day]:
        """The last business days."""
        return (await self._service.get("/days", _Days, limit=limit)).days
