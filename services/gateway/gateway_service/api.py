"""The gateway's API: charges, voids, refunds, and what they come to."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Self

from fastapi import APIRouter, Header, Path
from pydantic import BaseModel, Field

from gateway_service.charges import Charges
from gateway_service.domain import Charge, ChargeState, new_charge
from gateway_service.moods import Moods
from jogakbo.service import Conflict, Database
from jogakbo.service.openapi import problems

OrderId = Annotated[str, Path(min_length=1, max_length=100)]


class NewCharge(BaseModel):
    """``business_day`` is the merchant's own mark, by which its charges are listed."""

    order_id: Annotated[str, Field(min_length=1, max_length=100)]
    amount_won: Annotated[int, Field(ge=1, le=10_000_000)]
    payment: Annotated[str, Field(min_length=1, max_length=100)]
    business_day: date


class Refund(BaseModel):
    business_day: date


class ChargeBody(BaseModel):
    id: str
    order_id: str
    amount_won: int
    state: ChargeState
    reason: str
    business_day: date | None
    refunded_on: date | None

    @classmethod
    def of(cls, charge: Charge) -> Self:
        return cls(
            id=f"ch-{charge.order_id}",
            order_id=charge.order_id,
            amount_won=charge.amount_won,
            state=charge.state,
            reason=charge.reason,
            business_day=charge.business_day,
            refunded_on=charge.refunded_on,
        )


class ChargesBody(BaseModel):
    charges: list[ChargeBody]


class TotalsBody(BaseModel):
    """``charges`` and ``refunds`` are numbers; what was given back later counts as charged on its own day."""

    business_day: date
    charged_won: int
    refunded_won: int
    charges: int
    refunds: int

    @classmethod
    def of(cls, business_day: date, charges: Sequence[Charge]) -> Self:
        money = [charge for charge in charges if charge.state in (ChargeState.ACCEPTED, ChargeState.REFUNDED)]
        charged = [charge.amount_won for charge in money if charge.business_day == business_day]
        refunded = [charge.amount_won for charge in money if charge.refunded_on == business_day]
        return cls(
            business_day=business_day,
            charged_won=sum(charged),
            refunded_won=sum(refunded),
            charges=len(charged),
            refunds=len(refunded),
        )


def charges_router(database: Database, moods: Moods) -> APIRouter:
    router = APIRouter(tags=["charges"])

    @router.post("/charges", status_code=201, responses=problems(409, 422))
    def charge(body: NewCharge, idempotency_key: Annotated[str, Header(max_length=100)]) -> ChargeBody:
        """The order's id is the key: a repeat gets the first answer again and moves no money."""
        if idempotency_key != body.order_id:
            raise Conflict(f"expected the order's id {body.order_id!r} as Idempotency-Key")
        asked = body.order_id, body.amount_won, body.payment, body.business_day
        new = new_charge(*asked, declines=moods.now() == "decline")
        return ChargeBody.of(database.write_together(lambda connection: Charges(connection).charge(new)))

    @router.get("/charges", responses=problems(422))
    def of_day(business_day: date) -> ChargesBody:
        """What was charged or given back on that day."""
        with database.read() as connection:
            found = Charges(connection).of_day(business_day)
        return ChargesBody(charges=[ChargeBody.of(charge) for charge in found])

    @router.get("/totals", responses=problems(422))
    def totals(business_day: date) -> TotalsBody:
        with database.read() as connection:
            return TotalsBody.of(business_day, Charges(connection).of_day(business_day))

    @router.get("/charges/{order_id}", responses=problems(404, 422))
    def one(order_id: OrderId) -> ChargeBody:
        with database.read() as connection:
            return ChargeBody.of(Charges(connection).of(order_id))

    @router.post("/charges/{order_id}/void", responses=problems(422))
    def void(order_id: OrderId) -> ChargeBody:
        """As if it had never been; of an order that is not known yet, the later charge is refused."""
        return ChargeBody.of(database.write_together(lambda connection: Charges(connection).void(order_id)))

    @router.post("/charges/{order_id}/refund", responses=problems(404, 409, 422))
    def refund(order_id: OrderId, body: Refund) -> ChargeBody:
        return ChargeBody.of(
            database.write_together(lambda connection: Charges(connection).refund(order_id, body.business_day))
        )

    return router
