"""The till service as this fragment server knows it: only the fields that are shown."""

from __future__ import annotations

from datetime import datetime

import msgspec

from jogakbo.fragment import Service, ServiceRefused


class Day(msgspec.Struct, frozen=True):
    """The money of one business day; ``by_method`` has ``cash`` and ``card``, before anything was given back.

    ``state`` is ``open``, ``closing``, ``blocked`` or ``closed``. ``takings_won`` is what is left of it all.
    """

    business_day: str
    state: str
    takings_won: int
    payments: int
    declined: int
    by_method: dict[str, int]
    refunds: int
    refunded_won: int
    opening_cash_won: int
    closing_cash_won: int | None


class Payment(msgspec.Struct, frozen=True):
    """A payment; ``state`` is ``charged``, ``declined``, ``voided`` or ``refunded``, or on its way to one of them."""

    id: str
    order_id: str
    amount_won: int
    method: str
    state: str
    at: datetime


class Step(msgspec.Struct, frozen=True):
    """A step of a close; ``state`` is ``done``, ``current``, ``waiting`` or ``blocked``.

    ``detail`` is a word, with what it is about after a colon: ``waiting:reports inventory``.
    """

    name: str
    state: str
    at: datetime | None
    detail: str


class Mismatch(msgspec.Struct, frozen=True):
    """A figure, of the day or of one order, about which the four do not agree; ``None``: has no such line."""

    what: str
    order_id: str | None
    till: str | None
    reports: str | None
    gateway: str | None
    replay: str | None


class Closing(msgspec.Struct, frozen=True):
    """How far the close of a day is; ``state`` is ``closing``, ``blocked``, ``closed`` or ``reopened``."""

    business_day: str
    next_day: str
    state: str
    step: str
    steps: list[Step]
    progress: float
    alarm: bool
    mismatches: list[Mismatch]


class Mood(msgspec.Struct, frozen=True):
    """How the payment gateway behaves, and for how many seconds still."""

    mood: str
    seconds_left: float


class _Days(msgspec.Struct, frozen=True):
    days: list[Day]


class _Payments(msgspec.Struct, frozen=True):
    payments: list[Payment]


class TillService:
    """Typed calls of the till service."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def day(self, day: str) -> Day:
        """A day: its date, ``today``, or ``open`` for the one that payments are booked on."""
        return await self._service.get(f"/days/{day}", Day)

    async def days(self, limit: int) -> list[Day]:
        """The days that have books, newest first."""
        return (await self._service.get("/days", _Days, limit=limit)).days

    async def payments(self, limit: int) -> list[Payment]:
        """The newest payments."""
        return (await self._service.get("/payments", _Payments, limit=limit)).payments

    async def closing(self, day: str) -> Closing | None:
        """The close of a day, if it was ever begun."""
        try:
            return await self._service.get(f"/days/{day}/close", Closing)
        except ServiceRefused as refusal:
            if refusal.problem.status != 404:
                raise
            return None

    async def close(self, day: str, key: str) -> None:
        """Begin the close of a day, or try a blocked one again."""
        await self._service.send("POST", f"/days/{day}/close", type(None), idempotency_key=key)

    async def reopen(self, day: str, reason: str, key: str) -> None:
        """Take the close of a day back."""
        await self._service.send("POST", f"/days/{day}/reopen", type(None), {"reason": reason}, idempotency_key=key)

    async def mood(self) -> Mood:
        """How the gateway behaves; only in the lab."""
        return await self._service.get("/lab/gateway", Mood)

    async def set_mood(self, mood: str, seconds: int) -> None:
        """Let the gateway behave so for a while."""
        await self._service.send("PUT", "/lab/gateway", type(None), {"mood": mood, "seconds": seconds})
