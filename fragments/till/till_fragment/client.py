"""The till service as this fragment server knows it: only the fields that are shown."""

from __future__ import annotations

from datetime import datetime

import msgspec

from jogakbo.fragment import Service


class Day(msgspec.Struct, frozen=True):
    """The money of one business day; ``by_method`` has ``cash`` and ``card``."""

    business_day: str
    takings_won: int
    payments: int
    declined: int
    by_method: dict[str, int]


class Payment(msgspec.Struct, frozen=True):
    """A payment; ``state`` is ``charging``, ``charged`` or ``declined``."""

    id: str
    order_id: str
    amount_won: int
    method: str
    state: str
    at: datetime


class _Payments(msgspec.Struct, frozen=True):
    payments: list[Payment]


class TillService:
    """Typed calls of the till service."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def today(self) -> Day:
        """The day under way."""
        return await self._service.get("/days/today", Day)

    async def payments(self, limit: int) -> list[Payment]:
        """The newest payments."""
        return (await self._service.get("/payments", _Payments, limit=limit)).payments
