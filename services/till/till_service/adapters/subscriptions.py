"""What the till hears: the commands of the orders service."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from msgspec import Meta, Struct
from sqlalchemy import Connection

from jogakbo.contract.cloudevent import CloudEvent
from jogakbo.events import Consumer
from till_service.handlers.charges import ChargePayment, charge_payment
from till_service.handlers.ports import Store


class _Charge(Struct):
    order_id: Annotated[str, Meta(min_length=1, max_length=100)]
    amount_won: Annotated[int, Meta(ge=-(2**53), le=2**53)]
    payment: Annotated[str, Meta(max_length=100)]
    business_day: date


def subscribe(consumer: Consumer, store: Store) -> Consumer:
    @consumer.on("till.ChargePayment", _Charge, source="orders")
    def charge(connection: Connection, event: CloudEvent, data: _Charge) -> None:
        command = ChargePayment(data.order_id, data.amount_won, data.payment, data.business_day)
        charge_payment(command, *store.within(connection))

    return consumer
