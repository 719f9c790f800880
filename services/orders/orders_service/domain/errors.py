"""What can be refused.

OrdersError
├── Refused                 the request can never be accepted like this
│   ├── EmptyOrder
│   ├── QuantityOutOfRange
│   ├── UnknownItem
│   └── ItemOffSale
├── Conflict                the request does not fit the present state
│   ├── TotalChanged
│   ├── DraftMoved
│   ├── OrderDiffers
│   ├── KitchenHasBegun
│   └── IllegalTransition
└── UnknownOrder
"""

from __future__ import annotations


class OrdersError(Exception):
    """Base of all refusals. The class name in snake case is the stable ``code`` that a client may act on."""


class Refused(OrdersError):
    """The request can never be accepted like this."""


class EmptyOrder(Refused):
    def __init__(self) -> None:
        super().__init__("an order needs at least one line")


class QuantityOutOfRange(Refused):
    def __init__(self, item_id: str, qty: int, highest: int) -> None:
        super().__init__(f"expected 1 to {highest} of {item_id!r}, not {qty}")


class UnknownItem(Refused):
    def __init__(self, item_id: str) -> None:
        super().__init__(f"{item_id!r} is not on the menu")


class ItemOffSale(Refused):
    def __init__(self, item_id: str) -> None:
        super().__init__(f"{item_id!r} is not for sale now; take it out of the order")


class Conflict(OrdersError):
    """The request does not fit the present state."""


class TotalChanged(Conflict):
    def __init__(self, expected_won: int, total_won: int) -> None:
        super().__init__(f"expected a total of {expected_won} won, but it is {total_won} now; show it and ask again")


class DraftMoved(Conflict):
    def __init__(self, sub: str) -> None:
        super().__init__(f"the draft of {sub!r} is to be placed under another order id now; read it again")


class OrderDiffers(Conflict):
    def __init__(self, order_id: str) -> None:
        super().__init__(f"order {order_id!r} was placed with other content; take a new id for a new order")


class KitchenHasBegun(Conflict):
    def __init__(self, order_id: str) -> None:
        super().__init__(f"order {order_id!r} is being made; only the manager can give the money back now")


class IllegalTransition(Conflict):
    def __init__(self, state: str, step: str) -> None:
        super().__init__(f"{step!r} cannot happen to an order that is {state!r}")


class UnknownOrder(OrdersError):
    def __init__(self, order_id: str) -> None:
        super().__init__(f"there is no order {order_id!r}")
