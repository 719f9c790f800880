"""The orders' fragments: counter, board, where an order is, the checks, and the lab."""

from __future__ import annotations

from starlette.applications import Starlette

from jogakbo.fragment import offer_checks
from orders_fragment import counter, kitchen, lab, tracking  # noqa: F401 - each declares what it shows
from orders_fragment.server import server
from orders_fragment.settings import Settings

offer_checks(server, title={"en": "Orders", "ko": "주문"}, keys=["orders"])


def create_app(settings: Settings) -> Starlette:
    """The ASGI application of the orders' fragment server."""
    return server.app(settings)
