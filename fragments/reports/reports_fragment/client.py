"""The reports service as this fragment server knows it: only the fields that are shown."""

from __future__ import annotations

import msgspec

from jogakbo.fragment import Service


class Hour(msgspec.Struct, frozen=True):
    """The sales of one hour of the day, 0 to 23."""

    hour: int
    orders: int
    won: int


class Sales(msgspec.Struct, frozen=True):
    """The sales of one business day."""

    business_day: str
    total_won: int
    orders: int
    by_hour: list[Hour]


class BestSeller(msgspec.Struct, frozen=True):
    """How much of one item was sold."""

    item_id: str
    name: dict[str, str]
    qty: int
    won: int


class Day(msgspec.Struct, frozen=True):
    """One business day in one line."""

    business_day: str
    orders: int
    won: int


class _BestSellers(msgspec.Struct, frozen=True):
    items: list[BestSeller]


class _Days(msgspec.Struct, frozen=True):
    days: list[Day]


class ReportsService:
    """Typed calls of the reports service."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def sales_today(self) -> Sales:
        """Today's sales by hour."""
        return await self._service.get("/sales/today", Sales)

    async def best_sellers(self) -> list[BestSeller]:
        """What sold best in seven days."""
        return (await self._service.get("/best-sellers", _BestSellers, days=7, limit=10)).items

    async def days(self) -> list[Day]:
        """The newest business days."""
        return (await self._service.get("/days", _Days, limit=14)).days
