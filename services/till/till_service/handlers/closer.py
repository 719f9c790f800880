"""The closer: takes the close of a day from step to step, until it is closed or a mismatch blocks it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import date, datetime

import structlog

from till_service.domain.closing import Closing, Line
from till_service.handlers.closing import take_step, verify
from till_service.handlers.ports import GatewayError, PaymentGateway, Store

POLL_SECONDS = 0.5


class Closer:
    """Any number of them may be at work: each step is one transaction that looks first at what is kept."""

    def __init__(
        self,
        store: Store,
        gateway: PaymentGateway,
        now: Callable[[], datetime],
        *,
        poll_seconds: float = POLL_SECONDS,
    ) -> None:
        self._store = store
        self._gateway = gateway
        self._now = now
        self._poll_seconds = poll_seconds

    async def run(self) -> None:
        """Work until cancelled."""
        while True:
            if not await self.step():
                await asyncio.sleep(self._poll_seconds)

    async def step(self) -> bool:
        """Go on with the close that is under way; whether anything has changed."""
        before = await asyncio.to_thread(self._under_way)
        if before is None:
            return False
        if before.step == "verify":
            if self._now() < before.due:
                return False
            await self._verify(before)
        else:
            await asyncio.to_thread(self._take_step, before.business_day)
        after = await asyncio.to_thread(self._under_way)
        if after is not None and after.is_alarming and after.tries > before.tries:
            log = structlog.get_logger().bind(business_day=str(after.business_day), step=after.step)
            log.warning("close_waits", tries=after.tries, detail=after.details.get(after.step, ""))
        return after != before

    async def _verify(self, closing: Closing) -> None:
        lines: Sequence[Line] | None
        try:
            lines = await self._gateway.lines(closing.business_day)
        except GatewayError as error:
            structlog.get_logger().warning("gateway_silent", business_day=str(closing.business_day), error=str(error))
            lines = None
        await asyncio.to_thread(self._compare, closing.business_day, lines)

    def _under_way(self) -> Closing | None:
        with self._store.read() as views:
            return views.closing_under_way()

    def _take_step(self, business_day: date) -> None:
        with self._store.close() as (books, answers):
            take_step(business_day, books, answers)

    def _compare(self, business_day: date, lines: Sequence[Line] | None) -> None:
        with self._store.close() as (books, _):
            verify(business_day, lines, books)
