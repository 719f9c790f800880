"""The cashier between the books and the gateway."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import date

import pytest
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from till_service.domain.closing import Line
from till_service.domain.events import ChargeStarted
from till_service.domain.payment import Accepted, Declined, Outcome, Voided
from till_service.handlers.cashier import ALARMING_TRIES, Cashier
from till_service.handlers.ports import GatewayError

from .conftest import DAY, Till, until

pytestmark = [pytest.mark.anyio, pytest.mark.databases("sqlite")]


class FakeGateway:
    """Plays the given reactions one after the other, then accepts; remembers what it was asked."""

    def __init__(self, *reactions: Exception | Outcome) -> None:
        self._reactions = list(reactions)
        self.asked: list[tuple[str, str, date | None]] = []

    async def charge(self, charge: ChargeStarted, business_day: date) -> Outcome:
        return self._react("charge", charge.order_id, business_day) or Accepted(f"fake-{charge.order_id}")

    async def void(self, order_id: str) -> None:
        self._react("void", order_id, None)

    async def refund(self, order_id: str, business_day: date) -> None:
        self._react("refund", order_id, business_day)

    async def lines(self, business_day: date) -> Sequence[Line]:
        raise NotImplementedError

    def _react(self, what: str, order_id: str, business_day: date | None) -> Outcome | None:
        self.asked.append((what, order_id, business_day))
        reaction = self._reactions.pop(0) if self._reactions else None
        if isinstance(reaction, Exception):
            raise reaction
        return reaction


class HungGateway(FakeGateway):
    """Never answers what is asked about the first order; anything else at once."""

    def __init__(self) -> None:
        super().__init__()
        self.hung = asyncio.Event()

    async def charge(self, charge: ChargeStarted, business_day: date) -> Outcome:
        if charge.order_id == "order-1":
            self.hung.set()
            await asyncio.Event().wait()
        return await super().charge(charge, business_day)


@asynccontextmanager
async def at_work(till: Till, gateway: FakeGateway, *, poll_seconds: float = 0.01) -> AsyncIterator[None]:
    task = asyncio.create_task(Cashier(till.store, gateway, poll_seconds=poll_seconds).run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_charges_are_settled_as_they_come(till: Till) -> None:
    gateway = FakeGateway(Accepted("ref-1"), Declined("card_declined"))
    async with at_work(till, gateway, poll_seconds=60):
        await asyncio.to_thread(till.charges, "order-1", 4500)
        await until(till, lambda: len(till.events()) == 1)
        await asyncio.to_thread(till.charges, "order-2", 5000)
        await until(till, lambda: len(till.events()) == 2)
    day = till.day()
    assert (day.card_won, day.payments, day.declined) == (4500, 1, 1)
    assert gateway.asked == [("charge", "order-1", DAY), ("charge", "order-2", DAY)]


async def test_a_charge_that_the_gateway_was_told_to_void_before_is_voided(till: Till) -> None:
    till.charges("order-1")
    async with at_work(till, FakeGateway(Voided())):
        await until(till, lambda: not till.under_way())
    assert till.answers() == [("PaymentVoided", "order-1")]
    assert till.day().takings_won == 0


async def test_a_charge_left_by_a_crash_is_taken_up_at_the_next_start(till: Till) -> None:
    till.charges("order-1")
    async with at_work(till, FakeGateway()):
        await until(till, lambda: not till.under_way())
    assert till.answers() == [("PaymentCharged", "order-1")]


async def test_a_silent_gateway_is_asked_again_and_the_order_charged_once(till: Till) -> None:
    gateway = FakeGateway(GatewayError("no route"), GatewayError("no route"))
    till.charges("order-1")
    async with at_work(till, gateway):
        await until(till, lambda: not till.under_way())
    assert gateway.asked == [("charge", "order-1", DAY)] * 3
    assert till.answers() == [("PaymentCharged", "order-1")]


async def test_a_gateway_that_stays_silent_is_an_alarm_until_it_answers(till: Till) -> None:
    seen = []

    class SilentGateway(FakeGateway):
        async def charge(self, charge: ChargeStarted, business_day: date) -> Outcome:
            seen.append(REGISTRY.get_sample_value("jogakbo_till_payment_alarms"))
            if len(seen) <= ALARMING_TRIES:
                raise GatewayError("no route")
            return Accepted("late")

    till.charges("order-1")
    with capture_logs() as logs:
        async with at_work(till, SilentGateway(), poll_seconds=0.001):
            await until(till, lambda: not till.under_way())
            async with asyncio.timeout(10):
                while REGISTRY.get_sample_value("jogakbo_till_payment_alarms"):  # noqa: ASYNC110 (a gauge wakes nobody)
                    await asyncio.sleep(0.001)
    assert [log["tries"] for log in logs if log["log_level"] == "error"] == [ALARMING_TRIES]
    assert seen[1:] == [0] * (ALARMING_TRIES - 1) + [1]


async def test_a_hung_gateway_holds_up_only_its_own_payments(till: Till) -> None:
    gateway = HungGateway()
    async with at_work(till, gateway):
        await asyncio.to_thread(till.charges, "order-1")
        await asyncio.wait_for(gateway.hung.wait(), 10)
        await asyncio.to_thread(till.charges, "order-2")
        await until(till, lambda: till.under_way() == ["order-1"])
    assert till.answers() == [("PaymentCharged", "order-2")]


async def test_a_fault_in_one_payment_does_not_stop_the_others(till: Till) -> None:
    gateway = FakeGateway(ZeroDivisionError("a fault of the adapter"))
    till.charges("order-1")
    till.charges("order-2")
    with capture_logs() as logs:
        async with at_work(till, gateway):
            await until(till, lambda: not till.under_way())
    assert [log["event"] for log in logs] == ["payment_failed"]
    assert till.day().payments == 2


async def test_money_of_a_day_that_was_sold_is_voided_and_of_a_closed_one_given_back(till: Till) -> None:
    gateway = FakeGateway()
    till.sells("order-1", day=date(2026, 3, 1))
    till.sells("order-2")
    till.sells("order-3")
    till.closes_wholly(date(2026, 3, 1))
    async with at_work(till, gateway):
        await asyncio.to_thread(till.voids, "order-1", date(2026, 3, 1))
        await asyncio.to_thread(till.voids, "order-2")
        await asyncio.to_thread(till.voids, "order-9")
        await asyncio.to_thread(till.refunds, "order-3")
        await until(till, lambda: till.under_way() == [] and len(till.told("till.PaymentRefunded")) == 1)
    assert sorted(gateway.asked) == [
        ("refund", "order-1", DAY),
        ("refund", "order-3", DAY),
        ("void", "order-2", None),
        ("void", "order-9", None),
    ]
    assert till.day(date(2026, 3, 1)).takings_won == 4500
    assert (till.day().takings_won, till.day().refunds) == (-4500, 3)


async def test_a_charge_that_is_voided_while_the_gateway_thinks_ends_voided(till: Till) -> None:
    gateway = HungGateway()
    async with at_work(till, gateway):
        await asyncio.to_thread(till.charges, "order-1")
        await asyncio.wait_for(gateway.hung.wait(), 10)
        await asyncio.to_thread(till.voids, "order-1")
    async with at_work(till, gateway):
        await until(till, lambda: not till.under_way())
    assert gateway.asked == [("void", "order-1", None)]
    assert till.answers() == [("PaymentVoided", "order-1")]
