"""What the till hears: the commands of the orders service, and at the close what reports and inventory answer."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from msgspec import Meta, Struct
from sqlalchemy import Connection

from jogakbo.contract.cloudevent import CloudEvent
from jogakbo.events import Consumer
from till_service.domain.closing import Folded, Line
from till_service.handlers.charges import ChargePayment, charge_payment
from till_service.handlers.closing import reports_folded, stock_closed
from till_service.handlers.ports import Store
from till_service.handlers.reversals import RefundPayment, VoidPayment, refund_payment, void_payment

# It travels to the gateway as a header and in addresses.
_OrderId = Annotated[str, Meta(min_length=1, max_length=100, pattern=r"^[A-Za-z0-9._~-]+$")]


class _Charge(Struct):
    order_id: _OrderId
    amount_won: Annotated[int, Meta(ge=-(2**53), le=2**53)]
    payment: Annotated[str, Meta(max_length=100)]
    business_day: date


class _Void(Struct):
    order_id: _OrderId
    business_day: date


class _Refund(Struct):
    order_id: _OrderId
    business_day: date
    reason: str


class _Line(Struct):
    payment_id: str
    amount_won: int


class _Folded(Struct):
    """``lines`` are told when the digests differ; a mere number of them is passed over."""

    business_day: date
    taken_won: int
    payments: int
    digest: str
    lines: list[_Line] | int = 0


class _StockClosed(Struct):
    business_day: date


def subscribe(consumer: Consumer, store: Store) -> Consumer:
    _subscribe_to_orders(consumer, store)
    _subscribe_to_the_close(consumer, store)
    consumer.ignore("orders.*", "inventory.*", "reports.*")
    return consumer


def _subscribe_to_orders(consumer: Consumer, store: Store) -> None:
    @consumer.on("till.ChargePayment", _Charge, source="orders")
    def charge(connection: Connection, event: CloudEvent, data: _Charge) -> None:
        command = ChargePayment(data.order_id, data.amount_won, data.payment, data.business_day)
        charge_payment(command, *store.within(connection))

    @consumer.on("till.VoidPayment", _Void, source="orders")
    def void(connection: Connection, event: CloudEvent, data: _Void) -> None:
        void_payment(VoidPayment(data.order_id, data.business_day), *store.within(connection))

    @consumer.on("till.RefundPayment", _Refund, source="orders")
    def refund(connection: Connection, event: CloudEvent, data: _Refund) -> None:
        refund_payment(RefundPayment(data.order_id, data.business_day, data.reason), *store.within(connection))


def _subscribe_to_the_close(consumer: Consumer, store: Store) -> None:
    @consumer.on("reports.DayFolded", _Folded)
    def folded(connection: Connection, event: CloudEvent, data: _Folded) -> None:
        told = () if isinstance(data.lines, int) else data.lines
        lines = tuple(Line(line.payment_id, line.amount_won) for line in told)
        answer = Folded(data.taken_won, data.payments, data.digest, lines)
        books, _ = store.closing_within(connection)
        reports_folded(data.business_day, answer, books)

    @consumer.on("inventory.DayClosed", _StockClosed)
    def closed(connection: Connection, event: CloudEvent, data: _StockClosed) -> None:
        books, _ = store.closing_within(connection)
        stock_closed(data.business_day, books)
