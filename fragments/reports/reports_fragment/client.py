"""The reports service as this fragment server knows it: only the fields that are shown."""

from __future__ import annotations

from datetime import datetime

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
    """The sales of a business day in one line; ``state`` is ``open``, ``folded`` or ``closed``."""

    business_day: str
    orders: int
    won: int
    state: str = "open"


class Totals(msgspec.Struct, frozen=True):
    """A day's sales; ``net_won`` is what is left of ``won`` after refunds and what came late."""

    orders: int
    won: int
    refunds: int
    refunded_won: int
    adjusted_won: int
    net_won: int


class Method(msgspec.Struct, frozen=True):
    """What was paid by one method, and given back."""

    method: str
    payments: int
    won: int
    refunds: int
    refunded_won: int


class Payments(msgspec.Struct, frozen=True):
    """The day's money as the reports know it."""

    count: int
    taken_won: int
    by_method: list[Method]


class Refund(msgspec.Struct, frozen=True):
    """An order that was given back on this day."""

    order_id: str
    number: int
    of_day: str
    won: int
    at: datetime
    reason: str = ""


class Adjustment(msgspec.Struct, frozen=True):
    """A fact of an earlier, closed day; ``what`` is ``sale``, ``refund``, ``charge`` or ``return``."""

    what: str
    id: str
    of_day: str
    won: int
    at: datetime


class Balances(msgspec.Struct, frozen=True):
    """The day as the till closed it."""

    opening_cash_won: int
    closing_cash_won: int
    till_won: int
    till_payments: int
    till_digest: str


class Report(msgspec.Struct, frozen=True):
    """All of a day; ``balances`` are there once the till has closed it."""

    business_day: str
    state: str
    sales: Totals
    hours: list[Hour]
    items: list[Seller]
    payments: Payments
    refunds: list[Refund]
    adjustments: list[Adjustment]
    balances: Balances | None
    digest: str


class Rebuild(msgspec.Struct, frozen=True):
    """How far a rebuild is: ``done`` facts ``of`` all; ``state`` is ``idle`` or ``running``."""

    state: str
    done: int
    of: int
    finished_at: datetime | None = None


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

    async def report(self, day: str) -> Report:
        """All of one day."""
        return await self._service.get(f"/days/{day}/report", Report)

    async def report_csv(self, day: str) -> bytes:
        """The same as a table for a spreadsheet."""
        return await self._service.content(f"/days/{day}/report.csv")

    async def rebuild(self) -> Rebuild:
        """The rebuild under way, or the last one."""
        return await self._service.get("/rebuild", Rebuild)

    async def begin_rebuild(self) -> None:
        """Build the reporting database anew; while that is under way it is the same rebuild."""
        await self._service.send("POST", "/rebuild", type(None))
