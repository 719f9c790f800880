"""Sagas: every accepted order is in the log, shown as it is, and comes to an end."""

from __future__ import annotations

from collections.abc import Iterator

from chaos.orders.books import Books

TERMINAL = frozenset({"CONFIRMED", "REJECTED", "CANCELLED", "REFUNDED"})

_BEGINNING = ("orders.OrderPlaced", "inventory.ReserveStock")


def in_the_log(books: Books) -> Iterator[str]:
    """The outbox has no holes, and every order's beginning is in it."""
    for service, messages in books.said.items():
        for number, message in enumerate(messages, 1):
            if message.seq != number:
                yield f"the outbox of {service} has {message.seq} where {number} should be"
                break
    for type in _BEGINNING:
        told = {message.subject for message in books.said_of(type)}
        for order_id in books.orders.keys() ^ told:
            yield f"order {order_id}: {type} {'without an order' if order_id in told else 'is missing'}"


def shown_as_they_are(books: Books) -> Iterator[str]:
    for order in books.orders.values():
        if books.order_views.get(order.id) != order.state:
            yield f"order {order.id} is {order.state} and shown as {books.order_views.get(order.id)}"


def ended(books: Books) -> Iterator[str]:
    for order in books.orders.values():
        if order.state not in TERMINAL:
            yield f"order {order.id} is {order.state}"


def nothing_parked(books: Books) -> Iterator[str]:
    for parked in books.parked:
        yield f"{parked.service} has parked {parked.seq} of {parked.stream}: {parked.reason}"
