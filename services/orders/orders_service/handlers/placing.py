"""PlaceOrder: from a request to an order that waits for its stock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

import msgspec

from orders_service.domain.errors import DraftMoved, OrderDiffers
from orders_service.domain.order import Order
from orders_service.domain.placing import Wanted, merged, priced, total_won
from orders_service.domain.saga import Step
from orders_service.handlers.keys import draft_key, order_keys
from orders_service.handlers.messages import OrderPlaced, ReserveStock
from orders_service.handlers.ports import Moment, OrderView, Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceOrder:
    """Either ``lines`` or the draft of ``draft_of`` is ordered. The id is the client's: a retry is the same order."""

    order_id: str
    lines: tuple[Wanted, ...] = ()
    draft_of: str | None = None
    payment: str
    guest_name: str = ""
    expected_total_won: int | None = None

    @property
    def digest(self) -> str:
        """Tells a retry from a different order under the same id."""
        return sha256(msgspec.json.encode(self, order="deterministic")).hexdigest()


@dataclass(frozen=True, slots=True)
class Placement:
    view: OrderView
    is_new: bool


def place_order(tx: Transaction, command: PlaceOrder) -> Placement:
    """Accept the order, or find it when the command is a repeated one.

    Raises ``Refused`` for an order that nobody may place, ``TotalChanged`` when the menu moved on under the guest,
    ``DraftMoved`` for a page older than the draft, ``OrderDiffers`` for an id that is taken.
    """
    known = tx.orders.placed(command.order_id)
    if known is not None:
        if known.digest != command.digest:
            raise OrderDiffers(command.order_id)
        return Placement(known.view, is_new=False)
    order = _accepted(tx, command)
    tx.orders.add(order, command.digest)
    _announce(tx, order, command.draft_of)
    placed = Moment(order.placed_at, Step.PLACED, order.state, order.tries)
    return Placement(OrderView(order, (placed,)), is_new=True)


def _accepted(tx: Transaction, command: PlaceOrder) -> Order:
    wanted = merged(command.lines) if command.draft_of is None else _drafted(tx, command.draft_of, command.order_id)
    lines = priced(wanted, tx.menu.items([line.item_id for line in wanted]))
    total = total_won(lines, command.expected_total_won)
    business_day = tx.business_day
    return Order(
        id=command.order_id,
        number=tx.orders.next_number(business_day),
        business_day=business_day,
        placed_at=tx.now,
        since=tx.now,
        guest_name=command.guest_name,
        payment=command.payment,
        lines=lines,
        total_won=total,
    ).waiting(tx.now)


def _drafted(tx: Transaction, sub: str, order_id: str) -> Sequence[Wanted]:
    draft = tx.drafts.get(sub)
    if draft.lines and draft.order_id != order_id:
        raise DraftMoved(sub)
    return [Wanted(line.item.id, line.qty) for line in draft.lines]


def _announce(tx: Transaction, order: Order, draft_of: str | None) -> None:
    keys = [*order_keys(order.id)]
    if draft_of is not None:
        tx.drafts.discard(draft_of)
        keys.append(draft_key(draft_of))
    tx.send(OrderPlaced.of(order), ReserveStock.of(order), keys=keys)
