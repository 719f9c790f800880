"""Faults planted on purpose, each the kind that systems like this one have had, and the stories that find them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from typing import TypeAlias, TypeVar

import pytest
from sqlalchemy import Connection

import inventory_service.adapters.subscriptions as inventory_subscriptions
import till_service.adapters.subscriptions as till_subscriptions
from gateway_service.charges import Charges
from gateway_service.domain import Charge
from inventory_service.handlers.ports import Answers as StockAnswers
from inventory_service.handlers.ports import Books as StockBooks
from inventory_service.handlers.reservations import release_reservation
from jogakbo.contract.cloudevent import encode_event
from jogakbo.contract.streams import Position
from jogakbo.events import Outbox, Outgoing
from jogakbo.events import inbox as kit
from jogakbo.events.inbox import Entry, Inbox
from jogakbo.service.event_store import EventStore, Loaded
from orders_service.domain.order import Order
from orders_service.domain.saga import SAGA, Row, State, Step
from orders_service.handlers import clockwork
from orders_service.handlers.ports import Transaction
from reports_service.adapters.projection import SqlProjection
from tests.backoffice import scenarios
from tests.backoffice.cafe import Cafe
from tests.backoffice.ways import WAYS, Trouble, walk
from till_service.adapters.closings import SqlDayBooks
from till_service.adapters.gateway import HttpGateway
from till_service.domain.closing import Closing
from till_service.domain.events import ChargeStarted
from till_service.domain.payment import Accepted, Outcome, tombstone
from till_service.handlers.ports import Answers, Books, GatewayError
from till_service.handlers.reversals import VoidPayment, void_payment

S = TypeVar("S")
E = TypeVar("E")

Plant: TypeAlias = Callable[[pytest.MonkeyPatch, Cafe], None]


@dataclass(frozen=True, slots=True)
class Mutant:
    """`found_by`: stories of which at least one must fail with the fault that `plant` puts in."""

    plant: Plant
    found_by: tuple[scenarios.Scenario, ...]

    @property
    def name(self) -> str:
        return self.plant.__name__


def no_tombstone_in_the_stock(patch: pytest.MonkeyPatch, cafe: Cafe) -> None:
    def release(order_id: str, books: StockBooks, answers: StockAnswers) -> None:
        if books.reservation(order_id) is None:
            answers.reservation_released(order_id)
        else:
            release_reservation(order_id, books, answers)

    patch.setattr(inventory_subscriptions, "release_reservation", release)


def no_tombstone_at_the_till(patch: pytest.MonkeyPatch, cafe: Cafe) -> None:
    def void(command: VoidPayment, books: Books, answers: Answers) -> None:
        if books.payment(command.order_id) is None:
            answers.payment_voided(tombstone(command.order_id, command.business_day, books.now))
        else:
            void_payment(command, books, answers)

    patch.setattr(till_subscriptions, "void_payment", void)


def acknowledged_before_it_is_done(patch: pytest.MonkeyPatch, cafe: Cafe) -> None:
    def deliver(self: Inbox, stream: str, entries: Sequence[Entry]) -> Position:
        with self._database.write() as connection:
            kit._position(connection, stream, lock=True)
            kit._move(connection, stream, entries[-1].position)
        with self._database.write() as connection:
            for entry in entries:
                self._handle(connection, entry)
        return entries[-1].position

    patch.setattr(Inbox, "deliver", deliver)


def position_outside_the_transaction(patch: pytest.MonkeyPatch, cafe: Cafe) -> None:
    def deliver(self: Inbox, stream: str, entries: Sequence[Entry]) -> Position:
        with self._database.write() as connection:
            for entry in entries:
                self._handle(connection, entry)
        with self._database.write() as connection:
            kit._position(connection, stream, lock=True)
            kit._move(connection, stream, entries[-1].position)
        return entries[-1].position

    patch.setattr(Inbox, "deliver", deliver)


def published_before_the_commit(patch: pytest.MonkeyPatch, cafe: Cafe) -> None:
    add_many = Outbox.add_many

    def add_and_publish(self: Outbox, connection: Connection, messages: Sequence[Outgoing]) -> list[Position]:
        positions = add_many(self, connection, messages)
        for position, event in zip(positions, self.after(connection, positions[0].seq - 1, 100), strict=True):
            cafe.bus.append(self.service, Entry(position, encode_event(event)))
        return positions

    patch.setattr(Outbox, "add_many", add_and_publish)


def no_idempotency_at_the_gateway(patch: pytest.MonkeyPatch, cafe: Cafe) -> None:
    def charge(self: Charges, new: Charge) -> Charge:
        known = self._find(new.order_id, lock=True)
        if known is None:
            return self._add(new)
        return self._keep(known, replace(known, amount_won=known.amount_won + new.amount_won))

    patch.setattr(Charges, "charge", charge)


def failure_remembered_as_success(patch: pytest.MonkeyPatch, cafe: Cafe) -> None:
    charge = HttpGateway.charge

    async def charge_or_believe(self: HttpGateway, asked: ChargeStarted, business_day: date) -> Outcome:
        try:
            return await charge(self, asked, business_day)
        except GatewayError:
            return Accepted("surely")

    patch.setattr(HttpGateway, "charge", charge_or_believe)


def void_never_asked_of_the_gateway(patch: pytest.MonkeyPatch, cafe: Cafe) -> None:
    async def void(self: HttpGateway, order_id: str) -> None:
        """It was not booked, so it did not happen."""

    patch.setattr(HttpGateway, "void", void)


def nothing_sent_again(patch: pytest.MonkeyPatch, cafe: Cafe) -> None:
    def say(tx: Transaction, order: Order) -> None:
        """It was sent once."""

    patch.setattr(clockwork, "say", say)


def snapshot_ahead_of_its_events(patch: pytest.MonkeyPatch, cafe: Cafe) -> None:
    keep = EventStore._keep

    def keep_ahead(self: EventStore[S, E], connection: Connection, loaded: Loaded[S]) -> Loaded[S]:
        keep(self, connection, replace(loaded, version=loaded.version + 1))
        return loaded

    patch.setattr(EventStore, "_keep", keep_ahead)


def late_charge_ignored(patch: pytest.MonkeyPatch, cafe: Cafe) -> None:
    for state in (State.CANCELLED, State.RELEASING):
        row = SAGA[state]
        leads: dict[Step, State] = {step: to for step, to in row.leads.items() if step is not Step.CHARGED}
        patch.setitem(SAGA, state, Row(row.sends, leads, row.late | {Step.CHARGED}))


def day_closed_twice(patch: pytest.MonkeyPatch, cafe: Cafe) -> None:
    closing = SqlDayBooks.closing

    def forgotten(self: SqlDayBooks, business_day: date) -> Closing | None:
        found = closing(self, business_day)
        return found if found is not None and found.is_under_way else None

    patch.setattr(SqlDayBooks, "closing", forgotten)
    patch.setattr(SqlDayBooks, "newest", lambda self: None)


def sale_counted_each_time_it_is_told(patch: pytest.MonkeyPatch, cafe: Cafe) -> None:
    patch.setattr(SqlProjection, "known", lambda self, facts: set())


def _trouble(message: str, trouble: Trouble) -> scenarios.Scenario:
    """One of the messages of a confirmed order in trouble."""
    [reader] = [reader for reader, type in WAYS[0].messages if type == message]
    return partial(walk, way=WAYS[0], reader=reader, type=message, trouble=trouble)


MUTANTS = (
    Mutant(no_tombstone_in_the_stock, (scenarios.a_release_overtakes_its_reserve,)),
    Mutant(no_tombstone_at_the_till, (scenarios.a_void_overtakes_its_charge,)),
    Mutant(acknowledged_before_it_is_done, (scenarios.a_view_dies_at_each_statement,)),
    Mutant(position_outside_the_transaction, (scenarios.a_view_dies_at_each_statement,)),
    Mutant(published_before_the_commit, (scenarios.a_request_dies_before_its_commit,)),
    Mutant(no_idempotency_at_the_gateway, (scenarios.the_gateway_charges_and_its_answer_is_lost,)),
    Mutant(failure_remembered_as_success, (scenarios.the_gateway_is_down_until_the_order_is_given_up,)),
    Mutant(
        void_never_asked_of_the_gateway,
        (scenarios.the_gateway_charges_its_answer_is_lost_and_the_guest_goes,),
    ),
    Mutant(nothing_sent_again, (_trouble("inventory.CommitReservation", "lost"),)),
    Mutant(snapshot_ahead_of_its_events, (scenarios.many_events_pass_through_a_snapshot,)),
    Mutant(late_charge_ignored, (scenarios.money_is_told_of_after_the_order_was_cancelled,)),
    Mutant(day_closed_twice, (scenarios.a_day_is_closed_and_that_is_asked_for_twice,)),
    Mutant(sale_counted_each_time_it_is_told, (_trouble("orders.OrderConfirmed", "said twice"),)),
)
