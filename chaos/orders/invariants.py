"""DESIGN, section 6: what must hold of the books at every moment, and once nothing is under way any more."""

from __future__ import annotations

from collections.abc import Iterator

from chaos.orders import money, sagas, sales, stock
from chaos.orders.books import Books

_AT_EVERY_MOMENT = (
    stock.conserved,
    stock.snapshots_replayed,
    stock.held_for_orders,
    money.zero_or_total,
    money.charged_once,
    money.as_the_saga_says,
    money.days_closed,
    sagas.in_the_log,
    sagas.shown_as_they_are,
    sales.as_told,
)
_AT_REST = (sagas.ended, sagas.nothing_parked, stock.no_holds, money.same_at_the_gateway, sales.caught_up)


def violations(books: Books) -> list[str]:
    """What must not be, whatever is under way. The books must be of one moment: nobody writes meanwhile."""
    return [f"{check.__name__}: {words}" for check in _AT_EVERY_MOMENT for words in check(books)]


def unrest(books: Books) -> Iterator[str]:
    """What is not done yet. Without faults all of it must come to an end."""
    return (f"{check.__name__}: {words}" for check in _AT_REST for words in check(books))
