"""The clockwork: who waits for an answer sends again until it comes, with pauses that grow; some give up after a while.

Any replica may run it, and several at once: an order that is due is taken by one of them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

import structlog
from prometheus_client import Counter

from orders_service.domain.order import Order
from orders_service.domain.saga import ALARMING_TRIES, State, Step
from orders_service.handlers.ports import Store, Transaction
from orders_service.handlers.saga import hear, say

TICK_SECONDS = 1.0
_AT_ONCE = 200

RESENT_PER_TICK = 20
"""An answer is late because the other side has much to do far more often than because a message was lost. To send all
again would give it more to do still."""

_RESENT = Counter("jogakbo_orders_resent_total", "Commands sent again for want of an answer", ["state"])
_TIMED_OUT = Counter("jogakbo_orders_timed_out_total", "Orders given up for want of an answer", ["state"])
_ALARMS = Counter("jogakbo_orders_alarms_total", f"Orders unanswered after {ALARMING_TRIES} tries", ["state"])


class Clockwork:
    """``limits`` say after how long an order gives up, for the states in which it does."""

    def __init__(self, store: Store, limits: Mapping[State, timedelta]) -> None:
        self._store = store
        self._limits = limits

    async def run(self) -> None:
        """Tick until cancelled."""
        while True:
            await asyncio.to_thread(self.tick)
            await asyncio.sleep(TICK_SECONDS)

    def tick(self) -> int:
        """See to the orders that are due, the longest first: how many were sent again or given up."""
        with self._store.write() as tx:
            due = tx.orders.due(_AT_ONCE)
            spent = [order for order in due if self._is_spent(order, tx.now)]
            unanswered = [order for order in due if not self._is_spent(order, tx.now)][:RESENT_PER_TICK]
            for order in spent:
                self._give_up(tx, order)
            for order in unanswered:
                self._send_again(tx, order)
        return len(spent) + len(unanswered)

    def _is_spent(self, order: Order, now: datetime) -> bool:
        limit = self._limits.get(order.state)
        return limit is not None and now - order.since >= limit

    def _give_up(self, tx: Transaction, order: Order) -> None:
        hear(tx, order, Step.TIMED_OUT, replace(order, reason="timed_out"))
        _TIMED_OUT.labels(order.state).inc()

    def _send_again(self, tx: Transaction, order: Order) -> None:
        order = order.resent(tx.now, self._limits.get(order.state))
        tx.orders.save(order, Step.RESENT, tx.now)
        say(tx, order)
        _RESENT.labels(order.state).inc()
        if order.alarm and order.tries == ALARMING_TRIES:
            _ALARMS.labels(order.state).inc()
            structlog.get_logger().warning("order_unanswered", order_id=order.id, command=order.waits_for)
