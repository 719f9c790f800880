"""The read side: orders as pages show them, one row each, no joins of the write side."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

import msgspec
from sqlalchemy import ColumnElement, Connection, select

from orders_service.adapters.checks import checks
from orders_service.adapters.drafts import SqlDrafts
from orders_service.adapters.tables import order_timeline, order_views
from orders_service.domain.draft import Draft
from orders_service.domain.errors import UnknownOrder
from orders_service.domain.kitchen import Progress
from orders_service.domain.order import Order
from orders_service.domain.saga import State, Step
from orders_service.handlers.ports import Check, Moment, OrderView

_ON_THE_BOARD = (Progress.QUEUED, Progress.MAKING, Progress.READY)
_BOARD_LIMIT = 300


class SqlViews:
    def __init__(self, connection: Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now

    def order(self, order_id: str) -> OrderView:
        """Raises ``UnknownOrder``."""
        found = self._read(order_views.c.order_id == order_id, order_views.c.order_id, 1)
        if not found:
            raise UnknownOrder(order_id)
        return found[0]

    def queue(self, limit: int) -> Sequence[OrderView]:
        """The newest orders that somebody still waits for, newest first."""
        return self._newest(order_views.c.is_open.is_(True), limit)

    def recent(self, limit: int) -> Sequence[OrderView]:
        """The newest orders, however they stand, newest first."""
        is_open = order_views.c.is_open
        found = [*self._newest(is_open.is_(True), limit), *self._newest(is_open.is_(False), limit)]
        return sorted(found, key=lambda view: view.order.placed_at, reverse=True)[:limit]

    def board(self) -> Sequence[OrderView]:
        """The orders in the kitchen's hands, oldest first."""
        return self._read(order_views.c.progress.in_(_ON_THE_BOARD), order_views.c.placed_at, _BOARD_LIMIT)

    def draft(self, sub: str) -> Draft:
        return SqlDrafts(self._connection).get(sub)

    def checks(self) -> Sequence[Check]:
        return checks(self._connection, self._now)

    def _newest(self, wanted: ColumnElement[bool], limit: int) -> Sequence[OrderView]:
        return self._read(wanted, order_views.c.placed_at.desc(), limit)

    def _read(self, wanted: ColumnElement[bool], order_by: ColumnElement[object], limit: int) -> Sequence[OrderView]:
        documents = select(order_views.c.document).where(wanted).order_by(order_by).limit(limit)
        found = [msgspec.convert(document, Order) for document in self._connection.scalars(documents)]
        timelines = self._timelines([order.id for order in found])
        return [OrderView(order, tuple(timelines[order.id])) for order in found]

    def _timelines(self, order_ids: Sequence[str]) -> dict[str, list[Moment]]:
        timelines: dict[str, list[Moment]] = defaultdict(list)
        if order_ids:
            rows = select(order_timeline).where(order_timeline.c.order_id.in_(order_ids))
            for row in self._connection.execute(rows.order_by(order_timeline.c.revision)):
                timelines[row.order_id].append(Moment(row.at, Step(row.step), State(row.state), row.tries))
        return timelines


def view_row(order: Order) -> dict[str, object]:
    return {
        "order_id": order.id,
        "placed_at": order.placed_at,
        "is_open": order.is_open,
        "progress": order.progress,
        "document": msgspec.to_builtins(order),
    }
