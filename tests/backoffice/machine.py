"""The back office under everything that can happen to it, one step at a time; what must hold is looked at after each.

Rules that let much happen at once bring orders into their late states, where the rare things are.
"""

from __future__ import annotations

from contextlib import suppress
from typing import ClassVar, Protocol
from uuid import NAMESPACE_OID, uuid5

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from chaos.orders.invariants import violations
from orders_service.domain.errors import Conflict
from tests.backoffice.cafe import MENU, Cafe
from tests.backoffice.gateway import Mood

_PAYMENTS = ("card-4242", "card-4242", "card-4242", "cash", "cash", "card-0002")
_MOODS: tuple[Mood, ...] = ("accept", "accept", "decline", "time_out", "late", "down")
_LATE_ORDERS = 3
_MOST_ORDERS = 8

orders = st.integers(min_value=0, max_value=_MOST_ORDERS - 1)
few = st.integers(min_value=1, max_value=6)
wires = st.integers(min_value=0, max_value=20)
services = st.sampled_from(("orders", "inventory", "till"))
# Mostly nobody dies; a transaction has some ten to fifty statements.
crashes = st.one_of(st.just(0), st.just(0), st.integers(min_value=1, max_value=40))


class Request(Protocol):
    """What somebody asks of an order; a service may die of it."""

    def __call__(self, order_id: str, /, *, crash: int) -> None: ...


class BackOffice(RuleBasedStateMachine):
    cafe: ClassVar[Cafe]

    def __init__(self) -> None:
        super().__init__()
        self.cafe.open_anew()
        self.ids: list[str] = []
        self.accepted: set[str] = set()

    @precondition(lambda self: len(self.ids) < _MOST_ORDERS)
    @rule(
        item=st.sampled_from([item for item, *_ in MENU]),
        qty=st.sampled_from((1, 1, 2, 30)),
        payment=st.sampled_from(_PAYMENTS),
        crash=crashes,
        goes_far=st.booleans(),
    )
    def place(self, item: str, qty: int, payment: str, crash: int, goes_far: bool) -> None:
        order_id = str(uuid5(NAMESPACE_OID, str(len(self.ids))))
        if not self.cafe.place(order_id, item, qty, payment, crash=crash):
            self.cafe.place(order_id, item, qty, payment)  # the client has no answer, and asks again
        self.ids.append(order_id)
        self.accepted.add(order_id)
        if goes_far:
            self.everything()

    @rule(wire=wires, count=few, crash=crashes)
    def hear(self, wire: int, count: int, crash: int) -> None:
        self.cafe.deliver(*self._wire(wire), count, crash=crash)

    @rule(rounds=few)
    def everything(self, rounds: int = 1) -> None:
        """All is well for a while."""
        for _ in range(rounds):
            self.cafe.round()

    @rule(wire=wires, count=few)
    def lose(self, wire: int, count: int) -> None:
        """Read, and as if it never had been; not by reports, to whom nobody says anything twice."""
        reader, stream = self._wire(wire)
        if reader != "reports":
            self.cafe.lose(reader, stream, count)

    @rule(service=services, which=st.integers(min_value=0, max_value=200))
    def say_again(self, service: str, which: int) -> None:
        self.cafe.say_again(service, which)

    @rule(service=services)
    def wipe(self, service: str) -> None:
        self.cafe.bus.wipe(service)

    @rule(service=services)
    def begin_a_new_life(self, service: str) -> None:
        """As after a restored backup: all that was said is said again."""
        self.cafe.be_reborn(service)

    @rule(service=services)
    def restart(self, service: str) -> None:
        self.cafe.start(service)

    @rule(seconds=st.sampled_from((1, 3, 10, 31, 70)), crash=crashes)
    def time_passes(self, seconds: int, crash: int) -> None:
        self.cafe.clock.advance(seconds)
        self.cafe.tick(crash=crash)

    @rule(mood=st.sampled_from(_MOODS), crash=crashes)
    def work_at_the_till(self, mood: Mood, crash: int) -> None:
        self.cafe.gateway.become(mood)
        self.cafe.work_at_the_till(crash=crash)
        self.cafe.gateway.become("accept")

    @rule()
    def gateway_is_late(self) -> None:
        self.cafe.gateway.deliver_late()

    @precondition(lambda self: self.ids)
    @rule(order=orders, crash=crashes)
    def cancel(self, order: int, crash: int) -> None:
        self._ask(self.cafe.cancel, order, crash)

    @precondition(lambda self: self.ids)
    @rule(order=orders, crash=crashes)
    def refund(self, order: int, crash: int) -> None:
        self._ask(self.cafe.refund, order, crash)

    @invariant()
    def holds(self) -> None:
        books = self.cafe.books()
        found = violations(books)
        assert not found, found
        assert self.accepted <= books.orders.keys()

    def teardown(self) -> None:
        """Without faults everything comes to an end, and who can pay gets what there is."""
        self.cafe.gateway.deliver_late()
        left = self.cafe.settle()
        assert not left, left
        late = [f"{number:08x}-0000-4000-8000-000000000000" for number in range(_LATE_ORDERS)]
        for order_id in late:
            self.cafe.place(order_id, "espresso")
        left = self.cafe.settle()
        assert not left, left
        self.holds()
        assert {self.cafe.books().orders[order_id].state for order_id in late} == {"CONFIRMED"}

    def _ask(self, ask: Request, order: int, crash: int) -> None:
        order_id = self.ids[order % len(self.ids)]
        with suppress(Conflict):
            ask(order_id, crash=crash)

    def _wire(self, number: int) -> tuple[str, str]:
        return self.cafe.wires[number % len(self.cafe.wires)]
