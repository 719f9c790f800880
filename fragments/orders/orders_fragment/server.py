"""The fragment server of the orders; each module beside this declares what it shows and what can be done there."""

from __future__ import annotations

from jogakbo.fragment import FragmentServer

server = FragmentServer("orders", package="orders_fragment", team="orders")

ORDER_ID = "[A-Za-z0-9-]{1,64}"
"""What an order's id looks like; it is made by the client."""
