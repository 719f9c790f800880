"""An order being put together."""

from __future__ import annotations

from orders_service.domain.draft import Draft
from orders_service.domain.errors import ItemOffSale
from orders_service.domain.placing import checked_qty, on_menu
from orders_service.handlers.keys import draft_key
from orders_service.handlers.messages import DraftChanged
from orders_service.handlers.ports import Transaction


def add_to_draft(tx: Transaction, sub: str, item_id: str, qty: int) -> Draft:
    """Change the quantity of an item by ``qty``, which may be negative; at 0 or below the line is gone."""
    draft = tx.drafts.get(sub)
    return _set(tx, draft, item_id, max(0, draft.qty_of(item_id) + qty))


def set_in_draft(tx: Transaction, sub: str, item_id: str, qty: int) -> Draft:
    """Set the quantity of an item; 0 takes the line out."""
    return _set(tx, tx.drafts.get(sub), item_id, qty)


def discard_draft(tx: Transaction, sub: str) -> None:
    if tx.drafts.get(sub).lines:
        tx.drafts.discard(sub)
        tx.send(DraftChanged(), keys=[draft_key(sub)])


def _set(tx: Transaction, draft: Draft, item_id: str, qty: int) -> Draft:
    item = on_menu(item_id, tx.menu.items([item_id]))
    before = draft.qty_of(item_id)
    if qty > before and not item.on_sale:
        raise ItemOffSale(item_id)
    if qty == before:
        return draft
    if qty != 0:
        checked_qty(item_id, qty)
    tx.drafts.set_line(draft, item_id, qty, tx.now)
    tx.send(DraftChanged(), keys=[draft_key(draft.sub)])
    return tx.drafts.get(draft.sub)
