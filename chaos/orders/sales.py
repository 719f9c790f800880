"""The reporting database: what it has read is what it shows, no more and no less."""

from __future__ import annotations

from collections.abc import Iterator

from chaos.orders.books import Books, Fact, Message

READER = "reports"

# Which message is a fact of which kind, and how many won of it there are by which field.
_TOLD = {
    "orders.OrderConfirmed": ("sale", "total_won"),
    "orders.OrderRefunded": ("refund", "total_won"),
    "till.PaymentCharged": ("charge", "amount_won"),
    "till.PaymentRefunded": ("return", "amount_won"),
    "till.PaymentVoided": ("return", "amount_won"),
}


def as_told(books: Books) -> Iterator[str]:
    """What it has counted is what lies at or below its positions, each once, and its days add up to that."""
    if _in_between(books):
        return
    told = {
        Fact(kind, message.subject, message.data[field])
        for type, (kind, field) in _TOLD.items()
        for message in _read(books, type)
        if message.data[field]
    }
    for fact in told - set(books.facts):
        yield f"{fact} was told and is not counted"
    for fact in set(books.facts) - told:
        yield f"{fact} is counted and was not told"
    if len(books.facts) != len(set(books.facts)):
        yield f"something is counted twice: {sorted(books.facts)}"
    for what, kinds, shown in (
        ("sold", ("sale", "refund"), books.sold_won),
        ("taken", ("charge", "return"), books.taken_won),
    ):
        should = sum(fact.won * (1 if fact.kind == kinds[0] else -1) for fact in books.facts if fact.kind in kinds)
        if shown != should:
            yield f"its days have {shown} won {what}, its entries {should}"


def caught_up(books: Books) -> Iterator[str]:
    """Nobody has anything left to read."""
    for (reader, stream), place in books.heard.items():
        newest = books.newest.get(stream, place)
        if place != newest and newest[1]:
            yield f"{reader} has read {stream} up to {place} of {newest}"


def _read(books: Books, type: str) -> Iterator[Message]:
    stream = type.partition(".")[0]
    epoch, seq = books.heard.get((READER, stream), (0, 0))
    upto = seq if epoch == books.newest[stream][0] else 0
    return (message for message in books.said_of(type) if message.seq <= upto)


def _in_between(books: Books) -> bool:
    """Whether it hears somebody's new life: how far it had read the old one is not kept."""
    return any(books.heard.get((READER, stream)) != books.newest[stream] for stream in books.reborn)
