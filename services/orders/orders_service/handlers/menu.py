"""The copy of the menu, so that orders are priced while the menu service is away."""

from __future__ import annotations

from orders_service.domain.menu import MenuItem
from orders_service.handlers.keys import draft_key
from orders_service.handlers.messages import DraftChanged
from orders_service.handlers.ports import Transaction

_KEYS_PER_EVENT = 200


def item_changed(tx: Transaction, item: MenuItem) -> None:
    """Keep a newer version of an item, and have the pages drawn again whose drafts contain it."""
    if not tx.menu.keep(item):
        return
    subjects = tx.drafts.holding(item.id)
    for start in range(0, len(subjects), _KEYS_PER_EVENT):
        tx.send(DraftChanged(), keys=[draft_key(sub) for sub in subjects[start : start + _KEYS_PER_EVENT]])
