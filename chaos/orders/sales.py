"""The reporting database: what it has read is what it shows, no more and no less."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from chaos.orders.books import Books, Message, Sales

READER = "reports"


def as_told(books: Books) -> Iterator[str]:
    """Its figures are the sum of what lies at or below its positions."""
    if _in_between(books):
        return
    confirmed = {message.subject: message for message in _read(books, "orders.OrderConfirmed")}
    charged = {message.subject: message for message in _read(books, "till.PaymentCharged")}
    days: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
    for message in confirmed.values():
        day = days[message.data["business_day"]]
        day[0] += 1
        day[1] += message.data["total_won"]
    for message in charged.values():
        days[message.data["business_day"]][2] += message.data["amount_won"]
    should = {day: Sales(*figures) for day, figures in days.items()}
    if should != books.sales:
        yield f"shows {books.sales}, was told {should}"


def caught_up(books: Books) -> Iterator[str]:
    """Nobody has anything left to read."""
    for (reader, stream), place in books.heard.items():
        if place != books.newest.get(stream, place):
            yield f"{reader} has read {stream} up to {place} of {books.newest[stream]}"


def _read(books: Books, type: str) -> Iterator[Message]:
    stream = type.partition(".")[0]
    epoch, seq = books.heard.get((READER, stream), (0, 0))
    upto = seq if epoch == books.newest[stream][0] else 0
    return (message for message in books.said_of(type) if message.seq <= upto)


def _in_between(books: Books) -> bool:
    """Whether it hears somebody's new life: how far it had read the old one is not kept."""
    return any(books.heard.get((READER, stream)) != books.newest[stream] for stream in books.reborn)
