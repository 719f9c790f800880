"""The whole back office in one process: the services' own handlers and databases, a bus and a clock that obey."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import Engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry

import gateway_service.app
import inventory_service.app
import orders_service.app
import reports_service.app
import till_service.app
from chaos.orders.books import Books
from chaos.orders.invariants import unrest
from gateway_service.settings import Settings as GatewaySettings
from inventory_service.adapters.store import SqlStore as InventoryStore
from inventory_service.adapters.subscriptions import subscribe as inventory_subscriptions
from inventory_service.seed import seed_with
from jogakbo.contract.cloudevent import CloudEvent, decode_event, encode_event
from jogakbo.contract.streams import START, Position
from jogakbo.database import Database
from jogakbo.events import Consumer, Outbox
from jogakbo.events.inbox import Entry, Inbox
from jogakbo.service.clock import Clock
from orders_service.adapters.store import SqlStore as OrdersStore
from orders_service.adapters.subscriptions import subscriptions as orders_subscriptions
from orders_service.domain.placing import Wanted
from orders_service.domain.saga import State
from orders_service.handlers.cancelling import cancel_order, refund_order
from orders_service.handlers.clockwork import Clockwork
from orders_service.handlers.placing import PlaceOrder, place_order
from tests.backoffice.bus import FakeBus
from tests.backoffice.crashes import Crashes
from tests.backoffice.gateway import Gateway
from till_service.adapters.store import SqlStore as TillStore
from till_service.adapters.subscriptions import subscribe as till_subscriptions
from till_service.handlers.cashier import Cashier
from till_service.handlers.closer import Closer
from till_service.handlers.closing import close_day
from till_service.handlers.ports import GatewayError

ZONE = ZoneInfo("Asia/Seoul")
LIMITS = {State.RESERVING: timedelta(seconds=30), State.CHARGING: timedelta(seconds=30)}
_ROUNDS = 20
_PATIENT_ROUNDS = 3
NOON = datetime(2026, 3, 2, 3, 0, tzinfo=UTC)
MIGRATIONS = {
    "orders": orders_service.app.MIGRATIONS,
    "inventory": inventory_service.app.MIGRATIONS,
    "till": till_service.app.MIGRATIONS,
    "reports": reports_service.app.MIGRATIONS,
    "gateway": gateway_service.app.MIGRATIONS,
}
SERVICES = ("orders", "inventory", "till", "reports")

MENU = (
    ("latte", 5000, {"beans": 18, "milk": 220}),
    ("toast", 6500, {"salt-bread": 1, "butter": 20}),
    ("espresso", 3500, {"beans": 18}),
)
"""Of a new café: coffee for hundreds, 40 toasts."""


@dataclass
class FakeClock:
    now: datetime = NOON

    def __call__(self) -> datetime:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@dataclass
class Service:
    name: str
    database: Database
    consumer: Consumer

    @property
    def outbox(self) -> Outbox:
        return Outbox(self.name)


class Cafe:
    """A back office with its databases in `folder`. One serves many stories, each from `open_anew` on: making its
    engines, and what they remember of statements, costs more than most stories. Nothing is left open after `close`.
    """

    def __init__(self, folder: Path, template: Path) -> None:
        self.folder = folder
        self._template = template
        self._copy_databases()
        self.clock = FakeClock()
        self.bus = FakeBus()
        self.crashes = Crashes()
        self.loop = asyncio.Runner()
        self.reborn: frozenset[str] = frozenset()
        gateway = gateway_service.app.create_app(_gateway_settings(folder))
        self._gateway_database: Database = gateway.state.kit.database
        self.gateway = Gateway(gateway, self.loop)
        self.services: dict[str, Service] = {}
        for name in SERVICES:
            self.start(name)
        self._reading: dict[str, sqlite3.Connection] = {}
        self._serve_menu()
        self._let_go()
        for name in MIGRATIONS:
            shutil.copy(folder / f"{name}.db", template)

    def open_anew(self) -> None:
        """As on the first day, at noon."""
        self._let_go()
        self._copy_databases()
        for name in SERVICES:
            self._wire(name, self.services[name].database)
        self.clock.now = NOON
        self.bus = FakeBus()
        self.reborn = frozenset()
        self.gateway.forget()
        self._reading = {name: sqlite3.connect(self.folder / f"{name}.db", isolation_level=None) for name in MIGRATIONS}
        self._serve_menu()

    def close(self) -> None:
        self._let_go()
        for database in self._databases:
            database.close()
        self.loop.close()

    def start(self, name: str) -> None:
        """As after a crash: all that a process has in memory is made anew."""
        if name in self.services:
            self.services[name].database.close()
        self._wire(name, Database(f"sqlite:///{self.folder}/{name}.db", migrations=MIGRATIONS[name]))

    def _wire(self, name: str, database: Database) -> None:
        clock = Clock(ZONE, self.clock)
        match name:
            case "orders":
                self.orders = OrdersStore(database, clock)
                consumer = orders_subscriptions(self.orders)
            case "inventory":
                consumer = inventory_subscriptions(Consumer(strict=True), InventoryStore(database, clock))
            case "till":
                self.till = TillStore(database, clock)
                consumer = till_subscriptions(Consumer(strict=True), self.till)
            case _:
                consumer = reports_service.app.create_consumer(ZONE)
        self.services[name] = Service(name, database, consumer)

    def _copy_databases(self) -> None:
        for name in MIGRATIONS:
            for left in ("-wal", "-shm"):
                (self.folder / f"{name}.db{left}").unlink(missing_ok=True)
            shutil.copy(self._template / f"{name}.db", self.folder)

    @property
    def _databases(self) -> list[Database]:
        return [self._gateway_database, *(service.database for service in self.services.values())]

    def _let_go(self) -> None:
        """No connection is open any more; the engines stay, with the statements that they know."""
        for database in self._databases:
            database._engine.dispose()
        for connection in self._reading.values():
            connection.close()

    def books(self) -> Books:
        return Books(self._reading, self.reborn)

    @property
    def wires(self) -> list[tuple[str, str]]:
        """Who hears whom, as `("till", "orders")`; the menu has been heard."""
        return [
            (name, stream)
            for name, service in self.services.items()
            for stream in service.consumer.streams
            if stream in self.services
        ]

    @contextmanager
    def dying(self, name: str, before_statement: int) -> Iterator[None]:
        """Inside the block the service dies before that statement of a transaction, if it gets there; then it starts
        anew. 0: it does not die."""
        with self.crashes.before_statement(before_statement, f"{self.folder}/{name}.db"):
            yield
        if self.crashes.happened:
            self.start(name)

    def carry(self, name: str) -> None:
        service = self.services[name]
        [(epoch, seq)] = self._reading[name].execute("SELECT epoch, seq FROM outbox_counter")
        if seq and self.bus.top(name) != Position(epoch, seq):
            self.bus.carry(service.outbox, service.database)

    def deliver(self, name: str, stream: str, count: int = 100, *, crash: int = 0) -> int:
        """Let a service hear what it has not heard of a stream; how much that was."""
        self.carry(stream)
        service = self.services[name]
        entries = self.bus.after(stream, self.position(name, stream), count)
        if entries:
            with self.dying(name, crash):
                service.consumer.inbox(service.database, stream).deliver(stream, entries)
        return len(entries)

    def place(
        self, order_id: str, item: str = "latte", qty: int = 1, payment: str = "card-4242", *, crash: int = 0
    ) -> bool:
        """Whether the order was accepted: the client has the answer."""
        command = PlaceOrder(order_id=order_id, lines=(Wanted(item, qty),), payment=payment)
        with self.dying("orders", crash), self.orders.write() as tx:
            place_order(tx, command)
        return not self.crashes.happened

    def cancel(self, order_id: str, *, crash: int = 0) -> None:
        """Raises ``Conflict`` and ``UnknownOrder``."""
        with self.dying("orders", crash), self.orders.write() as tx:
            cancel_order(tx, order_id, "cancelled_by_guest")

    def refund(self, order_id: str, *, crash: int = 0) -> None:
        """Raises ``Conflict`` and ``UnknownOrder``."""
        with self.dying("orders", crash), self.orders.write() as tx:
            refund_order(tx, order_id, "refunded_by_manager")

    def tick(self, *, crash: int = 0) -> None:
        """See to the orders that are due."""
        with self.dying("orders", crash):
            Clockwork(self.orders, LIMITS).tick()

    def work_at_the_till(self, *, crash: int = 0) -> None:
        """Take every payment under way to the gateway, once."""
        cashier = Cashier(self.till, self.gateway.port)
        with self.till.read() as views:
            under_way = views.under_way()
        for payment in under_way:
            with self.dying("till", crash), suppress(GatewayError):
                self.loop.run(cashier.see_through(payment))
            if self.crashes.happened:
                return

    def close_day(self, day: date) -> None:
        """Ask for the close of a day. Raises a ``TillError``."""
        with self.till.close() as (books, answers):
            close_day(day, Clock(ZONE, self.clock).business_day(), timedelta(seconds=30), books, answers)

    def close_on(self, *, crash: int = 0) -> None:
        """Go one step on with the close that is under way."""
        closer = Closer(self.till, self.gateway.port, self.clock)
        with self.dying("till", crash):
            self.loop.run(closer.step())

    def lose(self, name: str, stream: str, count: int) -> None:
        """What comes next is read and forgotten, as by a process that never acted on it."""
        self.carry(stream)
        service = self.services[name]
        Inbox(service.database, _nobody).deliver(stream, self.bus.after(stream, self.position(name, stream), count))

    def say_again(self, name: str, which: int) -> None:
        """A service writes one of its earlier messages once more, under its own id (R2, R3)."""
        service = self.services[name]
        with service.database.write() as connection:
            last = service.outbox.last(connection).seq
            if last:
                [again] = service.outbox.after(connection, which % last, 1)
                service.outbox.add(connection, again.type, again.subject, again.data, id=again.id)  # type: ignore[arg-type]

    def say(self, name: str, type: str, subject: str, data: Mapping[str, object]) -> None:
        """A service says what it never should."""
        service = self.services[name]
        with service.database.write() as connection:
            service.outbox.add(connection, type, subject, data)  # type: ignore[arg-type]

    def be_reborn(self, name: str) -> None:
        """A service begins a new epoch and says everything again."""
        service = self.services[name]
        with service.database.write() as connection:
            service.outbox.be_reborn(connection, above=service.outbox.last(connection))
        self.reborn |= {name}

    def round(self) -> int:
        """Everybody hears all there is and does what they can; how many messages that was."""
        heard = sum(self.deliver(name, stream) for name, stream in self.wires)
        self.work_at_the_till()
        return heard

    def settle(self) -> list[str]:
        """Faults are over: go on until nothing is under way any more. What still is after long, is the answer."""
        left: list[str] = []
        for turn in range(_ROUNDS):
            while self.round():
                pass
            left = list(unrest(self.books()))
            if not left:
                break
            # First for so long that somebody says it again, then that somebody gives up.
            self.clock.advance(3 if turn < _PATIENT_ROUNDS else 61)
            self.tick()
        return left

    def pending(self, name: str, stream: str) -> list[str]:
        """The types of what a service has not heard yet of a stream, in order."""
        self.carry(stream)
        entries = self.bus.after(stream, self.position(name, stream), 100)
        return [decode_event(entry.payload).type for entry in entries]

    def position(self, name: str, stream: str) -> Position:
        query = "SELECT epoch, seq FROM positions WHERE stream = ?"
        found = self._reading[name].execute(query, (stream,)).fetchone()
        return Position(*found) if found else START

    def _serve_menu(self) -> None:
        entries: Sequence[Entry] = [_item_changed(number, *item) for number, item in enumerate(MENU, 1)]
        for name in ("orders", "inventory"):
            service = self.services[name]
            service.consumer.inbox(service.database, "menu").deliver("menu", entries)


def make_template(folder: Path) -> None:
    """The databases of a café that opens for the first time; migrating takes a second, copying nothing."""
    for name, migrations in MIGRATIONS.items():
        database = Database(f"sqlite:///{folder}/{name}.db", migrations=migrations)
        database.migrate()
        if name == "inventory":
            with database.write() as connection:
                seed_with(Clock(ZONE, FakeClock()))(connection)
        database.close()
        with closing(sqlite3.connect(folder / f"{name}.db")) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


@contextmanager
def unsynchronised() -> Iterator[None]:
    """No power is ever cut here: what SQLite writes need not reach the disk."""

    def connected(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
        connection.cursor().execute("PRAGMA synchronous = OFF")

    event.listen(Engine, "connect", connected)
    try:
        yield
    finally:
        event.remove(Engine, "connect", connected)


def _gateway_settings(folder: Path) -> GatewaySettings:
    own = {"gateway_database_url": f"sqlite:///{folder}/gateway.db", "redis_url": "", "lab": True, "log_level": "error"}
    return GatewaySettings.model_validate(own)


def _item_changed(seq: int, id: str, price_won: int, recipe: dict[str, int]) -> Entry:
    data = {
        "id": id,
        "name": {"en": id.title(), "ko": id},
        "price_won": price_won,
        "on_sale": True,
        "sold_out": False,
        "version": 1,
        "recipe": [{"ingredient_id": ingredient, "amount": amount} for ingredient, amount in recipe.items()],
    }
    position = Position(1, seq)
    told = CloudEvent(
        id=str(position), source="menu", type="menu.ItemChanged", time=NOON, data=msgspec.Raw(msgspec.json.encode(data))
    )
    return Entry(position, encode_event(told))


def _nobody(position: Position, event: CloudEvent) -> None:
    """No handler: what nobody here acts on."""
