from __future__ import annotations

import asyncio
from datetime import timedelta
from uuid import uuid4

import pytest
from structlog.testing import capture_logs

from orders_service.domain.saga import State, Step
from orders_service.handlers import saga
from orders_service.handlers.cancelling import refund_order
from orders_service.handlers.clockwork import RESENT_PER_TICK, Clockwork
from orders_service.handlers.ports import Transaction

from .conftest import ORDER, Cafe, Heard, paid

LIMITS = {State.RESERVING: timedelta(seconds=30), State.CHARGING: timedelta(seconds=30)}


def asked_back(tx: Transaction, order_id: str) -> None:
    refund_order(tx, order_id, "spilled")


CHARGING: list[Heard] = [saga.stock_reserved]
COMMITTING: list[Heard] = [*CHARGING, paid]
RELEASING: list[Heard] = [*CHARGING, saga.payment_declined]
REFUNDING: list[Heard] = [*COMMITTING, saga.reservation_committed, asked_back]


def later(cafe: Cafe, seconds: float) -> int:
    cafe.now += timedelta(seconds=seconds)
    return Clockwork(cafe.store, LIMITS).tick()


@pytest.mark.parametrize("way", [[], CHARGING, COMMITTING, RELEASING, REFUNDING])
def test_an_unanswered_command_is_sent_again_as_the_same_message(cafe: Cafe, way: list[Heard]) -> None:
    cafe.places_an_americano()
    cafe.hears(*way)
    first = cafe.events()[-1]
    assert later(cafe, 1.9) == 0
    assert later(cafe, 0.1) == 1
    again = cafe.events()[-1]
    assert (again.id, again.type, bytes(again.data)) == (first.id, first.type, bytes(first.data))
    assert again.changed == {"orders", f"order-{ORDER}"}
    assert (cafe.order().tries, cafe.timeline()[-1]) == (2, Step.RESENT)


@pytest.mark.databases("sqlite")
def test_each_try_is_in_the_timeline_with_its_number(cafe: Cafe) -> None:
    cafe.places_an_americano()
    cafe.hears(*COMMITTING)
    for pause in (2, 4, 8):
        assert later(cafe, pause) == 1
    with cafe.store.read() as views:
        tries = [(moment.state, moment.tries) for moment in views.order(ORDER).timeline[2:]]
    assert tries == [(State.COMMITTING, tries) for tries in (1, 2, 3, 4)]


@pytest.mark.databases("sqlite")
def test_a_reservation_that_nobody_answers_is_released(cafe: Cafe) -> None:
    cafe.places_an_americano()
    assert later(cafe, 30) == 1
    order = cafe.order()
    assert (order.state, order.reason) == (State.RELEASING, "timed_out")
    assert cafe.said()[-1] == "inventory.ReleaseReservation"
    cafe.hears(saga.stock_reserved, saga.reservation_released)
    assert cafe.order().state is State.CANCELLED
    assert cafe.timeline() == [Step.PLACED, Step.TIMED_OUT, Step.RELEASED]


@pytest.mark.databases("sqlite")
def test_a_payment_that_nobody_answers_is_voided_before_the_stock_is_released(cafe: Cafe) -> None:
    cafe.places_an_americano()
    cafe.hears(*CHARGING)
    assert later(cafe, 30) == 1
    assert (cafe.order().state, cafe.said()[-1]) == (State.VOIDING, "till.VoidPayment")
    cafe.hears(saga.payment_voided)
    assert (cafe.order().state, cafe.said()[-1]) == (State.RELEASING, "inventory.ReleaseReservation")
    cafe.hears(saga.reservation_released)
    assert (cafe.order().state, cafe.order().reason, cafe.order().due_at) == (State.CANCELLED, "timed_out", None)


@pytest.mark.databases("sqlite")
@pytest.mark.parametrize("way", [COMMITTING, RELEASING, REFUNDING])
def test_what_must_be_answered_is_sent_for_ever_with_one_alarm(cafe: Cafe, way: list[Heard]) -> None:
    cafe.places_an_americano()
    cafe.hears(*way)
    waits = cafe.order().state
    with capture_logs() as logs:
        for pause in (2, 4, 8):
            later(cafe, pause)
        assert not cafe.order().alarm
        for pause in (16, 32, 60):
            assert later(cafe, pause) == 1
    assert (cafe.order().state, cafe.order().tries, cafe.order().alarm) == (waits, 7, True)
    assert [(line["event"], line["log_level"]) for line in logs] == [("order_unanswered", "warning")]


@pytest.mark.databases("sqlite")
def test_an_answer_ends_the_alarm(cafe: Cafe) -> None:
    cafe.places_an_americano()
    cafe.hears(*COMMITTING)
    for pause in (2, 4, 8, 16, 32):
        later(cafe, pause)
    cafe.hears(saga.reservation_committed)
    assert not cafe.order().alarm
    assert later(cafe, 3600) == 0


def test_a_backlog_is_not_made_worse_but_all_of_it_times_out(cafe: Cafe) -> None:
    for _ in range(RESENT_PER_TICK + 2):
        cafe.places_an_americano(str(uuid4()))
    assert [later(cafe, 2), later(cafe, 0), later(cafe, 0)] == [RESENT_PER_TICK, 2, 0]
    assert later(cafe, 28) == RESENT_PER_TICK + 2


def test_two_replicas_at_the_same_moment_send_once(cafe: Cafe) -> None:
    cafe.places_an_americano()
    cafe.now += timedelta(seconds=2)
    replicas = [Clockwork(cafe.store, LIMITS) for _ in range(2)]

    async def at_once() -> list[int]:
        return await asyncio.gather(*(asyncio.to_thread(replica.tick) for replica in replicas))

    assert sorted(asyncio.run(at_once())) == [0, 1]
    assert cafe.timeline() == [Step.PLACED, Step.RESENT]


@pytest.mark.databases("sqlite")
def test_it_ticks_until_it_is_told_to_end(cafe: Cafe) -> None:
    cafe.places_an_americano()
    cafe.now += timedelta(seconds=2)

    async def tick() -> None:
        committed = asyncio.Event()
        loop = asyncio.get_running_loop()

        def wake() -> None:
            loop.call_soon_threadsafe(committed.set)

        with cafe.database.on_commit(wake):
            running = asyncio.create_task(Clockwork(cafe.store, LIMITS).run())
            async with asyncio.timeout(30):
                await committed.wait()
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

    asyncio.run(tick())
    assert cafe.timeline()[-1] is Step.RESENT
