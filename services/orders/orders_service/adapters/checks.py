"""The invariants of this database, each a question that is cheap to ask however many orders there are."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection, func, select

from jogakbo.events.tables import outbox
from orders_service.adapters.tables import orders
from orders_service.domain.saga import State
from orders_service.handlers.messages import OrderPlaced
from orders_service.handlers.ports import Check

_PATIENCE = timedelta(minutes=5)
_NEWEST = 1000
_CONFIRMED_SHARE = 0.95

_PAID = (State.CONFIRMED, State.REFUNDING, State.REFUNDED)
_UNPAYABLE = ("out_of_stock", "payment_declined", "cancelled_by_guest")


def checks(connection: Connection, now: datetime) -> Sequence[Check]:
    return [
        _every_order_terminal(connection, now),
        _commands_in_log(connection, now),
        _confirmed_share(connection, now),
    ]


def _every_order_terminal(connection: Connection, now: datetime) -> Check:
    overdue = orders.c.due_at.is_not(None) & (orders.c.since < now - _PATIENCE)
    waiting = connection.scalar(select(func.count()).where(overdue)) or 0
    detail = f"{waiting} wait for more than 5 minutes" if waiting else ""
    return Check("every_order_terminal", waiting == 0, detail, {}, now)


def _commands_in_log(connection: Connection, now: datetime) -> Check:
    """Each of the newest orders has been told of. How far back the newest messages reach bounds what is asked."""
    log = select(outbox.c.aggregateid, outbox.c.type, outbox.c.time).order_by(outbox.c.seq.desc()).limit(_NEWEST)
    messages = connection.execute(log).all()
    newest = select(orders.c.id).order_by(orders.c.business_day.desc(), orders.c.number.desc()).limit(_NEWEST)
    if len(messages) == _NEWEST:
        newest = newest.where(orders.c.placed_at > messages[-1].time)
    told = {message.aggregateid for message in messages if message.type == OrderPlaced.type}
    missing = [order_id for order_id in connection.scalars(newest) if order_id not in told]
    detail = f"not in the outbox: {', '.join(missing[:3])}" if missing else ""
    return Check("commands_in_log", not missing, detail, {"orders": len(told)}, now)


def _confirmed_share(connection: Connection, now: datetime) -> Check:
    """Of the newest orders that have ended and could be paid for."""
    newest = (
        select(orders.c.state, orders.c.reason)
        .where(orders.c.due_at.is_(None) | orders.c.state.in_(_PAID))
        .order_by(orders.c.business_day.desc(), orders.c.number.desc())
        .limit(_NEWEST)
    )
    ended = connection.execute(newest).all()
    paid = sum(order.state in _PAID for order in ended)
    failed = sum(order.state not in _PAID and order.reason not in _UNPAYABLE for order in ended)
    payable = paid + failed
    holds = paid >= payable * _CONFIRMED_SHARE
    detail = "" if holds else f"{paid} of {payable}"
    return Check("confirmed_share", holds, detail, {"confirmed": paid, "payable": payable}, now)
