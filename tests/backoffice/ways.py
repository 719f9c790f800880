"""The ways that an order can go, message by message, and one of these messages in trouble."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

from chaos.orders.invariants import violations
from tests.backoffice.cafe import Cafe
from tests.backoffice.crashes import AT_COMMIT

ORDER = "0f4e6b62-8d3f-4a2e-9a58-4f0d6a1c2b3e"

Trouble: TypeAlias = Literal["lost", "said twice", "late", "crash before", "crash after"]
TROUBLES: tuple[Trouble, ...] = ("lost", "said twice", "late", "crash before", "crash after")

_LATE_SECONDS = 70


@dataclass(frozen=True, slots=True)
class Way:
    """`begin` brings an order about, and `turn` what becomes of it once `turn_at` is the next message that its reader
    would hear; `ends` is the state that it comes to, also in trouble, but for what comes too late."""

    name: str
    messages: tuple[tuple[str, str], ...]
    ends: str
    item: str = "latte"
    qty: int = 1
    payment: str = "card-4242"
    turn_at: tuple[str, str] | None = None
    turn: Callable[[Cafe], None] | None = None


def _cancel(cafe: Cafe) -> None:
    cafe.cancel(ORDER)


def _refund(cafe: Cafe) -> None:
    cafe.refund(ORDER)


WAYS = (
    Way(
        "confirmed",
        (
            ("inventory", "inventory.ReserveStock"),
            ("orders", "inventory.StockReserved"),
            ("till", "till.ChargePayment"),
            ("orders", "till.PaymentCharged"),
            ("reports", "till.PaymentCharged"),
            ("inventory", "inventory.CommitReservation"),
            ("orders", "inventory.ReservationCommitted"),
            ("reports", "orders.OrderConfirmed"),
        ),
        "CONFIRMED",
    ),
    Way("rejected", (("orders", "inventory.StockRefused"),), "REJECTED", item="toast", qty=99),
    Way(
        "declined",
        (
            ("orders", "till.PaymentDeclined"),
            ("inventory", "inventory.ReleaseReservation"),
            ("orders", "inventory.ReservationReleased"),
        ),
        "CANCELLED",
        payment="card-0002",
    ),
    Way(
        "cancelled",
        (
            ("till", "till.VoidPayment"),
            ("orders", "till.PaymentVoided"),
            ("inventory", "inventory.ReleaseReservation"),
            ("orders", "inventory.ReservationReleased"),
        ),
        "CANCELLED",
        turn_at=("till", "till.ChargePayment"),
        turn=_cancel,
    ),
    Way(
        "refunded",
        (
            ("till", "till.RefundPayment"),
            ("orders", "till.PaymentRefunded"),
            ("reports", "till.PaymentRefunded"),
            ("reports", "orders.OrderRefunded"),
        ),
        "REFUNDED",
        turn_at=("reports", "orders.OrderConfirmed"),
        turn=_refund,
    ),
)


def cases() -> Iterator[tuple[Way, str, str, Trouble]]:
    """Every message of every way in every trouble. Nothing is lost for reports: nobody says anything to them twice."""
    for way in WAYS:
        for reader, type in way.messages:
            for trouble in TROUBLES:
                if trouble != "lost" or reader != "reports":
                    yield way, reader, type, trouble


def walk(cafe: Cafe, way: Way, reader: str, type: str, trouble: Trouble) -> None:
    """Let the order go its way until that message is next, make the trouble, and let all come to rest."""
    cafe.place(ORDER, way.item, way.qty, way.payment)
    if way.turn_at is not None and way.turn is not None:
        go_until(cafe, *way.turn_at)
        way.turn(cafe)
    stream = go_until(cafe, reader, type)
    match trouble:
        case "lost":
            cafe.lose(reader, stream, 1)
        case "said twice":
            cafe.deliver(reader, stream, 1)
            cafe.say_again(stream, cafe.position(reader, stream).seq - 1)
        case "late":
            _everything_else(cafe, reader, stream)
        case "crash before":
            cafe.deliver(reader, stream, 1, crash=AT_COMMIT)
        case "crash after":
            cafe.deliver(reader, stream, 1)
            cafe.start(reader)
            cafe.bus.wipe(stream)
    holds(cafe)
    left = cafe.settle()
    assert not left, left
    holds(cafe)


def go_until(cafe: Cafe, reader: str, type: str) -> str:
    """Everybody hears what there is, until this message is the next; the stream that it is in."""
    for _ in range(50):
        for name, stream in cafe.wires:
            pending = cafe.pending(name, stream)
            if name == reader and type in pending:
                cafe.deliver(name, stream, pending.index(type))
                return stream
            if pending:
                cafe.deliver(name, stream)
                holds(cafe)
        cafe.work_at_the_till()
    raise AssertionError(f"{reader} never hears {type}")


def holds(cafe: Cafe) -> None:
    found = violations(cafe.books())
    assert not found, found


def _everything_else(cafe: Cafe, reader: str, stream: str) -> None:
    """All but this reader of this stream go on, for so long that everybody else has lost their patience."""
    for _ in range(_LATE_SECONDS // 10):
        for name, other in cafe.wires:
            if (name, other) != (reader, stream):
                cafe.deliver(name, other)
                holds(cafe)
        cafe.work_at_the_till()
        cafe.clock.advance(10)
        cafe.tick()
