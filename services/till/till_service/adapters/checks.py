"""The invariants of the books, each as one cheap question. Each tells what is broken, nothing when it holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import pairwise

import msgspec
from sqlalchemy import Connection, Select, and_, func, or_, select

from till_service.adapters.day_stream import stream_of
from till_service.adapters.tables import closings, days, payments, till_store
from till_service.domain.closing import Balance, CloseState, Closing
from till_service.domain.day import evolve
from till_service.domain.payment import PaymentState

_CLOSES_LOOKED_AT = 31


def broken_invariants(connection: Connection) -> Mapping[str, str]:
    """By name, what is wrong: ``{"at_most_one_charge": "", "opening_is_last_closing": "2026-03-02: 0, not 4500"}``."""
    return {name: check(connection) for name, check in _CHECKS.items()}


def _at_most_one_charge(connection: Connection) -> str:
    """By the gateway's own name, too: one charge of its cannot pay for two orders."""
    c = payments.c
    twice = select(c.reference).where(c.reference != "").group_by(c.reference).having(func.count() > 1)
    return _first(connection, twice)


def _money_zero_or_total(connection: Connection) -> str:
    """A payment is charged in full or not at all, and given back only where it had been charged."""
    c = payments.c
    charged, back = c.reference != "", c.undone_on.is_not(None)
    must = [PaymentState.CHARGED, PaymentState.REFUNDING, PaymentState.REFUNDED]
    never = [PaymentState.CHARGING, PaymentState.DECLINED]
    wrong = or_(and_(c.state.in_(must), ~charged), and_(c.state.in_(never), charged), and_(back, ~charged))
    return _first(connection, select(c.order_id).where(wrong))


def _opening_is_last_closing(connection: Connection) -> str:
    """Of the newest closes in a row; the open day begins with what the last one left."""
    closed = select(closings.c.data).where(closings.c.state == CloseState.CLOSED)
    newest = connection.scalars(closed.order_by(closings.c.business_day.desc()).limit(_CLOSES_LOOKED_AT))
    row = [msgspec.json.decode(data, type=Closing) for data in newest]
    for later, earlier in pairwise(row):
        opening, closing = _cash(later.balance).opening_cash_won, _cash(earlier.balance).closing_cash_won
        if opening != closing:
            return f"{later.business_day}: {opening}, not {closing}"
    if row:
        last = _cash(row[0].balance).closing_cash_won
        begun = connection.scalar(select(days.c.opening_cash_won).where(days.c.business_day == row[0].next_day))
        if begun != last:
            return f"{row[0].next_day}: {begun}, not {last}"
    return ""


def _snapshot_equals_replay(connection: Connection) -> str:
    """The newest day's last snapshot is the one before it and the events between."""
    newest = connection.scalar(select(func.max(days.c.business_day)))
    if newest is None:
        return ""
    stream = stream_of(newest)
    version = till_store.load(connection, stream).snapshot
    if not version:
        return ""
    before = till_store.load(connection, stream, upto=version - 1).state
    [last] = till_store.read(connection, stream, after=version - 1, upto=version)
    kept = till_store.load(connection, stream, upto=version).state
    return "" if evolve(before, last.event) == kept else f"{stream}, snapshot {version}"


def _first(connection: Connection, wrong: Select[tuple[str]]) -> str:
    return connection.scalar(wrong.limit(1)) or ""


def _cash(balance: Balance | None) -> Balance:
    if balance is None:
        raise ValueError("a closed day has a balance")
    return balance


_CHECKS: Mapping[str, Callable[[Connection], str]] = {
    "at_most_one_charge": _at_most_one_charge,
    "money_zero_or_total": _money_zero_or_total,
    "opening_is_last_closing": _opening_is_last_closing,
    "snapshot_equals_replay": _snapshot_equals_replay,
}
