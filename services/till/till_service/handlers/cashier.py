"""The cashier: takes every charge, void and refund that was written down to the gateway, and writes down the outcome.

Between the two transactions no lock is held, so a slow gateway holds up nothing but its own payments. After a
crash at any point what was written down is still under way and is taken to the gateway again, which is idempotent
by order.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import structlog
from prometheus_client import Gauge

from till_service.domain.payment import Payment, PaymentState
from till_service.handlers.charges import settle_payment
from till_service.handlers.ports import Answers, Books, GatewayError, PaymentGateway, Store
from till_service.handlers.reversals import settle_reversal

POLL_SECONDS = 0.5
"""How long a payment waits at most when the wake call for it was lost, and between its first tries."""

AT_ONCE = 16
"""Calls of the gateway under way at one time."""

ALARMING_TRIES = 5

_LONGEST_PAUSE_SECONDS = 10.0
_ALARMS = Gauge("jogakbo_till_payment_alarms", "Payments that the gateway has not answered five times in a row")


class Cashier:
    def __init__(self, store: Store, gateway: PaymentGateway, *, poll_seconds: float = POLL_SECONDS) -> None:
        self._store = store
        self._gateway = gateway
        self._poll_seconds = poll_seconds
        self._woken = asyncio.Event()
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._in_hand: set[str] = set()
        self._finished: set[str] = set()
        self._failures: dict[str, int] = {}

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

    async def see_through(self, payment: Payment) -> None:
        """Ask the gateway for one payment, with no transaction open, and write down what it says in one.

        Raises ``GatewayError``; the payment is then still under way.
        """
        order_id = payment.charge.order_id
        if payment.state is PaymentState.CHARGING:
            async with self._slots:
                outcome = await self._gateway.charge(payment.charge, payment.business_day)
            await self._write(lambda books, answers: settle_payment(payment, outcome, books, answers))
            return
        async with self._slots:
            if payment.undone_on is None or payment.is_void_on_its_own_day:
                await self._gateway.void(order_id)
            else:
                # It was sold, or the books of its day are closed: the charge stands and its money is given back.
                await self._gateway.refund(order_id, payment.undone_on)
        await self._write(lambda books, answers: settle_reversal(payment, books, answers))

    async def _take_up(self, tasks: asyncio.TaskGroup) -> None:
        self._finished.clear()
        for payment in await asyncio.to_thread(self._under_way):
            # What was finished while the list was read may still be on it.
            if payment.charge.order_id not in self._in_hand | self._finished:
                self._in_hand.add(payment.charge.order_id)
                tasks.create_task(self._see_to(payment))

    async def _see_to(self, payment: Payment) -> None:
        order_id = payment.charge.order_id
        try:
            await self.see_through(payment)
            self._finished.add(order_id)
            self._note_failures(order_id, 0)
        except GatewayError as error:
            await self._try_later(payment, error)
        except Exception:  # a task's boundary: one payment's trouble must not stop the others
            structlog.get_logger().exception("payment_failed", order_id=order_id)
            await asyncio.sleep(self._poll_seconds)
        finally:
            self._in_hand.discard(order_id)

    async def _write(self, work: Callable[[Books, Answers], None]) -> None:
        await asyncio.to_thread(self._store.write_together, work)

    async def _try_later(self, payment: Payment, error: GatewayError) -> None:
        order_id = payment.charge.order_id
        failures = self._failures.get(order_id, 0) + 1
        self._note_failures(order_id, failures)
        log = structlog.get_logger().error if failures == ALARMING_TRIES else structlog.get_logger().warning
        log("gateway_silent", order_id=order_id, state=payment.state, tries=failures, error=str(error))
        await asyncio.sleep(min(self._poll_seconds * 2 ** (failures - 1), _LONGEST_PAUSE_SECONDS))

    def _note_failures(self, order_id: str, failures: int) -> None:
        if failures:
            self._failures[order_id] = failures
        else:
            self._failures.pop(order_id, None)
        _ALARMS.set(sum(failures >= ALARMING_TRIES for failures in self._failures.values()))

    def _under_way(self) -> Sequence[Payment]:
        with self._store.read() as views:
            return views.under_way()

    async def _wait(self) -> None:
        try:
            async with asyncio.timeout(self._poll_seconds):
                await self._woken.wait()
        except TimeoutError:
            return
