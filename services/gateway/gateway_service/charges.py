"""The charges in SQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date

from sqlalchemy import BigInteger, Column, Connection, Date, MetaData, Row, String, Table, insert, or_, select, update

from gateway_service.domain import Charge, ChargeDiffers, ChargeState, ChargeUnknown, tombstone

metadata = MetaData()

charges = Table(
    "charges",
    metadata,
    # The primary key is what makes a charge idempotent by order.
    Column("order_id", String(100), primary_key=True),
    Column("amount_won", BigInteger, nullable=False),
    Column("payment", String(100), nullable=False),
    Column("state", String(10), nullable=False),
    Column("reason", String(100), nullable=False),
    Column("business_day", Date, nullable=True, index=True),
    Column("refunded_on", Date, nullable=True, index=True),
)


class Charges:
    """The gateway's memory within one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def charge(self, new: Charge) -> Charge:
        """Remember a charge, or give what came of it the first time. Raises ``ChargeDiffers`` for another one."""
        known = self._find(new.order_id, lock=True)
        if known is None:
            return self._add(new)
        if known.is_tombstone:
            return known
        if (known.amount_won, known.payment) != (new.amount_won, new.payment):
            raise ChargeDiffers(f"order {new.order_id!r} was charged with another amount or card")
        return self._keep(known, known.marked(new.business_day))

    def void(self, order_id: str) -> Charge:
        known = self._find(order_id, lock=True)
        return self._add(tombstone(order_id)) if known is None else self._keep(known, known.voided())

    def refund(self, order_id: str, on: date) -> Charge:
        known = self._known(order_id, lock=True)
        return self._keep(known, known.refunded(on))

    def of(self, order_id: str) -> Charge:
        """Raises ``ChargeUnknown``."""
        return self._known(order_id)

    def of_day(self, business_day: date) -> Sequence[Charge]:
        """What was charged or given back on that day, by order."""
        on_day = or_(charges.c.business_day == business_day, charges.c.refunded_on == business_day)
        rows = self._connection.execute(select(charges).where(on_day).order_by(charges.c.order_id))
        return [_charge(row) for row in rows]

    def _known(self, order_id: str, *, lock: bool = False) -> Charge:
        if (known := self._find(order_id, lock=lock)) is None:
            raise ChargeUnknown(f"order {order_id!r} was never charged here")
        return known

    def _find(self, order_id: str, *, lock: bool) -> Charge | None:
        # Locked where it will be changed: a void and a refund at once must not both take the money back.
        query = select(charges).where(charges.c.order_id == order_id)
        row = self._connection.execute(query.with_for_update() if lock else query).first()
        return None if row is None else _charge(row)

    def _add(self, charge: Charge) -> Charge:
        self._connection.execute(insert(charges).values(_values(charge)))
        return charge

    def _keep(self, known: Charge, charge: Charge) -> Charge:
        if charge != known:
            same = charges.c.order_id == charge.order_id
            self._connection.execute(update(charges).where(same).values(_values(charge)))
        return charge


def _values(charge: Charge) -> Mapping[str, object]:
    return asdict(charge) | {"state": charge.state.value}


def _charge(row: Row[tuple[object, ...]]) -> Charge:
    return Charge(**{**row._mapping, "state": ChargeState(row.state)})
