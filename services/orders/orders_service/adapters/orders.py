from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from functools import cache

import msgspec
from sqlalchemy import Connection, bindparam, insert, select, update
from sqlalchemy.sql.dml import ReturningInsert

from jogakbo.database import TransactionConflict
from orders_service.adapters.tables import day_numbers, order_timeline, order_views, orders
from orders_service.adapters.upsert import insert_into
from orders_service.adapters.views import SqlViews, view_row
from orders_service.domain.errors import UnknownOrder
from orders_service.domain.order import Order
from orders_service.domain.saga import Step
from orders_service.handlers.ports import Placed

# Built once: building them again is half of what accepting an order costs (measured).
_FIELDS = [column for column in orders.c if column.name != "digest"]
_GET = select(*_FIELDS).where(orders.c.id == bindparam("order_id")).with_for_update()
_DIGEST = select(orders.c.digest).where(orders.c.id == bindparam("order_id"))
_ADD = insert(orders)
_ADD_VIEW = insert(order_views)
_NOTE = insert(order_timeline)
_DUE = select(*_FIELDS).where(orders.c.due_at <= bindparam("now")).order_by(orders.c.due_at).limit(bindparam("limit"))
_SAVE = update(orders).where(orders.c.id == bindparam("order_id"), orders.c.revision == bindparam("revision_before"))
_FACTS = {"id", "number", "business_day", "placed_at", "guest_name", "payment", "lines", "total_won"}
_SAVE_VIEW = update(order_views).where(order_views.c.order_id == bindparam("of_order"))


@cache
def _next_number(dialect: str) -> ReturningInsert[int]:
    first = insert_into(dialect, day_numbers).values(business_day=bindparam("business_day"), last_number=1)
    following = {"last_number": day_numbers.c.last_number + 1}
    counted = first.on_conflict_do_update(index_elements=["business_day"], set_=following)
    return counted.returning(day_numbers.c.last_number)


class OrderMoved(TransactionConflict):
    """Somebody else took a step of this order first. Run the transaction again; nothing of this one may be kept."""


class SqlOrders:
    """Writes an order and its row of the read side together: keys sent after the commit find the view changed."""

    def __init__(self, connection: Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now

    def get(self, order_id: str) -> Order:
        row = self._connection.execute(_GET, {"order_id": order_id}).one_or_none()
        if row is None:
            raise UnknownOrder(order_id)
        return msgspec.convert(row, Order, from_attributes=True)

    def due(self, limit: int) -> Sequence[Order]:
        rows = self._connection.execute(_DUE.with_for_update(skip_locked=True), {"now": self._now, "limit": limit})
        return [msgspec.convert(row, Order, from_attributes=True) for row in rows]

    def placed(self, order_id: str) -> Placed | None:
        digest = self._connection.scalar(_DIGEST, {"order_id": order_id})
        return None if digest is None else Placed(SqlViews(self._connection, self._now).order(order_id), digest)

    def next_number(self, business_day: date) -> int:
        statement = _next_number(self._connection.dialect.name)
        number: int = self._connection.execute(statement, {"business_day": business_day}).scalar_one()
        return number

    def add(self, order: Order, digest: str) -> None:
        self._connection.execute(_ADD, {"digest": digest, **_row(order)})
        self._connection.execute(_ADD_VIEW, view_row(order))
        self._note(order, Step.PLACED, order.placed_at)

    def save(self, order: Order, step: Step, at: datetime) -> None:
        guard = {"order_id": order.id, "revision_before": order.revision - 1}
        changes = {name: value for name, value in _row(order).items() if name not in _FACTS}
        if self._connection.execute(_SAVE, {**changes, **guard}).rowcount != 1:
            raise OrderMoved(f"order {order.id} is no longer at revision {order.revision - 1}")
        self._connection.execute(_SAVE_VIEW, {**view_row(order), "of_order": order.id})
        self._note(order, step, at)

    def _note(self, order: Order, step: Step, at: datetime) -> None:
        moment = {"order_id": order.id, "revision": order.revision, "at": at, "step": step}
        self._connection.execute(_NOTE, {**moment, "state": order.state, "tries": order.tries})


def _row(order: Order) -> dict[str, object]:
    row: dict[str, object] = msgspec.to_builtins(order, builtin_types=(date, datetime))
    return row
