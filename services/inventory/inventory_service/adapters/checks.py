"""What must hold in this database, asked of the database itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, select

from inventory_service.adapters.books import reservations_in
from inventory_service.adapters.days import days_of
from inventory_service.adapters.tables import stock_levels, stock_store
from inventory_service.domain.events import DayOpened, moved
from inventory_service.domain.reservation import ReservationState
from inventory_service.domain.stock import EMPTY, Stock, evolve
from inventory_service.handlers.views import Check
from jogakbo.service.event_store import Loaded, Stream


@dataclass(frozen=True, slots=True)
class _Audit:
    """An ingredient's newest stream, read from its first event on.

    ``summed`` is what it opened with and all that has moved since; ``lowest`` the least that was ever available.
    """

    replayed: Loaded[Stock]
    opened: DayOpened
    summed: int
    lowest: int
    shown: tuple[int, int]

    @property
    def stream(self) -> Stream:
        return self.replayed.stream

    @property
    def stock(self) -> Stock:
        return self.replayed.state


def checks(connection: Connection, now: datetime) -> list[Check]:
    levels = stock_levels.c
    shown = connection.execute(select(levels.ingredient_id, levels.on_hand, levels.reserved)).all()
    audits = [_audit(connection, ingredient_id, (on_hand, held)) for ingredient_id, on_hand, held in shown]
    faults = {
        "stock_conserved": _not_conserved(audits),
        "stock_never_negative": _negative(audits),
        "snapshot_equals_replay": _unlike_its_snapshot(connection, audits),
        "opening_is_last_closing": _unlike_last_closing(connection, audits),
        "no_hold_on_terminal": _holds_without_order(connection, audits),
    }
    figures = {"ingredients": len(audits), "events": sum(audit.replayed.version for audit in audits)}
    first = {name: next(found, "") for name, found in faults.items()}
    return [Check(name, not fault, fault, figures, now) for name, fault in first.items()]


def _audit(connection: Connection, ingredient_id: str, shown: tuple[int, int]) -> _Audit:
    stream = Stream(ingredient_id, next(days_of(connection, ingredient_id)))
    stock, version, summed, lowest = EMPTY, 0, 0, 0
    opened = DayOpened(0)
    for stored in stock_store.read(connection, stream):
        stock, version = evolve(stock, stored.event), stored.version
        if isinstance(stored.event, DayOpened):
            opened, summed, lowest = stored.event, stock.on_hand, stock.available
        summed += moved(stored.event)
        lowest = min(lowest, stock.available)
    return _Audit(Loaded(stream, version, stock), opened, summed, lowest, shown)


def _not_conserved(audits: Sequence[_Audit]) -> Iterator[str]:
    for audit in audits:
        if not audit.summed == audit.stock.on_hand == audit.shown[0]:
            yield f"{audit.stream}: {audit.summed} by its movements, {audit.stock.on_hand} told, {audit.shown[0]} shown"
        if audit.stock.reserved != audit.shown[1]:
            yield f"{audit.stream}: {audit.stock.reserved} held, {audit.shown[1]} shown"


def _negative(audits: Sequence[_Audit]) -> Iterator[str]:
    for audit in audits:
        if audit.lowest < 0:
            yield f"{audit.stream}: {audit.lowest} were available"


def _unlike_its_snapshot(connection: Connection, audits: Sequence[_Audit]) -> Iterator[str]:
    for audit in audits:
        loaded = stock_store.load(connection, audit.stream)
        if loaded != audit.replayed:
            yield f"{audit.stream}: {loaded.state} from snapshot {loaded.snapshot}, {audit.stock} from all events"


def _unlike_last_closing(connection: Connection, audits: Sequence[_Audit]) -> Iterator[str]:
    for audit in audits:
        before = audit.stream.business_day - timedelta(days=1)
        for day in days_of(connection, audit.stream.subject, upto=before):
            closing = stock_store.load(connection, Stream(audit.stream.subject, day)).state
            if (closing.on_hand, closing.holds) != (audit.opened.on_hand, audit.opened.holds):
                yield f"{audit.stream}: opened with {audit.opened.on_hand}, {day} closed with {closing.on_hand}"
            break


def _holds_without_order(connection: Connection, audits: Sequence[_Audit]) -> Iterator[str]:
    held = {(hold.order_id, audit.stream.subject, hold.amount) for audit in audits for hold in audit.stock.holds}
    reserved = {
        (open_.order_id, portion.ingredient_id, portion.amount)
        for open_ in reservations_in(connection, ReservationState.RESERVED)
        for portion in open_.portions
    }
    for order_id, ingredient_id, amount in sorted(held - reserved):
        yield f"{amount} {ingredient_id} held for {order_id}, whose reservation is over"
    for order_id, ingredient_id, amount in sorted(reserved - held):
        yield f"{amount} {ingredient_id} reserved for {order_id}, which holds nothing"
