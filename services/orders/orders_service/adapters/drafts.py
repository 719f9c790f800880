from __future__ import annotations

from datetime import datetime
from uuid import NAMESPACE_URL, uuid4, uuid5

from sqlalchemy import Connection, delete, select

from orders_service.adapters.menu import menu_item
from orders_service.adapters.tables import draft_lines, drafts, menu_items
from orders_service.adapters.upsert import insert_into
from orders_service.domain.draft import Draft, DraftLine


class SqlDrafts:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self, sub: str) -> Draft:
        query = (
            select(drafts.c.order_id, draft_lines.c.qty, menu_items)
            .select_from(drafts.join(draft_lines).join(menu_items))
            .where(drafts.c.sub == sub)
            .order_by(draft_lines.c.added_at, draft_lines.c.item_id)
        )
        rows = self._connection.execute(query).all()
        if not rows:
            return Draft(sub, self._order_id(sub))
        return Draft(sub, rows[0].order_id, tuple(DraftLine(menu_item(row), row.qty) for row in rows))

    def set_line(self, draft: Draft, item_id: str, qty: int, at: datetime) -> None:
        line = (draft_lines.c.sub == draft.sub) & (draft_lines.c.item_id == item_id)
        if qty == 0:
            self._connection.execute(delete(draft_lines).where(line))
            return
        if not draft.lines:
            self._begin(draft.sub)
        added = insert_into(self._connection.dialect.name, draft_lines).values(
            sub=draft.sub, item_id=item_id, qty=qty, added_at=at
        )
        self._connection.execute(added.on_conflict_do_update(index_elements=["sub", "item_id"], set_={"qty": qty}))

    def discard(self, sub: str) -> None:
        self._connection.execute(delete(draft_lines).where(draft_lines.c.sub == sub))
        self._connection.execute(delete(drafts).where(drafts.c.sub == sub))

    def holding(self, item_id: str) -> tuple[str, ...]:
        query = select(draft_lines.c.sub).where(draft_lines.c.item_id == item_id).order_by(draft_lines.c.sub)
        return tuple(self._connection.scalars(query))

    def _begin(self, sub: str) -> None:
        fresh = insert_into(self._connection.dialect.name, drafts).values(sub=sub, order_id=str(uuid4()))
        self._connection.execute(fresh.on_conflict_do_nothing())

    def _order_id(self, sub: str) -> str:
        """Of an empty draft, which cannot be placed: the same at every reading, so that a page stays equal."""
        begun = self._connection.scalar(select(drafts.c.order_id).where(drafts.c.sub == sub))
        return begun or str(uuid5(NAMESPACE_URL, f"draft-{sub}"))
