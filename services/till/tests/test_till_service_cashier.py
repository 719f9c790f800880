"""The cashier between the books and the gateways."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager

import pytest
from structlog.testing import capture_logs

from till_service.adapters.gateways import CashDrawer, SandboxCards, default_gateways
from till_service.domain.events import ChargeStarted, Method
from till_service.domain.payment import Accepted, Declined, Outcome, new_charge
from till_service.handlers.cashier import Cashier
from till_service.handlers.ports import GatewayError, PaymentGateway

from .conftest import Till

pytestmark = pytest.mark.anyio


class FakeGateway:
    """Plays the given reactions one after the other, then accepts; remembers what it was asked."""

    def __init__(self, *reactions: Exception | Outcome) -> None:
        self._reactions = list(reactions)
        self.asked: list[str] = []

    async def charge(self, charge: ChargeStarted) -> Outcome:
        self.asked.append(charge.order_id)
        reaction = self._reactions.pop(0) if self._reactions else Accepted(f"fake-{charge.order_id}")
        if isinstance(reaction, Exception):
            raise reaction
        return reaction


class HungGateway:
    """Never answers the first call; any later one at once."""

    def __init__(self) -> None:
        self.calls = 0
        self.hung = asyncio.Event()

    async def charge(self, charge: ChargeStarted) -> Outcome:
        self.calls += 1
        if self.calls == 1:
            self.hung.set()
            await asyncio.Event().wait()
        return Accepted("late")


@asynccontextmanager
async def at_work(
    till: Till, gateways: Mapping[Method, PaymentGateway], *, poll_seconds: float = 0.01, gives_up_after: float = 5.0
) -> AsyncIterator[None]:
    cashier = Cashier(till.store, gateways, gateway_timeout_seconds=gives_up_after, poll_seconds=poll_seconds)
    task = asyncio.create_task(cashier.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(till: Till, condition: Callable[[], bool]) -> None:
    """Look again after every commit."""
    committed, loop = asyncio.Event(), asyncio.get_running_loop()

    def look() -> None:
        loop.call_soon_threadsafe(committed.set)

    with till.database.on_commit(look):
        async with asyncio.timeout(5):
            while not await asyncio.to_thread(condition):
                await committed.wait()
                committed.clear()


@pytest.mark.parametrize(
    ("payment", "outcome"),
    [
        ("card-4242", Accepted("sandbox-order-1")),
        ("card-0002", Declined("card_declined")),
        ("card-1111", Declined("card_unknown")),
    ],
)
async def test_a_sandbox_card_always_has_the_same_outcome(payment: str, outcome: Outcome) -> None:
    charge = new_charge("order-1", 4500, payment)
    assert [await SandboxCards().charge(charge), await SandboxCards().charge(charge)] == [outcome, outcome]


async def test_cash_is_in_the_drawer_already() -> None:
    assert await CashDrawer().charge(new_charge("order-1", 4500, "cash")) == Accepted("cash-order-1")


async def test_charges_are_settled_as_they_come(till: Till) -> None:
    async with at_work(till, default_gateways(), poll_seconds=60):
        await asyncio.to_thread(till.charges, "order-1", 4500, "cash")
        await asyncio.to_thread(till.charges, "order-2", 5000, "card-4242")
        await asyncio.to_thread(till.charges, "order-3", 6000, "card-0002")
        await until(till, lambda: len(till.events()) == 3)
    day = till.day()
    assert (day.cash_won, day.card_won, day.payments, day.declined) == (4500, 5000, 2, 1)


async def test_a_charge_left_by_a_crash_is_taken_up_at_the_next_start(till: Till) -> None:
    till.charges("order-1")
    async with at_work(till, default_gateways()):
        await until(till, lambda: not till.under_way())
    assert till.answers() == [("PaymentCharged", "order-1")]


async def test_a_silent_gateway_is_asked_again_and_the_order_charged_once(till: Till) -> None:
    gateway = FakeGateway(GatewayError("no route"), GatewayError("no route"))
    till.charges("order-1")
    async with at_work(till, {"cash": gateway}):
        await until(till, lambda: not till.under_way())
    assert gateway.asked == ["order-1"] * 3
    assert till.answers() == [("PaymentCharged", "order-1")]


async def test_a_hung_gateway_is_given_up_on_within_its_timeout(till: Till) -> None:
    gateway = HungGateway()
    till.charges("order-1")
    async with at_work(till, {"cash": gateway}, gives_up_after=0.05):
        await until(till, lambda: not till.under_way())
    assert gateway.calls == 2


async def test_a_hung_gateway_holds_up_only_its_own_payments(till: Till) -> None:
    cards = HungGateway()
    async with at_work(till, {"cash": CashDrawer(), "card": cards}, gives_up_after=60):
        await asyncio.to_thread(till.charges, "order-1", 4500, "card-4242")
        await asyncio.wait_for(cards.hung.wait(), 5)
        await asyncio.to_thread(till.charges, "order-2", 4500, "cash")
        await until(till, lambda: till.under_way() == ["order-1"])
    assert till.answers() == [("PaymentCharged", "order-2")]


async def test_a_fault_in_one_payment_does_not_stop_the_others(till: Till) -> None:
    gateway = FakeGateway(ZeroDivisionError("a fault of the adapter"))
    till.charges("order-1")
    till.charges("order-2")
    with capture_logs() as logs:
        async with at_work(till, {"cash": gateway}):
            await until(till, lambda: not till.under_way())
    assert [log["event"] for log in logs] == ["charge_failed"]
    assert till.day().payments == 2
