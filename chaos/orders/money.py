"""Money: of each order nothing or its total, taken once, given back once, and the same at the gateway."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Set
from hashlib import sha256

from chaos.orders.books import Books, Message

# What may have been taken for an order in each state of its saga: nothing, or its total.
_NOTHING = frozenset({"RESERVING", "REJECTED", "RELEASING", "CANCELLED", "REFUNDED"})
_SIGNS = (("PaymentCharged", 1), ("PaymentVoided", -1), ("PaymentRefunded", -1))
_ALL = frozenset({"COMMITTING", "CONFIRMED"})


def taken(books: Books) -> Mapping[str, int]:
    """By order, from what the till has said. What it says again counts once."""
    won: dict[str, int] = defaultdict(int)
    for kind, sign in _SIGNS:
        told: dict[str, int] = defaultdict(int)
        for message in books.said_of(f"till.{kind}"):
            told[message.subject] = max(told[message.subject], message.data["amount_won"])
        for order_id, amount in told.items():
            won[order_id] += sign * amount
    return won


def zero_or_total(books: Books) -> Iterator[str]:
    for order_id, won in taken(books).items():
        order = books.orders.get(order_id)
        if order is None:
            yield f"{won} won were taken for order {order_id}, which was never accepted"
        elif won not in (0, order.total_won):
            yield f"{won} won were taken for order {order_id}, which costs {order.total_won}"


def charged_once(books: Books) -> Iterator[str]:
    """One payment per order; told again it is the same, with the same amount on the same day."""
    for type in ("till.PaymentCharged", "till.PaymentRefunded"):
        told: dict[str, Set[tuple[str, int, str]]] = defaultdict(frozenset)
        for message in books.said_of(type):
            data = message.data
            told[message.subject] |= {(data["payment_id"], data["amount_won"], data["business_day"])}
        for order_id, payments in told.items():
            if len(payments) > 1:
                yield f"{type} of order {order_id}: {sorted(payments)}"


def as_the_saga_says(books: Books) -> Iterator[str]:
    won = taken(books)
    for order in books.orders.values():
        got = won.get(order.id, 0)
        if (order.state in _NOTHING and got) or (order.state in _ALL and got != order.total_won):
            yield f"order {order.id} is {order.state}: {got} won taken of {order.total_won}"


def days_closed(books: Books) -> Iterator[str]:
    """A day is closed once, with the money that was told of it, and the next opens with what it left."""
    closed: dict[str, Message] = {}
    reopened = {message.data["business_day"] for message in books.said_of("till.DayReopened")}
    for message in books.said_of("till.DayClosed"):
        day = message.data["business_day"]
        if day in closed and day not in reopened and closed[day].data != message.data:
            yield f"{day} was closed with {closed[day].data} and again with {message.data}"
        closed[day] = message
    begun = Counter(message.data["business_day"] for message in books.said_of("till.DayCloseStarted"))
    for day, times in begun.items():
        if times > 1 and day not in reopened:
            yield f"the close of {day} was begun {times} times"
    for day, message in closed.items():
        told = message.data
        if (should := digest(books, day)) != told["digest"] and day not in reopened:
            yield f"{day} was closed with the digest {told['digest']}, what was told of it has {should}"
        after = closed.get(told["next_day"])
        if after is not None and after.data["opening_cash_won"] != told["closing_cash_won"]:
            yield f"{day} left {told['closing_cash_won']} won, {told['next_day']} opened with another sum: {after.data}"


def digest(books: Books, business_day: str) -> str:
    """What a day's money comes to, from what the till has said of it."""
    lines = set()
    for kind, sign in _SIGNS:
        for message in books.said_of(f"till.{kind}"):
            data = message.data
            if data["business_day"] == business_day and data["amount_won"]:
                lines.add((data["payment_id"], -sign, sign * data["amount_won"]))
    text = "".join(f"{payment_id}:{won}\n" for payment_id, _, won in sorted(lines))
    return sha256(text.encode()).hexdigest()


def same_at_the_gateway(books: Books) -> Iterator[str]:
    """The till has what the gateway has. Cash never sees the gateway."""
    if "gateway" not in books.connections:
        return
    won = taken(books)
    cash = {payment.order_id for payment in books.payments.values() if payment.method == "cash"}
    at_gateway = {
        charge.order_id: charge.amount_won if charge.state == "accepted" else 0 for charge in books.charges.values()
    }
    for order_id in {*won, *at_gateway} - cash:
        if won.get(order_id, 0) != at_gateway.get(order_id, 0):
            yield (
                f"order {order_id}: the till has {won.get(order_id, 0)} won, "
                f"the gateway {at_gateway.get(order_id, 0)}: {books.charges.get(order_id)}"
            )
