"""What the stock refuses.

StockError
├── AmountOutOfRangeError  an amount that nobody can mean
├── CountBelowHoldsError   a count that would leave less than open orders hold
├── NotEnoughError         a hold larger than what is available
├── HoldExistsError        a second hold of one order on one ingredient
└── HoldUnknownError       a commit or release of a hold that is not there
"""

from __future__ import annotations


class StockError(Exception):
    """Base of everything that the domain refuses."""


class AmountOutOfRangeError(StockError):
    def __init__(self, amount: int, lowest: int, highest: int) -> None:
        super().__init__(f"expected an amount from {lowest} to {highest}, got {amount}")
        self.amount = amount


class CountBelowHoldsError(StockError):
    def __init__(self, counted: int, reserved: int) -> None:
        super().__init__(
            f"{reserved} are held for open orders, so {counted} cannot be all; count again when they are done"
        )
        self.counted = counted
        self.reserved = reserved


class NotEnoughError(StockError):
    def __init__(self, needed: int, available: int) -> None:
        super().__init__(f"needed {needed}, available {available}")


class HoldExistsError(StockError):
    def __init__(self, order_id: str) -> None:
        super().__init__(f"order {order_id!r} holds this ingredient already")


class HoldUnknownError(StockError):
    def __init__(self, order_id: str) -> None:
        super().__init__(f"order {order_id!r} holds nothing of this ingredient")
