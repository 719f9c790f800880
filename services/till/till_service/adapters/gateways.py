"""Gateways: the cash drawer, and a sandbox for cards until there is a contract with a real one.

A remote gateway is one more class here: it sends the order's id as the idempotency key, raises ``GatewayError``
for a timeout or a 5xx, and is given to ``create_app`` in place of the sandbox.
"""

from __future__ import annotations

from collections.abc import Mapping

from till_service.domain.events import ChargeStarted, Method
from till_service.domain.payment import Accepted, Declined, Outcome
from till_service.handlers.ports import PaymentGateway


class CashDrawer:
    """The cashier has the money in hand when the order is placed."""

    async def charge(self, charge: ChargeStarted) -> Outcome:
        return Accepted(f"cash-{charge.order_id}")


class SandboxCards:
    """Test cards, in the manner of Stripe's: the number alone decides, so a repeat has the same outcome."""

    ACCEPTED = frozenset({"card-4242"})
    DECLINED = frozenset({"card-0002"})

    async def charge(self, charge: ChargeStarted) -> Outcome:
        if charge.payment in self.ACCEPTED:
            return Accepted(f"sandbox-{charge.order_id}")
        return Declined("card_declined" if charge.payment in self.DECLINED else "card_unknown")


def default_gateways() -> Mapping[Method, PaymentGateway]:
    return {"cash": CashDrawer(), "card": SandboxCards()}
