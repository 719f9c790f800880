"""The cashier: takes every charge that was written down to its gateway, and writes down the outcome.

Between the two transactions no lock is held, so a slow gateway holds up nothing but its own payments. After a
crash at any point the charge is still written down as under way and is taken to the gateway again, which is
idempotent by order.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

import structlog

from till_service.domain.events import Method
from till_service.domain.payment import Outcome, Payment
from till_service.handlers.charges import settle_payment
from till_service.handlers.ports import GatewayError, PaymentGateway, Store

POLL_SECONDS = 0.5
"""How long a charge waits at most when the wake call for it was lost, and between two tries."""

AT_ONCE = 8
"""Calls to gateways under way at one time."""


class Cashier:
    def __init__(
        self,
        store: Store,
        gateways: Mapping[Method, PaymentGateway],
        *,
        gateway_timeout_seconds: float,
        poll_seconds: float = POLL_SECONDS,
    ) -> None:
        self._store = store
        self._gateways = gateways
        self._poll_seconds = poll_seconds
        self._gateway_timeout_seconds = gateway_timeout_seconds
        self._woken = asyncio.Event()
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._in_hand: set[str] = set()

    async def run(self) -> None:
        """Work until cancelled."""
        loop = asyncio.get_running_loop()

        def wake() -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(self._woken.set)

        self._in_hand.clear()
        with self._store.on_commit(wake):
            async with asyncio.TaskGroup() as tasks:
                while True:
                    self._woken.clear()
                    await self._take_up(tasks)
                    await self._wait()

    async def _take_up(self, tasks: asyncio.TaskGroup) -> None:
        for payment in await asyncio.to_thread(self._under_way):
            if payment.charge.order_id not in self._in_hand:
                self._in_hand.add(payment.charge.order_id)
                tasks.create_task(self._collect(payment))

    async def _collect(self, payment: Payment) -> None:
        order_id = payment.charge.order_id
        try:
            outcome = await self._ask(payment)
            await asyncio.to_thread(self._settle, order_id, outcome)
        except (GatewayError, TimeoutError) as error:
            structlog.get_logger().warning("gateway_silent", order_id=order_id, error=repr(error))
            await asyncio.sleep(self._poll_seconds)
        except Exception:  # a task's boundary: one payment's trouble must not stop the others
            structlog.get_logger().exception("charge_failed", order_id=order_id)
            await asyncio.sleep(self._poll_seconds)
        finally:
            self._in_hand.discard(order_id)

    async def _ask(self, payment: Payment) -> Outcome:
        gateway = self._gateways[payment.charge.method]
        async with self._slots, asyncio.timeout(self._gateway_timeout_seconds):
            return await gateway.charge(payment.charge)

    def _under_way(self) -> Sequence[Payment]:
        with self._store.read() as views:
            return views.under_way()

    def _settle(self, order_id: str, outcome: Outcome) -> None:
        with self._store.write() as (books, answers):
            settle_payment(order_id, outcome, books, answers)

    async def _wait(self) -> None:
        try:
            async with asyncio.timeout(self._poll_seconds):
                await self._woken.wait()
        except TimeoutError:
            return
