"""What the till refuses.

TillError
├── ChargeExistsError    a second charge for one order
└── ChargeUnknownError   an outcome of a charge that is not under way
"""

from __future__ import annotations


class TillError(Exception):
    """Base of everything that the domain refuses."""


class ChargeExistsError(TillError):
    def __init__(self, order_id: str) -> None:
        super().__init__(f"order {order_id!r} is being charged already")


class ChargeUnknownError(TillError):
    def __init__(self, order_id: str) -> None:
        super().__init__(f"order {order_id!r} is not being charged")
