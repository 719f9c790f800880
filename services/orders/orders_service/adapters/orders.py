from __future__ import annotations

from datetime import date, datetime

import msgspec
from sqlalchemy import Connection, insert, select, update

from orders_service.adapters.tables import day_numbers, order_timeline, order_views, orders
from orders_service.adapters.upsert import insert_into
from orders_service.adapters.views import SqlViews, view_row
from orders_service.domain.errors import UnknownOrder
from orders_service.domain.order import Order
from orders_service.domain.saga import Step
from orders_service.handlers.ports import Placed

_FIELDS = [column for column in orders.c if column.name != "digest"]


class OrderMoved(Exception):
    """Somebody else took a step of this order first. Run the transaction again; nothing of this one may be kept."""


class SqlOrders:
    """Writes an order and its row of the read side together: keys sent after the commit find the view changed."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self, order_id: str) -> Order:
        query = select(*_FIELDS).where(orders.c.id == order_id).with_for_update()
        row = self._connection.execute(query).one_or_none()
        if row is None:
            raise UnknownOrder(order_id)
        return msgspec.convert(row._asdict(), Order)

    def placed(self, order_id: str) -> Placed | None:
        digest = self._connection.scalar(select(orders.c.digest).where(orders.c.id == order_id))
        return None if digest is None else Placed(SqlViews(self._connection).order(order_id), digest)

    def next_number(self, business_day: date) -> int:
        first = insert_into(self._connection, day_numbers).values(business_day=business_day, last_number=1)
        following = {"last_number": day_numbers.c.last_number + 1}
        statement = first.on_conflict_do_update(index_elements=["business_day"], set_=following)
        number: int = self._connection.execute(statement.returning(day_numbers.c.last_number)).scalar_one()
        return number

    def add(self, order: Order, digest: str) -> None:
        self._connection.execute(insert(orders).values(digest=digest, **_row(order)))
        self._connection.execute(insert(order_views).values(view_row(order)))
        self._note(order, Step.PLACED, order.placed_at)

    def save(self, order: Order, step: Step, at: datetime) -> None:
        unmoved = (orders.c.id == order.id) & (orders.c.revision == order.revision - 1)
        if self._connection.execute(update(orders).where(unmoved).values(_row(order))).rowcount != 1:
            raise OrderMoved(f"order {order.id} is no longer at revision {order.revision - 1}")
        shown = update(order_views).where(order_views.c.order_id == order.id)
        self._connection.execute(shown.values(view_row(order)))
        self._note(order, step, at)

    def _note(self, order: Order, step: Step, at: datetime) -> None:
        moment = {"order_id": order.id, "revision": order.revision, "at": at, "step": step}
        self._connection.execute(insert(order_timeline).values(moment))


def _row(order: Order) -> dict[str, object]:
    row: dict[str, object] = msgspec.to_builtins(order, builtin_types=(date, datetime))
    return row
